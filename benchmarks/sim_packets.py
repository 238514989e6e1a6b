"""``python -m benchmarks.sim_packets``: packets of simulated TCP per second of processor time, beside ns-3's.

One bulk flow of NewReno, 1 Gbit/s, 10 ms each way, 0.1 % of the data packets lost: in ns-3 (Debian's libns3-dev; the
program is benchmarks/support/ns3_tcp.cc, its segments carry 1448 bytes as ours do), in our simulator in pure Python
(NETWRIGHT_PURE=1), and compiled.  Rounds of all in turn, the best of each: a shared machine's other
work only adds.

Then the same without loss, where the window grows to some 5,500 segments: a scoreboard that looked at all of them for
every acknowledgement would cost many times as much (ns-3 shows how much).  Twice is allowed, because the bytes in
flight leave the processor's caches; the instructions for a packet are the same within a tenth.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from benchmarks.support.claim import Claim, SkipError, run, say

ROUNDS = 5
BUFFER = 8_000_000  # bytes, of each socket's buffers
LOSSY, LARGE = 0.001, 0.0  # probability of loss
_SOURCE = Path(__file__).parent / "support" / "ns3_tcp.cc"
_PROGRAM = Path(__file__).parent.parent / "build" / "benchmarks" / "ns3_tcp"
_PACKAGES = ("ns3-applications", "ns3-point-to-point", "ns3-internet", "ns3-network", "ns3-core")


def ns3() -> str:
    """Path of the peer, compiled when first used.

    Raises:
        SkipError: no compiler, no ns-3.
    """
    compiler, config = shutil.which("g++"), shutil.which("pkg-config")
    if compiler is None or config is None:
        raise SkipError("no g++ or no pkg-config: apt-get install g++ pkg-config")
    asked = subprocess.run([config, "--libs", *_PACKAGES], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise SkipError("no ns-3: apt-get install libns3-dev")
    if not _PROGRAM.exists() or _PROGRAM.stat().st_mtime < _SOURCE.stat().st_mtime:
        _PROGRAM.parent.mkdir(parents=True, exist_ok=True)
        libraries = [word for word in asked.stdout.split() if word.startswith("-lns3")]  # Debian names GSL, too
        command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(_PROGRAM), str(_SOURCE)]
        subprocess.run([*command, "-Wl,--no-as-needed", *libraries], check=True)
    return str(_PROGRAM)


def simulate(simulator: str, seconds: float, loss: float) -> dict[str, float]:
    """What the simulator says of one run: packets, processor time, and ours whether it was compiled."""
    ours = [sys.executable, "-m", "benchmarks.support.simulate"]
    command = [ns3()] if simulator == "ns-3" else ours
    control = "TcpNewReno" if simulator == "ns-3" else "reno"
    environment = {**os.environ, "NETWRIGHT_PURE": "1" if simulator == "pure" else "0"}
    arguments = [str(seconds), str(loss), str(BUFFER), control]
    done = subprocess.run([*command, *arguments], env=environment, check=True, stdout=subprocess.PIPE)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def cost(simulator: str, seconds: float, loss: float) -> float:
    """Microseconds of processor time a packet."""
    result = simulate(simulator, seconds, loss)
    return result["cpu"] / result["packets"] * 1e6


def costs(simulators: Iterable[str], seconds: float, loss: float) -> dict[str, float]:
    """The best of each, and a table."""
    rows = [{name: cost(name, seconds, loss) for name in simulators} for _ in range(ROUNDS)]
    best = {name: min(row[name] for row in rows) for name in simulators}
    say(f"1 Gbit/s, 20 ms, loss {loss:.1%}, {seconds:g} virtual seconds")
    for name, found in best.items():
        say(f"{name:8} {found:8.2f} us/packet {1e3 / found:8.1f} kpackets/s")
    return best


def measure(seconds: float) -> Iterable[Claim]:
    """The claims of speed and of the large window, in pure Python, then compiled."""
    goals = {"pure": 1 / 1.5}
    if simulate("compiled", 0.1, LOSSY)["compiled"]:
        goals["compiled"] = 1 / 4
    lossy = costs(["ns-3", *goals], seconds, LOSSY)
    large = costs(["ns-3", *goals], seconds / 40, LARGE)
    for name, goal in goals.items():
        yield Claim(f"simulated TCP, {name}, against ns-3, us/packet", lossy[name], lossy["ns-3"], goal)
        yield Claim(f"simulated TCP, {name}, large window against small, us/packet", large[name], lossy[name], 2.0)
    if "compiled" not in goals:
        raise SkipError("netwright is not compiled here: pip install . with a C compiler")


def main() -> int:
    """Exit status 0 if every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="virtual seconds, of about 3,000 packets each")
    options = parser.parse_args()
    return run(lambda: measure(options.seconds))


if __name__ == "__main__":
    sys.exit(main())
