"""Streams of what already exists: a connected socket, bytes, a pair in memory."""

import asyncio
import socket

from netwright.aio.channel import MemoryChannel, memory_pair
from netwright.aio.choice import engine
from netwright.aio.deadlines import Ticker
from netwright.aio.outcome import main_error
from netwright.aio.pipe import Pipe
from netwright.aio.portable_stream import Stream as PortableStream
from netwright.aio.sockets import SocketHandle, name_of
from netwright.core.address import UnixAddress
from netwright.core.errors import UsageError
from netwright.core.limits import UNLIMITED, Limits
from netwright.core.moment import Kind
from netwright.core.record import Recorder
from netwright.proto.stream import Stream, Tap

__all__ = ["Adopter", "stream_pair"]

NOBODY = UnixAddress("")  # the name of both ends of a pair in memory


class Adopter:
    """The implementation of ``Stream.adopt`` and ``Stream.of``."""

    async def adopt(self, sock: object, *, limits: Limits) -> Stream:
        """Make a stream of a connected stream socket."""
        if not isinstance(sock, socket.socket) or sock.fileno() < 0:
            raise UsageError(f"{sock!r} cannot be adopted", advice="pass an open socket.socket")
        if sock.type != socket.SOCK_STREAM:
            raise UsageError(f"{sock!r} cannot be adopted: not of type SOCK_STREAM")
        try:
            peer, local = name_of(sock.getpeername()), name_of(sock.getsockname())
        except OSError as error:
            raise UsageError(f"{sock!r} cannot be adopted: not connected", advice="connect it first") from error
        sock.setblocking(False)
        ours, recorder = engine(), Recorder()
        transport = "unix" if isinstance(peer, UnixAddress) else "tcp"
        record = recorder.open(role="connected", transport=transport, local=local, peer=peer, at=ours.now())
        record.note(Kind.ESTABLISHED, ours.now())
        return await ours.open(SocketHandle(sock, peer), record, recorder, limits)

    def of(self, data: bytes) -> Stream:
        """Make a stream in memory whose peer has sent ``data`` and FIN."""
        here, there = memory_pair(asyncio.get_running_loop())
        if data:
            here.chunks.append(data)
        here.size = len(data)
        there.finish()
        return _stream(here, UNLIMITED)

    async def relay(self, left: Stream, right: Stream, tap: Tap | None) -> tuple[int, int]:
        """Copy in both directions; the first that fails cancels the other."""
        try:
            async with asyncio.TaskGroup() as group:
                there = group.create_task(_copy(left, right, tap, there=True))
                back = group.create_task(_copy(right, left, tap, there=False))
        except BaseExceptionGroup as errors:
            raise main_error(errors) from None
        return there.result(), back.result()


async def _copy(source: Stream, sink: Stream, tap: Tap | None, *, there: bool) -> int:
    """Copy bytes until EOF, and pass that on; return how many bytes there were."""
    count = 0
    async for chunk in source:
        count += len(chunk)
        if tap is not None:
            tap(there, chunk)
        await sink.send(chunk)
    await sink.send_eof()
    return count


def stream_pair(limits: Limits = UNLIMITED) -> tuple[Stream, Stream]:
    """Make two streams in memory, each of which reads what the other sends: for tests without sockets."""
    left, right = memory_pair(asyncio.get_running_loop())
    return _stream(left, limits), _stream(right, limits)


def _stream(channel: MemoryChannel, limits: Limits) -> Stream:
    loop, recorder = asyncio.get_running_loop(), Recorder()
    record = recorder.open(role="connected", transport="unix", local=NOBODY, peer=NOBODY, at=loop.time())
    return PortableStream(Pipe(loop, Ticker(loop), record, recorder, channel), limits)
