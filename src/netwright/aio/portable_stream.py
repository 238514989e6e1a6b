"""The portable engine's Stream, over any channel; ``proto.stream.Stream`` documents every verb.

This file is the readable specification of ``_stream.pyx``, the native engine's.  One responsibility: the verbs of one
stream, in the order in which the abstract Stream has them.
"""

import asyncio
import math
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, BinaryIO, TypeVar

from netwright.aio.deadlines import seconds_of
from netwright.aio.files import source_of
from netwright.aio.outcome import ShuttingDownError, end_failed
from netwright.aio.passing import check_passing, send_passed
from netwright.aio.pipe import Pipe, SendExpiry, Turn
from netwright.aio.stream import ELSEWHERE, creation_site
from netwright.aio.taking import (
    check_delimiter,
    check_unread,
    take_delimited,
    take_frames,
    take_lines,
    take_rest,
    whole_number,
)
from netwright.core.errors import (
    ClosedError,
    DeadlineError,
    IncompleteError,
    UsageError,
)
from netwright.core.limits import UNLIMITED, Limits
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, ExchangeRecord, Outcome, Waiting
from netwright.proto import stream
from netwright.proto.drain import QUIET, may_end_at
from netwright.proto.framing import Framing
from netwright.proto.stream import FDS, LINE, READ, Data
from netwright.wire.tcp_info import TcpInfo, parse_tcp_info

__all__ = ["Stream"]

T = TypeVar("T")
M = TypeVar("M")
BUDGET = 16  # verbs that may finish without waiting before the clock is read
SLICE = 0.00025  # seconds of a turn after which the other tasks have theirs
_RECEIVE, _SEND, _HANDLER = Waiting.RECEIVE, Waiting.SEND, Waiting.HANDLER


class Stream(stream.Stream):
    """A stream over a pipe of this loop."""

    __slots__ = (
        *("_pipe", "record", "limits", "timeout", "_spins", "_turn_at", "_draining", "_made", "_answered"),
        *("_message", "_subject", "_exchange", "_waits", "_since", "__weakref__"),
    )

    def __init__(self, pipe: Pipe, limits: Limits = UNLIMITED) -> None:
        self._pipe = pipe
        self._spins = 0
        self._turn_at = 0.0
        self._draining, self._answered = False, True
        self._message = math.nan  # when the open message began; inf: open, and no byte of it came; nan: none is open
        self._subject = ""
        self._exchange: ExchangeRecord | None = None  # of the open message
        self._waits, self._since = _RECEIVE, 0.0  # of the reader that waits, and since when
        self.limits = limits
        self.timeout: float | None = None
        self.record: ConnectionRecord = pipe.record
        self._made = creation_site() if sys.flags.dev_mode else ""

    def tcp_info(self) -> TcpInfo | None:
        self.record.sample(self._pipe.clock())
        return parse_tcp_info(self.record.kernel) if self.record.kernel else None

    def fileno(self) -> int:
        return -1 if self._pipe.lost else int(self._pipe.channel.info("descriptor"))

    @property
    def at_eof(self) -> bool:
        return self._pipe.eof and not self._pipe.buffer

    @property
    def closed(self) -> bool:
        return self._pipe.closing or self._pipe.lost

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
        limit = whole_number("read limit", limit, 1)
        buffer = self._pipe.buffer
        whole = await self._whole(partial(buffer.take, limit), timeout, deadline, stage, waiting, bare=True)
        return whole or b""

    async def read_exactly(
        self,
        count: int,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = _RECEIVE,
    ) -> bytes:
        count = whole_number("read_exactly count", count, 0)
        buffer = self._pipe.buffer

        def attempt() -> bytes | None:
            return buffer.take(count) if len(buffer) >= count else None

        whole = await self._whole(attempt, timeout, deadline, stage, waiting, nothing=not count)
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
        check_delimiter(delimiter)
        limit = whole_number("read_until limit", limit, 1)
        buffer = self._pipe.buffer
        whole = await self._whole(lambda: take_delimited(buffer, delimiter, limit), timeout, deadline, stage, waiting)
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
        limit = whole_number("readline limit", limit, 1)
        buffer = self._pipe.buffer
        whole = await self._whole(lambda: take_delimited(buffer, b"\n", limit), timeout, deadline, stage, waiting)
        return buffer.take_all() if whole is None else whole

    async def lines(self, *, limit: int = LINE) -> AsyncIterator[bytes]:
        limit = whole_number("lines limit", limit, 1)
        buffer = self._pipe.buffer
        while True:
            line = await self._whole(lambda: take_delimited(buffer, b"\n", limit, "line"), None, None, "read", _RECEIVE)
            if line is None:
                break
            yield line[:-2] if line.endswith(b"\r\n") else line[:-1]
        for line in take_rest(buffer):
            yield line

    async def line_batches(self, *, limit: int = LINE) -> AsyncIterator[list[bytes]]:
        limit = whole_number("line_batches limit", limit, 1)
        buffer = self._pipe.buffer
        while (batch := await self._whole(lambda: take_lines(buffer, limit), None, None, "read", _RECEIVE)) is not None:
            yield batch
        if rest := take_rest(buffer):
            yield rest

    async def read_frame(
        self,
        framing: Framing[M],
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = _RECEIVE,
    ) -> M:
        buffer = self._pipe.buffer
        whole = await self._whole(lambda: framing.decode(buffer), timeout, deadline, stage, waiting)
        return self._complete(whole, f"a message of {framing}")

    async def frames(self, framing: Framing[M]) -> AsyncIterator[M]:
        buffer = self._pipe.buffer
        while True:
            whole = await self._whole(lambda: framing.decode(buffer), None, None, "read", _RECEIVE)
            if whole is None and not buffer:
                return
            yield self._complete(whole, f"a message of {framing}")

    async def frame_batches(self, framing: Framing[M]) -> AsyncIterator[list[M]]:
        buffer = self._pipe.buffer
        while True:
            batch = await self._whole(lambda: take_frames(buffer, framing), None, None, "read", _RECEIVE)
            if batch is None and not buffer:
                return
            yield self._complete(batch, f"a message of {framing}")

    def read_nowait(self, limit: int = READ) -> bytes:
        limit = whole_number("read_nowait limit", limit, 1)
        self._check_reader()
        pipe = self._pipe
        if not pipe.buffer:
            pipe.receive()
        data = pipe.buffer.take(limit)
        if data:
            self._took()
        return data

    def unread(self, data: bytes) -> None:
        check_unread(data)
        self._pipe.buffer.prepend(data)

    def __anext__(self) -> Coroutine[Any, Any, bytes]:
        take = partial(self._pipe.buffer.take, READ)
        return self._whole(take, None, None, "read", _RECEIVE, bare=True, ends=True)  # type: ignore[return-value]

    # writing

    async def send(
        self, *parts: Data, timeout: float | None = None, deadline: float | None = None, stage: str = "send"
    ) -> None:
        data = parts[0] if len(parts) == 1 and type(parts[0]) is bytes else _joined(parts)
        pipe = self._pipe
        bare = timeout is None and deadline is None and self.timeout is None
        until = math.inf if bare else self._until(timeout, deadline)
        if not pipe.is_free or asyncio._get_running_loop() is not pipe.loop:  # noqa: SLF001  # as in _check_place
            await self._turn(until, stage)
        self._answered = pipe.sending = True
        try:
            if not pipe.write(data):
                await self._flushed(until, stage)
        finally:
            pipe.sending = False
            if pipe.turns:
                pipe.promote()
        self._spins += 1
        if self._spins >= BUDGET and self._slice_is_over():
            await self._yield()

    async def send_file(
        self,
        file: BinaryIO,
        *,
        offset: int = 0,
        count: int | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
    ) -> int:
        until = self._until(timeout, deadline)
        source = source_of(file, offset, count)
        await self._turn(until, "send")
        sent, pipe = 0, self._pipe
        try:
            while sent < source.size:
                chunk = source.read(sent)
                if not chunk:
                    break  # it was truncated meanwhile
                self._answered = True
                sent += len(chunk)
                if not pipe.write(chunk):
                    await self._flushed(until, "send")
                self._spins += 1
                if self._slice_is_over():
                    await self._yield()
        finally:
            self._end_turn()
        return sent

    async def send_eof(self) -> None:
        pipe = self._pipe
        if pipe.fin_sent:
            return
        await self._turn(self._until(None, None), "send")
        try:
            pipe.fin_sent = True
            try:
                pipe.channel.finish()
            except OSError as error:
                pipe.lose(error)
                raise pipe.failure("send") from error
            pipe.record.note(Kind.FIN_SENT, pipe.clock())
        finally:
            self._end_turn()

    def post(self, *parts: Data) -> bool:
        data = parts[0] if len(parts) == 1 and type(parts[0]) is bytes else bytes(_joined(parts))
        pipe = self._pipe
        if asyncio._get_running_loop() is not pipe.loop:  # noqa: SLF001  # as in _check_place
            self._check_place()
        self._answered = True
        limits = self.limits
        return pipe.post(data, limits.outbox, limits.send)

    def end_direction(self, *, reads: bool, writes: bool) -> None:
        """Mark what a pipe's single end cannot do as over."""
        pipe = self._pipe
        pipe.eof = pipe.over = pipe.send_only = reads
        pipe.fin_sent = writes

    # descriptors

    async def send_fds(
        self, data: bytes, fds: Sequence[int], *, timeout: float | None = None, deadline: float | None = None
    ) -> None:
        check_passing(self, data, fds, wrapped=self._pipe.wraps)
        pipe = self._pipe
        until = self._until(timeout, deadline)
        await self._turn(until, "send")
        try:
            self._answered = True
            while not (sent := self._pass(data, fds)):
                room = pipe.wait_for_room()
                try:
                    await self._sent(room, until, "send", queued=False)
                finally:
                    pipe.forget_room(room)
                self._check_writer()
            pipe.record.sent(sent, pipe.clock())
            pipe.write(data[sent:])
            if pipe.full:
                await self._flushed(until, "send")
        finally:
            self._end_turn()

    def _pass(self, data: bytes, fds: Sequence[int]) -> int:
        try:
            return send_passed(self.fileno(), data, fds)
        except OSError as error:
            self._pipe.lose(error)
            raise self._pipe.failure("send") from error

    async def recv_fds(
        self,
        limit: int = READ,
        most: int = FDS,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        stage: str = "read",
        waiting: Waiting = _RECEIVE,
    ) -> tuple[bytes, list[int]]:
        limit, most = whole_number("recv_fds limit", limit, 1), whole_number("recv_fds most", most, 1)
        check_passing(self, wrapped=self._pipe.wraps)
        pipe = self._pipe
        self._check_reader()
        pipe.passing = True
        try:
            found = await self._whole(
                partial(pipe.take_passed, limit, most), timeout, deadline, stage, waiting, bare=True, nothing=True
            )
        finally:
            pipe.passing = False
        return found or (b"", [])

    # messages

    @property
    def subject(self) -> str:
        return self._subject

    @subject.setter
    def subject(self, value: str) -> None:
        self._subject = value
        if self._exchange is not None:
            self._exchange.subject = value
        elif math.isnan(self._message):
            self.record.exchange(value, self._pipe.clock())

    def begin_message(self) -> None:
        if not math.isnan(self._message):
            raise UsageError(f"a message is open already on {self!r}", advice="end its block first")
        self._message = math.inf

    def _start_message(self, at: float) -> None:
        """Begin the open message: its first byte is here."""
        self._message = at
        self._exchange = self.record.exchange(self._subject, at)

    def end_message(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None and self.record.last_out_at > exchange.began:
            exchange.answered = self.record.last_out_at
        self._message, self._subject = math.nan, ""

    # the end

    async def close(self, *, timeout: float | None = None) -> None:
        pipe = self._pipe
        patience = self.limits.close if timeout is None else seconds_of("timeout", timeout)
        self._check_place()
        pipe.close()
        if pipe.lost:
            return
        try:
            async with asyncio.timeout(patience):
                await pipe.gone()
        except TimeoutError:
            pipe.abort("close: the peer did not read")
        except asyncio.CancelledError:
            pipe.abort()
            raise

    def abort(self) -> None:
        self._pipe.abort()

    def fail(self, error: BaseException) -> None:
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
        self._draining = True
        receiver = self._pipe.receiver
        if receiver is None:
            return False
        self._pipe.receive()  # what the loop has not said yet
        if not receiver.done():
            receiver.set_result(None)  # it looks again, and arms the time of its end
        return self._may_end_at() <= self._pipe.clock()

    # waiting

    def _check_place(self) -> None:
        if asyncio._get_running_loop() is not self._pipe.loop:  # noqa: SLF001  # get_running_loop raises, and costs more
            raise UsageError(f"{self!r} belongs to another event loop or thread", advice=ELSEWHERE)

    def _check_reader(self) -> None:
        pipe = self._pipe
        self._check_place()
        if pipe.receiver is not None:
            raise UsageError(f"another task is already reading from {self!r}", advice="let one task read")
        if pipe.closing:
            raise pipe.failure("read")

    def _check_writer(self) -> None:
        pipe = self._pipe
        if pipe.lost or pipe.closing:
            raise pipe.failure("send")
        if pipe.fin_sent:
            raise ClosedError(f"send after send_eof on {self!r}")

    async def _turn(self, until: float, stage: str) -> None:
        """Wait until every send that began before is over; ``_end_turn`` must follow."""
        self._check_place()
        self._check_writer()
        pipe = self._pipe
        if pipe.is_free:
            pipe.sending = True
            return
        turn: Turn = pipe.loop.create_future()
        pipe.turns[turn] = None
        try:
            await self._sent(turn, until, stage, queued=False)
            self._check_writer()
        except BaseException:
            if not pipe.waits(turn) and not turn.cancelled() and turn.result() is None and not pipe.lost:
                self._end_turn()  # it had its turn already
            raise

    def _end_turn(self) -> None:
        self._pipe.sending = False
        if self._pipe.turns:
            self._pipe.promote()

    async def _flushed(self, until: float, stage: str) -> None:
        """Wait until the kernel took the message under way."""
        pipe = self._pipe
        if pipe.lost:
            raise pipe.failure("send")
        pipe.flushing = flushing = pipe.loop.create_future()
        try:
            await self._sent(flushing, until, stage, queued=True)
        finally:
            if pipe.flushing is flushing:
                pipe.flushing = None
        if pipe.full or pipe.lost:
            raise pipe.failure("send")

    async def _sent(self, future: Turn, until: float, stage: str, *, queued: bool) -> None:
        pipe = self._pipe
        expiry = SendExpiry(pipe, future, until, stage, self._patience, queued=queued)
        self.record.wait(_SEND, pipe.clock())
        try:
            error = await future
        finally:
            expiry.forget()
            now = pipe.clock()
            self._begin_turn(now)
            if not pipe.closing:
                self.record.wait(_HANDLER if pipe.receiver is None else self._waits, now)
        if error is not None:
            raise error

    def _patience(self) -> float:
        return math.inf if self.limits.send is None else self.limits.send

    def _until(self, timeout: float | None, deadline: float | None) -> float:
        """The caller's own deadline."""
        if timeout is None:
            timeout = self.timeout
            if timeout is None and deadline is None:
                return math.inf
        until = math.inf if timeout is None else self._pipe.clock() + seconds_of("timeout", timeout)
        return until if deadline is None else min(until, seconds_of("deadline", deadline))

    # turns

    def _begin_turn(self, now: float) -> None:
        self._turn_at, self._spins = now, 0

    def _slice_is_over(self) -> bool:
        """True if the loop's turn has lasted ``SLICE`` seconds; the clock is read every ``BUDGET`` verbs."""
        if self._spins < BUDGET:
            return False
        self._spins = 0
        pipe = self._pipe
        return pipe.clock() - pipe.ticker.turn_at(self._turn_at) >= SLICE

    async def _yield(self) -> None:
        await asyncio.sleep(0)
        self._begin_turn(self._pipe.clock())

    async def _yield_as_reader(self) -> None:
        pipe = self._pipe
        pipe.receiver = pipe.loop.create_future()  # nobody else may read meanwhile
        pipe.receiver.set_result(None)  # and nothing more is taken from the kernel than without a reader
        try:
            await self._yield()
        finally:
            pipe.receiver = None

    # waiting to read

    async def _whole(
        self,
        attempt: Callable[[], T | None],
        timeout: float | None,
        deadline: float | None,
        stage: str,
        waiting: Waiting,
        *,
        bare: bool = False,
        nothing: bool = False,
        ends: bool = False,
    ) -> T | None:
        """Return what ``attempt`` takes from the buffer, once it can; at EOF None, or with ``ends`` StopAsyncIteration.

        ``bare`` reads have no frame: what is buffered is a result; ``nothing`` may succeed on an empty buffer.
        """
        pipe = self._pipe
        mine = timeout is not None or deadline is not None or self.timeout is not None
        until = self._until(timeout, deadline) if mine else math.inf
        if pipe.receiver is not None or pipe.closing or asyncio._get_running_loop() is not pipe.loop:  # noqa: SLF001
            self._check_reader()
        self._spins += 1
        if self._spins >= BUDGET and self._slice_is_over():
            await self._yield_as_reader()
        buffer, record = pipe.buffer, pipe.record
        found = attempt() if buffer or nothing else None
        if found is None and until < math.inf and until <= pipe.clock():
            pipe.receive()  # the loop had no turn to say that something is here
            found = attempt() if buffer else None
        started, came, self._waits, self._since = None, record.bytes_in, waiting, pipe.clock()
        now = self._since
        while found is None:
            if started is None and not bare and buffer:
                started = self._frame_began(now)
            if (pipe.over or self._draining) and not self._go_on(now, ends=ends):
                return None
            at = self._bound(now, until, stage, started)
            try:
                await pipe.expect(at, now, waiting)
            finally:
                self._turn_at = now = pipe.expected()
                self._spins = 0
            if record.bytes_in != came or (pipe.passing and pipe.arrived):
                found, came, self._since = attempt(), record.bytes_in, now
        self._answered = False
        if self._message == math.inf:
            self._start_message(now)
        return found

    def _frame_began(self, now: float) -> float:
        """Bytes are here that do not make a whole."""
        if self._message == math.inf:
            self._start_message(now)
        return now

    def _took(self) -> None:
        """Record that a verb took bytes: the program may owe an answer, and the open message has begun."""
        self._answered = False
        if self._message == math.inf:
            self._start_message(self._pipe.clock())

    def _go_on(self, now: float, *, ends: bool) -> bool:
        """False at EOF; raises if the connection is gone or may end here."""
        pipe = self._pipe
        if pipe.eof and not pipe.lost and not pipe.closing:
            if ends:
                raise StopAsyncIteration
            return False
        if pipe.closing or pipe.lost:
            raise pipe.failure("read")
        if self._draining and self._may_end_at() <= now:
            raise self._shutting_down()
        return True

    def _shutting_down(self) -> ShuttingDownError:
        return ShuttingDownError(f"{self.record.service or 'service'} shuts down: {self!r} is between messages")

    def _may_end_at(self) -> float:
        """When a drain may end this connection, whose reader waits; see ``proto.drain``."""
        pipe, record = self._pipe, self.record
        busy = pipe.full or pipe.sending or bool(pipe.turns) or self._message < math.inf
        return may_end_at(
            self._waits,
            busy=busy,
            begun=bool(pipe.buffer),
            answered=self._answered,
            beside=record.last_out_at > self._since,
            moved_at=max(record.last_in_at, record.last_out_at),
        )

    def _bound(self, now: float, until: float, stage: str, started: float | None) -> float:
        """The deadline that strikes first.  ``started`` is when the frame began, None between frames.

        Raises:
            DeadlineError: it is over.
            ShuttingDownError: a drain ends the connection here.
        """
        record, limits, since = self.record, self.limits, self._since
        if self._message < math.inf:
            started = since = self._message
            limit, name = limits.frame, "frame"
        elif started is not None:
            limit, name, since = limits.frame, "frame", started
        elif record.bytes_in:
            limit, name = limits.idle, "idle"
            if record.last_in_at > since:
                since = record.last_in_at
            if record.last_out_at > since:
                since = record.last_out_at
        else:
            limit, name, since = limits.first_byte, "first byte", max(since, record.last_out_at)
        at = math.inf if limit is None else since + limit
        if until <= at:
            at, name, since = until, stage, self._since if started is None else started
        if self._draining:
            at = min(at, self._may_end_at(), now + QUIET)  # all later than now: ``_go_on`` has looked, and looks again
        if at <= now:
            raise DeadlineError(name, now - since)
        return at

    def _complete(self, whole: T | None, wanted: str) -> T:
        if whole is not None:
            return whole
        partial = self._pipe.buffer.take_all()
        raise IncompleteError(f"{self.peer} ended {len(partial)} bytes into {wanted}", partial=partial)


_DATA = (bytes, bytearray, memoryview)


def _joined(parts: tuple[Data, ...]) -> Data:
    checked: tuple[object, ...] = parts
    for part in checked:
        if not isinstance(part, _DATA):
            raise UsageError(f"send of {type(part).__name__}, bytes, bytearray and memoryview allowed")
        if isinstance(part, memoryview) and not part.c_contiguous:
            raise UsageError("send of a memoryview that is not contiguous", advice="send bytes(view)")
    return parts[0] if len(parts) == 1 and type(parts[0]) is bytes else b"".join(parts)
