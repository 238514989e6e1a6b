"""``netwright serve app.py``: the options, the App, the console that gets ready meanwhile."""

import logging
import socket

import click

from netwright.cli.attach import DEFAULT_CONSOLE, Keeper
from netwright.cli.ending import GRACE, end_within, exit_now
from netwright.cli.logs import set_up
from netwright.cli.options import AddressType, Options, Seconds
from netwright.core.address import Address, UnixAddress, parse_address

__all__ = ["command"]

DEFAULT_BIND = "127.0.0.1:8000"
_log = logging.getLogger("netwright")


@click.command("serve")
@click.argument("target", metavar="FILE[:NAME]")
@click.option(
    "--bind", "binds", type=AddressType(), multiple=True, help=f"HTTP address, again for more. [{DEFAULT_BIND}]"
)
@click.option("--unix", "paths", multiple=True, metavar="PATH", help="HTTP on a Unix socket, too.")
@click.option("--console", type=AddressType(), help=f"The console's address. [{DEFAULT_CONSOLE}]")
@click.option("--console-host", "hosts", multiple=True, metavar="NAME", help="A reverse proxy's host name to let in.")
@click.option("--no-console", is_flag=True, help="No console.")
@click.option("--json", "as_json", is_flag=True, help="Lines as JSON objects.")
@click.option("--drain", type=Seconds(0, 86400), default=10.0, show_default=True, help="Seconds for work to finish.")
@click.option("--records", default="", metavar="FILE", help="A JSON line for each connection that closed.")
@click.option("--watch-all", is_flag=True, help="Keep the moments of every connection.")
def command(
    target: str,
    binds: tuple[Address, ...],
    paths: tuple[str, ...],
    console: Address | None,
    hosts: tuple[str, ...],
    no_console: bool,
    as_json: bool,
    drain: float,
    records: str,
    watch_all: bool,
) -> None:
    """Serve the App in FILE: the attribute NAME, else app, else the only one there is.

    Ctrl-C drains: what is idle closes at once, what works has --drain seconds.  A second Ctrl-C stops now.
    """
    if isinstance(console, UnixAddress):
        raise click.BadParameter(f"{console}: host:port wanted", param_hint="--console")
    set_up(as_json=as_json)
    every = (*binds, *(AddressType().convert(f"unix:{path}", None, None) for path in paths))
    options = Options(target, every or (parse_address(DEFAULT_BIND),), as_json, drain, records)
    fixed = console is not None
    if not hasattr(socket, "AF_UNIX"):
        no_console = True
        _log.warning("no console: this Python has no Unix sockets")
    keeper = None if no_console else Keeper(console or DEFAULT_CONSOLE, fixed=fixed, report=_log.warning, hosts=hosts)
    if keeper is not None:
        keeper.begin()
    try:
        code = _serve(options, keeper, watch_all=watch_all)
    except BaseException:
        if keeper is not None:
            keeper.forget()
        raise
    exit_now(code)


def _serve(options: Options, keeper: Keeper | None, *, watch_all: bool) -> int:
    import asyncio  # here and below: the console is started before what takes its time to load

    from netwright.cli.finder import find
    from netwright.cli.running import prepare, run
    from netwright.run.service import Service

    found = find(options.target, Service)
    prepare(found.app, options, watch_all=watch_all)
    code = 1
    with asyncio.Runner() as runner:
        try:
            code = runner.run(run(found.app, found.path, options, keeper))
        finally:
            end_within(GRACE, code)  # the runner waits for every task and every thread
    return code
