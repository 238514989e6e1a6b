"""netwright.proto.tcp.congestion.window."""

import pytest

from netwright.proto.tcp.congestion.window import INFINITE, Window


def window_of(cwnd: int, ssthresh: int = INFINITE) -> Window:
    window = Window(10)
    window.cwnd, window.ssthresh = cwnd, ssthresh
    return window


def test_starts_with_ten_segments_and_no_threshold() -> None:
    """RFC 6928 §2, RFC 5681 §3.1."""
    window = Window(10)
    assert (window.cwnd, window.ssthresh, window.in_slow_start) == (10, INFINITE, True)


def test_may_grow_only_if_it_was_used() -> None:
    """RFC 7661 §4.1; half of it is enough in slow start (Linux)."""
    window = window_of(10)
    window.used(4, False, 0, 100, 0.0)
    grows = [window.may_grow]
    window.used(6, False, 100, 200, 0.1)
    assert [*grows, window.may_grow] == [False, True]
    avoiding = window_of(10, 5)
    avoiding.used(9, False, 0, 100, 0.0)
    grows = [avoiding.may_grow]
    avoiding.used(10, True, 0, 100, 0.0)
    assert [*grows, avoiding.may_grow] == [False, True]


def test_unused_window_is_given_back_by_half_after_an_rto() -> None:
    """RFC 2861 §3.1."""
    window = window_of(100, 50)
    window.used(20, False, 0, 1, 0.0)
    assert not window.decay_unused(1.0, 0.5)
    assert window.decay_unused(1.0, 1.5)
    assert (window.cwnd, window.ssthresh) == (60, 75)


def test_a_window_that_was_used_is_kept_for_an_rto() -> None:
    """RFC 2861 §3.1: the time runs from when it was last full."""
    window = window_of(100, 50)
    window.used(100, True, 0, 100, 0.9)
    window.used(20, False, 100, 200, 1.1)
    assert not window.decay_unused(1.0, 1.2)
    assert window.decay_unused(1.0, 2.0)


def test_restart_halves_for_each_idle_rto_down_to_the_initial_window() -> None:
    """RFC 5681 §4.1, RFC 2861 §3.1; three quarters are remembered."""
    window = window_of(100, 40)
    window.restart(2.5, 1.0, 10.0)
    assert (window.cwnd, window.ssthresh) == (25, 75)
    window.restart(1e9, 1.0, 20.0)
    assert window.cwnd == 10
    small = window_of(4)
    small.restart(5.0, 1.0, 0.0)
    assert small.cwnd == 4


@pytest.mark.parametrize(("now", "shrinks"), [(0.99, False), (1.0, True)])
def test_an_unused_window_shrinks_after_exactly_an_rto(now: float, shrinks: bool) -> None:
    """RFC 2861 §3.1; Linux tcp_cwnd_validate."""
    window = Window(10)
    window.cwnd, window.ssthresh = 100, 50
    assert window.decay_unused(1.0, now) is shrinks
