"""``netwright serve app.py``: an App on its ports, with a console beside it, until Ctrl-C."""

import asyncio
import errno
import json
import logging
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from netwright.aio import BindError, Listener
from netwright.cli.attach import DEFAULT_CONSOLE, Keeper
from netwright.cli.finder import find
from netwright.cli.holder import free_port, holders, started_at
from netwright.cli.logs import set_up
from netwright.cli.problem import UnreachableProblem
from netwright.core.address import Address, InetAddress, UnixAddress, parse_address
from netwright.core.errors import UsageError
from netwright.http import App
from netwright.proto.feed import Welcome
from netwright.run.export import Exporter
from netwright.run.service import Service

__all__ = ["command"]

DEFAULT_BIND = "127.0.0.1:8000"
WELCOME_TIMEOUT = 5.0  # seconds that the second line waits for the console
BYE_TIMEOUT = 1.0  # seconds for the last word to the console
INTERRUPTED = 130  # exit code after a second signal
_log = logging.getLogger("netwright")


class AddressType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3
    """host:port, [v6]:port, a port, unix:path."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Parsed here, so that a wrong one is a wrong option."""
        if isinstance(value, InetAddress | UnixAddress):
            return value
        try:
            return parse_address(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, parsed."""

    target: str
    binds: tuple[Address, ...]
    console: InetAddress | None
    console_fixed: bool
    as_json: bool
    drain: float


@click.command("serve")
@click.argument("target", metavar="FILE[:NAME]")
@click.option(
    "--bind", "binds", type=AddressType(), multiple=True, help=f"HTTP address, again for more. [{DEFAULT_BIND}]"
)
@click.option("--unix", "paths", multiple=True, metavar="PATH", help="HTTP on a Unix socket, too.")
@click.option("--console", type=AddressType(), help=f"The console's address. [{DEFAULT_CONSOLE}]")
@click.option("--no-console", is_flag=True, help="No console.")
@click.option("--json", "as_json", is_flag=True, help="Lines as JSON objects.")
@click.option("--drain", type=click.FloatRange(0), default=10.0, show_default=True, help="Seconds for work to finish.")
@click.option("--watch-all", is_flag=True, help="Keep the moments of every connection.")
def command(
    target: str,
    binds: tuple[Address, ...],
    paths: tuple[str, ...],
    console: Address | None,
    no_console: bool,
    as_json: bool,
    drain: float,
    watch_all: bool,
) -> None:
    """Serve the App in FILE: the attribute NAME, else app, else the only one there is.

    Ctrl-C drains: what is idle closes at once, what works has --drain seconds.  A second Ctrl-C stops now.
    """
    if isinstance(console, UnixAddress):
        raise click.BadParameter(f"{console}: host:port wanted", param_hint="--console")
    set_up(as_json=as_json)
    found = find(target, Service)
    service = found.app
    every = (*binds, *(AddressType().convert(f"unix:{path}", None, None) for path in paths))
    options = Options(
        target,
        every or (parse_address(DEFAULT_BIND),),
        None if no_console else console or DEFAULT_CONSOLE,
        console is not None,
        as_json,
        drain,
    )
    service.recorder.watch_all = service.recorder.watch_all or watch_all
    _prepare(service, options)
    sys.exit(asyncio.run(_run(service, found.path, options)))


def _prepare(service: Service, options: Options) -> None:
    hosts = [bind.host for bind in options.binds if isinstance(bind, InetAddress)]
    service.host = hosts[0] if hosts else service.host
    if isinstance(service, App):
        for bind in options.binds:
            service.http(bind)


async def _run(service: Service, path: Path, options: Options) -> int:
    return await _Run(service, path, options).run()


class _Run:
    """One run of a service."""

    def __init__(self, service: Service, path: Path, options: Options) -> None:
        self._service, self._path, self._options = service, path, options
        self._signals = 0
        self._stopping = asyncio.Event()
        self._welcome = asyncio.Event()
        self._main = asyncio.current_task()

    async def run(self) -> int:
        """Until a signal; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        try:
            await self._service.start()
        except BindError as error:
            raise taken(error, self._options) from error
        try:
            self._say(first_line(self._service), "serving", urls=urls(self._service))
            await self._serve()
        except asyncio.CancelledError:
            if self._signals < 2:
                raise
            return INTERRUPTED
        finally:
            self._service.abort()
            await self._service.drain(0)
        return 0

    def _on_signal(self) -> None:
        """The first one drains; the second one ends everything."""
        self._signals += 1
        self._stopping.set()
        if self._signals > 1 and self._main is not None:
            self._main.cancel()

    async def _serve(self) -> None:
        exporter = await self._exporter()
        async with asyncio.TaskGroup() as group:
            exporting = group.create_task(exporter.run()) if exporter is not None else None
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
        if self._options.console is None:
            return None
        keeper = Keeper(self._options.console, fixed=self._options.console_fixed, report=_log.warning)
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
        live, bound = len(self._service.recorder.live), self._options.drain
        self._say(f"  draining {live} connections, {bound:g} s at most; Ctrl-C stops now", "draining", connections=live)
        begun = time.monotonic()
        report = await self._service.drain(bound)
        seconds = round(time.monotonic() - begun, 3)
        counts = f"{report.idle} idle closed, {report.finished} finished, {report.aborted} aborted"
        self._say(f"  stopped in {seconds:.2f} s: {counts}", "stopped", seconds=seconds, **asdict(report))

    def _say(self, text: str, event: str, **values: object) -> None:
        click.echo(json.dumps({"event": event, **values}) if self._options.as_json else text)


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
    return f"◆ {service.name}  {'  '.join([*http, *others]) or 'no port'}"


def taken(error: BindError, options: Options) -> UnreachableProblem:
    """Who holds the port, and which one is free."""
    address, who, fix = error.address, "", ""
    if isinstance(address, InetAddress) and error.errno == errno.EADDRINUSE:
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


def age_of_process() -> float:
    """Seconds since this process started; since this module was imported where the system does not tell."""
    started = started_at(os.getpid())
    return time.time() - started if started else time.monotonic() - _IMPORTED


_IMPORTED = time.monotonic()
