"""Claim: receiving in bulk costs at most 0.25 of asyncio streams' CPU per byte."""

import sys
from collections.abc import Iterator

from benchmarks.support.claim import Claim, run
from benchmarks.support.measure import costs, ours, table

PEERS = ["c", "asyncio-streams", "asyncio-protocol", "uvloop-streams", "uvloop-protocol", "anyio", "trio"]


def measure() -> Iterator[Claim]:
    """4 connections send 64 KiB a call as fast as it is taken."""
    mine = ours()
    found = costs([mine, *PEERS], "sink", "pipe", connections=4, size=1 << 16, unit="bytes")
    table("bulk, one direction, 4 connections", found, scale=1e9, unit="s per GB")
    yield Claim("echo.bulk, CPU seconds per byte", found[mine].total, found["asyncio-streams"].total, 0.25)


if __name__ == "__main__":
    sys.exit(run(measure))
