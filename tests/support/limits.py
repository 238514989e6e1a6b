"""The cases in which a limit is checked: one below, exactly, one above; each way to receive; first and second message.

    @limits.cases
    def test_line_up_to_the_limit_passes(case: limits.Case) -> None:
        received = Receiver(max_line=10)
        chunks = case.chunks(b"x\\n", b"x" * case.size(10) + b"\\n")
        if case.refused:
            with pytest.raises(LimitError, match="max_line: 11 bytes seen, 10 allowed"):
                received.feed_all(chunks)
        else:
            assert len(received.feed_all(chunks)) == case.number

The tested size is ``case.size(limit)``; ``case.refused`` says if the limit forbids it.
"""

from dataclasses import dataclass

import pytest

from tests.support import splits


def around(limit: int) -> tuple[int, int, int]:
    """The nearest allowed, the last allowed and the nearest forbidden value."""
    return (limit - 1, limit, limit + 1)


@dataclass(frozen=True, slots=True)
class Case:
    """``beyond`` is the distance from the limit; ``number`` is 1 or 2: which message of the stream has that size."""

    beyond: int
    way: str
    number: int

    @property
    def refused(self) -> bool:
        """True if the size is above the limit."""
        return self.beyond > 0

    def size(self, limit: int) -> int:
        """The size to test against ``limit``."""
        return limit + self.beyond

    def chunks(self, usual: bytes, tested: bytes) -> list[bytes]:
        """The stream to receive: ``tested``, after ``usual`` if the second message is tested, cut in the case's way."""
        return splits.WAYS[self.way](tested if self.number == 1 else usual + tested)

    def __str__(self) -> str:
        """Name the case in pytest's output."""
        return f"limit{self.beyond:+d}, {self.way}, message {self.number}"


ALL = [Case(beyond, way, number) for beyond in around(0) for way in splits.WAYS for number in (1, 2)]
cases = pytest.mark.parametrize("case", ALL, ids=str)
