"""Our server, mode by mode; ``benchmarks.support.servers`` says what the modes are."""

import sys
from collections.abc import Callable

from netwright.aio import Limits, Listener, Stream, engine
from netwright.core.address import InetAddress
from netwright.core.errors import UsageError

__all__ = ["serve"]

LIMITS = Limits(max_connections=20_000)


async def echo(stream: Stream) -> None:
    """Chunks back."""
    async for chunk in stream:
        await stream.send(chunk)


async def line(stream: Stream) -> None:
    """Lines back, one send each."""
    while found := await stream.readline():
        await stream.send(found)


async def lines(stream: Stream) -> None:
    """Lines in batches, dropped."""
    async for _batch in stream.line_batches():
        pass


async def sink(stream: Stream) -> None:
    """Chunks dropped."""
    async for _chunk in stream:
        pass


async def serve(mode: str, say_port: Callable[[int], None], stall: Callable[[], None]) -> None:
    """Serve until cancelled; exit if the engine that NETWRIGHT_ENGINE names is not here."""
    try:
        engine()
    except UsageError as error:
        sys.exit(str(error))

    async def stalling(stream: Stream) -> None:
        async for _chunk in stream:
            stall()

    verb = {"echo": echo, "line": line, "lines": lines, "sink": sink, "stall": stalling}[mode]
    listener = await Listener.bind("127.0.0.1:0", limits=LIMITS)
    assert isinstance(listener.address, InetAddress)
    say_port(listener.address.port)
    await listener.serve(verb)  # a reset by the load ends the handler, and is no error of it
