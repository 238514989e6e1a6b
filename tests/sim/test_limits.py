"""netwright.sim.limits."""

import pytest

from netwright.core.errors import UsageError
from netwright.sim.limits import AnswerRate, StackLimits


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="backlog=0, 1 or more allowed"):
        StackLimits(backlog=0)


def test_the_bucket_fills_in_a_second_and_no_further() -> None:
    """RFC 1812 §4.3.2.8."""
    rate = AnswerRate(4)
    assert [rate.allow(10.0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert [rate.allow(10.5) for _ in range(3)] == [True, True, False]
    assert sum(rate.allow(99.0) for _ in range(9)) == 4
