"""``python -m benchmarks.start``: the time of a command's start, beside that of Python alone.

The median of 21 runs of ``netwright --version`` and ``netwright --help``; 100 ms are allowed for each.
"""

import statistics
import subprocess
import sys
import time

from benchmarks.support.claim import Claim, run, say

ROUNDS = 21
ALLOWED = 100.0  # ms


def milliseconds(*arguments: str) -> float:
    """The median wall time of ``python arguments``."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(times)


def measure() -> list[Claim]:
    """One claim for each argument."""
    bare = milliseconds("-c", "pass")
    say(f"python alone: {bare:.1f} ms")
    claims = []
    for argument in ("--version", "--help"):
        median = milliseconds("-m", "netwright", argument)
        say(f"netwright {argument}: {median:.1f} ms")
        claims.append(Claim(f"netwright {argument}, ms of those allowed", median, ALLOWED, 1.0))
    return claims


if __name__ == "__main__":
    sys.exit(run(measure))
