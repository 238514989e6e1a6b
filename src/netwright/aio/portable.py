"""The engine in Python, on any asyncio loop that watches descriptors."""

import asyncio

from netwright.aio.channel import SocketChannel
from netwright.aio.deadlines import Ticker
from netwright.aio.engine import Handle, ListeningHandle
from netwright.aio.pipe import Pipe
from netwright.aio.portable_stream import Stream
from netwright.aio.sockets import SocketHandle, SocketListener, connected, listening
from netwright.core.address import Address
from netwright.core.errors import UsageError
from netwright.core.limits import Limits
from netwright.core.record import ConnectionRecord, Outcome, Recorder
from netwright.core.tuning import Tuning
from netwright.proto.channel import Wrap

__all__ = ["PortableEngine"]


class PortableEngine:
    """See ``Engine``."""

    name = "portable"

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Raises UsageError on a loop without ``add_reader``: Windows' proactor loop is the one that exists."""
        if type(loop).add_reader is asyncio.AbstractEventLoop.add_reader:
            raise UsageError(
                f"{type(loop).__name__} cannot watch descriptors (add_reader)",
                advice="run the program on asyncio.SelectorEventLoop",
            )
        self._loop = loop
        self._ticker = Ticker(loop)

    def __repr__(self) -> str:
        return f"<PortableEngine on {type(self._loop).__name__}, {self._ticker!r}>"

    def now(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def listen(self, address: Address, tuning: Tuning) -> SocketListener:
        """Listen on ``address``."""
        return listening(address, tuning)

    async def arrival(self, listening: ListeningHandle) -> None:
        """Wait until the accept queue is not empty.

        ``loop.sock_accept`` would lose a connection that comes in the tick of a cancel.
        """
        descriptor = listening.descriptor
        if descriptor is None:
            return  # ``take`` says why there is none
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(descriptor, _finish, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(descriptor)

    async def connect(self, address: Address, tuning: Tuning, local: Address | None) -> SocketHandle:
        """Connect to ``address``."""
        return await connected(self._loop, address, tuning, local)

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
        sock = handle.release()
        try:
            channel = SocketChannel(self._loop, sock)
            pipe = Pipe(self._loop, self._ticker, record, recorder, channel if wrap is None else wrap(channel))
        except BaseException:
            sock.close()
            record.end(Outcome.ABORTED, self.now())
            recorder.close(record, self.now())
            raise
        if limits.lifetime is not None:
            pipe.live_until(record.opened_at + limits.lifetime)
        return Stream(pipe, limits)


def _finish(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
