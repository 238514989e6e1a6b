"""netwright.aio.files: what ``send_file`` takes; the conformance suite sends it."""

import io
import os
from pathlib import Path
from typing import Any

import pytest

from netwright.aio.files import source_of
from netwright.core.errors import UsageError


def test_a_part_of_a_file_is_cut_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        source = source_of(file, 4, None)
        assert (source.offset, source.size, source.read(0)) == (4, 6, b"456789")
        assert source_of(file, 4, 100).size == 6
        assert source_of(file, 400, 1).size == 0
    memory = source_of(io.BytesIO(b"0123456789"), 2, 3)
    assert (memory.size, bytes(memory.read(0))) == (3, b"234")


@pytest.mark.parametrize("count", [0, 1, 10, 11, None])
def test_count_is_the_same_for_memory_as_for_a_file(tmp_path: Path, count: int | None) -> None:
    """A count of 0 is nothing, not everything."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        for source in (source_of(file, 0, count), source_of(io.BytesIO(b"0123456789"), 0, count)):
            assert source.size == min(10 if count is None else count, 10)
            assert bytes(source.read(0)) == b"0123456789"[:count]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("pipe", "not a regular file"),
        ("written", "not open for reading"),
        ("closed", "closed"),
        ("path", "no attribute"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_reason(tmp_path: Path, what: str, text: str) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as pipe, (tmp_path / "x").open("wb") as written:
        os.close(write)
        with (tmp_path / "x").open("rb") as closed:
            pass
        files: dict[str, Any] = {"pipe": pipe, "written": written, "closed": closed, "path": "x"}
        with pytest.raises(UsageError, match=text):
            source_of(files[what], 0, None)
    memory = io.BytesIO()
    memory.close()
    with pytest.raises(UsageError, match="closed"):
        source_of(memory, 0, None)


@pytest.mark.parametrize(("offset", "count"), [(-1, None), (0, -1), ("0", None)])
def test_numbers_below_zero_are_refused(offset: Any, count: Any) -> None:
    with pytest.raises(UsageError, match="0 or more allowed"):
        source_of(io.BytesIO(b"x"), offset, count)
