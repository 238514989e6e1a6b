"""The stream of bytes between two programs: the verbs, on any asyncio loop.

This file is the readable specification; ``_stream.pyx`` beside it is the native engine with the same names.

Cancelling a read loses no byte: bytes stay in the buffer until a verb takes a whole result.  Cancelling a send leaves
the bytes of the call either all queued in order, or none.
"""

import asyncio
import math
import sys
import traceback
import warnings
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from netwright.aio.limits import UNLIMITED, Limits
from netwright.aio.outcome import ShuttingDownError, end_failed
from netwright.aio.pipe import Pipe
from netwright.core.address import Address
from netwright.core.errors import ClosedError, DeadlineError, IncompleteError, LimitError, UsageError
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, Outcome, Waiting
from netwright.proto.framing import Framing
from netwright.wire.tcp_info import TcpInfo, parse_tcp_info

__all__ = ["Stream"]

T = TypeVar("T")
M = TypeVar("M")
READ, LINE = 64 * 1024, 64 * 1024
PROGRESS = 64 * 1024  # bytes that a slow peer has to read within ``limits.send`` seconds to be worth the wait
BUDGET = 16  # sends in a row that may finish without giving other tasks a turn
_RECEIVE, _SEND, _HANDLER = Waiting.RECEIVE, Waiting.SEND, Waiting.HANDLER
_BETWEEN = (Waiting.RECEIVE, Waiting.NEXT_REQUEST)  # with nothing buffered: between messages, so a drain may close


class Stream:
    """A connected stream; ``connect`` and a Listener make them.

    Every verb that waits takes ``timeout`` (seconds) and ``deadline`` (on the engine's clock); the earlier one counts
    and raises DeadlineError, the stream stays usable.  ``stage`` names the wait in that error, ``waiting`` in the
    record.

    Attributes:
        timeout: of every operation that names none; None waits as long as ``limits`` allow.
        record: what happened so far.
    """

    __slots__ = (
        *("_pipe", "record", "limits", "timeout", "_spins", "_draining", "_made"),
        *("_first_byte", "_idle", "_frame", "_send", "__weakref__"),
    )

    def __init__(self, pipe: Pipe, limits: Limits = UNLIMITED) -> None:
        self._pipe = pipe
        self._spins = 0
        self._draining = False
        self.limits = limits
        self.timeout: float | None = None
        self._first_byte, self._idle, self._frame, self._send = (
            math.inf if bound is None else bound
            for bound in (limits.first_byte, limits.idle, limits.frame, limits.send)
        )
        self.record: ConnectionRecord = pipe.record
        self._made = creation_site() if sys.flags.dev_mode else ""

    def __repr__(self) -> str:
        record = self.record
        return f"<Stream {record.number} {record.peer} {record.outcome} in={record.bytes_in} out={record.bytes_out}>"

    @property
    def local(self) -> Address:
        """This side's address."""
        assert self.record.local is not None
        return self.record.local

    @property
    def peer(self) -> Address:
        """The other side's address."""
        assert self.record.peer is not None
        return self.record.peer

    def tcp_info(self) -> TcpInfo | None:
        """What the kernel knows of the connection now; None for a Unix socket, or where the kernel does not tell.

        Of a closed stream, what it knew at the end.
        """
        self.record.sample(self._pipe.clock())
        return parse_tcp_info(self.record.kernel) if self.record.kernel else None

    def fileno(self) -> int:
        """The descriptor; -1 once closed, or where the loop does not tell."""
        sock = self._pipe.transport.get_extra_info("socket")
        return -1 if sock is None or self._pipe.lost else int(sock.fileno())

    @property
    def at_eof(self) -> bool:
        """True if the peer's FIN came and everything before it was taken."""
        return self._pipe.eof and not self._pipe.buffer

    # reading

    async def read(
        self,
        limit: int = READ,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = _RECEIVE,
    ) -> bytes:
        """1 to ``limit`` bytes as they come; b"" at EOF, and again at every call after it."""
        self._check_reader()
        if limit < 1:
            raise UsageError(f"limit={limit}, 1 or more allowed")
        buffer = self._pipe.buffer
        if not buffer:
            await self._more(self._until(timeout, deadline), stage, waiting)
        return buffer.take(limit)

    async def read_exactly(
        self,
        count: int,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = _RECEIVE,
    ) -> bytes:
        """``count`` bytes.

        Raises:
            IncompleteError: EOF came first; ``partial`` holds what there was.
        """
        buffer = self._pipe.buffer
        if count < 1:
            if count < 0:
                raise UsageError(f"count={count}, 0 or more allowed")
            return b""

        def attempt() -> bytes | None:
            return buffer.take(count) if len(buffer) >= count else None

        whole = await self._whole(attempt, timeout, deadline, stage, waiting)
        return self._complete(whole, f"{count} bytes")

    async def read_until(
        self,
        delimiter: bytes,
        *,
        limit: int = LINE,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = _RECEIVE,
    ) -> bytes:
        """Bytes up to ``delimiter``, which is included and counts for ``limit``.

        Raises:
            LimitError: ``limit`` bytes came without it; they stay in the buffer.
            IncompleteError: EOF came first; ``partial`` holds what there was.
        """
        whole = await self._whole(lambda: self._delimited(delimiter, limit), timeout, deadline, stage, waiting)
        return self._complete(whole, f"{delimiter!r}")

    async def readline(
        self,
        *,
        limit: int = LINE,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = _RECEIVE,
    ) -> bytes:
        r"""A line with its ``\n``; the last one before EOF may lack it; b"" at EOF."""
        whole = await self._whole(lambda: self._delimited(b"\n", limit), timeout, deadline, stage, waiting)
        return self._pipe.buffer.take_all() if whole is None else whole

    async def lines(self, *, limit: int = LINE) -> AsyncIterator[list[bytes]]:
        r"""Batches: every whole line that is here, without its ``\n`` or ``\r\n``, as often as bytes come."""
        buffer = self._pipe.buffer
        while True:
            block = await self._whole(lambda: self._lines(limit), None, None, "read", _RECEIVE)
            batch = (buffer.take_all() if block is None else block[:-1]).split(b"\n")
            if block is not None and len(block) > limit:
                batch = self._up_to_the_long(batch, limit)
            if block is not None or batch != [b""]:
                yield [line[:-1] if line.endswith(b"\r") else line for line in batch]
            if block is None:
                return

    def _up_to_the_long(self, batch: list[bytes], limit: int) -> list[bytes]:
        """The lines before the first that is too long; that one and what follows go back into the buffer."""
        good = next((index for index, line in enumerate(batch) if len(line) >= limit), len(batch))
        if good < len(batch):
            self._pipe.buffer.prepend(b"\n".join([*batch[good:], b""]))
            if not good:
                raise LimitError("line", len(batch[0]) + 1, limit)
        return batch[:good]

    async def read_frame(
        self,
        framing: Framing[M],
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = _RECEIVE,
    ) -> M:
        """The next message of ``framing``.

        Raises:
            ProtocolError, LimitError: the framing's.
            IncompleteError: EOF came first, ``partial`` is b"" if it came between messages.
        """
        buffer = self._pipe.buffer
        whole = await self._whole(lambda: framing.decode(buffer), timeout, deadline, stage, waiting)
        return self._complete(whole, f"a message of {framing}")

    async def frames(self, framing: Framing[M]) -> AsyncIterator[M]:
        """Messages until EOF."""
        buffer = self._pipe.buffer
        while True:
            whole = await self._whole(lambda: framing.decode(buffer), None, None, "read", _RECEIVE)
            if whole is None and not buffer:
                return
            yield self._complete(whole, f"a message of {framing}")

    def read_nowait(self, limit: int = READ) -> bytes:
        """Up to ``limit`` bytes of what is buffered now; b"" says nothing about EOF."""
        self._check_reader()
        return self._pipe.buffer.take(limit)

    def unread(self, data: bytes) -> None:
        """Put ``data`` back in front: the next read gives it first."""
        self._pipe.buffer.prepend(data)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._pipe.receiver is not None:
            self._check_reader()
        buffer = self._pipe.buffer
        if not buffer and not await self._more(self._until(None, None), "read", _RECEIVE):
            raise StopAsyncIteration
        return buffer.take(READ)

    # writing

    async def send(
        self,
        *parts: bytes | bytearray | memoryview,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "send",
    ) -> None:
        """Send the parts in one write; returns when the kernel took everything.

        Raises:
            DeadlineError: the peer does not read; what was queued still follows.
            ResetError, ClosedError: the connection is gone.
        """
        pipe = self._pipe
        self._check_writer()
        if pipe.full:  # what a cancelled send left
            await self._drained(self._until(timeout, deadline), stage)
            self._check_writer()
        pipe.write(parts[0] if len(parts) == 1 and type(parts[0]) is bytes else b"".join(parts))
        if pipe.full or pipe.transport.is_closing():
            await self._drained(self._until(timeout, deadline), stage)
            return
        self._spins += 1
        if self._spins >= BUDGET:
            self._spins = 0
            await asyncio.sleep(0)

    async def send_frame(
        self, framing: Framing[M], message: M, *, timeout: float | None = None, deadline: float | None = None
    ) -> None:
        """Send one message of ``framing``."""
        await self.send(*framing.encode(message), timeout=timeout, deadline=deadline)

    async def send_file(
        self,
        file: BinaryIO,
        *,
        offset: int = 0,
        count: int | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
    ) -> int:
        """Send ``count`` bytes of a regular file from ``offset``, or all up to its end; how many were sent.

        The file's own position is undefined afterwards; reading it may block the loop.  Cancelling leaves a part sent.
        """
        until = self._until(timeout, deadline)
        sent = 0
        file.seek(offset)
        while chunk := file.read(READ if count is None else min(READ, count - sent)):
            await self.send(chunk, deadline=until)
            sent += len(chunk)
        return sent

    async def send_eof(self) -> None:
        """Send FIN after everything queued; reading goes on.  A second call changes nothing."""
        pipe = self._pipe
        if pipe.fin_sent:
            return
        self._check_writer()
        if pipe.full:
            await self._drained(self._until(None, None), "send")
        pipe.fin_sent = True
        try:
            pipe.transport.write_eof()
        except OSError as error:
            raise pipe.broken(error) from error
        pipe.record.note(Kind.FIN_SENT, pipe.clock())

    # the end

    async def close(self, *, timeout: float | None = None) -> None:
        """Flush, send FIN, close; after ``timeout`` seconds (``limits.close``) abort.  Again is allowed.

        Cancelling aborts.
        """
        pipe = self._pipe
        pipe.close()
        try:
            async with asyncio.timeout(self.limits.close if timeout is None else timeout):
                await pipe.gone()
        except TimeoutError:
            pipe.abort("close: the peer did not read")
        except asyncio.CancelledError:
            pipe.abort()
            raise

    def abort(self) -> None:
        """Send RST now, forget what was queued.  Again is allowed."""
        self._pipe.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.fail(error)
        await self.close()

    def fail(self, error: BaseException) -> None:
        """End because of ``error``: the record says which, the peer gets RST; a drain's end is an orderly one."""
        if end_failed(self.record, error, self._pipe.clock()) is not Outcome.DRAINED:
            self.abort()

    def __del__(self) -> None:
        pipe = self._pipe
        if pipe.closing or pipe.lost:
            return
        warnings.warn(f"{self!r} was never closed{self._made}", ResourceWarning, source=self, stacklevel=1)
        if not pipe.loop.is_closed():
            pipe.loop.call_soon_threadsafe(pipe.abort)

    def finish_messages(self) -> bool:
        """From now on a read between messages raises ClosedError; True if one waits there now.  For a drain."""
        self._draining = True
        pipe = self._pipe
        idle = pipe.receiver is not None and not pipe.buffer and self.record.waiting in _BETWEEN
        if idle and pipe.receiver is not None and not pipe.receiver.done():
            pipe.receiver.set_result(None)
        return idle

    # waiting

    def _check_reader(self) -> None:
        if self._pipe.receiver is not None:
            raise UsageError(f"another task is already reading from {self!r}", advice="let one task read")
        if self._pipe.closing:
            raise self._pipe.failure("read")

    def _check_writer(self) -> None:
        pipe = self._pipe
        if pipe.sender is not None:
            raise UsageError(f"another task is already sending on {self!r}", advice="let one task send, or use a lock")
        if pipe.lost:
            raise pipe.failure("send")
        if pipe.closing or pipe.fin_sent:
            raise ClosedError(f"send after {'close' if pipe.closing else 'send_eof'} on {self!r}")

    def _until(self, timeout: float | None, deadline: float | None) -> float:
        """The caller's own deadline."""
        if timeout is None:
            timeout = self.timeout
            if timeout is None and deadline is None:
                return math.inf
        until = math.inf if timeout is None else self._pipe.clock() + timeout
        return until if deadline is None else min(until, deadline)

    async def _whole(
        self,
        attempt: Callable[[], T | None],
        timeout: float | None,
        deadline: float | None,
        stage: str,
        waiting: Waiting,
    ) -> T | None:
        """What ``attempt`` takes from the buffer as soon as it can; None at EOF."""
        self._check_reader()
        buffer, started = self._pipe.buffer, None
        found = attempt() if buffer else None
        if found is not None:
            return found
        until = self._until(timeout, deadline)
        while found is None:
            if started is None and buffer:
                started = self._pipe.clock()
            if not await self._more(until, stage, waiting, started):
                return None
            found = attempt()
        return found

    async def _more(self, until: float, stage: str, waiting: Waiting, started: float | None = None) -> bool:
        """Wait for bytes; False at EOF.  ``started`` is when the frame began, None between frames."""
        pipe, record = self._pipe, self.record
        came = record.bytes_in
        now = quiet = pipe.clock()
        while not (pipe.over or self._draining) or self._go_on(waiting):
            at, name = self._bound(until, stage, quiet, started)
            if at <= now:
                raise DeadlineError(name, now - (quiet if started is None else started))
            record.wait(waiting, now)
            try:
                await pipe.expect(at, now)
            finally:
                pipe.expected()
                now = pipe.clock()
                record.wait(_HANDLER, now)
            if record.bytes_in != came:
                self._spins = 0
                return True
            if record.last_out_at > quiet and name == "idle":
                quiet = record.last_out_at
        return False

    def _go_on(self, waiting: Waiting) -> bool:
        """False at EOF; raises if the connection is gone or may end here."""
        pipe = self._pipe
        if pipe.eof:
            return False
        if pipe.closing or pipe.lost:
            raise pipe.failure("read")
        if self._draining and not pipe.buffer and waiting in _BETWEEN:
            raise ShuttingDownError(f"{self.record.service or 'service'} shuts down: {self!r} is between messages")
        return True

    def _bound(self, until: float, stage: str, quiet: float, started: float | None) -> tuple[float, str]:
        """The deadline that strikes first, and its stage; ``quiet`` is since when nothing moved."""
        if started is not None:
            at, name = started + self._frame, "frame"
        elif self.record.bytes_in:
            at, name = quiet + self._idle, "idle"
        else:
            at, name = quiet + self._first_byte, "first byte"
        return (at, name) if at < until else (until, stage)

    async def _drained(self, until: float, stage: str) -> None:
        """Wait until the kernel took everything that is queued."""
        pipe = self._pipe
        now = begun = pipe.clock()
        self.record.wait(_SEND, now)
        try:
            while pipe.full and not (pipe.closing or pipe.lost):
                before, at = pipe.unsent, min(until, now + self._send)
                await pipe.drained(at, now)
                now, left = pipe.clock(), pipe.unsent
                if left and now >= at and (at == until or before - left < PROGRESS):
                    stage = stage if at == until else "send"
                    raise DeadlineError(stage, now - begun, advice=f"{self.peer} does not read")
        finally:
            self.record.wait(_HANDLER, now)
        if pipe.transport.is_closing():
            if not pipe.closing:  # the kernel refused; the transport tells why in its next turn
                await pipe.gone()
            raise pipe.failure("send")

    # taking

    def _delimited(self, delimiter: bytes, limit: int) -> bytes | None:
        buffer = self._pipe.buffer
        end = buffer.find(delimiter)
        size = end + len(delimiter) if end >= 0 else len(buffer) + 1
        if size > limit:
            raise LimitError("limit", size, limit)
        return buffer.take(size) if end >= 0 else None

    def _lines(self, limit: int) -> bytes | None:
        buffer = self._pipe.buffer
        end = buffer.rfind(b"\n")
        if end < 0 and len(buffer) >= limit:
            raise LimitError("line", len(buffer) + 1, limit)
        return buffer.take(end + 1) if end >= 0 else None

    def _complete(self, whole: T | None, wanted: str) -> T:
        if whole is not None:
            return whole
        partial = self._pipe.buffer.take_all()
        raise IncompleteError(f"{self.peer} ended {len(partial)} bytes into {wanted}", partial=partial)


def creation_site() -> str:
    """Where the program made the stream; only asked for under ``-X dev``."""
    frames = [frame for frame in traceback.extract_stack() if "/netwright/aio/" not in frame.filename]
    return f"; made at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
