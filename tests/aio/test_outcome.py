"""How handlers and kernels end connections, in the record's words."""

import asyncio
import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from types import FrameType

import pytest

from netwright.aio import Stream
from netwright.aio.outcome import ShuttingDownError, error_text, failure_of, handler_failure, main_error, outcome_of
from netwright.core.errors import (
    DeadlineError,
    IncompleteError,
    LimitError,
    NetwrightError,
    ProtocolError,
    TransportError,
    UsageError,
)
from netwright.core.limits import UNLIMITED
from netwright.core.record import Outcome, Party, Recorder
from netwright.core.tuning import Tuning
from netwright.watch.ending import Ending, ending
from netwright.wire.inet_diag import DiagAttribute
from tests.support.diag import made
from tests.support.records import opened
from tests.support.world import World, until


@pytest.mark.parametrize(
    ("error", "outcome", "stage"),
    [
        (ShuttingDownError("over"), Outcome.DRAINED, ""),
        (DeadlineError("frame", 30.0), Outcome.DEADLINE, "frame"),
        (LimitError("line", 10, 9), Outcome.LIMIT, "line"),
        (ProtocolError("bad"), Outcome.PROTOCOL_ERROR, ""),
        (IncompleteError("cut"), Outcome.PROTOCOL_ERROR, ""),
        (UsageError("wrong"), Outcome.HANDLER_ERROR, ""),
        (ValueError("bug"), Outcome.HANDLER_ERROR, ""),
        (asyncio.CancelledError(), Outcome.ABORTED, ""),
        (ExceptionGroup("two", [DeadlineError("idle", 1.0), ValueError("bug")]), Outcome.HANDLER_ERROR, ""),
    ],
)
def test_outcome_names_the_culprit(error: BaseException, outcome: Outcome, stage: str) -> None:
    assert outcome_of(error) == (outcome, stage)


def test_cause_of_a_group_is_the_error_that_is_not_ours() -> None:
    bug = ValueError("bug")
    assert main_error(ExceptionGroup("a", [ProtocolError("x"), ExceptionGroup("b", [bug])])) is bug


def test_reason_is_the_systems_words_or_the_errors_own() -> None:
    assert error_text(OSError(111, "Connect call failed ('::1', 80)")) == "Connection refused"
    assert [error_text(ValueError("own")), error_text(ValueError())] == ["own", "ValueError"]


def interrupt(number: int, frame: FrameType | None, **more: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("handler", [signal.default_int_handler, interrupt, partial(interrupt, main_task=None)])
def test_interrupt_by_a_signal_is_no_mistake(handler: Callable[..., None]) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            signal.raise_signal(signal.SIGINT)
        assert handler_failure(caught.value) is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_interrupt_that_a_handler_raised_itself_is_its_mistake() -> None:
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            raise KeyboardInterrupt
        assert str(handler_failure(caught.value)) == "the handler raised KeyboardInterrupt()"
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (SystemExit(7), "sys.exit(7)"),
        (GeneratorExit(), "GeneratorExit()"),
        (KeyboardInterrupt(), "KeyboardInterrupt()"),
    ],
)
async def test_handler_that_raises_what_only_its_caller_may_ends_its_connection_only(
    world: World, mistake: BaseException, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leaves(stream: Stream) -> None:
        if await stream.readline() == b"go\n":
            raise mistake
        await stream.send(b"here\n")

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C cannot be the reason
    try:
        async with world.serve(leaves) as listener:
            async with await world.connect(listener) as stream:
                await stream.send(b"go\n")
                with suppress(NetwrightError):
                    assert await stream.read() == b""
            async with await world.connect(listener) as stream:
                await stream.send(b"stay\n")
                assert await stream.readline() == b"here\n"
    finally:
        signal.signal(signal.SIGINT, before)
    assert any(told in line and "test_outcome.py" in line for line in world.lines)


async def test_handler_whose_coroutine_is_closed_is_not_awaited_further(world: World) -> None:
    """A loop that is thrown away closes what it left: no failure, and nothing waits then (PEP 342)."""
    closed: list[str] = []

    async def stays(stream: Stream) -> None:
        try:
            await stream.read()
        except GeneratorExit:
            closed.append("closed")
            raise

    async def close() -> None:
        async with world.serve(stays) as listener, await world.connect(listener):
            await until(lambda: listener.streams)
            (task,) = listener.streams.values()
            coroutine = task.get_coro()
            assert isinstance(coroutine, Coroutine)
            coroutine.close()

    with pytest.raises(ExceptionGroup):  # asyncio's, of a task whose coroutine is gone
        await close()
    assert (closed, world.lines) == (["closed"], [])


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="struct tcp_info is Linux's")
async def test_peer_that_does_not_read_is_told_from_a_path_that_is_silent(world: World) -> None:
    """RFC 9293 §3.8.6.1: its system answers the probes of a closed window; TCP_USER_TIMEOUT ends the connection."""
    if world.transport == "unix":
        pytest.skip("TCP's")
    failure = asyncio.get_running_loop().create_future()  # no timer waits: the kernel's own time passes

    async def fill(stream: Stream) -> None:
        with suppress(DeadlineError):
            while True:
                await stream.send(bytes(65536), timeout=0.05)
        try:
            await stream.read()
        except TransportError as error:
            failure.set_result(error)

    async with world.serve(fill, tuning=Tuning(user_timeout=0.5), limits=UNLIMITED) as listener:
        with world.raw(listener, receive_buffer=4096):
            error = await failure
            await until(lambda: listener.recorder.recent)
        (record,) = listener.recorder.recent
    assert record.outcome is Outcome.RESET
    told = r"the peer did not read for [1-9] s: window 0 \(TCP_USER_TIMEOUT, Tuning\.user_timeout\)"
    assert re.fullmatch(told, record.ended.text)
    assert re.fullmatch(f"read: {told}", str(error))
    assert ending(record.ended) == Ending(Party.PEER, "did not read: closed window")


SILENT = {"rtt": 0.04, "rto": 240_000, "last_data_sent": 30_000}


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"last_ack_recv": 29_700, "notsent_bytes": 9}, "the peer did not read for 30 s"),  # a probe was answered
        ({"last_ack_recv": 29_950, "notsent_bytes": 9}, "Connection timed out"),  # the last data was, and no probe
        ({"last_ack_recv": 100, "notsent_bytes": 0}, "Connection timed out"),
        ({"last_ack_recv": 100, "notsent_bytes": 9, "snd_wnd": 5}, "Connection timed out"),
    ],
)
def test_only_a_closed_window_whose_probes_are_answered_is_the_peer_s(info: dict[str, int], told: str) -> None:
    record = opened(Recorder())
    record.kernel = made(**{**SILENT, **info}).attributes[DiagAttribute.INFO]  # type: ignore[arg-type]  # of keywords
    found = failure_of(TimeoutError(errno.ETIMEDOUT, "x"), record, 2.0)
    assert found.text.startswith(told)
    assert (found.who is Party.PEER) is (found.stage != "") is told.startswith("the peer")
    assert failure_of(ConnectionResetError(errno.ECONNRESET, "x"), record, 2.0).text == os.strerror(errno.ECONNRESET)


def test_without_the_kernel_s_view_the_system_s_words_tell() -> None:
    assert failure_of(TimeoutError(errno.ETIMEDOUT, "x"), opened(Recorder()), 1.0).text == os.strerror(errno.ETIMEDOUT)
