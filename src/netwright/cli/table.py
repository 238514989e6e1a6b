"""Fit a table to a terminal: drop the least valuable columns, shorten text, never cut a number."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Column", "fit", "printable", "shorten"]

GAP = 2  # spaces between two columns
ROW = Any  # one row of /api/connections


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        worth: the column with the lowest goes first where the terminal is narrow.
        least: characters that its text may be shortened to; 0 for what is never shortened.
        right: numbers, aligned at the right.
    """

    head: str
    worth: int
    cell: Callable[[ROW, float], str]
    least: int = 0
    right: bool = False


def fit(columns: Sequence[Column], rows: Sequence[ROW], now: float, width: int) -> list[str]:
    """Return the head and a line for each row, none wider than ``width``; 0 fits everything."""
    cells = {column: [column.head, *(printable(column.cell(row, now)) for row in rows)] for column in columns}
    natural = {column: max(map(_width, texts)) for column, texts in cells.items()}
    shown = _shown(natural, width)
    lines = []
    for at in range(len(rows) + 1):
        parts = [_padded(cells[column][at], wide, right=column.right) for column, wide in shown.items()]
        lines.append((" " * GAP).join(parts).rstrip())
    return lines


def _shown(natural: dict[Column, int], width: int) -> dict[Column, int]:
    """Return the columns that fit, with their widths."""
    if not width:
        return natural
    least = {column: min(wide, column.least) if column.least else wide for column, wide in natural.items()}
    while len(least) > 1 and _total(least) > width:
        least.pop(min(least, key=lambda column: column.worth))
    for column in sorted(least, key=lambda column: natural[column]):
        least[column] += min(natural[column] - least[column], max(0, width - _total(least)))
    if _total(least) > width:  # one column is left, and it is too wide
        least = dict.fromkeys(least, width)
    return least


def _total(widths: dict[Column, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _padded(text: str, width: int, *, right: bool) -> str:
    text = shorten(text, width)
    padding = " " * (width - _width(text))
    return padding + text if right else text + padding


def shorten(text: str, width: int) -> str:
    """Return the beginning of ``text`` in ``width`` columns; … stands for the rest."""
    if _width(text) <= width:
        return text
    end = len(text)
    while end and _width(text[:end]) > width - 1:
        end -= 1
    if text[end] in "0123456789.":
        end = len(text[:end].rstrip("0123456789."))  # no part of a number
    return f"{text[:end]}…"[:width]


def _width(text: str) -> int:
    """Return the columns that ``text`` takes: East Asian wide letters two (UAX #11), combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def printable(text: str) -> str:
    """Return ``text`` with · for what is not printable: a peer must not send control functions (ECMA-48)."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)
