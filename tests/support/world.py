"""One engine and one transport to run a body on: streams and plain sockets against a listener of its own."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from netwright.aio import Limits, Listener, Stream, connect, engine
from netwright.aio.listener import Handler
from netwright.aio.sockets import reset_on_close
from netwright.core.address import Address, InetAddress, UnixAddress
from netwright.core.limits import STANDARD
from netwright.core.record import ConnectionRecord, Recorder
from netwright.core.tuning import INTERACTIVE, Tuning


@dataclass
class World:
    """``transport`` is "tcp" or "unix"; everything that was opened must be closed by the body."""

    engine: str
    transport: str
    folder: Path
    lines: list[str] = field(default_factory=list)
    errors: list[BaseException | None] = field(default_factory=list)

    @property
    def anywhere(self) -> Address:
        if self.transport == "unix":
            return UnixAddress(str(self.folder / f"{len(os.listdir(self.folder))}.sock"))
        return InetAddress("127.0.0.1", 0)

    @asynccontextmanager
    async def serve(
        self, handler: Handler, *, limits: Limits = STANDARD, tuning: Tuning = INTERACTIVE
    ) -> AsyncIterator[Listener]:
        listener = await Listener.bind(
            self.anywhere, limits=limits, tuning=tuning, recorder=Recorder(), service="test", report=self.told
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.serve(handler))
            try:
                yield listener
            finally:
                listener.abort()

    def told(self, text: str, /, *, exc_info: BaseException | None = None) -> None:
        self.lines.append(text)
        self.errors.append(exc_info)

    async def connect(self, listener: Listener) -> Stream:
        return await connect(listener.address, recorder=listener.recorder)

    def raw(self, listener: Listener, *, receive_buffer: int = 0) -> socket.socket:
        """A connected plain socket, non-blocking: the peer that does what no stream would do."""
        address = listener.address
        family = socket.AF_UNIX if isinstance(address, UnixAddress) else socket.AF_INET
        sock = socket.socket(family)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            sock.connect(address.sockname if isinstance(address, UnixAddress) else (address.host, address.port))
        except OSError:
            sock.close()
            raise
        sock.setblocking(False)
        return sock

    def reset(self, sock: socket.socket) -> None:
        """Close with RST; a Unix socket has none, closing with unread data is its nearest kin (unix(7))."""
        if self.transport == "tcp":
            reset_on_close(sock)
        sock.close()


async def turns(count: int = 5) -> None:
    """Give every other task some turns."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], *, seconds: float = 1.0) -> None:
    """Wait for what others do meanwhile."""
    give_up = now() + seconds
    while not condition():
        assert now() < give_up, f"not true within {seconds} s"
        await asyncio.sleep(seconds / 100)


def accepted(listener: Listener) -> ConnectionRecord:
    """The record of the only connection that was accepted."""
    records = [*listener.recorder.recent, *listener.recorder.live.values()]
    (found,) = [record for record in records if record.role == "accepted"]
    return found


def descriptors() -> set[str]:
    """What this process has open."""
    return {f"{fd}:{_target(fd)}" for fd in os.listdir("/proc/self/fd") if _target(fd)}


def _target(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


def now() -> float:
    return engine().now()
