"""What may handle a connection, and what is refused before there is one."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import closing
from functools import partial, wraps

import pytest

from netwright.aio import Listener, Stream
from netwright.aio.handlers import check_handler
from netwright.core.errors import UsageError
from netwright.run.service import Service
from tests.support.world import World, until


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


@pytest.mark.parametrize("kind", ["def", "generator", "nothing"])
async def test_handler_that_is_no_async_function_is_refused_at_once(engine: str, kind: str) -> None:
    def plain(stream: Stream) -> None: ...

    async def generator(stream: Stream) -> AsyncIterator[int]:
        yield 1

    handler = {"def": plain, "generator": generator, "nothing": None}[kind]
    with closing(await Listener.bind("127.0.0.1:0")) as listener:
        with pytest.raises(UsageError, match="async"):
            await listener.serve(handler)  # type: ignore[arg-type]
        service = Service("t")
        with pytest.raises(UsageError, match="async"):
            service.tcp(0)(handler)  # type: ignore[arg-type]


async def test_handlers_of_every_async_kind_are_taken(engine: str) -> None:
    class Handler:
        async def method(self, stream: Stream) -> None: ...

        async def __call__(self, stream: Stream) -> None: ...

    @wraps(echo)
    def decorated(stream: Stream) -> Awaitable[None]:
        return echo(stream)

    for handler in (echo, Handler().method, Handler(), partial(echo), decorated, lambda stream: decorated(stream)):  # noqa: PLW0108
        check_handler(handler)


async def test_handler_that_is_no_coroutine_function_fails_as_one_does(world: World) -> None:
    async with world.serve(lambda stream: 1 / 0) as listener:  # type: ignore[arg-type, return-value]
        sock = world.raw(listener)
        await until(lambda: world.lines)
        sock.close()
    assert "ZeroDivisionError" in world.lines[0]
