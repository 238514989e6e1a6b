"""Ways to cut a byte string into the chunks that a receiver gets.

@pytest.mark.parametrize("chunks", splits.two(b"one\r\ntwo\r\n"), ids=repr)
splits.same_for_all(play, b"one\r\ntwo\r\n")  # play(chunks) returns what the receiver made of them
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from hypothesis import strategies as st

Chunks = Sequence[bytes]
T = TypeVar("T")


def whole(data: bytes) -> list[bytes]:
    """Everything in one chunk: the case that fast paths are made for."""
    return [data]


def bytewise(data: bytes) -> list[bytes]:
    """One byte a chunk."""
    return [data[at : at + 1] for at in range(len(data))]


def last_byte(data: bytes) -> list[bytes]:
    """All but the last byte, then that byte: a fast path must wait."""
    return [data[:-1], data[-1:]]


WAYS: Mapping[str, Callable[[bytes], list[bytes]]] = {"whole": whole, "bytewise": bytewise, "last byte": last_byte}


def two(data: bytes) -> list[list[bytes]]:
    """Every cut into two chunks that are not empty."""
    return [[data[:at], data[at:]] for at in range(1, len(data))]


def inside(data: bytes, delimiter: bytes) -> list[list[bytes]]:
    """Every cut into two chunks just before, within and just after an occurrence of ``delimiter``."""
    cuts: set[int] = set()
    at = data.find(delimiter)
    while at >= 0:
        cuts.update(range(at, at + len(delimiter) + 1))
        at = data.find(delimiter, at + 1)
    if not cuts:
        raise AssertionError(f"no {delimiter!r} in {data!r}: this would test nothing")
    return [[data[:cut], data[cut:]] for cut in sorted(cuts) if 0 < cut < len(data)]


def every(data: bytes) -> list[list[bytes]]:
    """Whole, bytewise and every cut into two."""
    return [whole(data), bytewise(data), *two(data)]


def cuts(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Any number of cuts anywhere, for Hypothesis; no chunk is empty."""

    def cut(places: set[int]) -> list[bytes]:
        ends = [*sorted(places), len(data)]
        return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    return st.sets(st.integers(1, max(1, len(data) - 1)), max_size=20).map(cut) if len(data) > 1 else st.just([data])


def same_for_all(play: Callable[[Chunks], T], data: bytes) -> T:
    """Return what ``play`` makes of ``data`` in one chunk; fail at the first other split that gives something else."""
    expected = play(whole(data))
    for chunks in every(data)[1:]:
        found = play(chunks)
        assert found == expected, f"{chunks}: {found}; in one chunk: {expected}"
    return expected
