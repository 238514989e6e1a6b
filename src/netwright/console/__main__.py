"""``python -m netwright.console``: the console as a process of its own; ``netwright serve`` starts it."""

import argparse
import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from netwright.console.gate import Gate
from netwright.console.secret import keep_token, read_token, token_path
from netwright.console.server import Console
from netwright.core.address import InetAddress, UnixAddress, parse_address
from netwright.core.errors import TransportError, UsageError

REACH = 3  # exit code: an address cannot be listened on


def _say(line: str) -> None:
    sys.stderr.write(f"console: {line}\n")
    sys.stderr.flush()


async def _serve(feed: UnixAddress, bind: InetAddress, gate: Gate, *, stay: bool) -> None:
    console = Console(gate=gate, report=_say)
    if stay:
        console.idle_policy.stay()

    def ready() -> None:
        try:
            keep_token(token_path(Path(feed.path).parent, console.bound), gate.token)
        except OSError as error:
            _say(f"the token is not kept: {error}")
        sys.stdout.write(json.dumps({"url": console.url}) + "\n")
        sys.stdout.flush()

    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await console.run(feed, bind, ready)
    finally:
        if not bind.port:  # the next console has another port, and nobody would read this token again
            token_path(Path(feed.path).parent, console.bound).unlink(missing_ok=True)


def main() -> int:
    """Run the console until no worker feeds it; return 3, with the reason on stderr, if an address is taken."""
    parser = argparse.ArgumentParser(prog="python -m netwright.console", description=__doc__)
    parser.add_argument("--feed", required=True, help="path of the Unix socket for workers")
    parser.add_argument("--bind", default="127.0.0.1:8001", help="the page's address")
    parser.add_argument(
        "--token", default="", help="the token that opens the page; default: the last one, else a new one"
    )
    parser.add_argument("--host", action="append", default=[], help="a reverse proxy's host name to let in, too")
    parser.add_argument("--stay", action="store_true", help="do not end when the last worker is gone")
    options = parser.parse_args()
    try:
        bind = _inet(options.bind)
        gate = _gate(bind, Path(options.feed).parent, options.token, options.host)
        asyncio.run(_serve(UnixAddress(options.feed), bind, gate, stay=options.stay))
    except UsageError as error:
        _say(str(error))
        return 2
    except TransportError as error:
        _say(str(error))
        return REACH
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    return 0


def _gate(bind: InetAddress, directory: Path, token: str, hosts: Sequence[str]) -> Gate:
    path = token_path(directory, bind)
    token = token or (read_token(path) if bind.port else "") or secrets.token_urlsafe(18)
    names = tuple(host.lower().removesuffix(".") for host in hosts)
    return Gate(token, names, bind.is_loopback, str(path) if bind.port else "")


def _inet(text: str) -> InetAddress:
    address = parse_address(text)
    if not isinstance(address, InetAddress):
        raise UsageError(f"--bind {text}: host:port wanted")
    return address


if __name__ == "__main__":
    sys.exit(main())
