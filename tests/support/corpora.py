"""Where test data lies that this project did not write; a test that needs it skips where it is absent."""

import os
from pathlib import Path

import pytest

_PROJECT = Path(__file__).resolve().parents[2]


def corpus(name: str) -> Path:
    """The folder of a corpus: in NETWRIGHT_CORPORA, or in ``../shared/corpora`` from the project or a worktree."""
    places = [Path(given)] if (given := os.environ.get("NETWRIGHT_CORPORA")) else []
    places += [_PROJECT.parent / "shared/corpora", _PROJECT.parent.parent / "shared/corpora"]
    for place in places:
        if (place / name).is_dir():
            return place / name
    pytest.skip(f"corpus {name} is not here; NETWRIGHT_CORPORA names its folder")


def captures() -> list[Path]:
    """Public capture files, the small ones first."""
    return sorted(corpus("pcaps").glob("*.pcap*"), key=lambda path: path.stat().st_size)
