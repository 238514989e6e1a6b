"""Open a connection: look the name up, race its addresses (RFC 8305)."""

import asyncio
import math
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from netwright.aio.choice import engine
from netwright.aio.limits import UNLIMITED
from netwright.aio.outcome import reason
from netwright.aio.resolve import Candidate, as_address, literal, look_up
from netwright.aio.sockets import apply
from netwright.aio.stream import Stream
from netwright.core.address import Address, InetAddress, UnixAddress, from_sockname
from netwright.core.errors import ConnectError, DeadlineError
from netwright.core.moment import Kind
from netwright.core.record import Attempt, ConnectionRecord, Outcome, Recorder, Result, Waiting
from netwright.core.tuning import INTERACTIVE, Tuning
from netwright.proto.happy_eyeballs import OTHER, PREFERRED, Event, Exhausted, HappyEyeballs, Start, Stop, Won

__all__ = ["connect"]

_FULL_BACKLOG_RETRY = 0.01  # a Unix listener with a full backlog answers EAGAIN, and nothing tells when it is over
_FAMILIES = {PREFERRED: socket.AF_INET6, OTHER: socket.AF_INET}

Try: TypeAlias = Callable[[Candidate], Any]  # a coroutine function that gives a connected socket


async def connect(
    address: Address | str | tuple[str, int],
    *,
    timeout: float | None = 10.0,
    deadline: float | None = None,
    tuning: Tuning = INTERACTIVE,
    local: Address | None = None,
    recorder: Recorder | None = None,
) -> Stream:
    """Open a connection; of a name with several addresses the first that answers wins (RFC 8305).

    Args:
        timeout: seconds for everything: lookup, and every address.
        deadline: the same on the engine's clock; the earlier one counts.
        local: the address to connect from.

    Raises:
        ConnectError: no address answered; ``attempts`` holds one cause each.
        DeadlineError: the time ran out first.

    Cancelling is safe: half-open sockets are closed.
    """
    target, recorder, clock = as_address(address), recorder or Recorder(), engine()
    begun = clock.now()
    until = min(
        math.inf if timeout is None else begun + timeout,
        math.inf if deadline is None else deadline,
    )
    transport = "unix" if isinstance(target, UnixAddress) else "tcp"
    record = recorder.open(role="connected", transport=transport, local=local, peer=target, at=begun)
    record.wait(Waiting.RESOLVE, begun)  # from the first moment on: no second of it is the handler's
    try:
        async with asyncio.timeout_at(None if until == math.inf else until):
            sock, name = await _open(target, partial(_attempt, record, tuning, local), record)
        record.local, record.peer = _name(sock), from_sockname(name)
    except BaseException as error:
        now = clock.now()
        stage = "resolve" if record.waiting is Waiting.RESOLVE else "connect"
        late = isinstance(error, TimeoutError)
        failure = DeadlineError(stage, now - begun, advice=f"{target} does not answer") if late else error
        number = record.attempts[-1].errno if record.attempts and not late else 0
        record.end(Outcome.CONNECT_FAILED, now, stage=stage, errno=number, text=str(failure))
        recorder.close(record, now)
        if failure is error:
            raise
        raise failure from error
    record.opened_at = clock.now()
    record.wait(Waiting.HANDLER, record.opened_at)
    record.note(Kind.ESTABLISHED, record.opened_at, note=str(record.peer))
    return await clock.open(sock, record, recorder, UNLIMITED)


def _resolved(record: ConnectionRecord, now: float) -> None:
    """The first address is known."""
    record.resolved_at = record.resolved_at or now
    record.wait(Waiting.CONNECT, now)


def _name(sock: socket.socket) -> Address:
    """This side's address; a peer that is gone already may have taken the socket's name with it."""
    try:
        return from_sockname(sock.getsockname())
    except OSError as error:
        sock.close()
        raise ConnectError(f"connected, and lost at once: {reason(error)}", [error]) from error


async def _open(target: Address, attempt: Try, record: ConnectionRecord) -> tuple[socket.socket, Any]:
    """A connected socket and its peer's name."""
    if isinstance(target, InetAddress) and not target.host:
        target = InetAddress("localhost", target.port)
    only = literal(target)
    if only is not None:
        _resolved(record, engine().now())
        try:
            return await attempt(only), only[1]
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
        return race.sockets.pop(winner), winner[1]
    finally:
        for sock in race.sockets.values():  # of those that were too late
            sock.close()


class _Race:
    """Drives the machine: lookups and attempts are tasks that put what happened into one queue."""

    def __init__(self, target: InetAddress, attempt: Try, record: ConnectionRecord) -> None:
        self.target, self.attempt, self.record = target, attempt, record
        self.machine = HappyEyeballs[Candidate]()
        self.happened: asyncio.Queue[Callable[[float], Sequence[Event[Candidate]]]] = asyncio.Queue()
        self.sockets: dict[Candidate, socket.socket] = {}
        self.refused: list[OSError] = []

    async def run(self, group: asyncio.TaskGroup) -> Candidate | None:
        """The winner, whose socket is in ``sockets``; None if nobody answered."""
        lookups = [group.create_task(self._look_up(family)) for family in _FAMILIES]
        attempts: dict[Candidate, asyncio.Task[None]] = {}
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

    async def _next(self) -> Sequence[Event[Candidate]]:
        try:
            async with asyncio.timeout_at(self.machine.deadline):
                happened = await self.happened.get()
        except TimeoutError:
            return self.machine.expire(engine().now())
        return happened(engine().now())

    async def _look_up(self, family: int) -> None:
        found: list[Candidate] = []
        try:
            found = await look_up(self.target.host, self.target.port, _FAMILIES[family])
        except OSError as error:
            self.refused.append(error)
        self.record.note(
            Kind.RESOLVED, engine().now(), note=" ".join(str(from_sockname(sockaddr)) for _, sockaddr in found)
        )
        self.happened.put_nowait(partial(self.machine.resolved, family, found))

    async def _try(self, candidate: Candidate) -> None:
        try:
            self.sockets[candidate] = await self.attempt(candidate)
        except OSError as error:
            self.happened.put_nowait(partial(self.machine.failed, candidate, error))
        else:
            self.happened.put_nowait(partial(self.machine.connected, candidate))

    def failure(self) -> ConnectError:
        """Every address and its cause, or why there was none."""
        if self.machine.failures:
            return _connect_error(self.target, self.machine.failures)
        answers = ", ".join(sorted({str(error.strerror) for error in self.refused})) or "no address"
        return ConnectError(f"cannot look up {self.target}: {answers}", self.refused)


def _connect_error(target: Address, failures: Sequence[tuple[Candidate, Exception]]) -> ConnectError:
    causes = ", ".join(f"{from_sockname(sockaddr)}: {reason(error)}" for (_, sockaddr), error in failures)
    return ConnectError(f"cannot connect to {target}: {causes}", [error for _, error in failures])


async def _attempt(
    record: ConnectionRecord, tuning: Tuning, local: Address | None, candidate: Candidate
) -> socket.socket:
    """One connected socket; none is left open if this raises or is cancelled."""
    family, sockaddr = candidate
    name, begun = from_sockname(sockaddr), engine().now()
    record.note(Kind.SYN, begun, note=str(name))
    sock = engine().new_socket(family, sockaddr)
    try:
        apply(sock, tuning)
        if isinstance(local, InetAddress):
            sock.bind((local.host, local.port))
        elif local is not None:
            sock.bind(local.sockname)
        if family == socket.AF_UNIX:
            await _connect_unix(sock, sockaddr)
        else:
            await engine().connect(sock, sockaddr)
    except BaseException as error:
        sock.close()
        result = Result.FAILED if isinstance(error, Exception) else Result.ABANDONED
        _tried(record, name, result, begun, getattr(error, "errno", None) or 0)
        raise
    _tried(record, name, Result.ANSWERED, begun)
    return sock


def _tried(record: ConnectionRecord, name: Address, result: Result, began: float, errno: int = 0) -> None:
    record.attempts += (Attempt(str(name), result, errno, began, engine().now() - began),)


async def _connect_unix(sock: socket.socket, path: str) -> None:
    while True:
        try:
            sock.connect(path)
        except BlockingIOError:
            await asyncio.sleep(_FULL_BACKLOG_RETRY)
        else:
            return
