"""Pipes of the operating system as the channel of a stream: one to receive from, one to send into, or either alone."""

import asyncio
import os
from typing import Any

from netwright.proto.channel import Channel, Ready

__all__ = ["PipeChannel"]


class PipeChannel(Channel):
    """Two descriptors, not blocking, which it owns; -1 is none: that direction is at its end already."""

    __slots__ = ("_loop", "_reads", "_reads_from", "_writes", "_writes_to")

    def __init__(self, loop: asyncio.AbstractEventLoop, reads_from: int, writes_to: int) -> None:
        self._loop, self._reads_from, self._writes_to = loop, reads_from, writes_to
        self._reads: Ready | None = None
        self._writes: Ready | None = None

    def __repr__(self) -> str:
        return f"<PipeChannel {self._reads_from} {self._writes_to}>"

    def receive(self, size: int) -> bytes | None:
        """One read(2)."""
        if self._reads_from < 0:
            return b""
        try:
            return os.read(self._reads_from, size)
        except (BlockingIOError, InterruptedError):
            return None

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """One write(2)."""
        try:
            return os.write(self._writes_to, data)
        except (BlockingIOError, InterruptedError):
            return 0

    def finish(self) -> None:
        """Close the descriptor of this direction."""
        if self._writes_to >= 0:
            if self._writes is not None and not self._loop.is_closed():
                self._loop.remove_writer(self._writes_to)
            self._writes = None
            os.close(self._writes_to)
            self._writes_to = -1

    def close(self, *, reset: bool = False) -> None:
        """close(2) of both; pipes have no reset."""
        self.watch(None, None)
        self.finish()
        if self._reads_from >= 0:
            os.close(self._reads_from)
            self._reads_from = -1

    def watch(self, readable: Ready | None, writable: Ready | None) -> None:
        """Register with the loop what has changed; a direction that is over has nothing to watch."""
        if self._loop.is_closed():
            return
        if readable != self._reads and self._reads_from >= 0:
            if readable is None:
                self._loop.remove_reader(self._reads_from)
            else:
                self._loop.add_reader(self._reads_from, readable)
        if writable != self._writes and self._writes_to >= 0:
            if writable is None:
                self._loop.remove_writer(self._writes_to)
            else:
                self._loop.add_writer(self._writes_to, writable)
        self._reads, self._writes = readable, writable

    def info(self, name: str) -> Any:
        """The descriptor to receive from, or the only one."""
        if name != "descriptor":
            return None
        return self._writes_to if self._reads_from < 0 else self._reads_from
