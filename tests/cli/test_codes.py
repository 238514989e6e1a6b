"""Error codes."""

import re
from pathlib import Path

import pytest

from netwright.cli.codes import PAGES
from netwright.run.problem import Code


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_page_and_is_used(code: Code) -> None:
    page = PAGES[code]
    assert page.title
    assert page.cause.endswith(".")
    assert page.evidence.endswith(".")
    assert page.fix
    source = "".join(path.read_text() for path in Path("src/netwright").rglob("*.py") if path.name != "codes.py")
    assert f"Code.{code.name}" in source


def test_no_page_is_without_a_code() -> None:
    assert set(PAGES) == set(Code)
    assert all(re.fullmatch(r"NW(-[A-Z]+)+", code) for code in PAGES)
