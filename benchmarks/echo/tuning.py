"""Claims: our socket defaults against those of plain sockets and asyncio: on a slow path, and while a loop is busy.

A burst of 1,000 connects while the loop is stuck for 300 ms; a request in two sends over 10 ms; the age of a record on
arrival over 10 Mbit/s and 20 ms with a sender that is never idle.
"""

import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.support.burst import slowest_connect
from benchmarks.support.claim import Claim, SkipError, run, say
from benchmarks.support.path import FAR_HOST, SlowPath, slow_path
from benchmarks.support.process import Server, server_command

BURST = 1000
SIDES = [sys.executable, "-m", "benchmarks.support.sides"]


def burst(library: str) -> float:
    """Slowest of 1,000 connects during 300 ms without an accept."""
    with Server(server_command(library, "stall")) as server:
        return slowest_connect(server, BURST)


def ask(path: SlowPath, who: str) -> float:
    """Seconds from head and body to their answer."""
    with Server(path.far([*SIDES, "answer"])) as server:
        return _result(path.near([*SIDES, "ask", who, FAR_HOST, str(server.port)]))["time"]


def feed(path: SlowPath, who: str) -> dict[str, float]:
    """Age of a record on arrival in seconds, rate in bytes per second."""
    with Server(path.far([*SIDES, "age"])) as server:
        subprocess.run(path.near([*SIDES, "feed", who, FAR_HOST, str(server.port)]), check=True, timeout=60)
        return server.last_words()


def _result(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def measure() -> Iterator[Claim]:
    """The burst everywhere; the slow paths where namespaces are allowed."""
    slowest = {library: burst(library) for library in ("netwright", "asyncio-streams")}
    say(f"slowest of {BURST} connects while the loop is stuck for 0.3 s: {_row(slowest, 1e3)} ms")
    yield _claim("echo.tuning/backlog burst, slowest connect in seconds", slowest, 0.5)
    try:
        with slow_path(delay=0.005) as path:
            asked = {who: ask(path, who) for who in ("netwright", "plain")}
        with slow_path(delay=0.01, rate=10e6 / 8, queue=100_000) as path:
            fed = {who: feed(path, who) for who in ("netwright", "plain")}
    except SkipError as reason:
        say(f"slow paths skipped: {reason}")
        return
    say(f"head and body in two sends, 10 ms round trip: {_row(asked, 1e3)} ms")
    yield _claim("echo.tuning/write-write-read, seconds", asked, 0.3)
    ages, rates = ({who: result[name] for who, result in fed.items()} for name in ("age", "rate"))
    say(f"age on arrival, 10 Mbit/s, 20 ms: {_row(ages, 1e3)} ms, at {_row(rates, 8e-6)} Mbit/s")
    yield _claim("echo.tuning/age of a record on arrival, seconds", ages, 0.6)
    per_byte = {who: 1 / rate for who, rate in rates.items()}
    yield _claim("echo.tuning/seconds per byte at that age", per_byte, 1.05)


def _claim(name: str, figures: dict[str, float], goal: float) -> Claim:
    """Ours comes first."""
    mine, theirs = figures.values()
    return Claim(name, mine, theirs, goal)


def _row(figures: dict[str, float], scale: float) -> str:
    return ", ".join(f"{name} {figure * scale:.1f}" for name, figure in figures.items())


if __name__ == "__main__":
    sys.exit(run(measure))
