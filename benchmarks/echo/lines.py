"""Claim: ``readline`` and send costs at most 0.45 of asyncio streams' user CPU, a line in a batch 0.1 of all CPU."""

import sys
from collections.abc import Iterator

from benchmarks.support.claim import Claim, run
from benchmarks.support.measure import costs, ours, table

SIZE = 64  # bytes of a line, its end included
ECHO = ["c", "asyncio-streams", "uvloop-streams", "uvloop-protocol", "anyio", "trio"]
BATCH = ["c", "asyncio-streams", "asyncio-protocol", "uvloop-streams", "uvloop-protocol"]


def measure() -> Iterator[Claim]:
    """Ping-pong of lines on 50 connections, then lines as fast as they are taken on one.

    The kernel's part of a ping-pong is above 0.45 of everything (see "c"): only the user's part says anything.
    """
    mine = ours()
    echo = costs([mine, *ECHO], "line", "echo", connections=50, size=SIZE)
    table(f"readline and send, {SIZE} B, 50 connections", echo)
    yield Claim("echo.lines/readline, user CPU seconds per line", echo[mine].user, echo["asyncio-streams"].user, 0.45)
    batch = costs([mine, *BATCH], "lines", "pipe", connections=1, size=SIZE)
    table(f"lines read in batches, {SIZE} B, 1 connection", batch, scale=1e9, unit="ns per line")
    yield Claim("echo.lines/batch, CPU seconds per line", batch[mine].total, batch["asyncio-streams"].total, 0.1)


if __name__ == "__main__":
    sys.exit(run(measure))
