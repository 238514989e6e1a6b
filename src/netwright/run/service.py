"""A serving program: its TCP ports and their handlers, started and stopped as one.

service = Service("echo")

@service.tcp(9000)
async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)

async with service:
    await service.wait()

``netwright serve app.py`` runs a Service as it is, with signals, drain and console; an App is one that has routes too.
"""

import asyncio
import inspect
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from netwright.aio import DrainReport, Limits, Listener, Stream
from netwright.aio.handlers import check_handler
from netwright.core.address import Address, InetAddress, parse_address
from netwright.core.errors import UsageError
from netwright.core.limits import check_drain
from netwright.core.record import Recorder
from netwright.core.root import guarded
from netwright.core.tuning import INTERACTIVE, Tuning
from netwright.run.settings import DEFAULT_CONSOLE

__all__ = ["Hook", "Report", "Service", "log_error"]

StreamHandler = Callable[[Stream], Awaitable[None]]
Hook = Callable[[], Awaitable[None] | None]
Report = Callable[[str, Exception | None], None]
AnyHook = TypeVar("AnyHook", bound=Hook)
LAST = 1.0  # seconds after the drain for the tasks of the listeners; handlers that ignore a cancel are left behind
_log = logging.getLogger("netwright")


def log_error(text: str, error: Exception | None) -> None:
    """One log record; with the traceback, if a program's own code failed."""
    _log.error(text, exc_info=error)


@dataclass(frozen=True, slots=True)
class _Port:
    address: int | Address
    handler: StreamHandler
    name: str
    limits: Limits


class Service:
    """The ports, hooks and limits of a program; nothing is bound before ``start``.

    Attributes:
        host: where ports that are given as a number listen.
        recorder: the record of every connection.
        listeners: one for each port, in the order they were added, while the service runs.
        draining: no new work is taken.
        hook: the start or stop hook that runs now; after a start that failed in a hook, that hook.
    """

    def __init__(
        self,
        name: str = "service",
        *,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        tuning: Tuning = INTERACTIVE,
        recorder: Recorder | None = None,
        report: Report = log_error,
        hook_timeout: float = 10.0,
    ) -> None:
        """``hook_timeout`` bounds each hook, in seconds; ``report`` is called for each failure."""
        self.name, self.limits, self.tuning, self.report = name, limits, tuning, report
        self.recorder = recorder or Recorder()
        self.host = "127.0.0.1"
        self.listeners: tuple[Listener, ...] = ()
        self.draining = False
        self.hook: Hook | None = None
        self._hook_timeout = hook_timeout
        self._ports: list[_Port] = []
        self._starting: list[Hook] = []
        self._stopping: list[Hook] = []
        self._root: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        state = "stopped" if self._root is None else "draining" if self.draining else "running"
        return f"<{type(self).__name__} {self.name} {state} {len(self._ports)} ports, {len(self.recorder.live)} live>"

    # before the start

    def tcp(
        self, address: int | str | Address, *, name: str = "", limits: Limits | None = None
    ) -> Callable[[StreamHandler], StreamHandler]:
        """Serve connections to ``address`` with the decorated function; a number is a port on ``host``."""

        def add(handler: StreamHandler) -> StreamHandler:
            self.add_port(address, handler, name=name or getattr(handler, "__name__", "tcp"), limits=limits)
            return handler

        return add

    def add_port(
        self, address: int | str | Address, handler: StreamHandler, *, name: str, limits: Limits | None = None
    ) -> None:
        """Serve connections to ``address`` with ``handler``, as ``tcp`` does.

        Raises:
            UsageError: the service runs, the port is not 0 to 65535, or the handler is not an async function.
        """
        check_handler(handler)
        if isinstance(address, int) and not 0 <= address <= 65535:  # the resolver would wrap it
            raise UsageError(f"port {address}, 0 to 65535 allowed")
        if self._root is not None:
            raise UsageError(f"{self!r} has started: no port can be added", advice=f"add {address} before start")
        where = parse_address(address, default_host=self.host) if isinstance(address, str) else address
        self._ports.append(_Port(where, handler, name, limits or self.limits))

    def add_http(self, binds: tuple[Address, ...], *, default: Address) -> tuple[Address, ...]:
        """Add addresses for HTTP, and return them.  A Service has no HTTP and returns none; see ``App``."""
        return ()

    def on_start(self, hook: AnyHook) -> AnyHook:
        """Call ``hook`` when the ports are bound, before the first accept; if it fails, so does ``start``."""
        self._starting.append(hook)
        return hook

    def on_stop(self, hook: AnyHook) -> AnyHook:
        """Call ``hook`` when the last connection is gone; the last one added comes first."""
        self._stopping.append(hook)
        return hook

    # life

    async def start(self, sockets: Mapping[str, Sequence[socket.socket]] | None = None) -> None:
        """Bind every port, call the hooks, accept; all or nothing.

        Args:
            sockets: bound ones, by the name of the port that they stand for; the service closes them.  ``inherited()``
                gives those of systemd.

        Raises:
            BindError: a port is taken or not ours to bind.
            UsageError: a socket is not bound, or no port has its name.
            Exception: what a hook raised.
        """
        if self._root is not None:
            raise UsageError(f"{self!r} has started already", advice="drain it first")
        sockets = sockets or {}
        if unknown := sockets.keys() - {port.name for port in self._ports}:
            names = ", ".join(sorted(port.name for port in self._ports))
            raise UsageError(f"no port is named {', '.join(sorted(unknown))}: the ports are {names}")
        self.draining, self.hook = False, None
        listeners: list[Listener] = []
        try:
            for port in self._ports:
                listeners.append(await self._listen(port, sockets.get(port.name, ())))  # noqa: PERF401  # see except
            for hook in self._starting:
                await self._call(hook)
        except BaseException:
            for listener in listeners:
                listener.close()
            raise
        self.listeners = tuple(listeners)
        self._root = asyncio.get_running_loop().create_task(self._serve(), name=f"{self.name} root")

    async def wait(self) -> None:
        """Wait until the service is drained or aborted.

        Raises:
            OSError: a listener failed; the others were aborted.
        """
        if self._root is not None:
            await asyncio.wait([self._root])
            if not self._root.cancelled() and (error := self._root.exception()) is not None:
                raise error

    async def drain(self, timeout: float) -> DrainReport:
        """Accept no more, let work finish for ``timeout`` seconds, abort the rest, call the stop hooks.

        Connections between messages are closed at once.  A handler may call this: its own connection goes on and is
        not waited for.

        Raises:
            UsageError: ``timeout`` is negative, infinite or not a number.
        """
        check_drain(timeout)
        if self._root is None:
            return DrainReport()
        self.draining = True
        caller = asyncio.current_task()
        from_inside = any(listener.holds(caller) for listener in self.listeners)
        async with asyncio.TaskGroup() as group:
            drains = [group.create_task(listener.drain(timeout, sparing=caller)) for listener in self.listeners]
        await self._stop(0.0 if from_inside else LAST)
        return sum((drain.result() for drain in drains), DrainReport())

    def abort(self) -> None:
        """Reset every connection, accept no more; ``drain`` afterwards calls the stop hooks and waits."""
        self.draining = True
        for listener in self.listeners:
            listener.abort()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain(0.0 if error is not None else 10.0)

    def run(
        self,
        *,
        console: str | None = str(DEFAULT_CONSOLE),
        drain: float = 10.0,
        records: str = "",
        log_level: str = "info",
    ) -> None:
        """Serve until Ctrl-C or SIGTERM: the whole main function of a program.

        The first signal drains, the second stops now.  Returns after a drain.

        Args:
            console: where the console's page is, a process of its own; None or "off" starts none.  The default gives
                way to a free port if it is taken.
            drain: seconds that busy connections get to finish.
            records: a file that gets a JSON line for each connection that closed.
            log_level: debug, info, warning, error or critical: of netwright's own log records.

        Raises:
            SystemExit: 130 after a second signal, 2 or 3 if the service cannot start; the reason is printed.
            UsageError: not called in the main thread, or inside a running event loop.
        """
        from netwright.run.program import run_as_main

        run_as_main(self, (), console=console, drain=drain, records=records, log_level=log_level)

    # inside

    async def _listen(self, port: _Port, sockets: Sequence[socket.socket]) -> Listener:
        common: dict[str, Any] = {
            "tuning": self.tuning,
            "limits": port.limits,
            "recorder": self.recorder,
            "service": port.name,
            "report": self._told,
        }
        if sockets:
            return Listener(sockets, **common)
        address = InetAddress(self.host, port.address) if isinstance(port.address, int) else port.address
        return await Listener.bind(address, **common)

    def _told(self, text: str, /, *, exc_info: BaseException | None = None) -> None:
        self.report(text, exc_info if isinstance(exc_info, Exception) else None)

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            for listener, port in zip(self.listeners, self._ports, strict=True):
                group.create_task(self._serve_one(listener, port.handler))

    async def _serve_one(self, listener: Listener, handler: StreamHandler) -> None:
        if not self.draining:  # a drain may come before this task's first step
            await listener.serve(handler)

    async def _stop(self, patience: float) -> None:
        root, self._root = self._root, None
        if root is not None:
            await asyncio.wait([root], timeout=patience)
            if root.done() and not root.cancelled() and (error := root.exception()) is not None:
                self.report(f"{self.name}: a listener failed", error if isinstance(error, Exception) else None)
        for hook in reversed(self._stopping):
            await guarded(self._call(hook), lambda error: self.report(f"{self.name}: a stop hook failed", error))
            self.hook = None
        self.listeners = ()

    async def _call(self, hook: Hook) -> None:
        self.hook = hook
        result = hook()
        if inspect.isawaitable(result):
            async with asyncio.timeout(self._hook_timeout):
                await result
        self.hook = None
