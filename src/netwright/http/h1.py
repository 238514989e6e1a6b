"""HTTP/1.1 on a stream: the shell that moves bytes between a Stream, a ServerMachine and one Exchange after another.

One connection is one task; requests that come early wait in order (RFC 9112 §9.3.2).  The content of a request is read
when the handler reads it, so a slow handler slows the peer.
"""

import asyncio
from collections.abc import Awaitable

from netwright.aio import ShuttingDownError, Stream
from netwright.aio.sockets import hung_up
from netwright.core.errors import DeadlineError, LimitError, NetwrightError, TransportError
from netwright.core.moment import Kind
from netwright.core.record import Outcome, Waiting
from netwright.http.encode import encode_fields
from netwright.http.exchange import Exchange, Pairs, Settings, end_by_fault
from netwright.http.pages import error_response
from netwright.http.response import Response, Switch
from netwright.proto import http1
from netwright.proto.fields import NO_FIELDS, Fields
from netwright.proto.http1 import Data, End, Event, Reading, Refused, ServerMachine, format_fields

__all__ = ["Connection"]

_BODY, _DONE, _SWITCHED, _CLOSED = Reading.BODY, Reading.DONE, Reading.SWITCHED, Reading.CLOSED
LINGER = 2.0  # seconds, and
LINGER_BYTES = 256 * 1024  # bytes that are discarded after the last answer: a close with unread bytes sends RST
JOIN = 16 * 1024  # bytes of content up to which copying it behind its head is cheaper than a second buffer


class Connection:
    """One connection of a serving program; the ``Wire`` of its exchanges."""

    __slots__ = (
        "_events",
        "_exchange",
        "_is_faulty",
        "_loop",
        "_machine",
        "_now",
        "_seen",
        "_settings",
        "_stream",
        "_task",
        "record",
        "scheme",
        "trailers",
    )

    def __init__(self, stream: Stream, settings: Settings) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._stream, self._settings, self._task, self._loop = stream, settings, task, task.get_loop()
        self._now = self._loop.time()  # of the last event: a look at the clock costs more than it tells
        self._machine = ServerMachine(settings.limits, self._now)
        self.record, self.scheme = stream.record, "http"
        self.record.protocol = "http/1.1"
        self._events: list[Event] = []
        self._exchange: Exchange | None = None
        self._is_faulty = False  # the peer broke a rule: it may send on
        self._seen = 0  # bytes of content read of the present request
        self.trailers: Fields = NO_FIELDS

    def __repr__(self) -> str:
        return f"<Connection {self.record.peer} {self._machine!r}>"

    async def run(self) -> None:
        """Answer requests until one side has enough; the stream is closed then."""
        try:
            await self._serve()
            await self._finish()
        except ShuttingDownError:
            self.record.end(Outcome.DRAINED, self._loop.time())
            await self._stream.close()
        except TransportError:
            self._stream.abort()  # the peer is gone; the record says how
        except Exception as error:
            self._stream.fail(error)
            raise
        except BaseException:
            self._end_cancelled()
            self._stream.abort()
            raise

    async def _serve(self) -> None:
        """One exchange after another, until the connection ends."""
        machine, settings, task = self._machine, self._settings, self._task
        while True:
            head = await self._next_head()
            if type(head) is not http1.Request:
                if head is not None:
                    await self._refuse(head)
                return
            if self._seen or self.trailers is not NO_FIELDS:
                self._seen, self.trailers = 0, NO_FIELDS
            exchange = self._exchange = Exchange(self, head, settings, task, self._now)
            await exchange.run()
            while task.cancelling():  # a handler's own: CPython 3.11 leaves one behind a TaskGroup whose child failed
                task.uncancel()
            is_over = machine.reading is _DONE and machine.keep_alive and not exchange.is_gone
            if not is_over and not await self._may_go_on(exchange):
                return
            machine.next_message()

    async def _next_head(self) -> Event | None:
        """Return the next head, or why there is none; None if the peer is done or silent."""
        machine, record = self._machine, self.record
        events = machine.receive(b"", self._now) if machine.has_rest else []
        while not events:
            stage, since = machine.stage, record.last_out_at  # idle is what follows the last byte of an answer
            deadline = machine.wait(since if since > self._now else self._now)
            try:
                data = await self._stream.read(deadline=deadline, stage=stage, waiting=_WAITING[stage])
            except DeadlineError as error:
                if error.stage != stage:  # a limit of the stream's, between two requests
                    self.record.end(Outcome.DEADLINE, self._loop.time(), stage=error.stage, text=str(error))
                    return None
                events = self._expire(stage)
            else:
                now = self._now = record.last_in_at
                events = machine.receive(data, now) if data else machine.receive_eof(now)
            if not events and machine.reading is _CLOSED:
                return None
        self._events = events
        return events.pop(0)

    def _expire(self, stage: str) -> list[Event]:
        """The machine's deadline passed: report what that means."""
        now = self._now = self._loop.time()
        events = self._machine.expire(now)
        text = str(events[0].error) if events and isinstance(events[0], Refused) else f"{stage}: nothing came in time"
        self.record.end(Outcome.DEADLINE, now, stage=stage, text=text)
        return events

    async def _refuse(self, refused: Event) -> None:
        """Answer a request that was none; the connection ends."""
        assert isinstance(refused, Refused)
        record, now = self.record, self._loop.time()
        exchange = record.exchange(refused.subject or "?", now)
        response = error_response(refused.error, status=refused.status, close=True)
        exchange.status = response.status
        record.note(Kind.RESPONSE, now, note=exchange.values().line)
        self._is_faulty = True
        assert isinstance(response.body, bytes)
        await self.answer(response, response.body)
        exchange.answered = record.last_out_at
        self._blame(refused.error, "request head")

    def _blame(self, fault: Exception, stage: str) -> None:
        """The peer's fault ends the connection; the log has a line if it passed a limit or was too slow."""
        now = self._loop.time()
        end_by_fault(self.record, fault, now, stage)
        if isinstance(fault, DeadlineError | LimitError):
            self._settings.failures.tell(self.record, fault, now)

    def _end_cancelled(self) -> None:
        """The task was cancelled, most often by a drain whose time was over: say what that cut."""
        record, exchange, now = self.record, self._exchange, self._loop.time()
        busy = exchange is not None and not exchange.ended
        stage = "" if self._machine.reading is _SWITCHED else self._machine.stage
        if exchange and busy:
            stage = "response" if exchange.started else "handler"
        text = f"cut after {now - exchange.record.began:.3g} s: {exchange.record.subject}" if exchange and busy else ""
        outcome = Outcome.DRAINED if self._settings.program.draining else Outcome.ABORTED
        record.end(outcome, now, stage=stage, text=text)

    # what an exchange sends

    @property
    def has_content(self) -> bool:
        """See ``Wire``."""
        return self._machine.has_content

    def inform(self, status: int, fields: Pairs) -> Awaitable[None]:
        """See ``Wire``."""
        return self._stream.send(self._machine.send_interim(status, format_fields(fields)))

    def start(self, status: int, fields: Pairs, *, length: int | None, close: bool) -> Awaitable[None]:
        """See ``Wire``."""
        now = self._now = self._loop.time()
        block = encode_fields(fields, now)
        return self._stream.send(self._machine.send_head(status, block, length=length, close=close or self._ends()))

    def write(self, data: bytes) -> Awaitable[None]:
        """See ``Wire``."""
        return self._stream.send(self._machine.send_data(data))

    def end(self, trailers: Pairs) -> Awaitable[None]:
        """See ``Wire``."""
        return self._stream.send(self._machine.send_end(trailers))

    def answer(self, response: Response, body: bytes) -> Awaitable[None]:
        """See ``Wire``."""
        machine = self._machine
        close = response.close or self._settings.program.draining or (machine.reading is _BODY and self._is_too_much())
        now = self._now = self._loop.time()
        block = encode_fields(response.fields, now)
        if len(body) <= JOIN:
            return self._stream.send(machine.send_whole(response.status, block, body, close=close))
        head = machine.send_head(response.status, block, length=len(body), close=close)
        return self._stream.send(head, machine.send_data(body), machine.send_end())

    async def switch(self, switch: Switch) -> Stream:
        """See ``Wire``."""
        await self._stream.send(self._machine.send_switch(switch.protocol, switch.fields))
        self.record.protocol = switch.protocol
        early = self._machine.take_rest()
        if early:
            self._stream.unread(early)
        return self._stream

    def reset(self) -> None:
        """See ``Wire``."""
        self._stream.abort()

    def has_left(self) -> bool:
        """See ``Wire``; what the peer sent meanwhile stays unread."""
        stream, by_fin = self._stream, not self._settings.answer_half_closed
        if self.record.closed_at or (by_fin and stream.at_eof):
            return True
        return hung_up(stream.fileno(), by_fin=by_fin)

    def _ends(self) -> bool:
        """True if no request may follow this answer."""
        return self._settings.program.draining or (self._machine.reading is _BODY and self._is_too_much())

    # the request's content

    async def read(self) -> bytes:
        """See ``Wire``."""
        machine = self._machine
        while True:
            while self._events:
                event = self._events.pop(0)
                if type(event) is Data:
                    self._seen += len(event.data)
                    return event.data
                if type(event) is End:
                    self.trailers = event.trailers
                elif isinstance(event, Refused):
                    raise event.error
            if machine.reading is not _BODY:
                return b""
            await self._receive_content()

    async def _receive_content(self) -> None:
        machine, stage = self._machine, self._machine.stage
        if machine.must_continue and (interim := machine.send_continue()):
            await self._stream.send(interim)
        deadline = machine.wait(self._loop.time())
        try:
            data = await self._stream.read(deadline=deadline, stage=stage, waiting=Waiting.BODY)
        except DeadlineError as error:
            if error.stage != stage:
                raise
            self._events = self._expire(stage)
            return
        finally:
            machine.pause(self._loop.time())
        now = self._now = self._loop.time()
        self._events = machine.receive(data, now) if data else machine.receive_eof(now)

    # behind an exchange

    async def _may_go_on(self, exchange: Exchange) -> bool:
        """True if another request may follow; the rest of this one is discarded then."""
        machine = self._machine
        if exchange.is_gone:
            await self._read_how_it_left()
            return False
        if exchange.fault is not None:
            self._is_faulty = True
            self._blame(exchange.fault, "request body")
        if self._stream.closed or not machine.keep_alive:
            return False
        return machine.reading is _DONE or (machine.reading is _BODY and await self._discard())

    def _is_too_much(self) -> bool:
        """True if what the handler left unread is not worth reading (RFC 9112 §9.3)."""
        machine = self._machine
        if machine.request is None:
            return False
        return machine.must_continue or (machine.request.length or 0) - self._seen > machine.limits.unread_body

    async def _discard(self) -> bool:
        """Read away what the handler left; False if it is too much, too slow or faulty."""
        left = self._machine.limits.unread_body
        try:
            while piece := await self.read():
                left -= len(piece)
                if left < 0:
                    return False
        except NetwrightError:
            return False
        return self._machine.reading is _DONE

    async def _read_how_it_left(self) -> None:
        """Of a peer that has left: read until the error or the end, so that the record has it."""
        left = LINGER_BYTES
        try:
            while left > 0 and (data := await self._stream.read(timeout=0.0)):
                left -= len(data)
        except NetwrightError:
            return

    async def _finish(self) -> None:
        """Close; a peer that still sends gets a moment to read the answer first (RFC 9112 §9.6)."""
        if self._sends_on():
            await self._linger()
        await self._stream.close()

    def _sends_on(self) -> bool:
        """True if the peer is likely to send more, which would be answered with RST behind a close."""
        stream, machine = self._stream, self._machine
        if stream.closed or machine.reading is _SWITCHED or (self._exchange is not None and self._exchange.is_gone):
            return False
        return self._is_faulty or machine.reading is _BODY or machine.has_rest

    async def _linger(self) -> None:
        stream, left = self._stream, LINGER_BYTES
        deadline = self._loop.time() + LINGER
        try:
            await stream.send_eof()
            while left > 0:
                data = await stream.read(deadline=deadline, stage="linger", waiting=Waiting.CLOSE)
                if not data:
                    return
                left -= len(data)
        except NetwrightError:
            return  # closed either way


_WAITING = {
    "first byte": Waiting.NEXT_REQUEST,
    "request head": Waiting.HEAD,
    "request body": Waiting.BODY,
    "next request": Waiting.NEXT_REQUEST,
}
