"""Suites of scripts: play those of a directory that a list selects, and count the results.

A line of a list has a pattern of names, a word and a reason; the first line that matches decides::

    fastopen/*          out      fastopen
    rcv-syn-ack-*/*     differs  RFC 9293 §3.10.7.2: RST answers a SYN,ACK in LISTEN; FreeBSD drops it
    */*.pkt             in

``in`` is played and counted.  ``out`` is not played: it needs a feature that the endpoint does not have.  ``differs``
is played and counted, but contradicts the rule that the reason names: it never counts as passed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path

from netwright.core.errors import UsageError
from netwright.testing.drill.outcome import Outcome, Verdict
from netwright.testing.drill.run import drill

__all__ = ["EVERYTHING", "Counts", "Entry", "Result", "Scope", "count", "find", "play", "read_list"]

_SUFFIXES = (".pkt", ".drill")


class Scope(StrEnum):
    """How a list classifies a script."""

    IN = "in"
    OUT = "out"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list."""

    pattern: str
    scope: Scope
    reason: str = ""


EVERYTHING = (Entry("*", Scope.IN),)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a script; ``outcome`` is None if it was not played."""

    name: str
    entry: Entry
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Scripts by result; ``out`` do not count for ``share``."""

    passed: int
    failed: int
    unsupported: int
    differing: int
    out: int

    @property
    def share(self) -> float:
        """Passed scripts, as a share of passed, failed, unsupported and differing ones; 0.0 if there are none."""
        counted = self.passed + self.failed + self.unsupported + self.differing
        return self.passed / counted if counted else 0.0


def read_list(text: str) -> tuple[Entry, ...]:
    """Read the lines of a list.

    Raises:
        UsageError: a line has no scope, or leaves out its reason.
    """
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(maxsplit=2)
        if not words:
            continue
        if len(words) == 1 or words[1] not in list(Scope):
            raise UsageError(f"line {number}: {line!r}, PATTERN in|out|differs REASON wanted")
        scope, reason = Scope(words[1]), "".join(words[2:]).strip()
        if scope is not Scope.IN and not reason:
            raise UsageError(f"line {number}: {line!r} gives no reason")
        entries.append(Entry(words[0], scope, reason))
    return tuple(entries)


def find(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield the name and the path of each script; in a directory, names are relative to it.

    Raises:
        UsageError: a path does not exist.
    """
    for path in paths:
        if path.is_dir():
            found = sorted(inside for inside in path.rglob("*") if inside.suffix in _SUFFIXES)
            yield from ((inside.relative_to(path).as_posix(), inside) for inside in found)
        elif path.is_file():
            yield path.name, path
        else:
            raise UsageError(f"{path}: neither a script nor a directory")


def play(scripts: Iterable[tuple[str, Path]], entries: tuple[Entry, ...] = EVERYTHING) -> Iterator[Result]:
    """Play the scripts that the list selects, in order; scripts that match no line are skipped."""
    for name, path in scripts:
        entry = next((entry for entry in entries if fnmatch(name, entry.pattern)), None)
        if entry is not None:
            played = entry.scope is not Scope.OUT
            yield Result(name, entry, drill(path.read_text(errors="replace")) if played else None)


def count(results: Iterable[Result]) -> Counts:
    """Count by verdict; a script that differs is counted as such, whatever its verdict is."""
    verdicts = dict.fromkeys(Verdict, 0)
    differing = out = 0
    for result in results:
        if result.outcome is None:
            out += 1
        elif result.entry.scope is Scope.DIFFERS:
            differing += 1
        else:
            verdicts[result.outcome.verdict] += 1
    return Counts(verdicts[Verdict.PASSED], verdicts[Verdict.FAILED], verdicts[Verdict.UNSUPPORTED], differing, out)
