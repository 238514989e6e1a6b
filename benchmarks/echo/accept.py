"""Claim: accept, an echo of one byte and close cost at most 0.45 of asyncio streams' CPU."""

import sys
from collections.abc import Iterator

from benchmarks.support.claim import Claim, run
from benchmarks.support.measure import costs, ours, table

PEERS = ["c", "asyncio-streams", "asyncio-protocol", "uvloop-streams", "uvloop-protocol", "anyio", "trio"]


def measure() -> Iterator[Claim]:
    """20 clients connect, send a byte, wait for it and reset, again and again."""
    mine = ours()
    found = costs([mine, *PEERS], "echo", "accept", connections=20, size=1)
    table("accept + 1 byte + close, 20 at a time", found, unit="us per connection")
    yield Claim("echo.accept, CPU seconds per connection", found[mine].total, found["asyncio-streams"].total, 0.45)


if __name__ == "__main__":
    sys.exit(run(measure))
