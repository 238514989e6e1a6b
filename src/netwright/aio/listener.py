"""A listening socket and everything it accepted: own accept loop, limits, drain."""

import asyncio
import errno
import logging
import socket
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Self, TypeAlias

from netwright.aio.binding import listen_on
from netwright.aio.choice import engine
from netwright.aio.draining import CLEAN_UP, NAMED, DrainReport, begin_end
from netwright.aio.engine import Engine, Handle, ListeningHandle
from netwright.aio.failures import Failures, Report
from netwright.aio.handlers import Handler, check_handler
from netwright.aio.outcome import handler_failure, main_error
from netwright.aio.resolve import AddressLike, as_address, resolve
from netwright.aio.sockets import BindError, adopted
from netwright.core.address import Address, InetAddress, UnixAddress
from netwright.core.errors import DeadlineError, LimitError, NetwrightError, UsageError
from netwright.core.limits import STANDARD, Limits, check_drain
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, Outcome, Recorder
from netwright.core.tuning import INTERACTIVE, Tuning
from netwright.proto.stream import Stream

__all__ = ["DrainReport", "Handler", "Listener"]

Over = Callable[["asyncio.Task[None]"], None]
Arrival: TypeAlias = tuple[Handle, ConnectionRecord]  # accepted; its task has not made the stream yet

DEAD = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK}  # the listening socket itself; nothing can be accepted any more
GONE = {  # the connection that was next, accept(2) "Error handling"; the one after it may be fine
    *(errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENETUNREACH),
    *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOPROTOOPT, errno.EOPNOTSUPP),
}
BATCH = 16  # accepts in a row before other tasks get a turn
BACK_OFF = 0.1  # seconds without accept after the system ran out of something
REPORT_EVERY = 10.0  # seconds between two lines about the same thing
EVERY_HOST = ("", "0.0.0.0", "::")  # a listener's host that does not say at which address a connection arrived
_log = logging.getLogger("netwright")


class Listener:
    """One or more listening sockets; ``serve`` runs a handler for each connection that they accept.

    Attributes:
        address: where it listens, with the real port; the first of ``addresses``.
        addresses: one for each socket.
        counts: "accepted", "refused" (``max_per_host``), "starved" (accepts that the system refused).
    """

    _engine: Engine  # these three are serve's
    _loop: asyncio.AbstractEventLoop
    _over: asyncio.Future[None]

    def __init__(
        self,
        sockets: ListeningHandle | socket.socket | Sequence[ListeningHandle | socket.socket],
        address: Address | None = None,
        *,
        tuning: Tuning = INTERACTIVE,
        limits: Limits = STANDARD,
        recorder: Recorder | None = None,
        service: str = "",
        report: Report = _log.error,
    ) -> None:
        """Listen on sockets that are bound already, from a parent process or systemd; ``bind`` makes them.

        They are this listener's from now on: it makes them non-blocking, also for other processes that have them,
        and closes them.  The file of a Unix socket stays.

        Args:
            address: what to call it; by default the first socket's own address.
            tuning: for the connections.

        Raises:
            UsageError: one is not a bound stream socket.
            OSError: one refused an option of ``tuning.options``.
        """
        several = sockets if isinstance(sockets, Sequence) else [sockets]
        if not several:
            raise UsageError("a listener without a socket", advice="pass one that is bound, or use Listener.bind")
        handles = [each if isinstance(each, ListeningHandle) else adopted(each, tuning) for each in several]
        self.addresses = tuple(handle.address for handle in handles)
        self.address, self.limits, self.service = address or handles[0].address, limits, service
        self.recorder = recorder or Recorder()
        self.report = report
        self._failures = Failures(service, limits, report)
        self.counts: Counter[str] = Counter()
        self._tasks: dict[asyncio.Task[None], Stream | Arrival] = {}
        self._hosts: Counter[str] = Counter()
        self._handles = handles
        self._left = asyncio.Event()
        self._accepting: list[asyncio.Task[None]] = []
        self._name = f"{service or 'connection'} at {self.address}"  # of every task: one string, not one each
        self._draining = False
        self._reported = -REPORT_EVERY
        self._unreported = 0
        self._next_accept = 0.0
        for handle in handles:
            if handle.refused:
                report(f"{handle.address}: this system refused {', '.join(handle.refused)}")

    @classmethod
    async def bind(
        cls,
        address: AddressLike,
        *,
        tuning: Tuning = INTERACTIVE,
        limits: Limits = STANDARD,
        recorder: Recorder | None = None,
        service: str = "",
        report: Report = _log.error,
    ) -> Self:
        """Listen on ``address``; port 0 asks for a free one, the same for every address.

        A name binds all its addresses.  The host "" is every local address, IPv4 and IPv6; "0.0.0.0" is every
        IPv4 address alone, "::" every IPv6 address alone.

        Raises:
            BindError: the name cannot be looked up, or the operating system refused; nothing is left bound.
        """
        wanted = as_address(address)
        try:
            where = await resolve(wanted)
        except OSError as error:
            raise BindError(wanted, error) from error
        handles = listen_on(engine(), where, tuning)
        return cls(handles, limits=limits, recorder=recorder, service=service, report=report)

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
        check_handler(handler)
        if not self._handles:
            return
        if self._accepting:
            raise UsageError(f"{self!r} is being served already", advice="serve a listener once")
        self._engine, self._loop = engine(), asyncio.get_running_loop()
        self._over = self._loop.create_future()
        for handle in self._handles:
            task = self._spawn(self._accept(handle, handler), self._stopped)
            self._accepting.append(task)
        try:
            await self._over
        finally:
            if self._loop.is_closed():  # dropped with its loop: no task can be cancelled or waited for
                self._release()
            else:
                self.abort()
                await self._end_of_tasks()

    async def _end_of_tasks(self) -> None:
        while unfinished := {*self._tasks, *(task for task in self._accepting if not task.done())}:
            with suppress(asyncio.CancelledError):  # no task outlives serve, however often it is cancelled
                await asyncio.wait(unfinished)

    async def drain(self, timeout: float, *, sparing: "asyncio.Task[Any] | None" = None) -> DrainReport:
        """Stop accepting; close idle connections at once, let busy ones finish, reset the rest at ``timeout``.

        A handler that is still running then is cancelled; one that ignores that loses its connection all the same,
        and is named.  The connection of a handler that calls this goes on, and is not counted; ``sparing`` is the
        handler's task where another task calls this for it.

        Raises:
            UsageError: ``timeout`` has no end.
        """
        check_drain(timeout)
        self.close()
        self._draining = True
        caller = sparing or asyncio.current_task()
        everyone = {task: held for task, held in self._tasks.items() if task is not caller}
        between = {task for task, held in everyone.items() if isinstance(held, tuple) or begin_end(held)}
        if not everyone:
            return DrainReport()
        ended, stuck = await asyncio.wait(everyone, timeout=timeout)
        return DrainReport(len(ended & between), len(ended - between), len(stuck), await self._cut(stuck))

    async def _cut(self, stuck: set["asyncio.Task[None]"]) -> tuple[str, ...]:
        """Cancel these handlers and reset their connections; log one line for each."""
        lines = [f"{self.service or self.address} of {self._record(task).peer}" for task in stuck]
        for task in stuck:
            task.cancel()
        if stuck:
            _, deaf = await asyncio.wait(stuck, timeout=CLEAN_UP / 10)
            for task in deaf:
                self._reset(task)
            _, deaf = await asyncio.wait(deaf, timeout=CLEAN_UP) if deaf else (set(), deaf)
            if deaf:
                peers = ", ".join(str(self._record(task).peer) for task in list(deaf)[:3])
                where = self.service or self.address
                self.report(f"{where}: {len(deaf)} handlers go on {CLEAN_UP:g} s after a cancel, first of {peers}")
        return tuple(lines[:NAMED])

    def _record(self, task: "asyncio.Task[None]") -> ConnectionRecord:
        held = self._tasks[task]
        return held[1] if isinstance(held, tuple) else held.record

    def _reset(self, task: "asyncio.Task[None]") -> None:
        held = self._tasks.get(task)
        if held is not None and not isinstance(held, tuple):
            held.record.end(Outcome.DRAINED, self._engine.now(), text="the handler ignored its cancellation")
            held.abort()

    def holds(self, task: "asyncio.Task[Any] | None") -> bool:
        """True if ``task`` runs one of this listener's handlers."""
        return task in self._tasks

    def close(self) -> None:
        """Stop accepting; open connections go on.  Idempotent."""
        for task in self._accepting:
            task.cancel()  # and the last one releases the sockets: the loop must forget the descriptors first
        if all(task.done() for task in self._accepting):
            self._release()

    def _release(self) -> None:
        handles, self._handles = self._handles, []
        for handle in handles:
            handle.close()

    def abort(self) -> None:
        """Stop accepting and reset every connection."""
        self.close()
        for task in self._tasks:
            task.cancel()

    # accepting

    def _spawn(self, work: Coroutine[Any, Any, None], over: Over) -> "asyncio.Task[None]":
        """A task that ``serve`` waits for, as a TaskGroup would: at 10,000 connections its books would weigh."""
        task = self._loop.create_task(work, name=self._name)
        task.add_done_callback(over)
        return task

    async def _accept(self, listening: ListeningHandle, handler: Handler) -> None:
        ours, turn, leave, limits = self._engine, 0, self._leave, self.limits
        one_local = isinstance(listening.address, UnixAddress) or listening.address.host not in EVERY_HOST
        local = listening.address if one_local else None
        while True:
            turn += 1
            if not turn % BATCH:
                await asyncio.sleep(0)
            if limits.accept_rate or 0 < limits.max_connections <= len(self._tasks):
                await self._room()  # last: another socket's connections take room in every turn of the loop
            try:
                arrived = listening.take()
                if arrived is None:
                    await ours.arrival(listening)
                    continue  # there may be no room any more
            except OSError as error:
                if error.errno in DEAD:
                    raise
                if error.errno not in GONE:  # EMFILE, ENFILE, ENOBUFS, ENOMEM
                    self._starved(listening, error, ours.now())
                    await asyncio.sleep(BACK_OFF)
            else:
                self._admit(handler, arrived, local, ours.now(), leave)

    async def _room(self) -> None:
        """Wait until the limits allow one more connection."""
        limits = self.limits
        while True:
            early = self._next_accept - self._engine.now() if limits.accept_rate else 0.0
            if 0 < limits.max_connections <= len(self._tasks):
                self._left.clear()
                await self._left.wait()
            elif early > 0:
                await asyncio.sleep(early)
            else:
                return

    def _starved(self, listening: ListeningHandle, error: OSError, now: float) -> None:
        self.counts["starved"] += 1
        self._unreported += 1
        if now - self._reported >= REPORT_EVERY:
            where, times = listening.address, self._unreported
            self.report(f"{where}: accept: {error.strerror}, {times} times; waits {BACK_OFF} s each")
            self._reported, self._unreported = now, 0

    def _admit(self, handler: Handler, arrived: Handle, local: Address | None, now: float, leave: Over) -> None:
        peer, limits = arrived.peer, self.limits
        host = _host(peer)
        if limits.accept_rate:
            self._next_accept = now + 1 / limits.accept_rate
        if limits.max_per_host and self._hosts[host] >= limits.max_per_host:
            self.counts["refused"] += 1
            arrived.close(reset=True)
            return
        if local is None:
            try:
                local = arrived.local
            except OSError:  # the peer is gone, and the socket's name with it
                arrived.close()
                return
        self.counts["accepted"] += 1
        self._hosts[host] += 1
        transport = "unix" if isinstance(peer, UnixAddress) else "tcp"
        record = self.recorder.open(role="accepted", transport=transport, local=local, peer=peer, at=now)
        record.service = self.service
        record.note(Kind.ESTABLISHED, now)
        task = self._spawn(self._connection(handler, (arrived, record)), leave)
        self._tasks.setdefault(task, (arrived, record))  # an eager task has its stream by now

    def _leave(self, task: "asyncio.Task[None]") -> None:
        held = self._tasks.pop(task)
        if isinstance(held, tuple):  # cancelled before its first step, or the engine made no stream
            handle, record = held
            handle.close()
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
        if task.cancelled() or task.exception() is None:
            if all(task.done() for task in self._accepting):
                self._release()
        else:
            self.close()
        self._ended(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """``serve`` is over with the last task, or with the first that raised."""
        error = None if task.cancelled() else task.exception()
        if self._over.done():
            return
        if error is not None:
            self._over.set_exception(error)
        elif not self._tasks and all(task.done() for task in self._accepting):
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
                failure = handler_failure(error)
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
        cause = main_error(error)
        told = not isinstance(cause, NetwrightError) or isinstance(cause, DeadlineError | LimitError)
        if told or (record.outcome is Outcome.HANDLER_ERROR and not ended_before):
            self._failures.tell(record, cause, self._engine.now())


def _host(peer: Address | None) -> str:
    """Return the key by which ``max_per_host`` counts; all Unix peers are one host."""
    return peer.host if isinstance(peer, InetAddress) else ""
