"""netwright.aio.stream: what the engines' streams have in common, and how framings of any kind read from them."""

import asyncio
import gc
from typing import Any

import pytest

from netwright.aio import Stream
from netwright.aio.stream import creation_site
from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import DeadlineError, ResetError, UsageError
from netwright.core.record import Recorder
from netwright.proto.framing import Delimited
from tests.support import splits
from tests.support.engines import make, open_stream, tcp_pair
from tests.support.world import World, until


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
