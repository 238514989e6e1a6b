"""Claim: a console that nobody selects anything on costs the serving process at most 2 % of its user instructions.

An echo server is counted twice under callgrind: alone, and told to a console by its exporter.  The exporter works by
the clock, and under callgrind the server does less by the clock: its interval is stretched by as much, so that as
many messages lie between two turns as on the bare machine.

python -m benchmarks.console_overhead                    the two counts and the claim
python -m benchmarks.console_overhead serve [FEED TIMES] the server: its port, then echoes; TIMES stretches the interval
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.support.callgrind import counted
from benchmarks.support.claim import Claim, SkipError, run, say
from benchmarks.support.process import Server
from benchmarks.support.programs import hold
from netwright.aio import Limits, Stream
from netwright.core.address import InetAddress, UnixAddress
from netwright.core.errors import ResetError
from netwright.run.export import Exporter
from netwright.run.service import Service

CONNECTIONS, SIZE, GOAL = 50, 64, 0.02
INTERVAL = 0.25  # seconds between two turns, the exporter's own default
TURNS = 4  # within the counted part


async def serve(feed: str, times: float) -> None:
    """Echo until cancelled, told to the console on ``feed``, if any."""
    service = Service("echo", limits=Limits(max_connections=20_000))

    @service.tcp(0)
    async def echo(stream: Stream) -> None:
        with suppress(ResetError):
            async for chunk in stream:
                await stream.send(chunk)

    async with service, asyncio.TaskGroup() as group:
        address = service.listeners[0].address
        assert isinstance(address, InetAddress)
        if feed:
            welcome = asyncio.Event()
            exporter = Exporter(
                service.recorder,
                UnixAddress(feed),
                program="echo",
                interval=INTERVAL * times,
                on_welcome=lambda _: welcome.set(),
            )
            group.create_task(exporter.run())
            await welcome.wait()
        say(str(address.port))
        await service.wait()


@contextmanager
def console(feed: Path) -> Iterator[None]:
    """A console's process that reads ``feed``."""
    command = [sys.executable, "-m", "netwright.console", "--feed", str(feed), "--bind", "127.0.0.1:0", "--stay"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SkipError("the console did not start")
        try:
            yield
        finally:
            process.terminate()


def measure() -> Iterator[Claim]:
    """Bare speed, the count alone, the count with the console."""
    command = [sys.executable, "-m", "benchmarks.console_overhead", "serve"]
    with Server(command) as server, hold(server.port, connections=CONNECTIONS, size=SIZE, count=20_000) as held:
        bare = held.echo()
    messages = int(TURNS * INTERVAL * bare.messages / bare.seconds)
    alone, slow = counted(command, CONNECTIONS, SIZE, messages)
    times = slow.seconds / (TURNS * INTERVAL)
    with tempfile.TemporaryDirectory() as folder, console(Path(folder, "feed")):
        told, _ = counted([*command, str(Path(folder, "feed")), str(times)], CONNECTIONS, SIZE, messages)
    say(f"echo, {SIZE} B, {CONNECTIONS} connections, {messages} messages, callgrind {times:.0f} times slower")
    say(f"{alone:,.0f} user instructions per message alone, {told:,.0f} with a console")
    yield Claim("console, user instructions per message that it adds", told - alone, alone, GOAL)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        feed, stretched = sys.argv[2:] or ("", "1")
        asyncio.run(serve(feed, float(stretched)))
    else:
        sys.exit(run(measure))
