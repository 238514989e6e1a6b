"""The filter language of page, API and command line: ``state:open svc:echo in>=10kB -proto:tcp "two words"``.

A filter is words that must all match:

- ``key:text`` looks for text in one column; ``key:""`` matches where the column is empty;
- ``key>number``, ``key<number``, ``key>=number`` and ``key<=number`` compare a number or a time;
- a bare word is looked for in every column; quotes keep spaces in a word;
- ``-`` in front of a word excludes what it matches.

Case does not matter.  A number may have a unit: ``10k``, ``1MB`` (powers of 1,000), ``50ms``, ``5m``, ``1h``; ``rtt``
without one is in milliseconds, other times are in seconds.  static/filter.js is the same for the page.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from netwright.console.view import Row, bound
from netwright.core.errors import UsageError

__all__ = ["COMPARED", "MATCHED", "FilterError", "Number", "parse_filter", "parse_sort"]

Test: TypeAlias = Callable[[Row, float], bool]
_TIME = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = {"b": 1.0, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9}
_COUNT = {"k": 1e3, "m": 1e6}


@dataclass(frozen=True, slots=True)
class Number:
    """A column of numbers; one without a unit counts ``bare``, ``examples`` show how to write it."""

    value: Callable[[Row, float], float]
    units: dict[str, float]
    examples: str
    bare: float = 1.0


class FilterError(UsageError):
    """A word of a filter means nothing; it stands from ``start`` to ``end`` in the text, counted in characters."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(f"filter, character {start + 1}: {message}")
        self.start, self.end = start, end


def _time(value: Callable[[Row, float], float], bare: float = 1.0) -> Number:
    return Number(value, _TIME, "50ms 2s 5m 1h", bare)


def _size(value: Callable[[Row, float], float]) -> Number:
    return Number(value, _SIZE, "500 10k 1mb")


def _count(value: Callable[[Row, float], float]) -> Number:
    return Number(value, _COUNT, "5 10k")


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
COMPARED: dict[str, Number] = {
    "age": _time(lambda row, now: (row["closed"] or now) - row["opened"]),
    "waited": _time(lambda row, now: now - row["waiting_since"] if row["waiting"] else 0.0),
    "rtt": _time(lambda row, now: row["rtt"], 1e-3),
    "in": _size(lambda row, now: row["bytes_in"]),
    "out": _size(lambda row, now: row["bytes_out"]),
    "unread": _size(lambda row, now: row["unread"]),
    "unsent": _size(lambda row, now: row["unsent"]),
    "messages": _count(lambda row, now: row["messages"]),
    "cwnd": _count(lambda row, now: row["cwnd"]),
    "rtx": _count(lambda row, now: row["rtx"]),
    "retrans": _count(lambda row, now: row["rtx"]),
}
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda seen, limit: seen < limit,
    ">": lambda seen, limit: seen > limit,
    "<=": lambda seen, limit: seen <= limit,
    ">=": lambda seen, limit: seen >= limit,
}
_WORD = re.compile(r'(?:"[^"]*"?|[^\s"])+')
_MEANING = re.compile(r"([a-z]+)([<>]=?|:)(.*)", re.DOTALL)
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-zµ]*)")


def parse_filter(text: str) -> Test:
    """A test of a row and the time of day.

    Raises:
        FilterError: a word names no column, compares text, or has no number where one is needed; a quote is open.
    """
    tests = list(_tests(text.lower()))
    return lambda row, now: all(test(row, now) for test in tests)


def parse_sort(name: str) -> tuple[Callable[[Row, float], float | str], bool]:
    """A column to sort by, and whether the largest comes first: of numbers it does; ``-`` in front turns it around.

    Raises:
        UsageError: there is no such column.
    """
    bare = name.removeprefix("-")
    if bare in COMPARED:
        return COMPARED[bare].value, bare == name
    if bare in MATCHED:
        return MATCHED[bare], bare != name
    raise UsageError(f"sort {name!r}: no column {bare!r}", advice=f"one of {', '.join((*COMPARED, *MATCHED))}")


def _tests(text: str) -> Iterator[Test]:
    for found in _WORD.finditer(text):
        word, start = found[0], found.start()
        if word.count('"') % 2:
            raise FilterError("the quote is not closed", start + word.rindex('"'), found.end())
        bare = word.lstrip("-")
        turns = len(word) - len(bare)
        if not bare:
            yield _anywhere(word)
        elif turns % 2:
            yield _excluded(_meaning(bare, start + turns, found.end()))
        else:
            yield _meaning(bare, start + turns, found.end())


def _excluded(test: Test) -> Test:
    return lambda row, now: not test(row, now)


def _anywhere(text: str) -> Test:
    return lambda row, now: any(text in column(row, now).lower() for column in MATCHED.values())


def _meaning(word: str, start: int, end: int) -> Test:
    found = _MEANING.fullmatch(word)
    if found is None:
        return _anywhere(word.replace('"', ""))
    key, sign, given = found.groups()
    if sign != ":":
        return _comparison(key, sign, given, (start, start + len(key) + len(sign), end))
    if key not in MATCHED:
        number = COMPARED.get(key)
        example = number.examples.split(" ")[0] if number is not None else ""
        advice = f"{key} is a number: {key}>{example}" if number else f"no column {key}: {' '.join(MATCHED)}"
        raise FilterError(advice, start, start + len(key))
    column, wanted = MATCHED[key], given.replace('"', "")
    if given == '""':
        return lambda row, now: column(row, now) == ""
    return lambda row, now: wanted in column(row, now).lower()


def _comparison(key: str, sign: str, given: str, place: tuple[int, int, int]) -> Test:
    start, begin, end = place
    if key not in COMPARED:
        advice = f"{key} is text: {key}:…" if key in MATCHED else f"no number {key}: {' '.join(COMPARED)}"
        raise FilterError(advice, start, start + len(key))
    column = COMPARED[key]
    found = _NUMBER.fullmatch(given)
    if found is None:
        said = f"{given} is not a number" if given else "a number is missing"
        raise FilterError(f"{said}: {column.examples}", begin, end)
    digits, unit = found.groups()
    if unit and unit not in column.units:
        raise FilterError(f"{key} has no unit {unit}: {column.examples}", begin + len(digits), end)
    limit, compare, value = float(digits) * (column.units[unit] if unit else column.bare), _SIGNS[sign], column.value
    return lambda row, now: compare(value(row, now), limit)
