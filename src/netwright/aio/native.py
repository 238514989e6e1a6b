"""The native engine: own epoll set and system calls, nested under any asyncio loop.

``loop_factory`` goes one step further: an asyncio loop whose selector is the epoll set itself.
"""

import asyncio
import selectors
import socket
import sys
from typing import Any

from netwright.aio._native import LoopSet, Poller
from netwright.aio._pipe import Readable
from netwright.aio._stream import Stream as Verbs
from netwright.aio.choice import adopt
from netwright.aio.sockets import listening, new
from netwright.aio.stream import creation_site
from netwright.core.address import Address
from netwright.core.limits import Limits
from netwright.core.record import ConnectionRecord, Recorder
from netwright.core.tuning import Tuning
from netwright.proto import stream

__all__ = ["NativeEngine", "Selector", "Stream", "loop_factory", "on_selector"]


class Stream(Verbs, stream.Stream):
    """The native verbs as the Stream that programs know."""

    __slots__ = ()


class NativeEngine:
    """See ``Engine``.  Its clock is the loop's."""

    name = "native"

    def __init__(self, loop: asyncio.AbstractEventLoop, poller: Poller | None = None) -> None:
        self._poller = Poller(loop, _own_clock(loop)) if poller is None else poller

    def __repr__(self) -> str:
        return f"<NativeEngine {self._poller.watched} descriptors>"

    def now(self) -> float:
        """The loop's clock."""
        return self._poller.time()

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
        await self._poller.loop.sock_connect(sock, sockaddr)

    async def accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """Take a connection that is queued; only wait if there is none."""
        while True:
            try:
                accepted, name = sock.accept()
            except BlockingIOError:
                await Readable(self._poller, sock.fileno()).wait()
            else:
                accepted.setblocking(False)
                return accepted, name

    async def open(self, sock: socket.socket, record: ConnectionRecord, recorder: Recorder, limits: Limits) -> Stream:
        """A stream on a connected socket."""
        made = creation_site() if sys.flags.dev_mode else ""
        made_stream = Stream(self._poller, sock.fileno(), record, recorder, limits, made=made)
        sock.detach()
        return made_stream


class Selector(selectors.EpollSelector):
    """The selector of an asyncio loop, with the engine's streams on the same epoll set."""

    _selector: LoopSet
    _selector_cls = LoopSet

    @property
    def poller(self) -> Poller:
        """What serves the streams; it needs a loop."""
        return self._selector.poller


def on_selector(loop: asyncio.AbstractEventLoop, selector: Selector) -> None:
    """Make ``loop``, whose selector is ``selector``, use the engine in it."""
    selector.poller.loop = loop
    selector.poller.clock = _own_clock(loop)
    adopt(loop, NativeEngine(loop, selector.poller))


def loop_factory() -> asyncio.AbstractEventLoop:
    """A loop for ``asyncio.Runner`` or ``asyncio.run``: one system call a turn for its descriptors and the engine's."""
    selector = Selector()
    loop = asyncio.SelectorEventLoop(selector)
    on_selector(loop, selector)
    return loop


def _own_clock(loop: asyncio.AbstractEventLoop) -> Any:
    """The loop's clock where it is not CLOCK_MONOTONIC, which the poller reads by itself."""
    stock = type(loop).time is asyncio.BaseEventLoop.time or type(loop).__module__.partition(".")[0] == "uvloop"
    return None if stock else loop.time
