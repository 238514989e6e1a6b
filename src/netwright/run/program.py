"""A serving program from its first line to its exit code: ``netwright serve`` and ``Service.run`` are callers."""

import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.core.address import Address, InetAddress, parse_address
from netwright.core.errors import UsageError
from netwright.run.console import ConsoleProcess
from netwright.run.exit import GRACE, exit_now, exit_within
from netwright.run.logs import LEVELS, hand_over, set_up
from netwright.run.problem import INTERRUPTED, Code, Problem
from netwright.run.settings import DEFAULT_BIND, DEFAULT_CONSOLE, RunSettings, console_address

if TYPE_CHECKING:
    from netwright.run.service import Service

__all__ = ["prepare", "run_as_main", "run_program"]

_log = logging.getLogger("netwright")


def run_program(load: Callable[[], tuple["Service", RunSettings]], settings: RunSettings) -> int:
    """Load a service and serve it until a signal; return the exit code.

    The console starts first: it gets ready while the program loads.  ``load`` returns the service and the settings
    with what is known by then.

    Raises:
        Problem: the service cannot be loaded or started.
        KeyboardInterrupt: Ctrl-C before the start.
    """
    _open_standard_descriptors()
    handler = set_up(settings.log_level, as_json=settings.as_json)
    console = _begin_console(settings)
    try:
        try:
            service, settings = load()
        finally:
            hand_over(handler)
        return _run(service, settings, console)
    except BaseException:
        if console is not None:
            console.end()
        raise


def _run(service: "Service", settings: RunSettings, console: ConsoleProcess | None) -> int:
    from netwright.run.running import run  # not above: the console starts before what takes long to load

    code, timer = 1, None
    try:
        with asyncio.Runner() as runner:
            try:
                code = runner.run(run(service, settings, console))
            finally:
                timer = exit_within(GRACE, code)  # the runner waits for every task and every thread
    finally:
        if timer is not None:
            timer.cancel()
    return code


def _open_standard_descriptors() -> None:
    """Open those of 0, 1, 2 that are closed (``>&-``), or the first sockets would get their numbers."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # LANG=C: a name must not end the program


def _begin_console(settings: RunSettings) -> ConsoleProcess | None:
    """Start the console; return None, and log why, if there can be none: the service goes on without it.

    Raises:
        Problem: the user named its address, and that is taken.
    """
    if settings.console is None:
        return None
    if not hasattr(socket, "AF_UNIX"):
        _log.warning("no console: this Python has no Unix sockets [%s]", Code.CONSOLE_FAILED)
        return None
    try:
        console = ConsoleProcess(
            settings.console,
            required=settings.console_required,
            report=lambda text: _log.warning("%s", text),
            fix=settings.spelling.console(settings.console.host),
            hosts=settings.console_hosts,
        )
        console.begin()
    except OSError as error:
        _log.warning("no console, the service goes on: %s [%s]", error, Code.CONSOLE_FAILED)
        return None
    except Problem as problem:
        if problem.code == Code.CONSOLE_IN_USE:
            raise
        _log.warning("the service goes on without a console: %s", problem.line())
        return None
    return console


def run_as_main(  # the arguments of Service.run
    service: "Service", binds: tuple[str, ...], *, console: str | None, drain: float, records: str, log_level: str
) -> None:
    """Implement ``Service.run``; ``binds`` are an App's addresses for HTTP."""
    _check_caller(log_level, drain)
    addresses = tuple(parse_address(bind) for bind in binds)
    where = console_address(console)
    settings = RunSettings(
        path=Path(getattr(sys.modules["__main__"], "__file__", None) or sys.argv[0] or "python").absolute(),
        console=where,
        console_required=where != DEFAULT_CONSOLE,
        drain=drain,
        records=records,
        log_level=log_level,
        binds=prepare(service, addresses),
    )
    try:
        code = run_program(lambda: (service, settings), settings)
    except Problem as problem:
        _print_error(str(problem))
        code = problem.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code or _others_run():
        exit_now(code)


def prepare(service: "Service", binds: tuple[Address, ...]) -> tuple[Address, ...]:
    """Answer HTTP on ``binds``, and put ports that are numbers on the first one's host; return HTTP's addresses."""
    hosts = [bind.host for bind in binds if isinstance(bind, InetAddress)]
    service.host = hosts[0] if hosts else service.host
    return service.add_http(binds, default=DEFAULT_BIND)


def _check_caller(log_level: str, drain: float) -> None:
    from netwright.core.limits import check_drain

    check_drain(drain)
    if log_level not in LEVELS:
        raise UsageError(f"log_level={log_level!r}", advice=f"one of {', '.join(LEVELS)}")
    if threading.current_thread() is not threading.main_thread():
        raise UsageError("run() called in a thread", advice="call it in the main thread, which receives signals")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UsageError("run() called inside a running event loop", advice="async with service: await service.wait()")


def _others_run() -> bool:
    """True if threads are left that the interpreter would wait for."""
    mine = threading.current_thread()
    return any(not thread.daemon and thread is not mine for thread in threading.enumerate())


def _print_error(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
