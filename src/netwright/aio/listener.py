"""A listening socket and everything it accepted: own accept loop, limits, drain."""

import asyncio
import errno
import logging
import os
import socket
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

from netwright.aio.choice import engine
from netwright.aio.engine import Engine
from netwright.aio.outcome import blamed, cause_of
from netwright.aio.resolve import as_address, resolve
from netwright.aio.sockets import BindError, reset_on_close
from netwright.core.address import Address, InetAddress, UnixAddress, from_sockname
from netwright.core.errors import NetwrightError, UsageError
from netwright.core.limits import STANDARD, Limits, check_drain
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, Outcome, Recorder
from netwright.core.tuning import INTERACTIVE, Tuning
from netwright.proto.stream import Stream

__all__ = ["DrainReport", "Handler", "Listener"]

Handler = Callable[[Stream], Awaitable[None]]
Over = Callable[["asyncio.Task[None]"], None]
Report = Callable[[str], None]
Arrival: TypeAlias = tuple[socket.socket, ConnectionRecord]  # accepted; its task has not made the stream yet

DEAD = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK}  # the listening socket itself; nothing can be accepted any more
GONE = {  # the connection that was next, accept(2) "Error handling"; the one after it may be fine
    *(errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENETUNREACH),
    *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOPROTOOPT, errno.EOPNOTSUPP),
}
BATCH = 16  # accepts in a row before other tasks get a turn
BACK_OFF = 0.1  # seconds without accept after the system ran out of something
CLEAN_UP = 5.0  # seconds that a cancelled handler has to end
REPORT_EVERY = 10.0  # seconds between two lines about the same thing
EVERY_HOST = ("", "0.0.0.0", "::")  # a listener's host that does not say at which address a connection arrived
_log = logging.getLogger("netwright")


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What a drain did: connections closed between messages, that finished by themselves, that were aborted."""

    idle: int = 0
    finished: int = 0
    aborted: int = 0

    def __add__(self, other: "DrainReport") -> "DrainReport":
        return DrainReport(self.idle + other.idle, self.finished + other.finished, self.aborted + other.aborted)


class Listener:
    """One listening socket; ``serve`` runs a handler for each connection that it accepts.

    Attributes:
        address: where it listens, with the real port.
        counts: "accepted", "refused" (``max_per_host``), "starved" (accepts that the system refused).
    """

    _engine: Engine  # these three are serve's
    _loop: asyncio.AbstractEventLoop
    _over: asyncio.Future[None]

    def __init__(
        self,
        sock: socket.socket,
        address: Address,
        *,
        limits: Limits,
        recorder: Recorder | None = None,
        service: str = "",
        report: Report = _log.error,
    ) -> None:
        self.address, self.limits, self.service = address, limits, service
        self.recorder = recorder or Recorder()
        self.report = report
        self.counts: Counter[str] = Counter()
        self._tasks: dict[asyncio.Task[None], Stream | Arrival] = {}
        self._hosts: Counter[str] = Counter()
        self._sock = sock
        self._left = asyncio.Event()
        self._accepting: asyncio.Task[None] | None = None
        self._name = f"{service or 'connection'} at {address}"  # of every task: one string, not one each
        self._one_local = isinstance(address, UnixAddress) or address.host not in EVERY_HOST
        self._draining = False
        self._reported = -REPORT_EVERY
        self._unreported = 0
        self._next_accept = 0.0

    @classmethod
    async def bind(
        cls,
        address: Address | str | tuple[str, int],
        *,
        tuning: Tuning = INTERACTIVE,
        limits: Limits = STANDARD,
        recorder: Recorder | None = None,
        service: str = "",
        report: Report = _log.error,
    ) -> Self:
        """Listen on ``address``; port 0 asks for a free one.

        Raises:
            BindError: the name cannot be looked up, or the operating system refused.
        """
        wanted = as_address(address)
        try:
            family, sockaddr = (await resolve(wanted))[0]
        except OSError as error:
            raise BindError(wanted, error) from error
        sock, refused = engine().listening_socket(family, sockaddr, wanted, tuning)
        if refused:
            report(f"{wanted}: this kernel has no {', '.join(refused)}")
        real = wanted if isinstance(wanted, UnixAddress) else from_sockname(sock.getsockname())
        return cls(sock, real, limits=limits, recorder=recorder, service=service, report=report)

    def __repr__(self) -> str:
        return f"<Listener {self.service} {self.address} {len(self._tasks)} open, {self.counts['accepted']} accepted>"

    @property
    def streams(self) -> "dict[Stream, asyncio.Task[None]]":
        """The connections that are open now, and their tasks."""
        return {held: task for task, held in self._tasks.items() if not isinstance(held, tuple)}

    async def serve(self, handler: Handler) -> None:
        """Accept until ``close`` or ``drain``, then wait for the handlers.  Cancelling aborts every connection.

        Raises:
            UsageError: it is being served already.
            OSError: the listening socket is broken; every connection was aborted.
        """
        if self._sock.fileno() < 0:
            return
        if self._accepting is not None:
            raise UsageError(f"{self!r} is being served already", advice="serve a listener once")
        self._engine, self._loop = engine(), asyncio.get_running_loop()
        self._over = self._loop.create_future()
        self._accepting = self._spawn(self._accept(handler), self._stopped)
        try:
            await self._over
        finally:
            self.abort()
            while unfinished := {*self._tasks, *([] if self._accepting.done() else [self._accepting])}:
                with suppress(asyncio.CancelledError):  # no task outlives serve, however often it is cancelled
                    await asyncio.wait(unfinished)

    async def drain(self, timeout: float) -> DrainReport:
        """Accept no more; close what is between messages at once, let the others finish, abort them at ``timeout``.

        Raises:
            UsageError: ``timeout`` has no end.
        """
        check_drain(timeout)
        self.close()
        self._draining = True
        everyone = set(self._tasks)
        streams = self.streams
        between = everyone - set(streams.values())  # accepted just now: no handler yet
        between |= {task for stream, task in streams.items() if stream.finish_messages()}
        if not everyone:
            return DrainReport()
        ended, stuck = await asyncio.wait(everyone, timeout=timeout)
        for task in stuck:
            task.cancel()
        if stuck:
            _, deaf = await asyncio.wait(stuck, timeout=CLEAN_UP)
            if deaf:
                self.report(f"{self.service or self.address}: {len(deaf)} handlers go on {CLEAN_UP:g} s after a cancel")
        return DrainReport(len(ended & between), len(ended - between), len(stuck))

    def close(self) -> None:
        """Accept no more; connections live on.  Again is allowed."""
        if self._accepting is not None and not self._accepting.done():
            self._accepting.cancel()  # and it releases the socket: the loop must forget the descriptor first
        else:
            self._release()

    def _release(self) -> None:
        if self._sock.fileno() < 0:
            return
        self._sock.close()
        if isinstance(self.address, UnixAddress) and not self.address.abstract and os.path.exists(self.address.path):
            os.unlink(self.address.path)

    def abort(self) -> None:
        """Accept no more and reset every connection."""
        self.close()
        for task in self._tasks:
            task.cancel()

    # accepting

    def _spawn(self, work: Coroutine[Any, Any, None], over: Over) -> "asyncio.Task[None]":
        """A task that ``serve`` waits for, as a TaskGroup would: at 10,000 connections its books would weigh."""
        task = self._loop.create_task(work, name=self._name)
        task.add_done_callback(over)
        return task

    async def _accept(self, handler: Handler) -> None:
        ours, turn, leave = self._engine, 0, self._leave
        while True:
            if self._full():
                await self._room()
            turn += 1
            if not turn % BATCH:
                await asyncio.sleep(0)
            try:
                sock, name = await ours.accept(self._sock)
            except OSError as error:
                if error.errno in DEAD:
                    raise
                if error.errno not in GONE:  # EMFILE, ENFILE, ENOBUFS, ENOMEM
                    self._starved(error, ours.now())
                    await asyncio.sleep(BACK_OFF)
            else:
                self._admit(handler, sock, name, ours.now(), leave)

    def _full(self) -> bool:
        return bool(self.limits.accept_rate) or 0 < self.limits.max_connections <= len(self._tasks)

    async def _room(self) -> None:
        """Wait until the limits allow one more connection."""
        limits = self.limits
        while limits.max_connections and len(self._tasks) >= limits.max_connections:
            self._left.clear()
            await self._left.wait()
        if limits.accept_rate:
            now = self._engine.now()
            if self._next_accept > now:
                await asyncio.sleep(self._next_accept - now)
            self._next_accept = max(now, self._next_accept) + 1 / limits.accept_rate

    def _starved(self, error: OSError, now: float) -> None:
        self.counts["starved"] += 1
        self._unreported += 1
        if now - self._reported >= REPORT_EVERY:
            self.report(f"{self.address}: accept: {error.strerror}, {self._unreported} times; waits {BACK_OFF} s each")
            self._reported, self._unreported = now, 0

    def _admit(self, handler: Handler, sock: socket.socket, name: Any, now: float, leave: Over) -> None:
        peer = from_sockname(name)
        host = _host(peer)
        if self.limits.max_per_host and self._hosts[host] >= self.limits.max_per_host:
            self.counts["refused"] += 1
            reset_on_close(sock)
            sock.close()
            return
        try:
            local = self.address if self._one_local else from_sockname(sock.getsockname())
        except OSError:  # the peer is gone, and the socket's name with it
            sock.close()
            return
        self.counts["accepted"] += 1
        self._hosts[host] += 1
        transport = "unix" if isinstance(peer, UnixAddress) else "tcp"
        record = self.recorder.open(role="accepted", transport=transport, local=local, peer=peer, at=now)
        record.service = self.service
        record.note(Kind.ESTABLISHED, now)
        task = self._spawn(self._connection(handler, (sock, record)), leave)
        self._tasks.setdefault(task, (sock, record))  # an eager task has its stream by now

    def _leave(self, task: "asyncio.Task[None]") -> None:
        held = self._tasks.pop(task)
        if isinstance(held, tuple):  # cancelled before its first step, or the engine made no stream
            sock, record = held
            sock.close()
            record.end(Outcome.DRAINED if self._draining else Outcome.ABORTED, record.opened_at)
            self.recorder.close(record, record.opened_at)
        else:
            record = held.record
        host = _host(record.peer)
        self._hosts[host] -= 1
        if self._hosts[host] <= 0:
            del self._hosts[host]
        self._left.set()
        self._ended(task)

    def _stopped(self, task: "asyncio.Task[None]") -> None:
        self._release()
        self._ended(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """``serve`` is over with the last task, or with the first that raised."""
        assert self._accepting is not None
        error = None if task.cancelled() else task.exception()
        if self._over.done():
            return
        if error is not None:
            self._over.set_exception(error)
        elif not self._tasks and self._accepting.done():
            self._over.set_result(None)

    # one connection

    async def _connection(self, handler: Handler, arrival: Arrival) -> None:
        try:
            stream = await self._engine.open(*arrival, self.recorder, self.limits)
        except OSError:
            return  # the peer left meanwhile
        del arrival  # the stream has both, and this frame lives as long
        self._begin(stream)
        try:
            try:
                await handler(stream)
            except Exception as error:
                self._failed(stream, error)
            except (SystemExit, GeneratorExit, KeyboardInterrupt) as error:
                failure = blamed(error)
                if failure is None or not self._steps(stream):
                    raise
                self._failed(stream, failure)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                failure = RuntimeError("the handler waited for a task or future that was cancelled")
                self._failed(stream, failure.with_traceback(error.__traceback__))
            await stream.close()
        except BaseException:  # a cancel, whose reason is this side's
            stream.record.end(Outcome.DRAINED if self._draining else Outcome.ABORTED, self._engine.now())
            stream.abort()
            raise

    def _begin(self, stream: Stream) -> None:
        task = asyncio.current_task(self._loop)  # the loop that it would ask for costs a system call, getpid(2)
        assert task is not None
        self._tasks[task] = stream
        if self._draining:
            stream.finish_messages()

    def _steps(self, stream: Stream) -> bool:
        """False while the coroutine of its task is being closed from outside, where it may not wait any more."""
        task = asyncio.current_task(self._loop)
        return task is not None and self._tasks.get(task) is stream

    def _failed(self, stream: Stream, error: Exception) -> None:
        record = stream.record
        ended_before = record.outcome is not Outcome.OPEN
        stream.fail(error)
        cause = cause_of(error)
        if record.outcome is Outcome.HANDLER_ERROR or (ended_before and not isinstance(cause, NetwrightError)):
            self.report(
                f"{self.service or 'handler'} of {record.peer}: {type(cause).__name__}: {cause}{_place(cause)}; "
                f"{record.bytes_in} bytes in, {record.bytes_out} out, "
                f"open for {self._engine.now() - record.opened_at:.3f} s"
            )


def _host(peer: Address | None) -> str:
    """What ``max_per_host`` counts by; Unix peers are one host."""
    return peer.host if isinstance(peer, InetAddress) else ""


def _place(error: BaseException) -> str:
    """The innermost line outside this package."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if "/netwright/aio/" not in frame.filename] or frames
    return f" at {theirs[-1].filename}:{theirs[-1].lineno}" if theirs else ""
