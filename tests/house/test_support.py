"""The helpers of the tests find what they are there for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import books, limits, splits


class Lines:
    """Receives lines up to 10 bytes; ``fault`` plants one of the faults that the helpers must find."""

    def __init__(self, fault: str = "") -> None:
        self.fault, self.rest, self.lines = fault, b"", 0

    def feed_all(self, chunks: list[bytes]) -> int:
        for chunk in chunks:
            self.feed(chunk)
        return self.lines

    def feed(self, chunk: bytes) -> None:
        fast = not self.rest
        self.rest += chunk
        while b"\n" in self.rest:
            line, _, self.rest = self.rest.partition(b"\n")
            self.lines += 1
            allowed = {"off by one": 11, "only the first": 10 if self.lines == 1 else 99}.get(self.fault, 10)
            if len(line) > allowed and not (fast and self.fault == "fast path"):
                raise ValueError(f"{len(line)} bytes")


def outcome(case: limits.Case, fault: str) -> bool:
    """True if the receiver did what the limit says."""
    try:
        count = Lines(fault).feed_all(case.chunks(b"x\n", b"x" * case.size(10) + b"\n"))
    except ValueError:
        return case.refused
    return not case.refused and count == case.number


@limits.cases
def test_cases_pass_where_the_limit_holds(case: limits.Case) -> None:
    assert outcome(case, "")


@pytest.mark.parametrize("fault", ["off by one", "only the first", "fast path"])
def test_some_case_finds_each_fault(fault: str) -> None:
    assert not all(outcome(case, fault) for case in limits.ALL)


def test_splits_join_to_the_whole() -> None:
    data = b"ab\r\ncd\r\n"
    assert len(splits.two(data)) == len(data) - 1
    assert all(b"".join(chunks) == data and all(chunks) for chunks in splits.every(data))
    assert [chunks[0] for chunks in splits.inside(data, b"\r\n")] == [
        b"ab",
        b"ab\r",
        b"ab\r\n",
        b"ab\r\ncd",
        b"ab\r\ncd\r",
    ]


@given(st.binary(min_size=1, max_size=30).flatmap(splits.cuts))
def test_random_cuts_have_no_empty_chunk(chunks: list[bytes]) -> None:
    assert all(chunks)


def test_delimiter_that_is_absent_is_a_fault_of_the_test() -> None:
    with pytest.raises(AssertionError, match="would test nothing"):
        splits.inside(b"abc", b"\n")


def test_split_that_changes_the_result_is_named() -> None:
    assert splits.same_for_all(b"".join, b"abc") == b"abc"
    with pytest.raises(AssertionError, match=r"\[b'a', b'b', b'c'\]: 3; in one chunk: 1"):
        splits.same_for_all(len, b"abc")


class Keeper:
    __slots__ = ("kept", "other")

    def __init__(self) -> None:
        self.kept: list[int] = []


def test_book_that_grows_is_named() -> None:
    keeper = Keeper()
    books.steady(lambda: books.sizes(keeper), lambda: None)
    with pytest.raises(AssertionError, match=r"'kept': \(1, 6\)"):
        books.steady(lambda: books.sizes(keeper), lambda: keeper.kept.append(1))
    with pytest.raises(AssertionError, match=r"not empty: \{'kept': 6\}"):
        books.empty(books.sizes(keeper))
    books.empty(books.sizes(keeper), but=("kept",))


async def test_book_that_grows_in_a_coroutine_is_named() -> None:
    keeper = Keeper()

    async def cycle() -> None:
        keeper.kept.append(1)

    with pytest.raises(AssertionError, match="kept"):
        await books.steady_async(lambda: books.sizes(keeper), cycle)


def test_object_without_books_is_a_fault_of_the_test() -> None:
    with pytest.raises(AssertionError, match="would test nothing"):
        books.empty(books.sizes(object()))
