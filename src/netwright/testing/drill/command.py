"""``python -m netwright.testing.drill PATH...``: play scripts against the TCP endpoint, and report the results."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from netwright.core.errors import UsageError
from netwright.testing.drill.outcome import Verdict
from netwright.testing.drill.suite import EVERYTHING, Counts, Result, Scope, count, find, play, read_list

__all__ = ["main"]

_PROGRESS = 200  # scripts between two lines of progress


def main(arguments: Sequence[str] | None = None, output: TextIO = sys.stdout, progress: TextIO = sys.stderr) -> int:
    """Play the scripts; return 0 if the share of ``--at-least`` passed, 1 if less, 2 if a path or a list is wrong."""
    parser = argparse.ArgumentParser(prog="python -m netwright.testing.drill", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a script, or a directory of scripts")
    parser.add_argument(
        "--list",
        type=Path,
        metavar="FILE",
        help="a list of the scripts to play, and of the reasons to leave others out",
    )
    parser.add_argument(
        "--at-least", type=float, default=1.0, metavar="SHARE", help="share of the scripts that must pass (default 1)"
    )
    parser.add_argument("--json", action="store_true", help="counts and results as one JSON object")
    options = parser.parse_args(arguments)
    try:
        entries = EVERYTHING if options.list is None else read_list(options.list.read_text())
        scripts = list(find(options.paths))
        results = []
        for result in play(scripts, entries):
            results.append(result)
            if len(results) % _PROGRESS == 0:
                progress.write(f"drill: {len(results)} of {len(scripts)} scripts\n")
    except (UsageError, OSError) as error:
        progress.write(f"drill: {error}\n")
        return 2
    counts = count(results)
    unlisted = len(scripts) - len(results)
    output.write(_as_json(counts, results, unlisted) if options.json else _as_text(counts, results, unlisted))
    return 0 if counts.share >= options.at_least else 1


def _as_text(counts: Counts, results: list[Result], unlisted: int) -> str:
    lines = [f"{_word(result):<12}{result.name}  {_reason(result)}" for result in results if _is_told(result)]
    total = (
        f"{counts.passed} passed, {counts.failed} failed, {counts.unsupported} unsupported, {counts.differing} differ: "
        f"{100 * counts.share:.1f} % passed; {counts.out} out of scope, {unlisted} not listed"
    )
    return "\n".join([*lines, total]) + "\n"


def _as_json(counts: Counts, results: list[Result], unlisted: int) -> str:
    names = ("passed", "failed", "unsupported", "differing", "out", "share")
    told = [{"name": result.name, "verdict": _word(result), "reason": _reason(result)} for result in results]
    return json.dumps({name: getattr(counts, name) for name in names} | {"unlisted": unlisted, "scripts": told}) + "\n"


def _is_told(result: Result) -> bool:
    return result.outcome is not None and _word(result) != Verdict.PASSED


def _word(result: Result) -> str:
    if result.outcome is None or result.entry.scope is Scope.DIFFERS:
        return result.entry.scope.value
    return result.outcome.verdict.value


def _reason(result: Result) -> str:
    outcome = result.outcome
    if outcome is None:
        return result.entry.reason
    seen = f"line {outcome.line}: {outcome.reason}" if outcome.reason else ""
    return f"{result.entry.reason} [{seen or 'it passes'}]" if result.entry.scope is Scope.DIFFERS else seen
