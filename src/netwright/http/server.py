"""HTTP/1.1 on a stream: the shell that moves bytes between a Stream and a ServerMachine and calls the handlers.

One connection is one task; requests that come early wait in order (RFC 9112 §9.3.2).  The content of a request is read
when the handler asks for it, so a slow handler slows the peer.  A peer that goes away while its handler waits cancels
the handler (``cancel_when_gone``): at most ``WATCH_AFTER`` seconds plus one round trip after its RST.  A FIN alone says
only that no further request comes (RFC 9293 §3.6): the answer is sent.  Who has closed both directions is found when
something is sent, or by the keepalive when its system has forgotten the connection (Linux: 60 s), and cancels then.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from netwright.aio import ShuttingDownError, Stream
from netwright.aio.failures import place
from netwright.aio.outcome import blamed
from netwright.aio.sockets import hung_up
from netwright.core.errors import ClosedError, DeadlineError, LimitError, NetwrightError, ResetError, TransportError
from netwright.core.moment import Kind
from netwright.core.record import ExchangeRecord, Outcome, Waiting
from netwright.core.root import guarded
from netwright.http.drive import drive
from netwright.http.errors import StatusError
from netwright.http.pages import error_response, status_of
from netwright.http.request import Request
from netwright.http.response import Response, Switch, as_response
from netwright.proto import http1
from netwright.proto.fields import NO_FIELDS, Fields
from netwright.proto.http1 import Data, End, Event, HttpLimits, Reading, Refused, ServerMachine, format_fields

__all__ = ["Connection", "Handler", "Settings"]

T = TypeVar("T")
Handler = Callable[[Request], Coroutine[Any, Any, object]]
Finder = Callable[[Request], Handler]

_BODY, _DONE, _CLOSED = Reading.BODY, Reading.DONE, Reading.CLOSED
WATCH_AFTER = 0.1  # seconds that a handler waits before somebody looks whether its peer is still there
LOOK_EVERY = 1.0  # seconds between two looks at a peer that has ended its direction
LINGER = 2.0  # seconds, and
LINGER_BYTES = 256 * 1024  # bytes, that are read away after the last answer: a close with unread bytes sends RST
JOIN = 16 * 1024  # bytes of content up to which copying it behind its head is cheaper than a second buffer


@dataclass(slots=True)
class Settings:
    """What the connections of one program share.

    Attributes:
        find: the handler of a request; sets ``request.params``; StatusError if there is none.
        report: told once of every failure of the program: what failed, for whom, and the error.
        handler_timeout: seconds after which a handler is cancelled and 503 is sent; None: it may take its time.
        cancel_when_gone: cancel a handler whose peer went away (RST).
        draining: no further request is taken; answers say ``Connection: close``.
    """

    find: Finder
    report: Callable[[str, Exception], None]
    limits: HttpLimits = field(default_factory=HttpLimits)
    handler_timeout: float | None = None
    cancel_when_gone: bool = True
    draining: Callable[[], bool] = lambda: False


class Connection:
    """One connection of a serving program; also the ``Content`` of its present request."""

    __slots__ = (
        "_body_error",
        "_context",
        "_events",
        "_exchange",
        "_gone",
        "_last",
        "_loop",
        "_machine",
        "_now",
        "_record",
        "_request",
        "_response",
        "_seen",
        "_sending",
        "_settings",
        "_stream",
        "_switch",
        "_task",
        "_timer",
        "_watcher",
        "trailers",
    )

    def __init__(self, stream: Stream, settings: Settings) -> None:
        self._stream, self._settings = stream, settings
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time()  # of the last event: a look at the clock costs more than it tells
        self._machine = ServerMachine(settings.limits, self._now)
        self._record = stream.record
        self._record.protocol = "http/1.1"
        self._events: list[Event] = []
        self._exchange: ExchangeRecord | None = None
        self._request: Request | None = None
        self._response: Response | None = None
        self._switch: tuple[Switch, bytes] | None = None
        self._body_error: Exception | None = None
        self.trailers: Fields = NO_FIELDS
        self._seen = 0  # bytes of content read of the present request
        self._gone = self._sending = False
        self._last = False  # the peer has ended its direction behind what came
        self._context: Context | None = None
        self._task: asyncio.Task[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Connection {self._record.peer} {self._machine!r}>"

    async def run(self) -> None:
        """Answer requests until one side has enough; the stream is closed then."""
        self._task = asyncio.current_task()
        try:
            while await self._serve_one():
                self._machine.next_message()
            await self._finish()
        except ShuttingDownError:
            self._record.end(Outcome.DRAINED, self._loop.time())
            await self._stream.close()
        except TransportError:
            self._stream.abort()  # the peer is gone; the record says how
        except Exception as error:
            self._stream.fail(error)
            raise
        except BaseException:
            self._stream.abort()
            raise

    # one exchange

    async def _serve_one(self) -> bool:
        """Answer one request; True if another may follow."""
        first = await self._next_event()
        if type(first) is not http1.Request:
            if first is not None:
                assert isinstance(first, Refused)
                await self._refuse(first)
            return False
        request = self._request = Request(first, self, self._record.peer)
        self._begin(first)
        await guarded(self._call(request), self._keep_error)
        if self._gone:
            return False
        return await (self._answer() if self._switch is None else self._switch_over(*self._switch))

    async def _next_event(self) -> Event | None:
        """The next head, or why there is none; None if the peer is done or silent."""
        machine = self._machine
        events = machine.receive(b"", self._now) if machine.has_rest else []
        while not events:
            events = await self._receive()
            if not events and machine.reading is _CLOSED:
                return None
        self._events = events
        return events.pop(0)

    async def _receive(self) -> list[Event]:
        """Wait for the peer, within the deadline of what is due."""
        machine, stage = self._machine, self._machine.stage
        machine.wait(self._loop.time())
        deadline = machine.deadline(self._now)
        try:
            data = await self._stream.read(deadline=deadline, stage=stage, waiting=_WAITING[stage])
        except DeadlineError as error:
            now = self._now = self._loop.time()
            if error.stage == stage:
                events = machine.expire(now)
                text = str(events[0].error) if events and isinstance(events[0], Refused) else str(error)
                self._record.end(Outcome.DEADLINE, now, stage=stage, text=text)
                return events
            self._record.end(Outcome.DEADLINE, now, stage=error.stage, text=str(error))
            raise
        finally:
            now = self._now = self._loop.time()
            machine.pause(now)
        return machine.receive(data, now) if data else machine.receive_eof(now)

    def _begin(self, head: http1.Request) -> None:
        record, now = self._record, self._now
        self._response = self._body_error = None
        self._seen = 0
        self.trailers = NO_FIELDS
        self._exchange = record.exchange(f"{head.method} {head.target[:100]}", now)
        if record.timeline is not None:
            record.note(Kind.REQUEST, now, note=self._exchange.subject)
            record.note(Kind.HANDLER, now)

    async def _call(self, request: Request) -> None:
        """Run the handler; its answer is kept for ``_answer``."""
        settings = self._settings
        handler = settings.find(request)
        self._context = copy_context()
        if settings.handler_timeout is None:
            answer = await self._watched(handler(request))
        else:
            answer = await self._timed(handler(request), request, settings.handler_timeout)
        if type(answer) is Switch:
            self._switch = answer, self._machine.send_switch(answer.protocol, answer.fields)
        else:
            self._response = answer if type(answer) is Response else as_response(answer)

    async def _switch_over(self, switch: Switch, head: bytes) -> bool:
        """Hand the connection over to another protocol; never True: no request follows."""
        stream, exchange = self._stream, self._exchange
        assert exchange is not None
        exchange.answered, exchange.status = self._loop.time(), 101
        self._record.protocol = switch.protocol
        await stream.send(head)
        early = self._machine.take_rest()
        if early:
            stream.unread(early)
        await switch.serve(stream)
        return False

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        """Step the program's own code; cancel it if the peer goes away."""
        assert self._context is not None
        try:
            return await drive(work, self._context, self._suspended)
        except asyncio.CancelledError as error:
            if self._task is not None and not self._task.cancelling():
                raise RuntimeError("the handler waited for a task or future that was cancelled") from error
            if not self._is_only_gone():
                raise
            raise ClosedError(f"{self._record.peer} went away") from error
        except (GeneratorExit, KeyboardInterrupt) as error:
            failure = blamed(error)
            if failure is None or asyncio.current_task(self._loop) is not self._task:
                raise
            raise failure from error
        finally:
            if self._timer is not None:
                await self._end_watch()

    def _is_only_gone(self) -> bool:
        """True if the task was cancelled because the peer left, and for nothing else."""
        return self._gone and self._task is not None and self._task.uncancel() == 0

    async def _timed(self, work: Coroutine[Any, Any, object], request: Request, timeout: float) -> object:
        began = self._loop.time()
        try:
            async with asyncio.timeout(timeout) as limit:
                return await self._watched(work)
        except TimeoutError as error:
            if not limit.expired():
                raise
            self._report(request, DeadlineError("handler", self._loop.time() - began))
            raise StatusError(503, f"the handler took more than {timeout:g} s") from error

    def _keep_error(self, error: Exception) -> None:
        """The handler failed, or refused: an answer says so."""
        request = self._request
        if self._gone or request is None:
            return
        known = isinstance(error, StatusError) or error is self._body_error
        if not known:
            self._report(request, error)
        status = status_of(error) if known else 500
        accept = request.fields.get("accept", "")
        self._response = error_response(error, status=status, accept=accept, close=error is self._body_error)

    def _report(self, request: Request, error: Exception) -> None:
        record = self._record
        age, where = self._loop.time() - record.opened_at, place(error)
        failed = f"handler failed at {where}" if where else "handler failed"
        self._settings.report(
            f"{request.method} {request.target[:100]} from {record.peer}: {failed} after "
            f"{record.messages} requests, {record.bytes_in} bytes in, {record.bytes_out} out, {age:.3f} s",
            error,
        )

    # content

    async def read(self) -> bytes:
        """The next piece of the request's content; b"" at its end.

        Raises:
            HttpError, LimitError, IncompleteError: the peer broke a rule, passed a limit, went away.
            DeadlineError: it was too slow.
        """
        while True:
            for event in self._take_events():
                if isinstance(event, Data):
                    self._seen += len(event.data)
                    return event.data
                if isinstance(event, End):
                    self.trailers = event.trailers
                if isinstance(event, Refused):
                    self._body_error = event.error
                    raise event.error
            if self._machine.reading is not _BODY:
                return b""
            await self._receive_content()

    def _take_events(self) -> list[Event]:
        """The next event that came already, as a list of one; none if nothing is left."""
        return [self._events.pop(0)] if self._events else []

    async def _receive_content(self) -> None:
        machine = self._machine
        if machine.must_continue:
            await self._stream.send(machine.send_continue())
        try:
            self._events = await self._receive()
        except (DeadlineError, TransportError) as error:
            self._body_error = error
            raise

    # the answer

    async def _answer(self) -> bool:
        """Send the response; True if the connection can take another request."""
        response, machine, exchange = self._response, self._machine, self._exchange
        assert response is not None
        assert exchange is not None
        now = self._now = exchange.answered = self._loop.time()
        exchange.status = response.status
        if self._record.timeline is not None:
            self._record.note(Kind.RESPONSE, now, note=exchange.values().line)
        close = response.close or self._settings.draining() or (self._last and not machine.has_rest)
        close = close or (machine.reading is _BODY and self._is_too_much())
        block, body = _block(response.fields), response.body
        if type(body) is bytes:
            if len(body) <= JOIN:
                await self._stream.send(machine.send_whole(response.status, block, body, close=close))
            else:
                head = machine.send_head(response.status, block, length=len(body), close=close)
                await self._stream.send(head, machine.send_data(body), machine.send_end())
        elif not await self._send_pieces(response, block, close=close):
            return False
        if self._body_error is not None:
            self._end_by(self._body_error)
        if machine.reading is _BODY and machine.keep_alive:
            return await self._discard()
        return machine.keep_alive

    async def _send_pieces(self, response: Response, block: bytes, *, close: bool) -> bool:
        """A streamed answer; False if it could not be finished: then the peer must see that it is cut."""
        failures: list[Exception] = []
        self._context = self._context or copy_context()
        await guarded(self._watched(self._stream_out(response, block, close=close)), failures.append)
        if self._gone or not failures:
            return not self._gone
        error = failures[0]
        if self._sending:
            raise error
        subject = self._exchange.values().line if self._exchange is not None else ""
        self._settings.report(f"{subject} to {self._record.peer}: cut, its stream failed", error)
        self._record.end(Outcome.HANDLER_ERROR, self._loop.time(), text=repr(error))
        self._stream.abort()
        return False

    async def _send(self, data: bytes) -> None:
        self._sending = True
        await self._stream.send(data)
        self._sending = False

    async def _stream_out(self, response: Response, block: bytes, *, close: bool) -> None:
        machine = self._machine
        await self._send(machine.send_head(response.status, block, length=None, close=close))
        pieces = response.body
        assert not isinstance(pieces, bytes)
        iterator = aiter(pieces)
        try:
            if machine.has_content:
                async for piece in iterator:
                    data = machine.send_data(piece)
                    if data:
                        await self._send(data)
        finally:
            closing: Callable[[], Awaitable[None]] | None = getattr(iterator, "aclose", None)
            if closing is not None:
                await closing()
        end = machine.send_end()
        if end:
            await self._send(end)

    async def _refuse(self, refused: Refused) -> None:
        """Answer a request that was none, then close."""
        self._body_error = refused.error
        self._exchange = self._record.exchange(refused.subject or "?", self._now)
        self._response = error_response(refused.error, status=refused.status, close=True)
        await self._answer()

    def _end_by(self, error: Exception) -> None:
        outcome, stage = Outcome.PROTOCOL_ERROR, "request body" if self._machine.request is not None else "request head"
        if isinstance(error, LimitError):
            outcome, stage = Outcome.LIMIT, error.name
        self._record.end(outcome, self._loop.time(), stage=stage, text=str(error))

    # the rest of a request, and the end

    def _is_too_much(self) -> bool:
        """True if what the handler left unread is not worth reading (RFC 9112 §9.3)."""
        machine = self._machine
        if machine.reading is not _BODY or machine.request is None:
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
        return True

    async def _finish(self) -> None:
        """Close; a peer that still sends gets a moment to read the answer first (RFC 9112 §9.6)."""
        stream = self._stream
        if self._body_error is not None or self._machine.reading is _BODY:
            await self._linger()
        await stream.close()

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

    # is the peer still there

    def _suspended(self) -> None:
        """The handler waits: look for the peer later, most handlers are done by then."""
        if self._settings.cancel_when_gone:
            self._timer = self._loop.call_later(WATCH_AFTER, self._start_watch)

    def _start_watch(self) -> None:
        if self._machine.reading is _DONE and self._watcher is None:
            self._watcher = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        """Wait for a byte (the next request: go on), the end of the peer's direction, or of both."""
        try:
            data = await self._stream.read(stage="watch", waiting=Waiting.HANDLER)
        except ResetError:
            self._cancel()
        except NetwrightError:
            return  # a limit of the stream's struck, nobody left
        else:
            if data:
                self._stream.unread(data)
            else:
                self._last = True
                self._look()

    def _look(self) -> None:
        """The peer has ended its direction: does it still read?"""
        if self._record.closed_at or hung_up(self._stream.fileno()):
            self._cancel()
        else:
            self._timer = self._loop.call_later(LOOK_EVERY, self._look)

    def _cancel(self) -> None:
        if self._task is not None:
            self._gone = True
            assert self._exchange is not None
            self._exchange.note = "peer gone"
            self._task.cancel()

    async def _end_watch(self) -> None:
        assert self._timer is not None
        self._timer.cancel()
        self._timer = None
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait([watcher])


_WAITING = {
    "first byte": Waiting.NEXT_REQUEST,
    "request head": Waiting.HEAD,
    "request body": Waiting.BODY,
    "next request": Waiting.NEXT_REQUEST,
}
_DATES: dict[int, bytes] = {}
_BLOCKS: dict[tuple[tuple[str, str], ...], bytes] = {}  # of responses with a content type and nothing else


def _block(fields: tuple[tuple[str, str], ...]) -> bytes:
    """Field lines of a response; Date is added unless the handler said one (RFC 9110 §6.6.1)."""
    block = _BLOCKS.get(fields)
    if block is not None:
        return block + _date()
    block = format_fields(fields)
    if len(fields) < 2 and len(_BLOCKS) < 100 and (not fields or fields[0][0] == "content-type"):
        _BLOCKS[fields] = block
    return block if any(name.lower() == "date" for name, _ in fields) else block + _date()


def _date() -> bytes:
    """The Date field (RFC 9110 §6.6.1), made once a second."""
    second = int(time.time())
    line = _DATES.get(second)
    if line is None:
        _DATES.clear()
        line = _DATES[second] = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second)).encode()
    return line
