"""Documents of this repository name files that a reader has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ABOVE = re.compile(r"(?<![\w./])(?:\.\./)+[\w./-]*\w")
ELSEWHERE = {"../shared/corpora"}  # test data of other projects: CONTRIBUTING.md says how to name another place
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def absent(document: Path) -> list[str]:
    """Return each relative path in ``document`` that leads out of its folder to nothing."""
    named = set(ABOVE.findall(document.read_text())) - ELSEWHERE
    return sorted(name for name in named if not (document.parent / name).exists())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_path_of_a_document_leads_to_a_file_of_the_repository(document: Path) -> None:
    assert absent(document) == []


def test_absent_path_is_found(tmp_path: Path) -> None:
    document = tmp_path / "docs.md"
    document.write_text("see ../nowhere/at-all.md, and [here](../nothing.py).")
    assert absent(document) == ["../nothing.py", "../nowhere/at-all.md"]
