"""The filter words of the page, the API and the command line: ``state:open svc:echo peer:10. in>1k -proto:tcp text``.

All words must match.  ``key:text`` looks for text in one column, ``key>number`` and ``key<number`` compare, a bare
word looks everywhere, ``-`` in front turns a word around.  static/filter.js is the same for the page.  No I/O.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from netwright.console.view import Row
from netwright.core.errors import UsageError

__all__ = ["COMPARED", "MATCHED", "parse_filter"]

Test: TypeAlias = Callable[[Row, float], bool]
MATCHED: dict[str, Callable[[Row], str]] = {
    "state": lambda row: row["state"],
    "svc": lambda row: row["service"],
    "peer": lambda row: row["peer"],
    "proto": lambda row: row["protocol"],
    "wait": lambda row: row["waiting"],
    "role": lambda row: row["role"],
    "worker": lambda row: str(row["worker"]),
    "note": lambda row: row["note"],
    "subject": lambda row: row["subject"],
    "tone": lambda row: row["tone"],
    "tcp": lambda row: row["tcp"],
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
    "unread": lambda row, now: row["unread"],
    "unsent": lambda row, now: row["unsent"],
}
_COMPARISON = re.compile(r"([a-z]+)([<>])(\d+(?:\.\d+)?)(k|m|g|ms|s|)")
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "s": 1.0, "ms": 1e-3}


def parse_filter(text: str) -> Test:
    """A test of a row and the time of day.

    Raises:
        UsageError: ``key:`` or ``key>`` with a key that does not exist.
    """
    tests = [_word(word) for word in text.lower().split()]
    return lambda row, now: all(test(row, now) for test in tests)


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
        return lambda row, now: wanted in column(row).lower()
    if colon and key.isalpha():
        raise UsageError(f"filter {word!r}: no column {key!r}", advice=f"one of {', '.join(MATCHED)}")
    return lambda row, now: any(word in column(row).lower() for column in MATCHED.values())


def _comparison(key: str, sign: str, number: str, unit: str) -> Test:
    if key not in COMPARED:
        raise UsageError(f"filter {key}{sign}{number}: no number {key!r}", advice=f"one of {', '.join(COMPARED)}")
    value, limit = COMPARED[key], float(number) * _UNITS[unit]
    if sign == "<":
        return lambda row, now: value(row, now) < limit
    return lambda row, now: value(row, now) > limit
