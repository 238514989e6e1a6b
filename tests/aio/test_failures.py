"""What the operator reads of connections that a limit, a deadline or a failure ended."""

import asyncio
import json
import re

from netwright.aio import Limits, Stream
from netwright.aio.failures import PERIOD, REPEATS, place
from tests.support.world import World, until


async def echo_lines(stream: Stream) -> None:
    while line := await stream.readline():
        await stream.send(line)


async def test_limit_is_one_line_with_peer_limit_and_the_handlers_own_line(world: World) -> None:
    async with world.serve(echo_lines) as listener:
        stream = await world.connect(listener)
        await stream.send(bytes(70_000))
        await until(lambda: world.lines)
        stream.abort()
    (line,) = world.lines
    for part in ("test of", "LimitError: limit: ", "65536 allowed", "test_failures.py:", "bytes in, 0 out"):
        assert part in line
    assert world.errors == [None]


async def test_failure_inside_a_library_names_the_handlers_line_too(world: World) -> None:
    async def parse(stream: Stream) -> None:
        json.loads(await stream.read())

    async with world.serve(parse) as listener:
        stream = await world.connect(listener)
        await stream.send(b"{")
        await until(lambda: world.lines)
        stream.abort()
    assert re.search(
        r"JSONDecodeError: .* at \S+test_failures\.py:\d+, raised at \S+json/decoder\.py:\d+;", world.lines[0]
    )
    assert isinstance(world.errors[0], ValueError)


async def test_flood_of_one_failure_is_counted_and_not_written(world: World) -> None:
    async with world.serve(echo_lines, limits=Limits(first_byte=1.0)) as listener:
        silent = [world.raw(listener) for _ in range(30)]
        await until(lambda: len(listener.recorder.recent) == 30, seconds=5)
        assert len(world.lines) == REPEATS
        late = world.raw(listener)
        await asyncio.sleep(PERIOD)
        later = world.raw(listener)
        await until(lambda: "more like this" in world.lines[-1], seconds=5)
        for sock in (*silent, late, later):
            sock.close()


def test_error_that_was_never_raised_has_no_place() -> None:
    assert place(ValueError()) == ""
