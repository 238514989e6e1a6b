"""Open a connection: look the name up, race its addresses (RFC 8305)."""

import asyncio
import errno
import math
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

from netwright.aio.choice import engine
from netwright.aio.engine import Handle
from netwright.aio.outcome import error_text
from netwright.aio.resolve import AddressLike, as_address, literal, look_up
from netwright.core.address import Address, InetAddress, UnixAddress
from netwright.core.errors import ConnectError, DeadlineError, NetwrightError, RefusedError, UsageError
from netwright.core.limits import UNLIMITED, Limits
from netwright.core.moment import Kind
from netwright.core.record import Attempt, ConnectionRecord, Outcome, Recorder, Result, Waiting
from netwright.core.tuning import INTERACTIVE, Tuning
from netwright.proto.happy_eyeballs import OTHER, PREFERRED, Event, Exhausted, HappyEyeballs, Start, Stop, Won
from netwright.proto.stream import Stream

__all__ = ["connect"]

_FAMILIES = {PREFERRED: socket.AF_INET6, OTHER: socket.AF_INET}

E = TypeVar("E", bound=BaseException)
Try: TypeAlias = Callable[[Address], Awaitable[Handle]]


async def connect(
    address: AddressLike,
    *,
    timeout: float | None = 10.0,
    deadline: float | None = None,
    tuning: Tuning = INTERACTIVE,
    local: AddressLike | None = None,
    limits: Limits = UNLIMITED,
    recorder: Recorder | None = None,
) -> Stream:
    """Open a connection; of a name with several addresses the first that answers wins (RFC 8305).

    Args:
        timeout: seconds for everything: lookup, and every address.
        deadline: the same on the engine's clock; the earlier one counts.
        local: the IP address to connect from, and its port, 0 for a free one.
        limits: of the stream.  By default nothing bounds its reads and sends but their own ``timeout``, and
            ``tuning``: a peer that vanished is found after 75 s of silence, or 30 s after a send.

    Raises:
        ConnectError: no address answered; ``attempts`` holds one cause each, ``errno`` the last one's.  A
            RefusedError, which is a ConnectionRefusedError, if every address refused.
        DeadlineError: the time ran out first, or was over before.
        UsageError: an argument is not an address, not a number, or out of range.

    Cancelling is safe: half-open sockets are closed.
    """
    target, recorder, clock = as_address(address), recorder or Recorder(), engine()
    source = _source(local)
    begun = clock.now()
    until = _until(timeout, deadline, begun)
    transport = "unix" if isinstance(target, UnixAddress) else "tcp"
    record = recorder.open(role="connected", transport=transport, local=source, peer=target, at=begun)
    record.wait(Waiting.RESOLVE, begun)  # from the first moment on: no second of it is the handler's
    try:
        async with asyncio.timeout_at(None if until == math.inf else _later(until, begun)):
            handle = await _open(target, partial(_attempt, record, tuning, source), record)
        record.local, record.peer = _name(handle), handle.peer
    except TimeoutError as error:
        advice = f"{target} does not answer" if until >= begun else "the time was over before the call"
        raise _ended(record, recorder, DeadlineError(_stage(record), clock.now() - begun, advice=advice)) from error
    except BaseException as error:
        _ended(record, recorder, error)
        raise
    record.opened_at = clock.now()
    record.wait(Waiting.HANDLER, record.opened_at)
    record.note(Kind.ESTABLISHED, record.opened_at, note=str(record.peer))
    try:
        return await clock.open(handle, record, recorder, limits)
    except OSError as error:
        raise _error(f"connected to {target}, but cannot make a stream of it: {error_text(error)}", [error]) from error


def _stage(record: ConnectionRecord) -> str:
    return "resolve" if record.waiting is Waiting.RESOLVE else "connect"


def _ended(record: ConnectionRecord, recorder: Recorder, error: E) -> E:
    """Close the record; return ``error``, which no frame of its own traceback must keep: that would be a cycle."""
    now = engine().now()
    number = record.attempts[-1].errno if record.attempts and isinstance(error, ConnectError) else 0
    record.end(Outcome.CONNECT_FAILED, now, stage=_stage(record), errno=number, text=str(error))
    recorder.close(record, now)
    return error


def _source(local: AddressLike | None) -> Address | None:
    """The address to connect from, which must not need a lookup."""
    if local is None:
        return None
    wanted = as_address(local)
    if isinstance(wanted, InetAddress) and not wanted.host:
        raise UsageError(f"local={wanted} has no host", advice="give an IP address")
    found = literal(wanted)
    if found is None:
        raise UsageError(f"local={wanted} is a name", advice="give an IP address")
    return found


def _until(timeout: float | None, deadline: float | None, begun: float) -> float:
    """Return the earlier of timeout and deadline, on the engine's clock."""
    for name, value in (("timeout", timeout), ("deadline", deadline)):
        if value is not None and not -math.inf <= value <= math.inf:  # NaN compares with nothing
            raise UsageError(f"{name}={value}, a number of seconds or None allowed")
    return min(
        math.inf if timeout is None else begun + timeout,
        math.inf if deadline is None else deadline,
    )


def _later(until: float, now: float) -> float:
    """``until``, which a timeout that is over already would not stop from connecting at once."""
    if until < now:
        raise TimeoutError
    return until


def _resolved(record: ConnectionRecord, now: float) -> None:
    """Call when the first address is known."""
    record.resolved_at = record.resolved_at or now
    record.wait(Waiting.CONNECT, now)


def _name(handle: Handle) -> Address:
    """This side's address; a peer that is gone already may have taken the socket's name with it."""
    try:
        return handle.local
    except OSError as error:
        handle.close()
        raise _error(f"connected, but the connection was lost at once: {error_text(error)}", [error]) from error


async def _open(target: Address, attempt: Try, record: ConnectionRecord) -> Handle:
    """A connection to ``target``."""
    if isinstance(target, InetAddress) and not target.host:
        target = InetAddress("localhost", target.port)
    only = literal(target)
    if only is not None:
        _resolved(record, engine().now())
        try:
            return await attempt(only)
        except OSError as error:
            raise _connect_error(target, [(only, error)]) from error
    assert isinstance(target, InetAddress)
    record.note(Kind.RESOLVE, engine().now(), note=target.host)
    race = _Race(target, attempt, record)
    try:
        async with asyncio.TaskGroup() as group:
            winner = await race.run(group)
        if winner is None:
            raise race.failure()
        return race.handles.pop(winner)
    finally:
        for handle in race.handles.values():  # of those that were too late
            handle.close()


class _Race:
    """Drives the machine: lookups and attempts are tasks that put what happened into one queue."""

    def __init__(self, target: InetAddress, attempt: Try, record: ConnectionRecord) -> None:
        self.target, self.attempt, self.record = target, attempt, record
        self.machine = HappyEyeballs[Address]()
        self.happened: asyncio.Queue[Callable[[float], Sequence[Event[Address]]]] = asyncio.Queue()
        self.handles: dict[Address, Handle] = {}
        self.refused: list[OSError] = []

    async def run(self, group: asyncio.TaskGroup) -> Address | None:
        """The winner, whose handle is in ``handles``; None if nobody answered."""
        lookups = [group.create_task(self._look_up(family)) for family in _FAMILIES]
        attempts: dict[Address, asyncio.Task[None]] = {}
        try:
            while True:
                for event in await self._next():
                    match event:
                        case Start(address=address):
                            _resolved(self.record, engine().now())
                            attempts[address] = group.create_task(self._try(address))
                        case Stop(address=address):
                            attempts[address].cancel()
                        case Won(address=address):
                            return address
                        case Exhausted():
                            return None
        finally:
            for task in (*lookups, *attempts.values()):
                task.cancel()

    async def _next(self) -> Sequence[Event[Address]]:
        try:
            async with asyncio.timeout_at(self.machine.deadline):
                happened = await self.happened.get()
        except TimeoutError:
            return self.machine.expire(engine().now())
        return happened(engine().now())

    async def _look_up(self, family: int) -> None:
        found: list[Address] = []
        try:
            found = await look_up(self.target.host, self.target.port, _FAMILIES[family])
        except OSError as error:
            self.refused.append(error.with_traceback(None))  # whose frames hold this race: a cycle
        self.record.note(Kind.RESOLVED, engine().now(), note=" ".join(map(str, found)))
        self.happened.put_nowait(partial(self.machine.resolved, family, found))

    async def _try(self, candidate: Address) -> None:
        try:
            self.handles[candidate] = await self.attempt(candidate)
        except OSError as error:
            self.happened.put_nowait(partial(self.machine.failed, candidate, error.with_traceback(None)))
        else:
            self.happened.put_nowait(partial(self.machine.connected, candidate))

    def failure(self) -> ConnectError:
        """Every address and its cause, or why there was none."""
        if self.machine.failures:
            return _connect_error(self.target, self.machine.failures)
        answers = ", ".join(sorted({str(error.strerror) for error in self.refused})) or "no address"
        return _error(f"cannot look up {self.target}: {answers}", self.refused)


def _connect_error(target: Address, failures: Sequence[tuple[Address, Exception]]) -> ConnectError:
    causes = ", ".join(f"{address}: {_words(error)}" for address, error in failures)
    return _error(f"cannot connect to {target}: {causes}", [error for _, error in failures])


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, NetwrightError) else error_text(error)


def _error(message: str, causes: Sequence[Exception]) -> ConnectError:
    """Of the kind that the causes have in common."""
    numbers = [getattr(error, "errno", None) for error in causes]
    refused = bool(numbers) and all(number == errno.ECONNREFUSED for number in numbers)
    return (RefusedError if refused else ConnectError)(message, causes)


async def _attempt(record: ConnectionRecord, tuning: Tuning, local: Address | None, address: Address) -> Handle:
    """One connection; nothing is left open if this raises or is cancelled."""
    begun = engine().now()
    record.note(Kind.SYN, begun, note=str(address))
    try:
        handle = await engine().connect(address, tuning, local)
    except BaseException as error:
        result = Result.FAILED if isinstance(error, Exception) else Result.ABANDONED
        _tried(record, address, result, begun, getattr(error, "errno", None) or 0)
        raise
    _tried(record, address, Result.ANSWERED, begun)
    if handle.refused:
        names = ", ".join(handle.refused)
        record.note(Kind.ERROR, engine().now(), note=f"this system refused {names}", about=handle.refused)
    return handle


def _tried(record: ConnectionRecord, name: Address, result: Result, began: float, errno: int = 0) -> None:
    record.attempts += (Attempt(str(name), result, errno, began, engine().now() - began),)
