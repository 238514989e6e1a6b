"""CPU of a server under load: rounds of every library in turn, the median of each: other work hits all alike."""

import os
import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.support.claim import SkipError, say
from benchmarks.support.process import Cpu, Server, server_command
from benchmarks.support.programs import Load, load

__all__ = ["Cost", "Measured", "costs", "ours", "table"]

T = TypeVar("T")
_WARM = 0.3  # seconds of load before the clock runs


@dataclass(frozen=True, slots=True)
class Cost:
    """Server CPU, seconds per unit (a message, a line, a connection, a byte), and units per second."""

    user: float
    system: float
    rate: float

    @property
    def total(self) -> float:
        """User and system."""
        return self.user + self.system


class Measured(dict[str, T]):
    """Figures by library; to ask for one that this machine has not is a reason to skip."""

    def __missing__(self, library: str) -> T:
        raise SkipError(f"{library} was not measured")


def ours() -> str:
    """The library that a claim is about: our native engine, or the one that NETWRIGHT_ENGINE names."""
    return f"netwright:{os.environ.get('NETWRIGHT_ENGINE', 'native')}"


def costs(
    libraries: Iterable[str],
    server_mode: str,
    load_mode: str,
    *,
    connections: int,
    size: int,
    seconds: float = 2.0,
    rounds: int = 3,
    unit: str = "messages",
) -> Measured[Cost]:
    """The median cost of each library that this machine has; the others are named on stderr."""
    seen: dict[str, list[Cost]] = {}
    libraries = list(libraries)
    for _ in range(rounds):
        for library in list(libraries):
            try:
                with Server(server_command(library, server_mode)) as server:
                    load(load_mode, server.port, connections=connections, size=size, seconds=_WARM)
                    before = server.cpu()
                    done = load(load_mode, server.port, connections=connections, size=size, seconds=seconds)
                    seen.setdefault(library, []).append(_cost(server.cpu() - before, done, unit))
            except SkipError as reason:
                sys.stderr.write(f"{library}: {reason}\n")
                libraries.remove(library)
    return Measured({library: _median(rows) for library, rows in seen.items()})


def _cost(cpu: Cpu, done: Load, unit: str) -> Cost:
    units: int = getattr(done, unit)
    if not units:
        raise SkipError(f"no {unit} in {done.seconds:.1f} s, {done.errors} errors")
    return Cost(cpu.user / units, cpu.system / units, units / done.seconds)


def _median(rows: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(row, name) for row in rows) for name in ("user", "system", "rate")))


def table(title: str, found: dict[str, Cost], *, scale: float = 1e6, unit: str = "us per message") -> None:
    """Print the costs, the cheapest user time first."""
    say(f"{title}\n{'':20} {'user':>9} {'system':>9} {'total':>9}  {unit:16} {'per second':>12}")
    for library, cost in sorted(found.items(), key=lambda item: item[1].user):
        say(
            f"{library:20} {cost.user * scale:9.2f} {cost.system * scale:9.2f} {cost.total * scale:9.2f}  "
            f"{'':16} {cost.rate:12,.0f}"
        )
