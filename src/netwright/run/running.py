"""One run of a service: started, shown by the console, drained on the first signal, stopped on the second."""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from netwright._native import PURE, enabled, every_kernel, kernels
from netwright.aio import BindError, DrainReport, Listener
from netwright.core.address import InetAddress
from netwright.core.record import ConnectionRecord
from netwright.core.root import guarded
from netwright.proto.feed import Welcome
from netwright.run.bind import bind_problem
from netwright.run.console import ConsoleProcess
from netwright.run.exit import exit_within
from netwright.run.export import Exporter
from netwright.run.holder import process_age
from netwright.run.hooks import HookWatch, place_of_hook
from netwright.run.journal import Journal
from netwright.run.problem import INTERRUPTED, UNREACHABLE, Code, Problem
from netwright.run.settings import RunSettings
from netwright.run.source import place_of
from netwright.run.text import escape

if TYPE_CHECKING:  # Service.run ends up here
    from netwright.run.service import Service

__all__ = ["first_line", "run", "urls", "warn_of_missing_kernels"]

WELCOME_TIMEOUT = 5.0  # seconds without an answer of the console after which a warning says so
BYE_TIMEOUT = 1.0  # seconds to send the console the last records
WRITE_TIMEOUT = 5.0  # seconds to write the last records
STOP = 0.8  # seconds from the second signal, or the first one during the start, to the end of the process
_log = logging.getLogger("netwright")


def warn_of_missing_kernels() -> None:
    """Log one line if native kernels could run here and are not built; netwright doctor counts the same ones."""
    if PURE or sys.platform != "linux" or all(kernels().values()):
        return
    missing = [name for name in every_kernel() if not enabled(name)]
    _log.warning("%d native kernels are not built: slower; netwright doctor has the fix", len(missing))


async def run(service: "Service", settings: RunSettings, console: ConsoleProcess | None) -> int:
    """Serve until a signal; return the exit code.

    Raises:
        Problem: an address is taken, a start hook failed, there is no port, or the records cannot be written.
    """
    return await _Run(service, settings, console).run()


class _Run:
    """One run of a service."""

    def __init__(self, service: "Service", settings: RunSettings, console: ConsoleProcess | None) -> None:
        self._service, self._settings, self._console = service, settings, console
        self._signals = 0
        self._phase = "start"  # then "serve", then "drain"
        self._cut = 0  # connections that the second signal reset
        self._stopping = asyncio.Event()
        self._welcome = asyncio.Event()
        self._exporter: Exporter | None = None
        self._hooks = HookWatch(lambda: service.hook)
        self._last = contextlib.ExitStack()
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()

    async def run(self) -> int:
        """Serve until a signal; return the exit code."""
        # Not the loop's signal handlers: a handler or a hook may block the loop.
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return await self._until_signal()
        finally:
            self._last.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Count a signal; the last one bounds the time to the exit by a thread, since a handler may block the loop."""
        self._signals += 1
        if self._signals == (1 if self._phase == "start" else 2):
            live = list(self._service.recorder.live.values())
            self._last.callback(exit_within(STOP, INTERRUPTED, lambda: self._running(live)).cancel)
        self._loop.call_soon_threadsafe(self._stop, self._signals)

    def _stop(self, count: int) -> None:
        """Drain at the first signal, reset every connection at the second; during the start, stop at the first."""
        self._stopping.set()
        if self._phase == "start":
            hook = self._hooks.describe()
            self._say(f"  stopped during the start{f', cut: {hook}' if hook else ''}", "stopped", cut=hook)
        elif count == 2:
            live = list(self._service.recorder.live.values())
            self._cut, cut = len(live), self._running(live)
            if cut:
                self._say(f"  stopping now, cut: {cut}", "cut", cut=cut)
            self._service.abort()
        if self._main is not None and (self._phase == "start" or count > 2 or self._service.hook is not None):
            self._main.cancel()

    def _running(self, live: list[ConnectionRecord]) -> str:
        """Return what was running: ``2 connections (GET /slow of 127.0.0.1:5, …), hook close (…)``."""
        named = [escape(f"{_subject(record)} of {record.peer}") for record in live[:3]]
        more = ", …" if len(live) > 3 else ""
        count = f"{len(live)} connection{'s' if len(live) > 1 else ''} ({', '.join(named)}{more})" if live else ""
        return ", ".join(filter(None, (count, self._hooks.describe())))

    async def _until_signal(self) -> int:
        try:
            with self._hooks:
                await self._start()
                if not self._signals:
                    self._phase = "serve"
                    self._say(first_line(self._service), "serving", urls=urls(self._service))
                    await (self._serve_recorded() if self._settings.records else self._serve())
        except asyncio.CancelledError:
            if not self._signals:
                raise
        finally:
            self._service.abort()
            await self._service.drain(0)
        return INTERRUPTED if self._signals > 1 or self._phase == "start" else 0

    async def _start(self) -> None:
        failures: list[Exception] = []
        await guarded(self._service.start(), failures.append)
        for error in failures:
            raise self._not_started(error) from error
        if not self._service.listeners:
            raise Problem(
                f"{self._settings.path.name} serves nothing",
                code=Code.APP_EMPTY,
                why="it has no TCP port, and no HTTP address",
                fix="add a port: @app.tcp(9000)",
            )

    def _not_started(self, error: Exception) -> Problem:
        path, hook = self._settings.path, self._service.hook
        if isinstance(error, BindError):
            return bind_problem(error, self._settings)
        if hook is not None and isinstance(error, TimeoutError) and not str(error):
            what = f"{path.name} did not start: hook {place_of_hook(hook)} did not return in time"
            fix = "make it quicker, or allow more: hook_timeout=60"
            return Problem(what, code=Code.START_SLOW, where=place_of(error, path), fix=fix)
        name = f"hook {place_of_hook(hook)}: " if hook is not None else ""
        what = f"{path.name} did not start: {name}{type(error).__name__}: {error}"
        return Problem(what, code=Code.START_FAILED, where=place_of(error, path))

    async def _serve_recorded(self) -> None:
        path = Path(self._settings.records)
        try:
            journal = Journal(path, self._service.recorder, report=_log.warning)
        except OSError as error:
            why = str(error.strerror)
            raise Problem(f"no records in {path}", code=Code.RECORDS, why=why, exit_code=UNREACHABLE) from error
        with journal:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(guarded(journal.run(), _not_written))
                await self._serve()
                journal.stop()
                await asyncio.wait([writing], timeout=WRITE_TIMEOUT)
                writing.cancel()

    async def _serve(self) -> None:
        warn_of_missing_kernels()
        async with asyncio.TaskGroup() as group:
            exporting = None
            if self._console is not None:
                exporting = group.create_task(guarded(self._export(self._console), _not_exported))
            waits = [group.create_task(self._service.wait()), group.create_task(self._stopping.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            await self._drain()
            if exporting is not None:
                await self._end_export(exporting)

    async def _export(self, console: ConsoleProcess) -> None:
        """Keep the console up to date; the service serves meanwhile, whether there is a console or not."""
        await console.first()
        self._exporter = Exporter(
            self._service.recorder,
            console.feed,
            program=self._settings.path.name,
            prepare=console.prepare,
            on_welcome=self._on_welcome,
            on_gone=lambda reason: _log.warning("console gone, the service goes on: %s", reason),
        )
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(self._warn_of_silence())
            await self._exporter.run()
            waiting.cancel()

    async def _end_export(self, exporting: "asyncio.Task[None]") -> None:
        if self._exporter is not None:
            self._exporter.stop()
            await asyncio.wait([exporting], timeout=BYE_TIMEOUT)
        elif self._console is not None:
            self._console.end()  # it never got ready
        exporting.cancel()

    async def _warn_of_silence(self) -> None:
        for timeout in (WELCOME_TIMEOUT, 0.1):  # after a handler that blocked the loop, its answer may lie unread
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._welcome.wait()
                    return
        _log.warning("the console does not answer, the service goes on [%s]", Code.CONSOLE_SILENT)

    def _on_welcome(self, welcome: Welcome) -> None:
        if self._welcome.is_set():
            _log.info("console is back: %s", welcome.url)
            return
        self._welcome.set()
        seconds = round(_age(), 3)
        self._say(f"  console  {welcome.url}  ready in {seconds:.2f} s", "console", url=welcome.url, seconds=seconds)

    async def _drain(self) -> None:
        self._phase = "drain"
        live, bound = len(self._service.recorder.live), self._settings.drain
        text = f"  draining {live} connections, {bound:g} s at most; Ctrl-C stops now"
        self._say(text, "draining", connections=live)
        begun = time.monotonic()
        report = await self._service.drain(bound)
        report += DrainReport(0, -self._cut, self._cut)  # the drain counts what was reset as finished
        seconds = round(time.monotonic() - begun, 3)
        counts = f"{report.idle} idle closed, {report.finished} finished, {report.aborted} aborted"
        self._say(f"  stopped in {seconds:.2f} s: {counts}", "stopped", seconds=seconds, **asdict(report))

    def _say(self, text: str, event: str, **values: object) -> None:
        """Print a line on stdout; if its reader is gone, the service goes on."""
        line = json.dumps({"event": event, **values}) if self._settings.as_json else text
        try:
            print(line, flush=True)  # noqa: T201  # the program's own output
        except OSError:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _subject(record: ConnectionRecord) -> str:
    """Return the subject of a connection's newest message; the port's name where messages are not recorded."""
    return record.exchanges[-1].subject if record.exchanges else record.service


def _not_exported(error: Exception) -> None:
    _log.error("the console receives nothing more, the service goes on", exc_info=error)


def _not_written(error: Exception) -> None:
    _log.error("records are no longer written, the service goes on", exc_info=error)


def first_line(service: "Service") -> str:
    """Return the service's name and addresses: HTTP first, the others with their names."""
    ordered = sorted(service.listeners, key=lambda listener: listener.service != "http")
    where = [_url(one) if one.service == "http" else f"{one.service} {_url(one)}" for one in ordered]
    return escape(f"◆ {service.name}  {'  '.join(where)}")


def urls(service: "Service") -> list[str]:
    """Return every address as ``http://``, ``tcp://`` or ``unix:``."""
    return [_url(listener) for listener in service.listeners]


def _url(listener: Listener) -> str:
    address = listener.address
    if not isinstance(address, InetAddress):
        return str(address)
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)
    return f"{'http' if listener.service == 'http' else 'tcp'}://{InetAddress(host, address.port)}"


def _age() -> float:
    """Seconds since this process started; since this module was imported where the system does not say."""
    age = process_age(os.getpid())
    return age if age is not None else time.monotonic() - _IMPORTED


_IMPORTED = time.monotonic()
