"""Claim: an idle connection costs at most 0.3 of asyncio streams' resident bytes, with its task, at 10,000 of them."""

import sys
from collections.abc import Iterator

from benchmarks.support.burst import allow_descriptors
from benchmarks.support.claim import Claim, SkipError, run, say
from benchmarks.support.measure import Measured, ours
from benchmarks.support.process import Server, server_command
from benchmarks.support.programs import hold

CONNECTIONS = 10_000
SPARE = 200  # descriptors that are not connections
PEERS = ["asyncio-streams", "asyncio-protocol", "uvloop-streams", "uvloop-protocol", "anyio", "trio"]


def per_connection(library: str) -> float:
    """Growth of resident memory from 100 connections, so that what is made once is not counted, to all of them."""
    with Server(server_command(library, "echo")) as server, hold(server.port, connections=100):
        before = server.memory()
        with hold(server.port, connections=CONNECTIONS - 100):
            return (server.memory() - before) / (CONNECTIONS - 100)


def measure() -> Iterator[Claim]:
    """Every library once: memory does not depend on other work."""
    allow_descriptors(CONNECTIONS + SPARE)
    mine = ours()
    found: Measured[float] = Measured()
    say(f"idle after one echo, {CONNECTIONS:,} connections\n{'':20} {'bytes each':>10}")
    for library in [mine, *PEERS]:
        try:
            found[library] = per_connection(library)
        except SkipError as reason:
            sys.stderr.write(f"{library}: {reason}\n")
        else:
            say(f"{library:20} {found[library]:10,.0f}")
    yield Claim("echo.idle, resident bytes per connection", found[mine], found["asyncio-streams"], 0.3)


if __name__ == "__main__":
    sys.exit(run(measure))
