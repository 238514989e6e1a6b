"""A docstring's first line says what the thing does or returns, and can be understood alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src/netwright"
FIRST_LINE = re.compile(r'^\s*"""([^"\n].*)', re.MULTILINE)  # a regular expression, since ast reads no Cython
RIDDLE = re.compile(
    r"^What\b"  # "What a drain did": say "The result of a drain"
    r"|\bNo I/O\b"  # import-linter proves it of every module below aio
    r"|\bAgain is allowed\b"  # the term is "Idempotent"
    r"|\b(?:is|are) told\b"  # a program is not told: it receives, stores, is called
)


def riddles(text: str) -> Iterator[str]:
    """Yield line number and first line of each docstring that is one."""
    for found in FIRST_LINE.finditer(text):
        if RIDDLE.search(found[1]):
            yield f"{1 + text.count(chr(10), 0, found.start(1))}: {found[1]}"


def test_no_first_line_is_a_riddle() -> None:
    sources = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.p*") if path.suffix != ".pyc"}
    assert len(sources) > 100
    assert [f"{name}:{line}" for name, path in sources.items() for line in riddles(path.read_text())] == []


@pytest.mark.parametrize(
    "line",
    ["What a drain did.", "Lines of text.  No I/O.", "Close.  Again is allowed.", "``report`` is told of failures."],
)
def test_a_riddle_is_found(line: str) -> None:
    assert list(riddles(f'"""A module."""\n\ndef f():\n    """{line}\n\n    More.\n    """\n')) == [f"4: {line}"]
    assert list(riddles(f'    """{line}"""')) == [f'1: {line}"""']
