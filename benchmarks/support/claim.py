"""A claim: our figure beside a peer's, their ratio, the goal; one JSON line each."""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.support.machine import describe

__all__ = ["Claim", "SkipError", "conclude", "run"]


class SkipError(Exception):
    """This machine lacks what the benchmark needs; the text says what."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``ours / peer`` is at most ``goal``; both figures are costs in the unit that ``name`` ends with."""

    name: str
    ours: float
    peer: float
    goal: float

    @property
    def ratio(self) -> float:
        """What counts: absolute figures move with the machine's other work."""
        return self.ours / self.peer

    @property
    def met(self) -> bool:
        """True if the goal is reached."""
        return self.ratio <= self.goal


def conclude(claims: Iterable[Claim]) -> int:
    """Print a JSON line a claim; the exit status, 0 if every goal is met."""
    met = True
    for claim in claims:
        line = {"name": claim.name, "ours": claim.ours, "peer": claim.peer, "ratio": round(claim.ratio, 4)}
        line |= {"goal": claim.goal, "met": claim.met, "machine": describe()}
        say(json.dumps(line, ensure_ascii=False))
        met = met and claim.met
    return int(not met)


def run(measure: Callable[[], Iterable[Claim]]) -> int:
    """The end of every benchmark: ``measure``, then its claims; a machine that cannot run it skips and says why."""
    try:
        return conclude(measure())
    except SkipError as reason:
        say(json.dumps({"skipped": str(reason)}))
        return 0


def say(line: str) -> None:
    """One line of output, at once: somebody waits for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
