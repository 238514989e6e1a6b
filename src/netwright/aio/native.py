"""The native engine: own epoll set and system calls, nested under any asyncio loop."""

import asyncio
import os
import sys
from typing import Any

from netwright.aio._native import Poller
from netwright.aio._sockets import Queue
from netwright.aio._stream import Stream as Verbs
from netwright.aio.channel import SocketChannel
from netwright.aio.engine import Handle, ListeningHandle
from netwright.aio.sockets import SocketHandle, SocketListener, connected, listening
from netwright.aio.stream import creation_site
from netwright.core.address import Address
from netwright.core.limits import Limits
from netwright.core.record import ConnectionRecord, Outcome, Recorder
from netwright.core.tuning import Tuning
from netwright.proto import stream
from netwright.proto.channel import Wrap

__all__ = ["NativeEngine", "Stream", "own_clock"]


class Stream(Verbs, stream.Stream):
    """The native verbs under the abstract type ``netwright.Stream``."""

    __slots__ = ()


class NativeEngine:
    """See ``Engine``.  Its clock is the loop's."""

    name = "native"

    def __init__(self, loop: asyncio.AbstractEventLoop, poller: Poller | None = None) -> None:
        self._poller = Poller(loop, own_clock(loop)) if poller is None else poller

    def __repr__(self) -> str:
        return f"<NativeEngine {self._poller.watched} descriptors>"

    def now(self) -> float:
        """The loop's clock."""
        return self._poller.time()

    def listen(self, address: Address, tuning: Tuning) -> SocketListener:
        """Listen on ``address``."""
        return listening(address, tuning)

    async def arrival(self, listening: ListeningHandle) -> None:
        """Wait until the accept queue is not empty."""
        assert isinstance(listening, SocketListener)
        if listening.watch is None:
            descriptor = listening.descriptor
            if descriptor is None:
                return  # ``take`` says why there is none
            listening.watch = Queue(self._poller, descriptor)
        await listening.watch.wait()

    async def connect(self, address: Address, tuning: Tuning, local: Address | None) -> SocketHandle:
        """Connect to ``address``."""
        return await connected(self._poller.loop, address, tuning, local)

    async def open(
        self,
        handle: Handle,
        record: ConnectionRecord,
        recorder: Recorder,
        limits: Limits,
        wrap: Wrap | None = None,
    ) -> Stream:
        """A stream on a connected socket."""
        assert isinstance(handle, SocketHandle)
        made = creation_site() if sys.flags.dev_mode else ""
        sock = None if wrap is None else handle.release()
        descriptor = handle.detach() if sock is None else sock.fileno()
        try:
            if wrap is None or sock is None:
                return Stream(self._poller, descriptor, record, recorder, limits, made=made)
            channel = wrap(SocketChannel(self._poller.loop, sock))
            return Stream(self._poller, descriptor, record, recorder, limits, made=made, channel=channel)
        except BaseException as error:
            if sock is None:
                os.close(descriptor)
            else:
                sock.close()
            record.probe = None
            record.end(Outcome.ABORTED, self.now(), text=str(error))
            recorder.close(record, self.now())
            raise


def own_clock(loop: asyncio.AbstractEventLoop) -> Any:
    """The loop's clock where it is not CLOCK_MONOTONIC, which the poller reads by itself."""
    stock = type(loop).time is asyncio.BaseEventLoop.time or type(loop).__module__.partition(".")[0] == "uvloop"
    return None if stock else loop.time
