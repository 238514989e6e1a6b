"""The filter words of the page, the API and the command line: ``state:open svc:echo peer:10. in>1k -proto:tcp text``.

All words must match.  ``key:text`` looks for text in one column, ``key>number`` and ``key<number`` compare, a bare
word looks everywhere, ``-`` in front turns a word around.  ``rtt`` without a unit is in milliseconds.
static/filter.js is the same for the page.  No I/O.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from netwright.console.view import Row, bound
from netwright.core.errors import UsageError

__all__ = ["COMPARED", "MATCHED", "parse_filter", "parse_sort"]

Test: TypeAlias = Callable[[Row, float], bool]
MATCHED: dict[str, Callable[[Row, float], str]] = {
    "state": lambda row, now: row["state"],
    "svc": lambda row, now: row["service"],
    "peer": lambda row, now: row["peer"],
    "proto": lambda row, now: row["protocol"],
    "wait": lambda row, now: row["waiting"],
    "role": lambda row, now: row["role"],
    "worker": lambda row, now: str(row["worker"]),
    "note": lambda row, now: row["note"],
    "subject": lambda row, now: row["subject"],
    "tone": lambda row, now: row["tone"],
    "tcp": lambda row, now: row["tcp"],
    "bound": bound,
}
COMPARED: dict[str, Callable[[Row, float], float]] = {
    "age": lambda row, now: (row["closed"] or now) - row["opened"],
    "waited": lambda row, now: now - row["waiting_since"] if row["waiting"] else 0.0,
    "in": lambda row, now: row["bytes_in"],
    "out": lambda row, now: row["bytes_out"],
    "messages": lambda row, now: row["messages"],
    "rtt": lambda row, now: row["rtt"],
    "cwnd": lambda row, now: row["cwnd"],
    "rtx": lambda row, now: row["rtx"],
    "retrans": lambda row, now: row["rtx"],
    "unread": lambda row, now: row["unread"],
    "unsent": lambda row, now: row["unsent"],
}
_COMPARISON = re.compile(r"([a-z]+)([<>])(\d+(?:\.\d+)?)(k|m|g|ms|s|)")
_BARE = {"rtt": 1e-3}  # what a number without unit counts in, where it is not 1
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "s": 1.0, "ms": 1e-3}


def parse_filter(text: str) -> Test:
    """A test of a row and the time of day.

    Raises:
        UsageError: ``key:`` or ``key>`` with a key that does not exist.
    """
    tests = [_word(word) for word in text.lower().split()]
    return lambda row, now: all(test(row, now) for test in tests)


def parse_sort(name: str) -> tuple[Callable[[Row, float], float | str], bool]:
    """A column to sort by, and whether the largest comes first: of numbers it does; ``-`` in front turns it around.

    Raises:
        UsageError: there is no such column.
    """
    bare = name.removeprefix("-")
    if bare in COMPARED:
        return COMPARED[bare], bare == name
    if bare in MATCHED:
        return MATCHED[bare], bare != name
    raise UsageError(f"sort {name!r}: no column {bare!r}", advice=f"one of {', '.join((*COMPARED, *MATCHED))}")


def _word(word: str) -> Test:
    bare = word.lstrip("-")
    if bare and bare != word:
        test, turned = _word(bare), (len(word) - len(bare)) % 2
        return (lambda row, now: not test(row, now)) if turned else test
    if (found := _COMPARISON.fullmatch(word)) is not None:
        return _comparison(*found.groups())
    key, colon, wanted = word.partition(":")
    if colon and key in MATCHED:
        column = MATCHED[key]
        return lambda row, now: wanted in column(row, now).lower()
    if colon and key.isalpha():
        raise UsageError(f"filter {word!r}: no column {key!r}", advice=f"one of {', '.join(MATCHED)}")
    return lambda row, now: any(word in column(row, now).lower() for column in MATCHED.values())


def _comparison(key: str, sign: str, number: str, unit: str) -> Test:
    if key not in COMPARED:
        raise UsageError(f"filter {key}{sign}{number}: no number {key!r}", advice=f"one of {', '.join(COMPARED)}")
    value, scale = COMPARED[key], _UNITS[unit] if unit else _BARE.get(key, 1.0)
    limit = float(number) * scale
    if sign == "<":
        return lambda row, now: value(row, now) < limit
    return lambda row, now: value(row, now) > limit
