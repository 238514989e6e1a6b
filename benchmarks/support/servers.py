"""One server of every library, as its own documentation writes it.  python -m benchmarks.support.servers LIBRARY MODE

Modes: ``echo`` (chunks), ``line`` (read a line, send it), ``lines`` (read lines, send nothing), ``sink`` (read chunks,
send nothing), ``stall`` (each chunk blocks the whole loop; the library's own backlog).  Each prints its port and serves
until it is ended.
"""

import asyncio
import importlib
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

__all__ = ["LIBRARIES"]

BACKLOG = 4096
LIMIT = 65536
STALL = 0.3  # seconds
HOST = "127.0.0.1"


def say_port(port: int) -> None:
    """Tell the benchmark where we listen."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def stall() -> None:
    """A handler's bug: nothing else runs meanwhile."""
    time.sleep(STALL)


# asyncio and uvloop -----------------------------------------------------------------------------------------------


async def asyncio_streams(mode: str) -> None:
    """``asyncio.start_server``."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if mode in ("line", "lines"):
                while line := await reader.readline():
                    if mode == "line":
                        writer.write(line)
                        await writer.drain()
            else:
                while chunk := await reader.read(LIMIT):
                    if mode == "echo":
                        writer.write(chunk)
                        await writer.drain()
                    elif mode == "stall":
                        stall()
        except ConnectionError:
            pass
        finally:
            writer.close()

    backlog = {} if mode == "stall" else {"backlog": BACKLOG}
    server = await asyncio.start_server(handle, HOST, 0, **backlog)
    say_port(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class EchoProtocol(asyncio.Protocol):
    """Chunks back as they come; stops reading while the peer does not."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()


class LineProtocol(EchoProtocol):
    """Lines back, one write each, found by hand."""

    rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.transport.write(line + b"\n")


class LineSinkProtocol(asyncio.Protocol):
    """Lines taken apart and dropped."""

    rest = b""

    def data_received(self, data: bytes) -> None:
        *_, self.rest = (self.rest + data).split(b"\n")


class SinkProtocol(asyncio.Protocol):
    """Chunks dropped."""


PROTOCOLS: dict[str, type[asyncio.Protocol]] = {
    "echo": EchoProtocol,
    "line": LineProtocol,
    "lines": LineSinkProtocol,
    "sink": SinkProtocol,
}


async def asyncio_protocol(mode: str) -> None:
    """``loop.create_server``: callbacks, the fastest that asyncio and uvloop offer."""
    server = await asyncio.get_running_loop().create_server(PROTOCOLS[mode], HOST, 0, backlog=BACKLOG)
    say_port(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def on_asyncio(main: Callable[[str], Awaitable[None]]) -> Callable[[str], None]:
    """Run ``main`` on the stock loop."""
    return lambda mode: _run(main(mode), None)


def on_uvloop(main: Callable[[str], Awaitable[None]]) -> Callable[[str], None]:
    """Run ``main`` on uvloop's."""
    return lambda mode: _run(main(mode), importlib.import_module("uvloop").new_event_loop)


def _run(main: Awaitable[None], factory: Callable[[], asyncio.AbstractEventLoop] | None) -> None:
    async def program() -> None:
        await main

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(program())


# anyio and trio ---------------------------------------------------------------------------------------------------


async def anyio_streams(mode: str) -> None:
    """``anyio.create_tcp_listener``; lines through its own buffered stream."""
    anyio: Any = importlib.import_module("anyio")
    buffered: Any = importlib.import_module("anyio.streams.buffered")

    async def handle(stream: Any) -> None:
        try:
            async with stream:
                if mode in ("line", "lines"):
                    reader = buffered.BufferedByteReceiveStream(stream)
                    while True:
                        line = await reader.receive_until(b"\n", LIMIT)
                        if mode == "line":
                            await stream.send(line + b"\n")
                async for chunk in stream:
                    if mode == "echo":
                        await stream.send(chunk)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.IncompleteRead):
            pass

    listener = await anyio.create_tcp_listener(local_host=HOST, local_port=0, backlog=BACKLOG)
    say_port(listener.extra(anyio.abc.SocketAttribute.local_port))
    await listener.serve(handle)


def trio_streams(mode: str) -> None:
    """``trio.serve_listeners``; trio has no lines, so they are found by hand."""
    trio: Any = importlib.import_module("trio")

    async def handle(stream: Any) -> None:
        rest = b""
        try:
            async for chunk in stream:
                if mode == "echo":
                    await stream.send_all(chunk)
                elif mode in ("line", "lines"):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        if mode == "line":
                            await stream.send_all(line + b"\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def main() -> None:
        listeners = await trio.open_tcp_listeners(0, host=HOST, backlog=BACKLOG)
        say_port(listeners[0].socket.getsockname()[1])
        await trio.serve_listeners(handle, listeners)

    trio.run(main)


# netwright --------------------------------------------------------------------------------------------------------


async def netwright_streams(mode: str) -> None:
    """``Listener`` and ``Stream``; NETWRIGHT_ENGINE says which engine."""
    ours: Any = importlib.import_module("benchmarks.support.ours")
    await ours.serve(mode, say_port, stall)


LIBRARIES: dict[str, Callable[[str], None]] = {
    "asyncio-streams": on_asyncio(asyncio_streams),
    "asyncio-protocol": on_asyncio(asyncio_protocol),
    "uvloop-streams": on_uvloop(asyncio_streams),
    "uvloop-protocol": on_uvloop(asyncio_protocol),
    "anyio": on_asyncio(anyio_streams),
    "anyio-uvloop": on_uvloop(anyio_streams),
    "trio": trio_streams,
    "netwright": on_asyncio(netwright_streams),
    "netwright-uvloop": on_uvloop(netwright_streams),
}


if __name__ == "__main__":
    try:
        LIBRARIES[sys.argv[1]](sys.argv[2])
    except ImportError as missing:
        sys.stdout.write(f"not installed: {missing.name}\n")
