"""One connection's echo beside peers that flood another port: is the time of a turn bounded?

python -m benchmarks.flood [FLOODERS]

Each server is a process of its own; so are the flooding peers, which send 64-byte lines to a handler that reads them
one by one.  "beside a spin" replaces the flooders by processes that only burn CPU: what it adds is the machine's part.
A flooded server works all the time, and also waits for a processor; so it counts by itself, in processor time, how long
the turns of its loop are, which is what another connection waits for.  The worst of five rounds counts.  Goals: p99
beside the flood at most 5 times that beside a spin; p99, and that of the turns, below asyncio streams' in the same run.
"""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from benchmarks.support.claim import Claim, run, say

ROUNDS, SECONDS, PAUSE = 5, 1.0, 0.002
LINES = (b"x" * 63 + b"\n") * 1000


async def serve(library: str, *, counted: bool) -> None:
    """Print two ports: of lines that are read and dropped, and of an echo; count turns, or serve for ever."""
    await (_serve_peer() if library in ("asyncio", "uvloop") else _serve_ours())
    await (_count_turns() if counted else asyncio.Event().wait())


async def _count_turns() -> None:
    """Print the 99th percentile of the turns of the next seconds, in milliseconds of processor time."""
    await asyncio.sleep(2 * SECONDS)  # the flood begins
    times, end, before = list[float](), time.monotonic() + SECONDS, time.thread_time()
    while time.monotonic() < end:
        await asyncio.sleep(0)
        now = time.thread_time()
        times.append(now - before)
        before = now
    say(str(sorted(times)[len(times) * 99 // 100] * 1e3))


async def _serve_ours() -> None:
    from netwright import Service, Stream  # the peers' servers do not pay for it

    service = Service("flood")

    @service.tcp("127.0.0.1:0")
    async def lines(stream: Stream) -> None:
        while await stream.readline():
            pass

    @service.tcp("127.0.0.1:0")
    async def echo(stream: Stream) -> None:
        async for chunk in stream:
            await stream.send(chunk)

    await service.start()
    say(" ".join(str(listener.address).rpartition(":")[2] for listener in service.listeners))


async def _serve_peer() -> None:
    async def lines(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            pass

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()

    servers = [await asyncio.start_server(handler, "127.0.0.1", 0) for handler in (lines, echo)]
    say(" ".join(str(server.sockets[0].getsockname()[1]) for server in servers))


def flood(port: int) -> None:
    """Send lines until the server is gone."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        while True:
            sock.sendall(LINES)


def spin() -> None:
    """Burn CPU."""
    while True:
        pass


def echo_times(port: int) -> list[float]:
    """Milliseconds of each 1-byte echo, sorted."""
    times = []
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end = time.perf_counter() + SECONDS
        while (began := time.perf_counter()) < end:
            sock.sendall(b"x")
            sock.recv(1)
            times.append((time.perf_counter() - began) * 1e3)
            time.sleep(PAUSE)
    return sorted(times)


def _start(*arguments: str, engine: str = "") -> "subprocess.Popen[str]":
    setting = {**os.environ, "NETWRIGHT_ENGINE": engine} if engine else None
    command = [sys.executable, "-m", "benchmarks.flood", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=setting)


@contextmanager
def _beside(others: list[list[str]]) -> Iterator[None]:
    processes = [_start(*other) for other in others]
    try:
        time.sleep(SECONDS / 3)
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@contextmanager
def _served(library: str, how: str) -> Iterator[tuple[IO[str], str, int]]:
    """A server: its output and its two ports."""
    server = _start(how, library, engine=library if library in ("native", "portable") else "")
    assert server.stdout is not None
    try:
        hot, echo = server.stdout.readline().split()
        yield server.stdout, hot, int(echo)
    finally:
        server.kill()
        server.communicate()


def round_of(library: str, flooders: int) -> dict[str, tuple[float, float]]:
    """p50 and p99 of an echo alone, beside spinning processes, beside flooding ones; p99 of a turn, twice."""
    found = {}
    with _served(library, "serve") as (_, hot, echo):
        places = {"alone": [], "beside a spin": [["spin"]] * flooders, "beside a flood": [["flood", hot]] * flooders}
        for place, others in places.items():
            with _beside(others):
                times = echo_times(echo)
            found[place] = times[len(times) // 2], times[len(times) * 99 // 100]
    with _served(library, "count") as (said, hot, _), _beside([["flood", hot]] * flooders):
        turn = float(said.readline())
    return {**found, "CPU of a turn": (turn, turn)}


def measure() -> Iterable[Claim]:
    """The worst p99 of every library and place, as a table; the claims of both engines."""
    flooders = int(sys.argv[1]) if sys.argv[1:] else 1
    libraries = ["native", "portable", "asyncio"]
    if importlib.util.find_spec("uvloop"):
        libraries.append("uvloop")
    worst: dict[tuple[str, str], float] = {}
    say(f"{flooders} flooding; milliseconds\n{'':34} {'p50':>8} {'p99':>8}  (worst of {ROUNDS})")
    for library in libraries:
        rounds = [round_of(library, flooders) for _ in range(ROUNDS)]
        for place in rounds[0]:
            p50, p99 = (max(found[place][index] for found in rounds) for index in (0, 1))
            worst[library, place] = p99
            say(f"{library:16} {place:17} {p50:8.2f} {p99:8.2f}")
    for engine in ("native", "portable"):
        flooded = worst[engine, "beside a flood"]
        yield Claim(f"flood.{engine}.p99-beside-spin-ms", flooded, worst[engine, "beside a spin"], 5.0)
        yield Claim(f"flood.{engine}.p99-asyncio-ms", flooded, worst["asyncio", "beside a flood"], 1.0)
        turn = worst[engine, "CPU of a turn"]
        yield Claim(f"flood.{engine}.turn-asyncio-ms", turn, worst["asyncio", "CPU of a turn"], 1.0)


def main() -> int:
    """Run as a server, a flooder, a spinner, or the benchmark."""
    match sys.argv[1:]:
        case ["serve" | "count" as how, library]:
            serving = serve(library, counted=how == "count")
            if library == "uvloop":
                import uvloop  # the peer, where it is installed

                uvloop.run(serving)
            asyncio.run(serving)
        case ["flood", port]:
            flood(int(port))
        case ["spin"]:
            spin()
    return run(measure)


if __name__ == "__main__":
    sys.exit(main())
