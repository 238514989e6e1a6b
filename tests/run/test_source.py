"""The line of a program's own file."""

from pathlib import Path

import pytest

from netwright.run.source import place_of


def test_place_is_the_innermost_line_of_the_file() -> None:
    def inner() -> None:
        int("x")

    with pytest.raises(ValueError, match="x") as raised:
        inner()
    assert place_of(raised.value, Path(__file__)).endswith('\nint("x")')
    assert place_of(raised.value, Path("/else.py")) == "/else.py"
