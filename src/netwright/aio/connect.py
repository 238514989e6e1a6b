"""Open a connection: look the name up, try its addresses."""

import asyncio
import math
import socket
from typing import Any

from netwright.aio.choice import engine
from netwright.aio.limits import UNLIMITED
from netwright.aio.outcome import reason
from netwright.aio.resolve import Candidate, as_address, resolve
from netwright.aio.sockets import apply, new
from netwright.aio.stream import Stream
from netwright.core.address import Address, InetAddress, UnixAddress, from_sockname
from netwright.core.errors import ConnectError, DeadlineError
from netwright.core.record import Outcome, Recorder, Waiting
from netwright.core.tuning import INTERACTIVE, Tuning

__all__ = ["connect"]

_FULL_BACKLOG_RETRY = 0.01  # a Unix listener with a full backlog answers EAGAIN, and nothing tells when it is over


async def connect(
    address: Address | str | tuple[str, int],
    *,
    timeout: float | None = 10.0,
    deadline: float | None = None,
    tuning: Tuning = INTERACTIVE,
    local: Address | None = None,
    recorder: Recorder | None = None,
) -> Stream:
    """Open a connection.

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
    until = math.inf if timeout is None else begun + timeout
    until = until if deadline is None else min(until, deadline)
    record = recorder.open(
        role="connected",
        transport="unix" if isinstance(target, UnixAddress) else "tcp",
        local=local,
        peer=target,
        at=begun,
    )
    try:
        async with asyncio.timeout_at(None if until == math.inf else until):
            record.wait(Waiting.RESOLVE, clock.now())
            candidates = await _resolve(target)
            record.resolved_at = clock.now()
            record.wait(Waiting.CONNECT, record.resolved_at)
            sock, name = await _first(target, candidates, tuning, local)
    except BaseException as error:
        stage = "connect" if record.waiting is Waiting.CONNECT else "resolve"
        if isinstance(error, TimeoutError) and not isinstance(error, ConnectError):
            failure: BaseException = DeadlineError(stage, clock.now() - begun, advice=f"{target} does not answer")
        else:
            failure = error
        record.end(Outcome.CONNECT_FAILED, clock.now(), stage=stage, detail=str(failure))
        recorder.close(record, clock.now())
        if failure is error:
            raise
        raise failure from error
    record.opened_at = clock.now()
    record.wait(Waiting.HANDLER, record.opened_at)
    record.local, record.peer = from_sockname(sock.getsockname()), from_sockname(name)
    return await clock.open(sock, record, recorder, UNLIMITED)


async def _resolve(target: Address) -> list[Candidate]:
    try:
        return await resolve(target)
    except OSError as error:
        raise ConnectError(f"cannot look up {target}: {error.strerror}", [error]) from error


async def _first(
    target: Address, candidates: list[Candidate], tuning: Tuning, local: Address | None
) -> tuple[socket.socket, Any]:
    attempts: list[Exception] = []
    for family, sockaddr in candidates:
        try:
            return await attempt(family, sockaddr, tuning, local), sockaddr
        except OSError as error:
            attempts.append(error)
    causes = ", ".join(
        f"{from_sockname(sockaddr)}: {reason(error)}" for (_, sockaddr), error in zip(candidates, attempts, strict=True)
    )
    raise ConnectError(f"cannot connect to {target}: {causes}", attempts)


async def attempt(family: int, sockaddr: Any, tuning: Tuning, local: Address | None) -> socket.socket:
    """One connected socket; none is left open if this raises or is cancelled."""
    sock = new(family)
    try:
        apply(sock, tuning)
        if isinstance(local, InetAddress):
            sock.bind((local.host, local.port))
        elif local is not None:
            sock.bind(local.sockname)
        while True:
            try:
                if family == socket.AF_UNIX:
                    sock.connect(sockaddr)
                else:
                    await engine().connect(sock, sockaddr)
            except BlockingIOError:
                await asyncio.sleep(_FULL_BACKLOG_RETRY)
            else:
                return sock
    except BaseException:
        sock.close()
        raise
