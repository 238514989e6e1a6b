"""``netwright serve``: the options of a run, and the service that they name."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netwright.cli.options import AddressType, Seconds
from netwright.core.address import Address, UnixAddress
from netwright.run.logs import LEVELS
from netwright.run.problem import Problem
from netwright.run.settings import DEFAULT_BIND, DEFAULT_CONSOLE, RunSettings, Spelling

if TYPE_CHECKING:
    from netwright.run.service import Service

__all__ = ["command"]


@click.command("serve")
@click.argument("target", metavar="FILE[:NAME] | MODULE[:NAME]")
@click.option("--bind", "binds", type=AddressType(), multiple=True, help=f"HTTP address; repeatable. [{DEFAULT_BIND}]")
@click.option("--unix", "paths", multiple=True, metavar="PATH", help="Serve HTTP on a Unix socket; repeatable.")
@click.option("--no-http", is_flag=True, help="Serve only the ports that the program adds itself.")
@click.option("--console", type=AddressType(), help=f"The console's address. [{DEFAULT_CONSOLE}]")
@click.option("--console-host", "hosts", multiple=True, metavar="NAME", help="A reverse proxy's host name to let in.")
@click.option("--no-console", is_flag=True, help="Start no console.")
@click.option("--json", "as_json", is_flag=True, help="Print lines as JSON objects.")
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="Level of netwright's own log records.",
)
@click.option(
    "--drain",
    type=Seconds(0, 86400),
    default=10.0,
    show_default=True,
    help="Seconds that busy connections get at the end.",
)
@click.option("--records", default="", metavar="FILE", help="Append a JSON line for each connection that closed.")
@click.option("--watch-all", is_flag=True, help="Record the moments of every connection, not only of those viewed.")
def command(
    target: str,
    binds: tuple[Address, ...],
    paths: tuple[str, ...],
    no_http: bool,
    console: Address | None,
    hosts: tuple[str, ...],
    no_console: bool,
    as_json: bool,
    log_level: str,
    drain: float,
    records: str,
    watch_all: bool,
) -> None:
    """Serve the App or Service in a file or a module.

    NAME is the attribute that holds it, or a function that makes it.  Without a name it is app, or the only one.

    Ctrl-C or SIGTERM drains: idle connections close at once, busy ones get --drain seconds.  A second Ctrl-C stops
    within a second.
    """
    from netwright.run.exit import exit_now
    from netwright.run.program import prepare, run_program

    if isinstance(console, UnixAddress):
        raise click.BadParameter(f"{console}: host:port required", param_hint="--console")
    if no_http and (binds or paths):
        raise click.UsageError("--no-http cannot be combined with --bind or --unix")
    every = (*binds, *(AddressType().convert(f"unix:{path}", None, None) for path in paths))
    page = None if no_console else console or DEFAULT_CONSOLE
    settings = RunSettings(
        path=Path(target),
        console=page,
        console_required=console is not None,
        console_hosts=hosts,
        drain=drain,
        records=records,
        log_level=log_level,
        as_json=as_json,
        spelling=Spelling(f"netwright serve {shlex.quote(target)}"),
    )

    def load() -> "tuple[Service, RunSettings]":
        from netwright.cli.finder import find
        from netwright.run.service import Service

        found = find(target, Service)
        service = found.app
        service.recorder.watch_all = service.recorder.watch_all or watch_all
        return service, replace(settings, path=found.path, binds=() if no_http else prepare(service, every))

    try:
        exit_now(run_program(load, settings))
    except Problem as problem:
        if not as_json:
            raise
        click.echo(json.dumps({"event": "failed", **problem.values()}))
        exit_now(problem.exit_code)
