"""A listening socket and everything it accepted: own accept loop, limits, drain."""

import asyncio
import errno
import logging
import os
import socket
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

from netwright.aio.choice import engine
from netwright.aio.limits import STANDARD, Limits
from netwright.aio.outcome import cause_of
from netwright.aio.resolve import as_address, resolve
from netwright.aio.sockets import BindError, listening, reset_on_close
from netwright.aio.stream import Stream
from netwright.core.address import Address, InetAddress, UnixAddress, from_sockname
from netwright.core.errors import NetwrightError
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, Outcome, Recorder
from netwright.core.root import guarded
from netwright.core.tuning import INTERACTIVE, Tuning

__all__ = ["DrainReport", "Handler", "Listener"]

Handler = Callable[[Stream], Awaitable[None]]
Report = Callable[[str], None]

DEAD = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK}  # the listening socket itself; nothing can be accepted any more
GONE = {  # the connection that was next, accept(2) "Error handling"; the one after it may be fine
    *(errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ENETUNREACH),
    *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOPROTOOPT, errno.EOPNOTSUPP),
}
BATCH = 16  # accepts in a row before other tasks get a turn
BACK_OFF = 0.1  # seconds without accept after the system ran out of something
CLEAN_UP = 5.0  # seconds that a cancelled handler has to end
REPORT_EVERY = 10.0  # seconds between two lines about the same thing
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
        streams: the connections that are open now, and their tasks.
        counts: "accepted", "refused" (``max_per_host``), "starved" (accepts that the system refused).
    """

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
        self.streams: dict[Stream, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._hosts: Counter[str] = Counter()
        self._sock = sock
        self._left = asyncio.Event()
        self._accepting: asyncio.Task[None] | None = None
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
        sock, refused = listening(family, sockaddr, wanted, tuning)
        if refused:
            report(f"{wanted}: this kernel has no {', '.join(refused)}")
        real = wanted if isinstance(wanted, UnixAddress) else from_sockname(sock.getsockname())
        return cls(sock, real, limits=limits, recorder=recorder, service=service, report=report)

    def __repr__(self) -> str:
        return f"<Listener {self.service} {self.address} {len(self._tasks)} open, {self.counts['accepted']} accepted>"

    async def serve(self, handler: Handler) -> None:
        """Accept until ``close`` or ``drain``, then wait for the handlers.  Cancelling aborts every connection."""
        if self._sock.fileno() < 0:
            return
        try:
            async with asyncio.TaskGroup() as group:
                self._accepting = group.create_task(self._accept(group, handler))
                self._accepting.add_done_callback(lambda _: self._release())
        finally:
            self.close()

    async def drain(self, timeout: float) -> DrainReport:
        """Accept no more; close what is between messages at once, let the others finish, abort them at ``timeout``."""
        self.close()
        self._draining = True
        everyone = set(self._tasks)
        between = everyone - set(self.streams.values())  # accepted just now: no handler yet
        between |= {task for stream, task in self.streams.items() if stream.finish_messages()}
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

    async def _accept(self, group: asyncio.TaskGroup, handler: Handler) -> None:
        ours, turn = engine(), 0
        while True:
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
                self._admit(group, handler, sock, name, ours.now())

    async def _room(self) -> None:
        """Wait until the limits allow one more connection."""
        limits = self.limits
        while limits.max_connections and len(self._tasks) >= limits.max_connections:
            self._left.clear()
            await self._left.wait()
        if limits.accept_rate:
            now = engine().now()
            if self._next_accept > now:
                await asyncio.sleep(self._next_accept - now)
            self._next_accept = max(now, self._next_accept) + 1 / limits.accept_rate

    def _starved(self, error: OSError, now: float) -> None:
        self.counts["starved"] += 1
        self._unreported += 1
        if now - self._reported >= REPORT_EVERY:
            self.report(f"{self.address}: accept: {error.strerror}, {self._unreported} times; waits {BACK_OFF} s each")
            self._reported, self._unreported = now, 0

    def _admit(self, group: asyncio.TaskGroup, handler: Handler, sock: socket.socket, name: Any, now: float) -> None:
        peer = from_sockname(name)
        host = peer.host if isinstance(peer, InetAddress) else ""
        if self.limits.max_per_host and self._hosts[host] >= self.limits.max_per_host:
            self.counts["refused"] += 1
            reset_on_close(sock)
            sock.close()
            return
        try:
            local = self.address if isinstance(peer, UnixAddress) else from_sockname(sock.getsockname())
        except OSError:  # the peer is gone, and the socket's name with it
            sock.close()
            return
        self.counts["accepted"] += 1
        self._hosts[host] += 1
        transport = "unix" if isinstance(peer, UnixAddress) else "tcp"
        record = self.recorder.open(role="accepted", transport=transport, local=local, peer=peer, at=now)
        record.service = self.service
        record.note(Kind.ESTABLISHED, now)
        unowned = [sock]
        task = group.create_task(self._connection(handler, unowned, record))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._leave(task, host, unowned, record))

    def _leave(
        self, task: "asyncio.Task[None]", host: str, unowned: list[socket.socket], record: ConnectionRecord
    ) -> None:
        self._tasks.discard(task)
        for sock in unowned:  # cancelled before its first step
            sock.close()
            record.end(Outcome.DRAINED if self._draining else Outcome.ABORTED, record.opened_at)
            self.recorder.close(record, record.opened_at)
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        self._left.set()

    # one connection

    async def _connection(self, handler: Handler, unowned: list[socket.socket], record: ConnectionRecord) -> None:
        ours = engine()
        try:
            stream = await ours.open(unowned.pop(), record, self.recorder, self.limits)
        except OSError:
            return  # the peer left meanwhile; the engine closed the socket and the record
        task = asyncio.current_task()
        assert task is not None
        self.streams[stream] = task
        if self._draining:
            stream.finish_messages()
        try:
            await guarded(handler(stream), lambda error: self._failed(stream, error, ours.now()))
            await stream.close()
        except asyncio.CancelledError as error:
            if task.cancelling():
                raise
            self._failed(stream, _unasked(error), ours.now())
        finally:
            record.end(Outcome.DRAINED if self._draining else Outcome.ABORTED, ours.now())  # only a cancel is unnamed
            stream.abort()
            del self.streams[stream]

    def _failed(self, stream: Stream, error: Exception, now: float) -> None:
        record = stream.record
        ended_before = record.outcome is not Outcome.OPEN
        stream.fail(error)
        cause = cause_of(error)
        if record.outcome is Outcome.HANDLER_ERROR or (ended_before and not isinstance(cause, NetwrightError)):
            self.report(
                f"{self.service or 'handler'} of {record.peer}: {type(cause).__name__}: {cause}{_place(cause)}; "
                f"{record.bytes_in} bytes in, {record.bytes_out} out, open for {now - record.opened_at:.3f} s"
            )


def _unasked(error: asyncio.CancelledError) -> Exception:
    """The failure of a handler that nobody cancelled."""
    failure = RuntimeError("the handler waited for a task or future that was cancelled")
    failure.__cause__ = error
    return failure.with_traceback(error.__traceback__)


def _place(error: BaseException) -> str:
    """The innermost line outside this package."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if "/netwright/aio/" not in frame.filename] or frames
    return f" at {theirs[-1].filename}:{theirs[-1].lineno}" if theirs else ""
