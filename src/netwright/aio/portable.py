"""The engine in Python, on any asyncio loop that watches descriptors."""

import asyncio
import socket
from typing import Any

from netwright.aio.channel import SocketChannel
from netwright.aio.deadlines import Ticker
from netwright.aio.pipe import Pipe
from netwright.aio.portable_stream import Stream
from netwright.aio.sockets import listening, new
from netwright.core.address import Address
from netwright.core.limits import Limits
from netwright.core.record import ConnectionRecord, Recorder
from netwright.core.tuning import Tuning

__all__ = ["PortableEngine"]


class PortableEngine:
    """See ``Engine``."""

    name = "portable"

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ticker = Ticker(loop)

    def __repr__(self) -> str:
        return f"<PortableEngine on {type(self._loop).__name__}, {self._ticker!r}>"

    def now(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def new_socket(self, family: int, sockaddr: Any) -> socket.socket:
        """The kernel's."""
        return new(family)

    def listening_socket(
        self, family: int, sockaddr: Any, address: Address, tuning: Tuning
    ) -> tuple[socket.socket, list[str]]:
        """The kernel's."""
        return listening(family, sockaddr, address, tuning)

    async def connect(self, sock: socket.socket, sockaddr: Any) -> None:
        """Connect a non-blocking socket."""
        await self._loop.sock_connect(sock, sockaddr)

    async def accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """Take a connection that is queued; only wait if there is none.

        ``loop.sock_accept`` alone would lose a connection that comes in the tick of a cancel.
        """
        while True:
            try:
                accepted, name = sock.accept()
            except BlockingIOError:
                await self._readable(sock)
            else:
                accepted.setblocking(False)
                return accepted, name

    async def _readable(self, sock: socket.socket) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(sock, _finish, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(sock)

    async def open(self, sock: socket.socket, record: ConnectionRecord, recorder: Recorder, limits: Limits) -> Stream:
        """A stream on a connected socket."""
        pipe = Pipe(self._loop, self._ticker, record, recorder, SocketChannel(self._loop, sock))
        if limits.lifetime is not None:
            pipe.live_until(record.opened_at + limits.lifetime)
        return Stream(pipe, limits)


def _finish(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
