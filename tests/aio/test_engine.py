"""The seam of the engines: the whole interface everywhere; nothing passes by a channel that ``open`` put around."""

import asyncio
import errno
import gc
import inspect
import socket
import tempfile
import warnings

import pytest

from netwright._native import enabled
from netwright.aio.engine import Engine
from netwright.aio.portable import PortableEngine
from netwright.core.errors import ResetError, TransportError, UsageError
from netwright.core.limits import UNLIMITED
from netwright.core.record import Outcome, Recorder
from netwright.proto.channel import Channel, Wrap
from netwright.proto.stream import Stream
from tests.support.channels import Broken, Greeting, Masked, Through
from tests.support.engines import make, open_stream, tcp_pair

ENGINES = pytest.mark.parametrize("name", ["portable", *(["native"] if enabled("netwright.aio._stream") else [])])
PATIENCE = 10


async def streams(name: str, wrap: Wrap, other: Wrap | None = None) -> tuple[Stream, Stream]:
    engine, (left, right) = make(name), tcp_pair()
    return (
        await open_stream(engine, left, Recorder(), wrap=wrap),
        await open_stream(engine, right, Recorder(), wrap=other),
    )


@ENGINES
async def test_nothing_passes_by_the_channel(name: str) -> None:
    """Masked on one side only: the other sees what went over the wire."""
    left, right = await streams(name, Masked)
    async with asyncio.timeout(PATIENCE), left, right:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(300_000))
            file.flush()
            got, sent = await asyncio.gather(right.read_exactly(300_000), left.send_file(file))
            assert (got, sent) == (b"\xff" * 300_000, 300_000)
        await left.send(b"\0", bytearray(b"\1"))
        assert left.post(b"\2")
        assert await right.read_exactly(3) == b"\xff\xfe\xfd"
        await right.send(b"\xff\xfe")
        assert await left.read_exactly(2) == b"\0\1"
        assert (left.record.bytes_out, left.record.bytes_in) == (300_003, 2)
    assert left.record.outcome is Outcome.PEER_CLOSED


@ENGINES
async def test_a_channel_may_have_to_receive_before_it_can_send(name: str) -> None:
    left, right = await streams(name, Greeting, Greeting)
    async with asyncio.timeout(PATIENCE), left, right:
        got, _ = await asyncio.gather(right.read_exactly(8), left.send(b"question"))
        assert got == b"question"
        await right.send(b"answer")
        assert await left.read_exactly(6) == b"answer"
        assert (left.record.bytes_out, left.record.bytes_in) == (8, 6)


@ENGINES
@pytest.mark.parametrize(
    ("number", "kind", "outcome"),
    [(errno.ECONNRESET, ResetError, Outcome.RESET), (errno.EPROTO, TransportError, Outcome.RESET)],
)
async def test_an_error_of_the_channel_ends_the_connection(
    name: str, number: int, kind: type[Exception], outcome: Outcome
) -> None:
    for sends in (False, True):
        left, right = await streams(name, lambda inner: Broken(inner, number))
        async with asyncio.timeout(PATIENCE):
            await right.send(b"x")
            with pytest.raises(kind) as caught:
                await (left.send(b"x") if sends else left.read())
            assert type(caught.value) is kind
            assert left.record.ended is not None
            assert (left.record.outcome, left.record.ended.errno) == (outcome, number)
            await left.close()
            right.abort()


@ENGINES
async def test_no_descriptor_passes_by_the_channel(name: str) -> None:
    engine, (left, right) = make(name), socket.socketpair()
    left.setblocking(False)
    with right:
        async with await open_stream(engine, left, Recorder(), wrap=Through) as stream:
            for work in (stream.send_fds(b"x", [0]), stream.recv_fds()):
                with pytest.raises(UsageError, match="passes no descriptors"):
                    await work


@ENGINES
async def test_a_wrap_that_fails_leaves_nothing_open(name: str) -> None:
    def fails(inner: Channel) -> Channel:
        raise ValueError(f"no context for {inner!r}")

    engine, (left, right) = make(name), tcp_pair()
    recorder = Recorder()
    with right, pytest.raises(ValueError, match="no context"):
        await open_stream(engine, left, recorder, UNLIMITED, wrap=fails)
    assert left.fileno() == -1
    assert not recorder.live


@ENGINES
async def test_a_wrapped_stream_that_nobody_closed_is_named(name: str) -> None:
    left, right = await streams(name, Through)
    await right.send(b"x")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert await left.read() == b"x"
        del left
        gc.collect()
    assert any("was never closed" in str(warning.message) for warning in caught)
    right.abort()


def test_every_engine_has_the_whole_interface() -> None:
    wanted = [name for name, _ in inspect.getmembers(Engine, inspect.isfunction) if not name.startswith("_")]
    assert wanted == ["arrival", "connect", "listen", "now", "open"]
    for name in wanted:
        assert inspect.signature(getattr(PortableEngine, name)).parameters.keys() == (
            inspect.signature(getattr(Engine, name)).parameters.keys()
        )
