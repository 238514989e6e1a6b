"""Channels of the portable engine: a socket watched by the asyncio loop, and a pair in memory."""

import asyncio
import os
import socket
from collections import deque
from typing import Any

from netwright.aio.kernel import probe_of
from netwright.aio.sockets import reset_on_close
from netwright.proto.channel import Channel, Ready

__all__ = ["MemoryChannel", "SocketChannel", "memory_pair"]

ROOM = 64 * 1024  # bytes that a memory channel holds for its reader
_forks = 0  # of this process and of its parents: what was opened before the last one belongs to the parent


def _forked() -> None:
    global _forks  # noqa: PLW0603  # set by the system's own hook
    _forks += 1


_children = False  # this process has forked: a child may hold its descriptors


def _has_forked() -> None:
    global _children  # noqa: PLW0603  # set by the system's own hook
    _children = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked, after_in_parent=_has_forked)


class SocketChannel(Channel):
    """A connected, non-blocking socket on a loop that has ``add_reader``."""

    __slots__ = ("_forks", "_loop", "_reads", "_sock", "_writes")

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self._loop, self._sock, self._forks = loop, sock, _forks
        self._reads: Ready | None = None
        self._writes: Ready | None = None

    def __repr__(self) -> str:
        return f"<SocketChannel {self._sock.fileno()}>"

    def receive(self, size: int) -> bytes | None:
        """One recv(2)."""
        try:
            return self._sock.recv(size)
        except (BlockingIOError, InterruptedError):
            return None

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """One send(2)."""
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def finish(self) -> None:
        """shutdown(2) of this direction."""
        self._sock.shutdown(socket.SHUT_WR)

    def close(self, *, reset: bool = False) -> None:
        """close(2); in a child process only of the child's own copy of the descriptor."""
        if self._sock.fileno() < 0:
            return
        if self._is_ours():
            self.watch(None, None)
            if reset and self._sock.family != getattr(socket, "AF_UNIX", None):
                reset_on_close(self._sock)
            elif _children and not reset:
                self._shut_down()
        self._sock.close()

    def watch(self, readable: Ready | None, writable: Ready | None) -> None:
        """Set the callbacks; tell the loop only about changes."""
        if not self._is_ours() or self._loop.is_closed():
            return
        if readable != self._reads:
            if readable is None:
                self._loop.remove_reader(self._sock)
            else:
                self._loop.add_reader(self._sock, readable)
        if writable != self._writes:
            if writable is None:
                self._loop.remove_writer(self._sock)
            else:
                self._loop.add_writer(self._sock, writable)
        self._reads, self._writes = readable, writable

    def info(self, name: str) -> Any:
        """The descriptor and struct tcp_info."""
        if name == "descriptor":
            return self._sock.fileno()
        return probe_of(self._sock) if name == "tcp_info" else None

    def _is_ours(self) -> bool:
        return self._forks == _forks

    def _shut_down(self) -> None:
        """Send FIN now: close(2) alone would not, while a child process holds a copy of the descriptor."""
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the peer was faster


class MemoryChannel(Channel):
    """One end of a pair in memory: ``chunks`` is what the other end has sent, ``size`` their bytes."""

    __slots__ = ("_loop", "_reads", "_woken", "_writes", "chunks", "closed", "finished", "other", "size", "was_reset")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.chunks: deque[bytes] = deque()
        self.size = 0
        self.finished = self.closed = self.was_reset = self._woken = False
        self._reads: Ready | None = None
        self._writes: Ready | None = None
        self.other = self

    def __repr__(self) -> str:
        return f"<MemoryChannel {self.size} bytes>"

    def receive(self, size: int) -> bytes | None:
        """Take what the other end has sent."""
        if self.chunks:
            chunk = self.chunks.popleft()
            if len(chunk) > size:
                self.chunks.appendleft(chunk[size:])
                chunk = chunk[:size]
            self.size -= len(chunk)
            self.other.wake()
            return chunk
        if self.was_reset:
            raise ConnectionResetError(104, os.strerror(104))
        return b"" if self.other.finished else None

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Give the other end as many bytes as it has room for; return their number."""
        if self.other.closed:
            raise BrokenPipeError(32, os.strerror(32))
        taken = min(len(data), max(ROOM - self.other.size, 0))
        if taken:
            self.other.chunks.append(bytes(data[:taken]))
            self.other.size += taken
            self.other.wake()
        return taken

    def finish(self) -> None:
        """End this direction: the other end reads what was sent, then EOF."""
        self.finished = True
        self.other.wake()

    def close(self, *, reset: bool = False) -> None:
        """Close; the other end can still receive what was sent, except after a reset."""
        if self.closed:
            return
        self.watch(None, None)
        self.closed = self.finished = True
        if reset:
            self.other.chunks.clear()
            self.other.size, self.other.was_reset = 0, True
        self.other.wake()

    def watch(self, readable: Ready | None, writable: Ready | None) -> None:
        """Set the callbacks; call each in the loop's next turn if its condition holds already."""
        self._reads, self._writes = readable, writable
        self.wake()

    def info(self, name: str) -> Any:
        """None: no transport lies below."""
        return -1 if name == "descriptor" else None

    def wake(self) -> None:
        """Look in the loop's next turn at what is true of this end."""
        if not self._woken and not self._loop.is_closed():
            self._woken = True
            self._loop.call_soon(self._call)

    def _call(self) -> None:
        self._woken = False
        reads, writes = self._reads, self._writes
        if reads is not None and (self.chunks or self.other.finished or self.was_reset):
            reads()
            if self._reads is not None:
                self.wake()  # there may be more, or the end
        if writes is not None and self._writes is not None and (self.other.size < ROOM or self.other.closed):
            writes()


def memory_pair(loop: asyncio.AbstractEventLoop) -> tuple[MemoryChannel, MemoryChannel]:
    """Two ends, each of which receives what the other sends."""
    left, right = MemoryChannel(loop), MemoryChannel(loop)
    left.other, right.other = right, left
    return left, right
