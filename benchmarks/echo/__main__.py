"""Claim: an echo on our stream costs at most 0.35 of uvloop streams' user CPU, and 1.6 of uvloop's raw Protocol.

python -m benchmarks.echo [--only LIBRARY] [--engine portable|native] [--instructions] ...
"""

import argparse
import sys
from collections.abc import Iterator

from benchmarks.support.callgrind import instruction_table, instructions
from benchmarks.support.claim import Claim, run
from benchmarks.support.measure import Measured, costs, table

LIBRARIES = [
    "c",
    "netwright:native",
    "netwright:portable",
    "asyncio-streams",
    "asyncio-protocol",
    "uvloop-streams",
    "uvloop-protocol",
    "anyio",
    "trio",
]
GOALS = {
    "native": {"uvloop-streams": 0.35, "uvloop-protocol": 1.6},
    "portable": {"asyncio-streams": 1.0},
}


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.echo", description=__doc__)
    parser.add_argument("--only", action="append", choices=LIBRARIES, help="measure this library; may be repeated")
    parser.add_argument("--engine", choices=sorted(GOALS), default="native", help="which of our engines is judged")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--size", type=int, default=64, help="bytes of a message")
    parser.add_argument("--messages", type=int, default=5000, help="messages counted with --instructions")
    parser.add_argument("--seconds", type=float, default=2.0, help="measured time of a library in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--instructions", action="store_true", help="count user instructions under valgrind instead")
    return parser.parse_args()


def measure() -> Iterator[Claim]:
    """One table of every library, then the claims of the engine that is judged."""
    chosen = options()
    ours = f"netwright:{chosen.engine}"
    libraries = chosen.only or LIBRARIES
    title = f"echo, {chosen.size} B, {chosen.connections} connections"
    if chosen.instructions:
        user = instructions(libraries, "echo", chosen.connections, chosen.size, chosen.messages)
        instruction_table(title, user)
        unit = "user instructions per message"
    else:
        found = costs(
            libraries,
            "echo",
            "echo",
            connections=chosen.connections,
            size=chosen.size,
            seconds=chosen.seconds,
            rounds=chosen.rounds,
        )
        table(title, found)
        user = Measured({library: cost.user for library, cost in found.items()})
        unit = "user CPU seconds per message"
    for peer, goal in reversed(GOALS[chosen.engine].items()):
        if peer in user:
            yield Claim(f"echo/{chosen.engine} against {peer}, {unit}", user[ours], user[peer], goal)


if __name__ == "__main__":
    sys.exit(run(measure))
