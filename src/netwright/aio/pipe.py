"""The portable connection below the verbs: a channel, a receive buffer and a send queue.

The channel holds the pipe's callbacks, a Stream holds the pipe; the pipe does not know the stream, so that a stream
that nobody closed can be noticed.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from netwright.aio.deadlines import TICK, Expiry, Ticker, clock_of
from netwright.aio.outcome import end_broken, failure_of
from netwright.aio.passing import close_all, receive_passed
from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import ClosedError, DeadlineError, LimitError, NetwrightError, ResetError, TransportError
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, Outcome, Recorder, Waiting
from netwright.proto.channel import Channel

__all__ = ["HIGH_WATER", "PROGRESS", "Pipe"]

HIGH_WATER = 64 * 1024  # bytes that may come unasked; above, the kernel's buffer fills and the peer's window closes
RECEIVE = 256 * 1024  # bytes of one receive
SMALL = 512  # bytes: a shorter post that waits is copied to the one before it, which takes less memory than two
PROGRESS = 64 * 1024  # bytes that a slow peer has to read within ``limits.send`` seconds to be worth the wait
DISCARD = 16  # receives of what nobody will read, before a close

_HANDLER = Waiting.HANDLER
Turn: TypeAlias = asyncio.Future[DeadlineError | None]


class Posts:
    """A post that waits, or small ones in a row: an entry of ``Pipe.turns``."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data if len(data) >= SMALL else bytearray(data)


class Pipe:
    """One connection below the verbs.

    Attributes:
        eof: the peer's FIN came.
        over: any of ``eof``, ``closing`` and ``lost``: a reader has to look.
        closing: this side closed or aborted: no verb goes on.
        lost: the channel is closed; ``error`` is why, None for an orderly end.
        ending: the outcome of an orderly end.
        receiver: the future that a reader awaits, None if none does.
        sending: a send is under way: it has its turn.
        turns: what waits behind it, in order: sends and posts.  Each one is removed in constant time.
        posted: bytes of posts that the channel did not take yet.
        send_only: the channel cannot receive: ``eof`` is set, but the peer sent no FIN.
        by_request: nothing is received before a verb waits for it: descriptors may come with the bytes.
        wraps: the channel may hold bytes: it is asked until it has none.
        passing: the reader wants descriptors, and receives by itself; ``arrived``: it may do so now.
        cause: the setting or time that ended the connection from this side.
    """

    __slots__ = (
        *("loop", "clock", "ticker", "record", "recorder", "channel", "buffer", "receiver"),
        *("eof", "over", "closing", "fin_sent", "held", "lost", "ending", "error", "cause"),
        *("sending", "turns", "posted", "flushing", "_queued", "_sent", "_gone", "_life", "_receive_expiry"),
        *("by_request", "passing", "arrived", "send_only", "_posting", "wraps", "_stall"),
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ticker: Ticker,
        record: ConnectionRecord,
        recorder: Recorder,
        channel: Channel,
    ) -> None:
        self.loop, self.ticker, self.record, self.recorder, self.channel = loop, ticker, record, recorder, channel
        self.clock = clock_of(loop)
        self.buffer = ReceiveBuffer()
        self.eof = self.over = self.closing = self.fin_sent = self.held = self.lost = self.sending = False
        self.ending = Outcome.CLOSED
        self.error: OSError | None = None
        self.cause: NetwrightError | None = None
        self.receiver: asyncio.Future[None] | None = None
        self.turns: OrderedDict[Turn | Posts, None] = OrderedDict()
        self.flushing: Turn | None = None
        self.posted = 0
        self._posting = False  # the message under way is of posts
        self._queued: memoryview | None = None
        self._sent = 0
        self._gone: asyncio.Event | None = None
        self._receive_expiry: Expiry | None = None
        self._life: Expiry | None = None
        self._stall: Expiry | None = None
        self.wraps = bool(channel.info("wraps"))
        self.by_request = not self.wraps and record.transport == "unix" and channel.info("descriptor") >= 0
        self.passing = self.arrived = self.send_only = False
        record.probe = channel.info("tcp_info")
        channel.watch(self._readable, None)

    # receiving

    def receive(self) -> None:
        """Take what is here into the buffer, even if the loop had no turn to say so."""
        if not (self.eof or self.lost or self.passing):
            self._receive()

    def _readable(self) -> None:
        waits = self.receiver is not None and not self.receiver.done()
        if self.by_request and (self.passing or not waits):
            self.held = self.arrived = True
            self._watch()
            _wake(self.receiver)
        else:
            self._receive()

    def take_passed(self, size: int, most: int) -> tuple[bytes, list[int]] | None:
        """Take bytes and the descriptors that came with them; what is buffered came without.

        Raises:
            LimitError: more than ``most`` descriptors came, and were closed; the bytes are buffered.
        """
        self.arrived = False
        if self.buffer:
            return self.buffer.take(size), []
        if self.eof or self.lost:
            return None
        try:
            found = receive_passed(self.channel.info("descriptor"), size)
        except OSError as error:
            self.lose(error)
            return None
        if found is None:
            return None
        data, fds = found
        self._received(data)
        if len(fds) > most:
            close_all(fds)
            raise LimitError("recv_fds most", len(fds), most, unit="descriptors")
        return (self.buffer.take(size), fds) if data else None

    def _receive(self) -> None:
        try:
            data = self.channel.receive(RECEIVE)
            while data is not None:
                self._received(data)
                if not data or not self.wraps or self.held:
                    break
                data = self.channel.receive(RECEIVE)
        except OSError as error:
            self.lose(error)

    def _received(self, data: bytes) -> None:
        if not data:
            self.eof = self.over = True
            self.record.note(Kind.FIN_RECEIVED, self.clock())
            self._watch()
        else:
            self.buffer.append(data)
            self.record.received(len(data), self.clock())
            if self.receiver is None or self.receiver.done():
                if len(self.buffer) >= HIGH_WATER:
                    self.held = True
                    self._watch()
                return
            self.receiver.set_result(None)
            return
        _wake(self.receiver)

    def _watch(self) -> None:
        reads = self._readable if not (self.held or self.eof or self.closing) else None
        full = self._queued is not None or self.flushing is not None
        self.channel.watch(reads, self._writable if full else None)

    def expect(self, at: float, now: float, waiting: Waiting) -> "asyncio.Future[None]":
        """Return a Future that is set at bytes, FIN, the end or time ``at``; ``expected`` must follow."""
        self.record.wait(waiting, now)
        if self.held:
            self.held = False
            self._watch()
            if self.wraps:
                self.loop.call_soon(self.receive)
        self.receiver = future = self.loop.create_future()
        if at < math.inf:
            expiry = self._receive_expiry
            if expiry is None:
                self._receive_expiry = expiry = Expiry(self._receive_late)
                self.ticker.arm(expiry, at, now)
            elif not expiry.kept or at - now < TICK or at < self.ticker.due:
                self.ticker.arm(expiry, at, now)
            else:
                expiry.at = at
        return future

    def expected(self) -> float:
        """The reader no longer waits; return the time."""
        self.receiver = None
        expiry = self._receive_expiry
        if expiry is not None:
            expiry.at = math.inf
            if expiry.timer is not None:
                self.ticker.disarm(expiry)
        now = self.clock()
        if not self.closing:
            self.record.wait(_HANDLER, now)
        return now

    def _receive_late(self, _now: float) -> None:
        _wake(self.receiver)

    # sending

    @property
    def full(self) -> bool:
        """True if the channel has not taken everything."""
        return self._queued is not None

    @property
    def is_free(self) -> bool:
        """True if a send need not wait for its turn, and may go on."""
        return not (self.sending or self._queued or self.turns or self.lost or self.closing or self.fin_sent)

    @property
    def unsent(self) -> int:
        """Bytes of the message under way that the channel did not take yet."""
        return 0 if self._queued is None else len(self._queued) - self._sent

    def write(self, data: bytes | bytearray | memoryview) -> bool:
        """Give ``data`` to the channel; False if it did not take everything: the rest follows, or the end."""
        size = len(data)
        if not size:
            return True
        try:
            sent = self.channel.send(data)
        except OSError as error:
            self.lose(error)
            return False
        if sent:
            self.record.sent(sent, self.clock())
            if sent == size:
                return True
        self._queued, self._sent = memoryview(data if isinstance(data, bytes) else bytes(data)), sent
        self._watch()
        return False

    def wait_for_room(self) -> Turn:
        """Return a future for a send that has nothing queued; ``forget_room`` must follow."""
        self.flushing = room = self.loop.create_future()
        self._watch()
        return room

    def forget_room(self, room: Turn) -> None:
        """The wait for room is over."""
        if self.flushing is room:
            self.flushing = None
            if not self.lost:
                self._watch()

    def _writable(self) -> None:
        queued = self._queued
        if queued is None:
            self._flushed()
            if not self.lost:
                self._watch()
            return
        try:
            sent = self.channel.send(queued[self._sent :])
        except OSError as error:
            self.lose(error)
            return
        if not sent:
            return
        self.record.sent(sent, self.clock())
        self._sent += sent
        if self._posting:
            self.posted -= sent
        if self._sent >= len(queued):
            self._queued, self._posting = None, False
            self._flushed()
            if not self.lost:
                self._watch()

    def _flushed(self) -> None:
        """Call when the channel took the message under way: the next message begins."""
        if self.flushing is not None:
            _finish(self.flushing, None)
            self.flushing = None
        self.promote()
        if self.closing and self._queued is None:
            self._shut()

    def promote(self) -> None:
        """Give the next of ``turns`` its turn, if nothing is under way."""
        while not self.sending and self._queued is None and self.turns and not self.lost:
            turn, _ = self.turns.popitem(last=False)
            if isinstance(turn, Posts):
                self.write(turn.data)
                if not self.lost:
                    self._posting = self.full
                    self.posted -= len(turn.data) - self.unsent
            elif not turn.done():
                self.sending = True
                turn.set_result(None)

    def post(self, data: bytes, most: int, patience: float | None) -> bool:
        """Queue ``data`` behind everything; False if the connection ends, for now or before.

        While posts are queued, the progress rule of ``limits.send`` holds as for sends: ``patience``.
        """
        if self.closing or self.lost or self.fin_sent:
            return False
        before = self.posted
        if not self.sending and self._queued is None and not self.turns:
            if self.write(data):
                return True
            self._posting, self.posted = self.full, self.unsent
        elif data:
            last = next(reversed(self.turns), None)
            if len(data) < SMALL and isinstance(last, Posts) and isinstance(last.data, bytearray):
                last.data += data
            else:
                self.turns[Posts(data)] = None
            self.posted += len(data)
        if self.posted > most:
            self.end_by(LimitError("outbox", self.posted, most), Outcome.LIMIT, "outbox")
        elif self.posted and not before and patience is not None:
            self._await_progress(patience, self.clock())
        return not self.lost

    def _await_progress(self, patience: float, now: float) -> None:
        if self._stall is not None:
            self.ticker.forget(self._stall)
        self._stall = Expiry(partial(self._stalled, patience, now, self.record.bytes_out))
        self.ticker.arm(self._stall, now + patience, now)

    def _stalled(self, patience: float, began: float, sent: int, now: float) -> None:
        if self.posted and self.record.bytes_out - sent < PROGRESS:
            self.end_by(DeadlineError("send", now - began), Outcome.DEADLINE, "send")
        elif self.posted:
            self._await_progress(patience, now)

    def waits(self, turn: Turn) -> bool:
        """Remove a send that has given up; True if it was still waiting for its turn."""
        if turn in self.turns:
            del self.turns[turn]
            return True
        return False

    # the end

    def close(self) -> None:
        """Send what is queued, then FIN; no verb goes on."""
        if self.closing or self.lost:
            return
        fin_came_first = self.eof and not self.fin_sent and not self.send_only
        self.ending = Outcome.PEER_CLOSED if fin_came_first else Outcome.CLOSED
        self.record.wait(Waiting.CLOSE, self.clock())
        self.closing = self.over = True
        for turn in list(self.turns):
            if not isinstance(turn, Posts):
                del self.turns[turn]
                _finish(turn, None)
        _finish(self.flushing, None)
        self.flushing, self.sending = None, False
        _wake(self.receiver)
        self.promote()
        if self._queued is None:
            self._shut()
        elif not self.lost:
            self._watch()

    def _shut(self) -> None:
        """Close after reading what nobody will read: over unread bytes a close sends RST, which overtakes our last."""
        try:
            for _ in range(DISCARD):
                data = None if self.eof else self.channel.receive(RECEIVE)
                if not data:
                    break
                self.record.received(len(data), self.clock())
        except OSError as error:
            self.lose(error)
            return
        if data == b"" and not self.eof and not self.fin_sent:
            self.ending = Outcome.PEER_CLOSED
        self.lose(None)

    def abort(self, text: str = "") -> None:
        """Send RST, forget what was queued."""
        if self.lost:
            return
        self.record.end(Outcome.ABORTED, self.clock(), text=text)
        self.lose(None, reset=True)

    def end_by(self, cause: NetwrightError, outcome: Outcome, stage: str) -> None:
        """This side ends the connection because of ``cause``, which its verbs raise from now on."""
        self.cause = cause
        self.record.end(outcome, self.clock(), stage=stage, text=str(cause))
        self.abort()

    def lose(self, error: OSError | None, *, reset: bool = False) -> None:
        """Close the channel; whoever waits wakes and finds out why."""
        if self.lost:
            return
        now = self.clock()
        self.lost = self.over = True
        self.closing = self.closing or error is None
        self.error = error
        if error is not None:
            error.with_traceback(None)  # whose frames hold this pipe: a cycle
            end_broken(self.record, error, now)
        self.record.sample(now)
        self.record.probe = None
        self.channel.close(reset=reset)
        self.record.end(self.ending, now)
        self.recorder.close(self.record, now)
        self._queued = None
        for expiry in (self._life, self._receive_expiry, self._stall):
            if expiry is not None:
                self.ticker.forget(expiry)
        self._life = self._receive_expiry = self._stall = None
        for turn in (self.flushing, *self.turns):
            if turn is not None and not isinstance(turn, Posts):
                _finish(turn, None)
        self.turns.clear()
        self.flushing, self.posted = None, 0
        if self._gone is not None:
            self._gone.set()
        _wake(self.receiver)

    async def gone(self) -> None:
        """Wait until the channel is closed."""
        if not self.lost:
            self._gone = self._gone or asyncio.Event()
            await self._gone.wait()

    def live_until(self, at: float) -> None:
        """Cut the connection at ``at``, whatever it does then."""
        self._life = Expiry(self._outlived)
        self.ticker.arm(self._life, at, self.clock())

    def _outlived(self, now: float) -> None:
        self.end_by(DeadlineError("lifetime", now - self.record.opened_at), Outcome.DEADLINE, "lifetime")

    def failure(self, doing: str) -> NetwrightError:
        """Why nothing can be done any more, as a new error."""
        match self.cause:
            case DeadlineError(stage=stage, waited=waited):
                return DeadlineError(stage, waited)
            case LimitError(name=name, seen=seen, allowed=allowed):
                return LimitError(name, seen, allowed)
        if isinstance(self.error, ConnectionError):
            error: TransportError = ResetError(f"{doing}: {self.record.peer} reset the connection")
        elif self.error is not None:
            error = TransportError(f"{doing}: {failure_of(self.error, self.record, self.clock()).text}")
        else:
            error = ClosedError(f"{doing}: the connection to {self.record.peer} is closed")
        error.__cause__ = self.error
        return error


class SendExpiry:
    """Ends the wait of a send at its deadline, or when the peer has read too little for too long."""

    __slots__ = ("_before", "_begun", "_expiry", "_future", "_patience", "_pipe", "_queued", "_stage", "_until")

    def __init__(
        self, pipe: Pipe, future: Turn, until: float, stage: str, patience: Callable[[], float], *, queued: bool
    ) -> None:
        self._pipe, self._future, self._until, self._stage, self._queued = pipe, future, until, stage, queued
        self._patience = patience
        self._begun = pipe.clock()
        self._before = pipe.record.bytes_out
        self._expiry = Expiry(self._look)
        self._arm(self._begun)

    def _arm(self, now: float) -> None:
        at = min(self._until, now + self._patience())
        if at < math.inf:
            self._pipe.ticker.arm(self._expiry, at, now)

    def forget(self) -> None:
        """The wait is over."""
        self._pipe.ticker.forget(self._expiry)

    def _look(self, now: float) -> None:
        moved = self._pipe.record.bytes_out - self._before
        self._before += moved
        if now < self._until and moved >= PROGRESS:
            self._arm(now)
            return
        error = DeadlineError(
            self._stage if now >= self._until else "send",
            now - self._begun,
            advice=f"{self._pipe.record.peer} does not read",
        )
        error.queued = self._queued
        _finish(self._future, error)


def _wake(future: "asyncio.Future[None] | None") -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _finish(turn: Turn | None, error: DeadlineError | None) -> None:
    if turn is not None and not turn.done():
        turn.set_result(error)
