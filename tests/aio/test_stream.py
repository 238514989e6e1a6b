"""netwright.aio.stream: what the engines' streams have in common, and how framings of any kind read from them."""

import asyncio
import gc
from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest

from netwright.aio import Stream
from netwright.aio.stream import creation_site
from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import ClosedError, DeadlineError, LimitError, ResetError, UsageError
from netwright.core.record import Outcome, Recorder
from netwright.proto.framing import Delimited
from tests.support import splits
from tests.support.engines import make, open_stream, tcp_pair
from tests.support.world import World, accepted, now, turns, until


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


def test_creation_site_is_outside_the_package() -> None:
    assert "test_stream.py" in creation_site()


async def test_a_delimiter_may_come_split_at_each_of_its_bytes(world: World) -> None:
    """Each receive ends elsewhere, and the framing searches on from where it stopped."""
    seen: list[bytes] = []

    async def read(stream: Stream) -> None:
        async for message in stream.frames(Delimited(b"\r\n")):
            seen.append(message)

    async with world.serve(read) as listener:
        for chunks in splits.every(b"one\r\n\rtwo\r\n"):
            seen.clear()
            with world.raw(listener) as peer:
                for chunk in chunks:
                    peer.send(chunk)
                    await asyncio.sleep(0.01)
                await until(lambda: len(seen) >= 2)
            assert seen == [b"one", b"\rtwo"], chunks


class Resuming:
    """Messages that end with ``;``; it never looks at a byte twice."""

    def decode(self, buffer: ReceiveBuffer) -> bytes | None:
        begin = buffer.resume if isinstance(buffer.resume, int) else 0
        end = buffer.peek(len(buffer)).find(b";", begin)
        if end < 0:
            buffer.resume = len(buffer)
            return None
        message = buffer.take(end)
        buffer.skip(1)
        return message

    def encode(self, message: bytes) -> tuple[bytes, ...]:
        return message, b";"


async def test_a_framing_s_place_is_forgotten_when_bytes_are_put_in_front_or_taken(world: World) -> None:
    """``ReceiveBuffer.resume``: the place counts from the front of the buffer, so a new front makes it meaningless."""
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"abc")
        with pytest.raises(DeadlineError):
            await stream.read_frame(Resuming(), timeout=1)
        stream.unread(b"x;")
        assert await stream.read_frame(Resuming(), timeout=1) == b"x"
        await stream.send(b"d;e;")
        assert await stream.read_frame(Resuming(), timeout=1) == b"abcd"
        assert await stream.read_frame(Resuming(), timeout=1) == b"e"


@pytest.mark.parametrize("delimiter", [b";", b"\r\n"])
@pytest.mark.parametrize("framed", [False, True])
async def test_delimiter_is_found_in_what_was_put_in_front_or_taken(
    world: World, delimiter: bytes, framed: bool
) -> None:
    """A search goes on where the last one ended only while the front of the buffer stays."""
    framing = Delimited(delimiter)
    async with world.serve(echo) as listener, await world.connect(listener) as stream:

        async def found() -> bytes:
            if framed:
                return await stream.read_frame(framing, timeout=1) + delimiter
            return await stream.read_until(delimiter, timeout=1)

        await stream.send(b"abcdef")
        with pytest.raises(DeadlineError):
            await found()
        stream.unread(b"x" + delimiter)
        assert await found() == b"x" + delimiter
        with pytest.raises(DeadlineError):
            await found()
        assert await stream.read_exactly(4) == b"abcd"
        await stream.send(delimiter + b"g" + delimiter)
        assert await found() == b"ef" + delimiter
        assert await found() == b"g" + delimiter


@pytest.mark.parametrize("value", [float("nan"), "1", b""], ids=repr)
@pytest.mark.parametrize("name", ["timeout", "deadline"])
async def test_time_that_is_no_number_is_refused_when_the_verb_is_awaited(world: World, name: str, value: Any) -> None:
    """A call alone does nothing and raises nothing, as that of any coroutine function."""
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        called = [stream.read(**{name: value}), stream.readline(**{name: value}), stream.send(b"x", **{name: value})]
        for each in called:
            with pytest.raises(UsageError, match=f"{name}="):
                await each
        assert stream.record.bytes_out == 0


async def test_a_reset_connection_leaves_no_cyclic_garbage(engine: str) -> None:
    """The kernel's error keeps frames, and frames keep the stream: the collector would have to find them."""
    here = make(engine)

    async def be_reset(count: int) -> None:
        for _ in range(count):
            one, two = tcp_pair()
            left, right = await open_stream(here, one, Recorder()), await open_stream(here, two, Recorder())
            right.abort()
            with pytest.raises(ResetError):
                await left.read()
            left.abort()
        await asyncio.sleep(0)

    await be_reset(2)  # what is made once
    gc.collect()
    gc.disable()
    try:
        await be_reset(10)
        assert gc.collect() == 0
    finally:
        gc.enable()


async def test_last_line_is_the_same_as_the_others_though_fin_cut_its_end(world: World) -> None:
    """A CR before the FIN is the beginning of a line end (RFC 9112 §2.2), on every way to read lines."""
    for verb in ("lines", "line_batches"):
        async with world.serve(echo) as listener, await world.connect(listener) as stream:
            await stream.send(b"a\r\nb\r")
            await stream.send_eof()
            got = [each async for each in getattr(stream, verb)()]
            assert (got if verb == "lines" else [line for batch in got for line in batch]) == [b"a", b"b"]


@pytest.mark.parametrize("verb", ["readline", "read_until"])
async def test_limit_strikes_at_its_last_byte_not_one_later(world: World, verb: str) -> None:
    """Ten bytes without a delimiter cannot become ten with it: the peer need not send one more."""
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        read = stream.readline if verb == "readline" else partial(stream.read_until, b"\n")
        await stream.send(b"x" * 9)
        with pytest.raises(DeadlineError):
            await read(limit=10, timeout=1)
        await stream.send(b"x")
        with pytest.raises(LimitError, match="11 bytes seen, 10 allowed"):
            await read(limit=10, timeout=1)
        assert await stream.read() == b"x" * 10


@pytest.mark.parametrize(("timeout", "deadline"), [(2.0, 1000.0), (1000.0, 2.0)])
async def test_earlier_of_timeout_and_deadline_counts(world: World, timeout: float, deadline: float) -> None:
    """A deadline that a whole request has does not lengthen the timeout of one step, nor the other way around."""
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        begun = now()
        with pytest.raises(DeadlineError):
            await stream.read(timeout=timeout, deadline=begun + deadline)
        assert now() - begun == pytest.approx(2, abs=0.3)


async def test_each_send_behind_one_that_is_stuck_has_its_own_deadline(world: World) -> None:
    """One peer that does not read holds up every task that writes to it; each gives up when it said it would."""
    ends: list[tuple[int, float]] = []

    async def deaf(stream: Stream) -> None:
        await asyncio.sleep(1000)

    async def give_up(stream: Stream, seconds: int) -> None:
        begun = now()
        with pytest.raises(DeadlineError, match="does not read"):
            await stream.send(b"behind", timeout=seconds)
        ends.append((seconds, now() - begun))

    async with world.serve(deaf) as listener:
        stream = await world.connect(listener)
        async with asyncio.TaskGroup() as group:
            stuck = group.create_task(_caught(stream.send(bytes(50_000_000))))
            await turns()
            for seconds in (3, 1, 2):
                group.create_task(give_up(stream, seconds))
            await asyncio.sleep(5)
            stream.abort()
        assert isinstance(stuck.result(), ClosedError)
        assert [seconds for seconds, _ in ends] == [1, 2, 3]
        assert [took for _, took in ends] == pytest.approx([1, 2, 3], abs=0.3)


@pytest.mark.parametrize("over", ["timeout", "deadline"])
async def test_bytes_that_are_here_are_read_though_the_time_is_over(world: World, over: str) -> None:
    """A caller that is late gets what the kernel has, before the loop had a turn to say so; then DeadlineError."""
    got: list[bytes] = []

    async def late(stream: Stream) -> None:
        assert await stream.read() == b"first"
        peer.send(b"second")
        for _ in range(2):
            got.append(await (stream.read(timeout=0.0) if over == "timeout" else stream.read(deadline=now() - 1)))

    async with world.serve(late) as listener:
        with world.raw(listener) as peer:
            peer.send(b"first")
            await until(lambda: listener.recorder.recent)
        assert (got, accepted(listener).outcome) == ([b"second"], Outcome.DEADLINE)


async def _caught(work: Awaitable[object]) -> BaseException | None:
    try:
        await work
    except Exception as error:
        return error
    return None


async def test_what_moves_after_a_timer_resumed_the_task_has_that_time(world: World) -> None:
    """The record's times are those of the transfer, however long the handler computed or slept before it."""
    seen: list[tuple[str, float, float]] = []

    async def handler(stream: Stream) -> None:
        await stream.read()
        await asyncio.sleep(3)
        await stream.send(b"sent")
        seen.append(("send", stream.record.last_out_at, now()))
        await asyncio.sleep(3)
        stream.post(b"posted")
        seen.append(("post", stream.record.last_out_at, now()))
        assert await stream.read() == b"again"
        seen.append(("read", stream.record.last_in_at, now()))

    async with world.serve(handler) as listener, await world.connect(listener) as stream:
        await stream.send(b"ask")
        await stream.read_exactly(len(b"sentposted"))
        await stream.send(b"again")
        assert await stream.read() == b""
    for verb, recorded, actual in seen:
        assert actual - 1 < recorded <= actual, verb
