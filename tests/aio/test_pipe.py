"""What the portable connection holds and lets go; its verbs are tested with the stream."""

import asyncio

from netwright.aio.pipe import HIGH_WATER
from netwright.aio.stream import Stream
from tests.support.world import World


async def test_bytes_that_nobody_reads_stay_in_the_kernel(world: World) -> None:
    """slow_reader_never: a program that does not read holds one receive, the rest waits at the peer."""
    if world.engine != "portable":
        return
    streams: list[Stream] = []
    done = asyncio.Event()

    async def deaf(stream: Stream) -> None:
        streams.append(stream)
        await done.wait()

    async with world.serve(deaf) as listener:
        sock, sent = world.raw(listener), 0
        for _ in range(200):
            try:
                sent += sock.send(bytes(100_000))
            except BlockingIOError:
                await asyncio.sleep(0.001)
        assert 0 < len(streams[0].read_nowait(10**9)) <= HIGH_WATER + 256 * 1024
        assert await streams[0].read_exactly(sent - streams[0].record.bytes_in)
        sock.close()
        done.set()
