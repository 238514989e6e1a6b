"""One request and its answer while they happen, whatever the protocol: find the handler, run it, send what it returns.

The handler's coroutine is stepped in the task of the exchange's shell, in a context of its own: ``asyncio.timeout``,
TaskGroup and what builds on them work, and a handler that never waits costs neither a task nor a turn of the loop.  An
exchange is also the content of its request.

Whatever a handler raises ends its exchange and nothing else; only a cancellation of the task from outside and a real
Ctrl-C pass.  A peer that leaves while its handler waits cancels the handler (``Settings.cancel_when_gone``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from netwright.aio import Stream
from netwright.aio.failures import Failures
from netwright.aio.outcome import handler_failure, main_error
from netwright.core.errors import (
    ClosedError,
    DeadlineError,
    LimitError,
    NetwrightError,
    ProtocolError,
    TransportError,
    UsageError,
)
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, Outcome
from netwright.http.drive import drive
from netwright.http.errors import StatusError
from netwright.http.pages import error_response, status_of
from netwright.http.request import Head, Request
from netwright.http.response import FRAMING, Response, Switch, as_response
from netwright.proto.fields import Fields
from netwright.proto.http1 import HttpLimits

__all__ = ["Exchange", "Handler", "Pairs", "Program", "Settings", "Wire", "end_by_fault"]

T = TypeVar("T")
Handler = Callable[[Request], Coroutine[Any, Any, object]]
Finder = Callable[[Request], Handler]
Pairs = tuple[tuple[str, str], ...]

LOOK_AFTER = 0.1  # seconds that a handler waits before the first look whether its peer is still there
LOOK_EVERY = 1.0  # seconds between two looks


class Program(Protocol):
    """The program whose handlers run."""

    draining: bool


@dataclass(slots=True)
class Settings:
    """Settings that all connections of one program share.

    Attributes:
        program: while it drains, no further request is taken and answers say so.
        find: returns the handler of a request and sets ``request.params``; StatusError if there is none.
        failures: takes the operator's lines: failures of the program, and peers that a limit or a deadline ended.
        handler_timeout: seconds after which a handler is cancelled and 503 is sent; None: no bound.
        cancel_when_gone: cancel a handler whose peer has left.
        answer_half_closed: a peer that ended its direction (FIN) has not left: its handlers go on.
    """

    program: Program
    find: Finder
    failures: Failures
    limits: HttpLimits = field(default_factory=HttpLimits)
    handler_timeout: float | None = None
    cancel_when_gone: bool = True
    answer_half_closed: bool = False


class Wire(Protocol):
    """The operations that an exchange needs of its protocol: HTTP/1.1 has one exchange at a time, HTTP/2 one a stream.

    What sends gives an awaitable, which may raise TransportError, or DeadlineError if the peer does not read.

    Attributes:
        record: the connection's.
        scheme: "http" or "https", of the connection.
        trailers: of the request, once its content was read to the end.
        has_content: False if the answer that was begun cannot have content (HEAD, 204, 205, 304).
    """

    record: ConnectionRecord
    scheme: str
    trailers: Fields

    @property
    def has_content(self) -> bool: ...
    async def read(self) -> bytes: ...
    def inform(self, status: int, fields: Pairs) -> Awaitable[None]: ...
    def start(self, status: int, fields: Pairs, *, length: int | None, close: bool) -> Awaitable[None]: ...
    def write(self, data: bytes) -> Awaitable[None]: ...
    def end(self, trailers: Pairs) -> Awaitable[None]: ...
    def answer(self, response: Response, body: bytes) -> Awaitable[None]:
        """Send head, content and end in one write."""
        ...

    async def switch(self, switch: Switch) -> Stream:
        """Send 101; returns what the new protocol speaks on."""
        ...

    def reset(self) -> None:
        """End an answer that began so that the peer sees that it is cut."""
        ...

    def has_left(self) -> bool: ...


class Exchange:
    """A request and its answer; ``start``, ``write``…, ``end`` send the answer, ``read`` gives the request's content.

    What a handler returns is sugar over these.

    Attributes:
        head: of the request.
        record: what the connection's record keeps of this exchange.
        started, ended: the answer's head, its end were sent.
        fault: the peer's, in the request's content.
    """

    # Few exchanges change these; instances have none of them until then.
    started = ended = _has_left = _is_gone = _cancelled = False
    fault: Exception | None = None
    _lost: Exception | None = None  # the answer could not be sent
    _timer: asyncio.TimerHandle | None = None
    _gone: "asyncio.Future[None] | None" = None

    def __init__(self, wire: Wire, head: Head, settings: Settings, task: "asyncio.Task[Any]", now: float) -> None:
        self.head, self._wire, self._settings, self._task = head, wire, settings, task
        self._context = copy_context()
        record = wire.record
        self.record = record.exchange(f"{head.method} {head.target[:100]}", now)
        if record.timeline is not None:
            record.note(Kind.REQUEST, now, note=self.record.subject)
            record.note(Kind.HANDLER, now)

    def __repr__(self) -> str:
        return f"<Exchange {self.record.values().line} with {self._wire.record.peer}>"

    async def run(self) -> None:
        """Answer the request: returns when the answer was sent or cut, or the peer has left.

        Raises:
            TransportError, DeadlineError: the answer could not be sent; the connection is over.
        """
        settings, wire = self._settings, self._wire
        try:
            request = Request(self.head, self, wire.record.peer, scheme=wire.scheme)
            work = settings.find(request)(request)
            if settings.handler_timeout is not None:
                work = self._timed(work, settings.handler_timeout)
            answer = await drive(work, self._context, self._suspended)
            if self.started:
                await self._conclude(answer)
                return
            response = answer if type(answer) is Response or type(answer) is Switch else as_response(answer)
        except BaseException as error:  # a handler's failure is its own
            failed = self._failed(error)
            if failed is None:
                return
            response = failed
        finally:
            if self._timer is not None:
                self._end_watch()
        if type(response) is Response and type(response.body) is bytes:
            self.record.status = response.status
            if wire.record.timeline is not None:
                self._note(response.status)
            await wire.answer(response, response.body)
            self.record.answered, self.started, self.ended = wire.record.last_out_at, True, True
        elif isinstance(response, Switch):
            await self._switch_over(response)
        else:
            await self._guarded(self._pump(response))

    # the answer

    async def inform(self, status: int, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Send a 1xx response before the answer: 103 with links for one (RFC 8297)."""
        await self._sent(self._wire.inform(status, tuple(fields)))

    async def start(
        self, status: int, fields: Iterable[tuple[str, str]] = (), *, length: int | None = None, close: bool = False
    ) -> None:
        """Send the answer's head.

        Args:
            length: bytes of content to come; None if only ``end`` will tell.
            close: this is the last answer of the connection.

        Raises:
            UsageError: the answer has begun, or its head would not be one.
        """
        pairs = tuple(fields)
        if own := sorted(FRAMING.intersection(name.lower() for name, _ in pairs)):
            raise UsageError(f"{own[0]} in an answer's fields: the server says it", advice="use length= and close=")
        sending = self._wire.start(status, pairs, length=length, close=close)
        self.started = True
        self._note(status)
        await self._sent(sending)
        self.record.answered = self._wire.record.last_out_at

    async def write(self, data: bytes) -> None:
        """Send content; returns when the kernel took it, so a slow peer slows the handler."""
        if data:
            await self._sent(self._wire.write(data))

    async def end(self, trailers: Iterable[tuple[str, str]] = ()) -> None:
        """End the answer; trailers reach a peer of HTTP/1.1 only behind content without a length (RFC 9112 §7.1.2)."""
        sending = self._wire.end(tuple(trailers))
        self.ended = True
        await self._sent(sending)

    def reset(self) -> None:
        """End the exchange so that the peer sees that its answer is cut."""
        self.started = self.ended = True
        self._wire.reset()

    async def _sent(self, sending: Awaitable[T]) -> T:
        try:
            return await sending
        except (TransportError, DeadlineError) as error:
            self._lost = error
            raise

    def _note(self, status: int) -> None:
        self.record.status = status
        record = self._wire.record
        if record.timeline is not None:
            record.note(Kind.RESPONSE, self._task.get_loop().time(), note=self.record.values().line)

    async def _conclude(self, answer: object) -> None:
        """The handler has sent its answer itself."""
        if answer is not None:
            raise UsageError(f"a handler returned {type(answer).__name__} behind an answer that it had started")
        if not self.ended:
            await self.end()

    async def _pump(self, response: Response) -> None:
        """Send a response piece by piece."""
        assert not isinstance(response.body, bytes)
        await self.start(response.status, response.fields, close=response.close)
        iterator = aiter(response.body)
        try:
            if self._wire.has_content:
                async for piece in iterator:
                    await self.write(piece)
        finally:
            closing: Callable[[], Awaitable[None]] | None = getattr(iterator, "aclose", None)
            if closing is not None:
                await closing()
        await self.end()

    async def _switch_over(self, switch: Switch) -> None:
        """Hand the connection over to another protocol, behind the whole request (RFC 9110 §7.8)."""
        try:
            await self._read_away(self._settings.limits.unread_body)
            stream = await self._sent(self._wire.switch(switch))
        except BaseException as error:  # see run
            await self._answer_failure(error)
            return
        self.started = self.ended = True
        self._note(101)
        self.record.answered = self._wire.record.last_out_at
        try:
            await switch.serve(stream)
        except BaseException as error:
            raise self._failure_of(error) from None

    async def _read_away(self, most: int) -> None:
        """Read what the handler left of the request.

        Raises:
            StatusError: 413 it is more than ``most`` bytes.
        """
        left = most
        while piece := await self.read():
            left -= len(piece)
            if left < 0:
                said = f"content that the handler left unread: over {most} bytes (HttpLimits.unread_body)"
                raise StatusError(413, said, reference="RFC 9110 §7.8")

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Step what runs the program's code behind its handler; its failure is answered, or cuts the answer."""
        try:
            await drive(work, self._context, self._suspended)
        except BaseException as error:  # see run
            await self._answer_failure(error)
        finally:
            if self._timer is not None:
                self._end_watch()

    async def _answer_failure(self, error: BaseException) -> None:
        response = self._failed(error)
        if response is not None:
            await self._answer(response)

    async def _answer(self, response: Response) -> None:
        """Send a response whose content is here."""
        assert isinstance(response.body, bytes)
        self._note(response.status)
        await self._wire.answer(response, response.body)
        self.record.answered, self.started, self.ended = self._wire.record.last_out_at, True, True

    # the request's content

    async def read(self) -> bytes:
        """Return the next piece of the request's content; b"" at its end.

        Raises:
            ProtocolError, LimitError, DeadlineError, TransportError: the peer broke a rule, passed a limit, was too
                slow, left.  Every later call raises it again.
        """
        if self.fault is not None:
            raise self.fault
        try:
            return await self._wire.read()
        except (ProtocolError, LimitError, DeadlineError, TransportError) as error:
            self.fault = error
            raise

    @property
    def trailers(self) -> Fields:
        """The fields behind the request's content; none before it was read to its end."""
        return self._wire.trailers

    # the end of a program or a peer

    @property
    def draining(self) -> bool:
        """True while the program ends: what streams without end should end."""
        return self._settings.program.draining

    @property
    def gone(self) -> "asyncio.Future[None]":
        """Done when the peer was seen to have left."""
        if self._gone is None:
            self._gone = self._task.get_loop().create_future()
            if self._has_left:
                self._gone.set_result(None)
        return self._gone

    def _suspended(self) -> None:
        """The handler waits: look for the peer later, most handlers are done by then."""
        self._timer = self._task.get_loop().call_later(LOOK_AFTER, self._look)

    def _look(self) -> None:
        """Is the peer still there?  A look is one system call; the connection's bytes stay where they are."""
        if not self._wire.has_left():
            self._timer = self._task.get_loop().call_later(LOOK_EVERY, self._look)
            return
        self._has_left = True
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if self._settings.cancel_when_gone:
            self._is_gone = self._cancelled = True
            self.record.note = "peer gone"
            self._task.cancel()

    def _end_watch(self) -> None:
        assert self._timer is not None
        self._timer.cancel()
        self._timer = None
        if self._cancelled:  # the handler went on, or raised something else: the cancellation ends with it
            self._cancelled = False
            self._task.uncancel()

    @property
    def is_gone(self) -> bool:
        """True if the exchange ended because its peer has left."""
        return self._is_gone

    # failures

    async def _timed(self, work: Coroutine[Any, Any, object], timeout: float) -> object:
        began = self._task.get_loop().time()
        try:
            async with asyncio.timeout(timeout) as limit:
                return await work
        except TimeoutError as error:
            if not limit.expired():
                raise
            self._report(DeadlineError("handler", self._task.get_loop().time() - began))
            raise StatusError(503, f"the handler took more than {timeout:g} s") from error

    def _failed(self, error: BaseException) -> Response | None:
        """Return the answer to a failure; None if there is none to send.  Raises what must pass."""
        failure = self._failure_of(error)
        if self._is_gone:
            return None
        if _stems_from(failure, self._lost):
            raise failure
        is_fault = _stems_from(failure, self.fault)
        if not is_fault and not (isinstance(failure, StatusError) and not self.started):
            self._report(failure)
        if not self.started:
            return self._answer_to(failure, is_fault=is_fault)
        if not self.ended:
            self._cut(failure, is_fault=is_fault)
        return None

    def _failure_of(self, error: BaseException) -> Exception:
        """Return the failure of the program or the peer that ``error`` is; raise it if it is none."""
        if isinstance(error, asyncio.CancelledError):
            if self._cancelled:
                self._cancelled = False
                if not self._task.uncancel():
                    return ClosedError(f"{self._wire.record.peer} went away")
            if self._task.cancelling():
                raise error
            failure: Exception = RuntimeError("the handler waited for a task or future that was cancelled")
            failure.__cause__ = error
            return failure.with_traceback(error.__traceback__)
        if isinstance(error, Exception):
            return error
        blame = handler_failure(error) if asyncio.current_task() is self._task else None
        if blame is None:
            raise error
        return blame

    def _answer_to(self, failure: Exception, *, is_fault: bool) -> Response:
        known = is_fault or isinstance(failure, StatusError)
        cause = main_error(failure) if is_fault else failure
        assert isinstance(cause, Exception)
        status = status_of(cause) if known else 500
        return error_response(cause, status=status, accept=self.head.fields.get("accept", ""), close=is_fault)

    def _cut(self, failure: Exception, *, is_fault: bool) -> None:
        """The answer began and cannot be ended: the record says whose doing it is."""
        record, now = self._wire.record, self._task.get_loop().time()
        if is_fault:
            assert self.fault is not None
            end_by_fault(record, self.fault, now, "request body")
        else:
            record.end(Outcome.HANDLER_ERROR, now, stage="response", text=repr(failure))
        self.reset()

    def _report(self, failure: Exception) -> None:
        """A failure of the program, with what a reader of the log needs to find it."""
        record, now = self._wire.record, self._task.get_loop().time()
        cut = "; its answer is cut" if self.started and not self.ended else ""
        asked = record.messages

        def line(where: str) -> str:
            return (
                f"{self.record.subject} from {record.peer}: handler failed{f' at {where}' if where else ''}: "
                f"{type(failure).__name__}: {failure}; {asked} request{'' if asked == 1 else 's'}, "
                f"{record.bytes_in} bytes in, {record.bytes_out} out, open for {now - record.opened_at:.3f} s{cut}"
            )

        self._settings.failures.say(failure, line, now)


def _stems_from(failure: Exception, error: Exception | None) -> bool:
    """True if ``failure`` is ``error``, or a group of which it is the cause."""
    return error is not None and (failure is error or main_error(failure) is error)


def end_by_fault(record: ConnectionRecord, fault: Exception, at: float, stage: str) -> None:
    """End the record of a connection whose peer broke a rule, passed a limit or was too slow."""
    match fault:
        case LimitError():
            record.end(Outcome.LIMIT, at, stage=fault.name, text=str(fault))
        case DeadlineError():
            record.end(Outcome.DEADLINE, at, stage=fault.stage, text=str(fault))
        case NetwrightError():
            record.end(Outcome.PROTOCOL_ERROR, at, stage=stage, text=str(fault))
