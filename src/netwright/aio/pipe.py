"""The portable connection: an asyncio protocol that keeps what came until a verb takes it.

The loop's transport holds the pipe, a Stream holds it too; the pipe does not know the stream, so that a stream that
nobody closed can be noticed.
"""

import asyncio
import math
from typing import Any

from netwright.aio.deadlines import Expiry, Ticker
from netwright.aio.kernel import probe_of
from netwright.aio.outcome import end_broken, failure_of, reason
from netwright.aio.sockets import reset_on_close
from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import ClosedError, DeadlineError, ResetError, TransportError
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, Outcome, Recorder, Waiting

__all__ = ["HIGH_WATER", "Pipe"]

HIGH_WATER = 64 * 1024  # bytes that may come unasked; above, the kernel's buffer fills and the peer's window closes


class Pipe(asyncio.Protocol):
    """One connection below the verbs.

    Attributes:
        eof: the peer's FIN came.
        over: any of ``eof``, ``closing`` and ``lost``: a reader has to look.
        closing: this side closed or aborted: no verb goes on.
        lost: the transport is gone; ``error`` is why, None for an orderly end.
        ending: the outcome of an orderly end.
        receiver, sender: the future that a verb awaits, None if none does.
    """

    __slots__ = (
        *("loop", "clock", "ticker", "record", "recorder", "transport", "buffer", "receiver", "sender"),
        *("eof", "over", "closing", "fin_sent", "held", "full", "lost", "ending", "error"),
        *("_cut", "_gone", "_life", "_receive_expiry"),
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ticker: Ticker, record: ConnectionRecord, recorder: Recorder
    ) -> None:
        self.loop, self.ticker, self.record, self.recorder = loop, ticker, record, recorder
        self.clock = loop.time
        self.buffer = ReceiveBuffer()
        self.eof = self.over = self.closing = self.fin_sent = self.held = self.full = False
        self.ending = Outcome.CLOSED
        self.error: Exception | None = None
        self.lost = False
        self._gone: asyncio.Event | None = None
        self.receiver: asyncio.Future[None] | None = None
        self.sender: asyncio.Future[None] | None = None
        self.transport: Any = None
        self._receive_expiry = Expiry(lambda _: _wake(self.receiver))
        self._life: Expiry | None = None
        self._cut: DeadlineError | None = None

    # what the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport watches the socket from now on."""
        self.transport = transport
        self.transport.set_write_buffer_limits(0)  # a send returns when the kernel took everything
        if self.record.transport == "tcp":
            asked = transport.get_extra_info("tcp_info")  # of a transport without a socket
            self.record.probe = asked or probe_of(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        """Bytes came; hand them to the buffer, wake the reader."""
        self.buffer.append(data)
        self.record.received(len(data), self.clock())
        receiver = self.receiver
        if receiver is not None:
            if not receiver.done():
                receiver.set_result(None)
        elif len(self.buffer) >= HIGH_WATER:
            self.transport.pause_reading()
            self.held = True

    def eof_received(self) -> bool:
        """FIN came; True keeps the other direction open."""
        self.eof = self.over = True
        self.record.note(Kind.FIN_RECEIVED, self.clock())
        _wake(self.receiver)
        return True

    def pause_writing(self) -> None:
        """The kernel's send buffer is full."""
        self.full = True

    def resume_writing(self) -> None:
        """The kernel took everything."""
        self.full = False
        _wake(self.sender)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed; nothing follows."""
        now = self.clock()
        self.error = exc
        if not isinstance(self.loop, asyncio.BaseEventLoop):
            self.record.probe = None  # uvloop has closed the descriptor: its number may be another connection's
        if exc is not None:
            end_broken(self.record, exc, now)
        self.record.end(self.ending, now)
        self.recorder.close(self.record, now)
        if self._life is not None:
            self.ticker.forget(self._life)
        self.ticker.forget(self._receive_expiry)
        self.over = self.lost = True
        if self._gone is not None:
            self._gone.set()
        _wake(self.receiver)
        _wake(self.sender)

    # what the verbs ask

    def expect(self, at: float, now: float) -> "asyncio.Future[None]":
        """What a reader awaits: set when bytes, FIN, the end or ``at`` came; ``expected`` must follow."""
        if self.held:
            self.held = False
            self.transport.resume_reading()
        self.receiver = future = self.loop.create_future()
        if at < math.inf:
            self.ticker.arm(self._receive_expiry, at, now)
        return future

    def expected(self) -> None:
        """The reader goes on."""
        self.receiver = None
        if self._receive_expiry.at < math.inf or self._receive_expiry.timer is not None:
            self.ticker.disarm(self._receive_expiry)

    async def drained(self, at: float, now: float) -> None:
        """Wait until the kernel took everything, until the end, or until ``at``."""
        self.sender = self.loop.create_future()
        expiry = Expiry(lambda _: _wake(self.sender))
        if at < math.inf:
            self.ticker.arm(expiry, at, now)
        try:
            await self.sender
        finally:
            self.sender = None
            self.ticker.forget(expiry)

    @property
    def unsent(self) -> int:
        """Bytes that the kernel did not take yet."""
        size: int = self.transport.get_write_buffer_size()
        return size

    def write(self, data: bytes) -> None:
        """Give ``data`` to the kernel; what it does not take follows in the background."""
        self.transport.write(data)
        self.record.sent(len(data), self.clock())

    def close(self) -> None:
        """Send what is queued, then FIN; no verb goes on."""
        if self.closing or self.lost:
            return
        self.ending = Outcome.PEER_CLOSED if self.eof and not self.fin_sent else Outcome.CLOSED
        self.record.wait(Waiting.CLOSE, self.clock())
        self.record.sample(self.clock())
        self.closing = self.over = True
        self.transport.close()
        _wake(self.receiver)
        _wake(self.sender)

    def abort(self, text: str = "") -> None:
        """Send RST, forget what was queued."""
        if self.lost:
            return
        self.record.end(Outcome.ABORTED, self.clock(), text=text)
        self.record.sample(self.clock())
        self.closing = self.over = True
        sock = self.transport.get_extra_info("socket")
        if self.record.transport == "tcp" and sock is not None and sock.fileno() >= 0:
            reset_on_close(sock)
        self.transport.abort()
        _wake(self.receiver)
        _wake(self.sender)

    def broken(self, error: OSError) -> TransportError:
        """The kernel takes no FIN: the peer has reset the connection, and the transport does not know it yet."""
        end_broken(self.record, error, self.clock())
        self.abort()
        return ResetError(f"send: {reason(error)}")

    async def gone(self) -> None:
        """Wait until the transport is gone."""
        if not self.lost:
            self._gone = self._gone or asyncio.Event()
            await self._gone.wait()

    def live_until(self, at: float) -> None:
        """Cut the connection at ``at``, whatever it does then."""
        self._life = Expiry(self._outlived)
        self.ticker.arm(self._life, at, self.clock())

    def _outlived(self, now: float) -> None:
        self._cut = DeadlineError("lifetime", now - self.record.opened_at)
        self.record.end(Outcome.DEADLINE, now, stage="lifetime", text=str(self._cut))
        self.abort()

    def failure(self, doing: str) -> TransportError | DeadlineError:
        """Why nothing can be done any more, as a new error."""
        if self._cut is not None:
            return DeadlineError(self._cut.stage, self._cut.waited)
        if isinstance(self.error, ConnectionError):
            error: TransportError = ResetError(f"{doing}: {self.record.peer} reset the connection")
        elif self.error is not None:
            error = TransportError(f"{doing}: {failure_of(self.error, self.record, self.clock()).text}")
        else:
            error = ClosedError(f"{doing}: the connection to {self.record.peer} is closed")
        error.__cause__ = self.error
        return error


def _wake(future: "asyncio.Future[None] | None") -> None:
    if future is not None and not future.done():
        future.set_result(None)
