"""The line of a program's own file."""

from pathlib import Path

from netwright.run.source import place_of


def test_place_is_the_innermost_line_of_the_file() -> None:
    def inner() -> None:
        int("x")

    try:
        inner()
    except ValueError as error:
        assert place_of(error, Path(__file__)).endswith('\nint("x")')
        assert place_of(error, Path("/else.py")) == "/else.py"
