"""netwright.proto.tcp.persist: RFC 9293 §3.8.6.1."""

from math import inf

import pytest

from netwright.proto.tcp.persist import Persist
from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.settings import Settings


def made() -> Persist:
    settings = Settings(rto_initial=1.0, rto_max=60.0)
    return Persist(settings, RoundTrip(settings))


def test_the_interval_doubles_up_to_the_largest_rto() -> None:
    """MUST-36, MUST-37: exponential back-off."""
    persist, waits = made(), []
    persist.begin(10.0)
    for _ in range(9):
        waits.append(persist.next_at(None, 10.0) - 10.0)
        persist.back_off()
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_the_second_closed_window_begins_anew() -> None:
    persist = made()
    persist.begin(0.0)
    for _ in range(5):
        persist.back_off()
    persist.end()
    assert persist.since == inf
    persist.begin(100.0)
    assert persist.next_at(None, 100.0) == 101.0
    assert not persist.is_over(3.0, 102.9)
    assert persist.is_over(3.0, 103.0)


@pytest.mark.parametrize(
    ("now", "at", "over"), [(0.0, 1.0, False), (2.5, 3.0, False), (3.0, 3.0, True), (9.0, 9.0, True)]
)
def test_the_user_timeout_counts_from_the_first_moment(now: float, at: float, over: bool) -> None:
    """RFC 5482 §4."""
    persist = made()
    persist.begin(0.0)
    persist.begin(2.0)
    assert (persist.next_at(3.0, now), persist.is_over(3.0, now)) == (at, over)
    assert not persist.is_over(None, 1e9)
