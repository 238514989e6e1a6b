"""Streams of what already exists: a connected socket, pipes, bytes, a pair in memory; and what all engines share."""

import asyncio
import io
import os
import socket
import stat
from typing import Any

from netwright.aio.channel import memory_pair
from netwright.aio.choice import engine
from netwright.aio.deadlines import Ticker
from netwright.aio.options import credentials_of, get_option, set_option
from netwright.aio.outcome import ShuttingDownError, main_error
from netwright.aio.pipe import Pipe
from netwright.aio.pipe_channel import PipeChannel
from netwright.aio.portable_stream import Stream as PortableStream
from netwright.aio.sockets import SocketHandle, name_of
from netwright.core.address import UnixAddress
from netwright.core.errors import DeadlineError, LimitError, TransportError, UsageError
from netwright.core.limits import UNLIMITED, Limits
from netwright.core.moment import Kind
from netwright.core.record import Outcome, Recorder
from netwright.proto.channel import Channel
from netwright.proto.stream import Credentials, Stream, Tap

__all__ = ["Adopter", "stream_pair"]

NOBODY = UnixAddress("")  # the name of both ends of a pair in memory
_ADVICE = "pass an open socket.socket, or a pipe's read end, write end, or both in this order"


class Adopter:
    """The verbs of ``Stream`` that are the same on every engine."""

    async def adopt(self, carrier: object, writes: object | None, *, limits: Limits) -> Stream:
        """Make a stream of a connected stream socket, or of pipes."""
        if isinstance(carrier, socket.socket) and writes is None:
            return await _adopt_socket(carrier, limits)
        return _adopt_pipes(carrier, writes, limits)

    def get_option(self, stream: Stream, level: int | str, name: int | str, size: int) -> int | bytes:
        """Return a socket option."""
        return get_option(stream, level, name, size)

    def set_option(self, stream: Stream, level: int | str, name: int | str, value: int | bytes) -> None:
        """Set a socket option."""
        set_option(stream, level, name, value)

    def peer_credentials(self, stream: Stream) -> Credentials:
        """Return the process at the other end."""
        return credentials_of(stream)

    def of(self, data: bytes) -> Stream:
        """Make a stream in memory whose peer has sent ``data`` and FIN."""
        here, there = memory_pair(asyncio.get_running_loop())
        if data:
            here.chunks.append(data)
        here.size = len(data)
        there.finish()
        return _stream(here, "unix", UNLIMITED, _Text)

    async def relay(self, left: Stream, right: Stream, tap: Tap | None) -> tuple[int, int]:
        """Copy in both directions; the first that fails cancels the other."""
        try:
            async with asyncio.TaskGroup() as group:
                back = group.create_task(_copy(right, left, tap, there=False))
                there = await _copy(left, right, tap, there=True)
        except BaseExceptionGroup as errors:
            raise main_error(errors) from None
        return there, back.result()


async def _adopt_socket(sock: socket.socket, limits: Limits) -> Stream:
    if sock.fileno() < 0:
        raise UsageError(f"{sock!r} cannot be adopted: it is closed", advice=_ADVICE)
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


def _adopt_pipes(first: Any, second: Any, limits: Limits) -> Stream:
    """A stream of one end, whose mode says which, or of a read end and a write end."""
    modes = {end: _mode(end) for end in ((first,) if second is None else (first, second))}
    wanted = (
        ("read",) if second is None and modes[first] == "read" else ("write",) if second is None else ("read", "write")
    )
    if tuple(modes.values()) != wanted:
        raise UsageError(f"{first!r} and {second!r} cannot be adopted: not a read end and a write end", advice=_ADVICE)
    held = b""
    for end in modes:
        os.set_blocking(_number(end), False)
        if hasattr(end, "flush"):
            end.flush()
        if hasattr(end, "peek"):
            held = end.peek()  # what the file read ahead
    reads, writes = (_released(first), -1) if wanted[0] == "read" else (-1, _released(first))
    writes = writes if second is None else _released(second)
    stream = _stream(PipeChannel(asyncio.get_running_loop(), reads, writes), "pipe", limits)
    stream.end_direction(reads=reads < 0, writes=writes < 0)
    if held:
        stream.unread(held)
    return stream


def _mode(end: Any) -> str:
    """Whether ``end`` is a pipe's end to read from or to write to."""
    import fcntl  # Windows has none

    try:
        number = _number(end)
        is_pipe = stat.S_ISFIFO(os.fstat(number).st_mode)
        flags = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
    except (AttributeError, OSError, ValueError, TypeError) as error:
        raise UsageError(f"{end!r} cannot be adopted: {error}", advice=_ADVICE) from error
    if not is_pipe or flags == os.O_RDWR or isinstance(end, io.TextIOBase):
        raise UsageError(f"{end!r} cannot be adopted: no socket and no end of a pipe", advice=_ADVICE)
    return "read" if flags == os.O_RDONLY else "write"


def _number(end: Any) -> int:
    return end if isinstance(end, int) else int(end.fileno())


def _released(end: Any) -> int:
    """The descriptor, which no other object closes from now on."""
    if isinstance(end, int):
        return end
    number = os.dup(end.fileno())
    end.close()
    return number


async def _copy(source: Stream, sink: Stream, tap: Tap | None, *, there: bool) -> int:
    """Bytes until EOF, which is passed on; how many they were."""
    count, turn = 0, source  # whose turn it is: who is to blame if it fails
    try:
        async for chunk in source:
            count += len(chunk)
            if tap is not None:
                tap(there, chunk)
            turn = sink
            await sink.send(chunk)
            turn = source
        turn = sink
        await sink.send_eof()
    except ShuttingDownError:
        raise
    except (TransportError, DeadlineError, LimitError) as error:
        _break(turn, sink if turn is source else source, error)
        raise
    return count


def _break(culprit: Stream, other: Stream, error: Exception) -> None:
    """End both; each record names who ended it."""
    culprit.fail(error)
    now = asyncio.get_running_loop().time()
    other.record.end(Outcome.ABORTED, now, stage="relay", text=f"the other side, {culprit.peer}: {error}")
    other.abort()


def stream_pair(limits: Limits = UNLIMITED) -> tuple[Stream, Stream]:
    """Make two streams in memory, each of which reads what the other sends: for tests without sockets."""
    left, right = memory_pair(asyncio.get_running_loop())
    return _stream(left, "unix", limits), _stream(right, "unix", limits)


class _Text(PortableStream):
    """A stream of bytes that are here already: nothing is lost with it, so it need not be closed."""

    __slots__ = ()

    def __del__(self) -> None:
        pass


def _stream(
    channel: Channel, transport: str, limits: Limits, kind: type[PortableStream] = PortableStream
) -> PortableStream:
    loop, recorder = asyncio.get_running_loop(), Recorder()
    record = recorder.open(role="connected", transport=transport, local=NOBODY, peer=NOBODY, at=loop.time())
    return kind(Pipe(loop, Ticker(loop), record, recorder, channel), limits)
