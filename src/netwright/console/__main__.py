"""``python -m netwright.console``: the console as a process of its own; ``netwright serve`` starts it."""

import argparse
import asyncio
import json
import secrets
import signal
import sys

from netwright.console.gate import Gate
from netwright.console.server import Console
from netwright.core.address import InetAddress, UnixAddress, parse_address
from netwright.core.errors import TransportError, UsageError

REACH = 3  # exit code: an address cannot be listened on


def _say(line: str) -> None:
    sys.stderr.write(f"console: {line}\n")
    sys.stderr.flush()


async def _serve(feed: UnixAddress, bind: InetAddress, token: str, *, stay: bool) -> None:
    console = Console(gate=Gate(token), report=_say)
    if stay:
        console.staying.stay()

    def ready() -> None:
        sys.stdout.write(json.dumps({"url": console.url}) + "\n")
        sys.stdout.flush()

    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await console.run(feed, bind, ready)


def main() -> int:
    """Until nobody feeds it any more; 3 if an address is taken, with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m netwright.console", description=__doc__)
    parser.add_argument("--feed", required=True, help="path of the Unix socket for workers")
    parser.add_argument("--bind", default="127.0.0.1:8001", help="the page's address; beyond loopback it wants a token")
    parser.add_argument("--token", default="", help="the token; made if it is needed and not given")
    parser.add_argument("--stay", action="store_true", help="do not end when the last worker is gone")
    options = parser.parse_args()
    try:
        bind = _inet(options.bind)
        token = options.token or ("" if bind.is_loopback else secrets.token_urlsafe(18))
        asyncio.run(_serve(UnixAddress(options.feed), bind, token, stay=options.stay))
    except UsageError as error:
        _say(str(error))
        return 2
    except TransportError as error:
        _say(str(error))
        return REACH
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    return 0


def _inet(text: str) -> InetAddress:
    address = parse_address(text)
    if not isinstance(address, InetAddress):
        raise UsageError(f"--bind {text}: host:port wanted")
    return address


if __name__ == "__main__":
    sys.exit(main())
