"""Columns that fit."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from netwright.cli.table import Column, fit, printable, shorten

NAME = Column("NAME", 3, lambda row, now: row[0], least=4)
COUNT = Column("COUNT", 2, lambda row, now: str(row[1]), right=True)
NOTE = Column("NOTE", 1, lambda row, now: row[2], least=5)
ROWS = st.lists(st.tuples(st.text(max_size=30), st.integers(0, 10**9), st.text(max_size=50)), max_size=5)


def test_least_valuable_column_goes_first_and_text_is_shortened() -> None:
    rows: list[Any] = [("alexander", 12345, "a long note")]
    assert fit([NAME, COUNT, NOTE], rows, 0.0, 0)[1] == "alexander  12345  a long note"
    assert fit([NAME, COUNT, NOTE], rows, 0.0, 24)[1] == "alexander  12345  a lon…"
    assert fit([NAME, COUNT, NOTE], rows, 0.0, 16)[1] == "alexander  12345"
    assert fit([NAME, COUNT, NOTE], rows, 0.0, 8)[1] == "alexand…"


@given(ROWS, st.integers(1, 80))
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(rows: list[Any], width: int) -> None:
    head, *lines = fit([NAME, COUNT, NOTE], rows, 0.0, width)
    for row, line in zip(rows, lines, strict=True):
        assert line.isprintable()
        if "COUNT" in head.split():
            assert re.search(rf"(?<!\d){row[1]}(?!\d)", line) or str(row[1]) in row[0]


def test_wide_letters_take_two_columns() -> None:
    assert shorten("日本語", 6) == "日本語"
    assert shorten("日本語", 5) == "日本…"
    assert shorten("e\u0301cole", 5) == "e\u0301cole"


def test_number_inside_a_text_is_kept_whole_or_left_out() -> None:
    assert [shorten("waits 12.5 s", width) for width in (12, 11, 10, 9, 8)] == [
        "waits 12.5 s",
        "waits 12.5…",
        "waits …",
        "waits …",
        "waits …",
    ]


def test_nothing_unprintable_is_left() -> None:
    assert printable("a\x1b[2J\n\u202eb") == "a·[2J··b"
