"""One run of a service: started, told to the console, drained on Ctrl-C."""

import asyncio
import contextlib
import errno
import json
import logging
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from netwright._native import PURE, kernels
from netwright.aio import BindError, DrainReport, Listener
from netwright.cli.attach import DEFAULT_CONSOLE, Keeper
from netwright.cli.ending import GRACE, end_within
from netwright.cli.finder import place_of
from netwright.cli.holder import free_port, holders, holders_of_path, started_at
from netwright.cli.options import Options
from netwright.cli.problem import Problem, UnreachableProblem
from netwright.core.address import InetAddress, UnixAddress
from netwright.core.root import guarded
from netwright.http import App
from netwright.proto.feed import Welcome
from netwright.run.export import Exporter
from netwright.run.journal import Journal
from netwright.run.service import Service

__all__ = ["first_line", "prepare", "run", "taken", "urls", "warn_of_missing_kernels"]

WELCOME_TIMEOUT = 5.0  # seconds that the second line waits for the console
BYE_TIMEOUT = 1.0  # seconds for the last word to the console
WRITE_TIMEOUT = 5.0  # seconds for the last records
INTERRUPTED = 130  # exit code after a second signal
_log = logging.getLogger("netwright")


def prepare(service: Service, options: Options, *, watch_all: bool) -> None:
    """HTTP on the addresses of the command line; ports that are numbers listen on the first one's host."""
    hosts = [bind.host for bind in options.binds if isinstance(bind, InetAddress)]
    service.host = hosts[0] if hosts else service.host
    service.recorder.watch_all = service.recorder.watch_all or watch_all
    if isinstance(service, App):
        for bind in options.binds:
            service.http(bind)


def warn_of_missing_kernels() -> None:
    """One line where this Linux could have the native kernels and has not."""
    missing = [name for name, on in kernels().items() if not on]
    if missing and not PURE and sys.platform == "linux":
        _log.warning("%d native kernels are not built, all is slower: netwright doctor has the fix", len(missing))


async def run(service: Service, path: Path, options: Options, keeper: Keeper | None) -> int:
    """Until a signal; the exit code.  ``path`` is the program's file, ``keeper`` its console's.

    Raises:
        UnreachableProblem: an address is taken.
        Problem: there is no address, or a start hook failed.
    """
    return await _Run(service, path, options, keeper).run()


class _Run:
    """One run of a service."""

    def __init__(self, service: Service, path: Path, options: Options, keeper: Keeper | None) -> None:
        self._service, self._path, self._options, self._keeper = service, path, options, keeper
        self._signals = 0
        self._draining = False
        self._cut = 0  # connections that the second signal reset
        self._stopping = asyncio.Event()
        self._welcome = asyncio.Event()
        self._main = asyncio.current_task()

    async def run(self) -> int:
        """Until a signal; the exit code."""
        loop, last = asyncio.get_running_loop(), contextlib.ExitStack()

        def on_signal(number: int, frame: object) -> None:  # not the loop's: a handler may hold that up
            self._signals += 1
            if self._signals == 2:
                last.callback(end_within(GRACE, INTERRUPTED).cancel)
            loop.call_soon_threadsafe(self._on_signal, self._signals)

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return await self._until_signal()
        finally:
            last.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _until_signal(self) -> int:
        failures: list[Exception] = []
        await guarded(self._service.start(), failures.append)
        for error in failures:
            raise self._not_started(error) from error
        if not self._service.listeners:
            raise Problem(f"{self._path.name} serves nothing", why="its Service has no port", fix="@app.tcp(9000)")
        try:
            self._say(first_line(self._service), "serving", urls=urls(self._service))
            await (self._serve_recorded() if self._options.records else self._serve())
        except asyncio.CancelledError:
            if self._signals < 2:
                raise
        finally:
            self._service.abort()
            await self._service.drain(0)
        return INTERRUPTED if self._signals > 1 else 0

    def _not_started(self, error: Exception) -> Problem:
        if isinstance(error, BindError):
            return taken(error, self._options)
        what = f"{self._path.name} did not start: {type(error).__name__}: {error}"
        return Problem(what, where=place_of(error, self._path))

    def _on_signal(self, count: int) -> None:
        """The first one drains; the second one resets what still works, and the process has GRACE seconds left."""
        self._stopping.set()
        if count == 2:
            self._cut = len(self._service.recorder.live)
            self._service.abort()
        if count > (2 if self._draining else 1) and self._main is not None:
            self._main.cancel()

    async def _serve_recorded(self) -> None:
        path = Path(self._options.records)
        try:
            journal = Journal(path, self._service.recorder, report=_log.warning)
        except OSError as error:
            raise UnreachableProblem(f"no records in {path}", why=str(error.strerror)) from error
        with journal:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(guarded(journal.run(), _not_written))
                await self._serve()
                journal.stop()
                await asyncio.wait([writing], timeout=WRITE_TIMEOUT)
                writing.cancel()

    async def _serve(self) -> None:
        warn_of_missing_kernels()
        exporter = await self._exporter()
        async with asyncio.TaskGroup() as group:
            exporting = group.create_task(guarded(exporter.run(), _not_told)) if exporter is not None else None
            if exporting is not None:
                await self._first_welcome()
            waits = [group.create_task(self._service.wait()), group.create_task(self._stopping.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            await self._drain()
            if exporter is not None and exporting is not None:
                exporter.stop()
                await asyncio.wait([exporting], timeout=BYE_TIMEOUT)
                exporting.cancel()

    async def _exporter(self) -> Exporter | None:
        keeper = self._keeper
        if keeper is None:
            return None
        await keeper.first()
        return Exporter(
            self._service.recorder,
            keeper.feed,
            program=self._path.name,
            prepare=keeper.prepare,
            on_welcome=self._on_welcome,
            on_gone=lambda reason: _log.warning("console gone, the service goes on: %s", reason),
        )

    async def _first_welcome(self) -> None:
        try:
            async with asyncio.timeout(WELCOME_TIMEOUT):
                await self._welcome.wait()
        except TimeoutError:
            _log.warning("the console does not answer, the service goes on")

    def _on_welcome(self, welcome: Welcome) -> None:
        if self._welcome.is_set():
            _log.info("console is back: %s", welcome.url)
            return
        self._welcome.set()
        seconds = round(age_of_process(), 3)
        self._say(f"  console  {welcome.url}  ready in {seconds:.2f} s", "console", url=welcome.url, seconds=seconds)

    async def _drain(self) -> None:
        self._draining = True
        live, bound = len(self._service.recorder.live), self._options.drain
        self._say(f"  draining {live} connections, {bound:g} s at most; Ctrl-C stops now", "draining", connections=live)
        begun = time.monotonic()
        report = await self._service.drain(bound)
        report += DrainReport(0, -self._cut, self._cut)  # to the drain, what was reset has finished
        seconds = round(time.monotonic() - begun, 3)
        counts = f"{report.idle} idle closed, {report.finished} finished, {report.aborted} aborted"
        self._say(f"  stopped in {seconds:.2f} s: {counts}", "stopped", seconds=seconds, **asdict(report))

    def _say(self, text: str, event: str, **values: object) -> None:
        try:
            click.echo(json.dumps({"event": event, **values}) if self._options.as_json else text)
        except OSError:  # whoever read our output is gone: that ends no service
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _not_written(error: Exception) -> None:
    _log.error("no more records are written, the service goes on", exc_info=error)


def _not_told(error: Exception) -> None:
    _log.error("the console is told nothing any more, the service goes on", exc_info=error)


def urls(service: Service) -> list[str]:
    """Where every port is: http://…, tcp://…, unix:…"""
    return [_url(listener) for listener in service.listeners]


def _url(listener: Listener) -> str:
    address = listener.address
    if isinstance(address, UnixAddress):
        return str(address)
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)
    return f"{'http' if listener.service == 'http' else 'tcp'}://{InetAddress(host, address.port)}"


def first_line(service: Service) -> str:
    """Name, HTTP first, then the other ports with their names."""
    http = [_url(listener) for listener in service.listeners if listener.service == "http"]
    others = [f"{listener.service} {_url(listener)}" for listener in service.listeners if listener.service != "http"]
    return f"◆ {service.name}  {'  '.join([*http, *others])}"


def taken(error: BindError, options: Options) -> UnreachableProblem:
    """Who holds the address, and which one is free."""
    address, who, fix = error.address, "", ""
    if isinstance(address, UnixAddress):
        who, fix = _taken_path(address, error)
    elif error.errno == errno.EADDRINUSE:
        who = "\n".join(str(holder) for holder in holders(address.port))
        free = free_port(address.host, address.port, but=DEFAULT_CONSOLE.port)
        bound = address in options.binds
        if free and bound:
            fix = f"netwright serve {options.target} --bind {InetAddress(address.host, free)}"
        elif free:
            fix = f"use port {free} in {options.target}: it is free"
    elif error.errno == errno.EACCES:
        fix = "ports below 1024 are root's: --bind 127.0.0.1:8000"
    elif error.errno == errno.EADDRNOTAVAIL:
        fix = "no interface has this address: ip address lists them"
    return UnreachableProblem(error.message, why=who, fix=fix)


def _taken_path(address: UnixAddress, error: BindError) -> tuple[str, str]:
    """Why, and what to do, where it is a Unix socket's name that cannot be had."""
    path = Path(address.path)
    if error.errno == errno.EADDRINUSE:
        who = "\n".join(str(holder) for holder in holders_of_path(address))
        if not who and not address.abstract and path.exists() and not path.is_socket():
            return f"{path} is a {'directory' if path.is_dir() else 'file'}, no socket", "--unix with another path"
        return who, "stop that process, or --unix with another path"
    if error.errno == errno.ENOENT:
        return f"there is no directory {path.parent}", f"mkdir -p {path.parent}"
    return "", ""


def age_of_process() -> float:
    """Seconds since this process started; since this module was imported where the system does not tell."""
    started = started_at(os.getpid())
    return time.time() - started if started else time.monotonic() - _IMPORTED


_IMPORTED = time.monotonic()
