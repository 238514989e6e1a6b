"""netwright.proto.tcp.congestion.cubic_linux."""

import pytest

from netwright.proto.tcp.congestion.cubic import BETA, C
from netwright.proto.tcp.congestion.cubic_linux import CubicLinux
from netwright.proto.tcp.congestion.window import Window
from tests.proto.tcp.congestion.test_cubic import run


def test_an_unchanged_window_is_not_thought_about_for_a_while() -> None:
    """tcp_cubic.c, bictcp_update: HZ / 32; what is delivered meanwhile counts towards W_est all the same."""
    window, cubic = Window(10), CubicLinux()
    window.cwnd = 20
    window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
    run(cubic, window, 0.03, 0.001)
    before = window.cwnd
    run(cubic, window, 0.01, 0.001, start=0.032)
    assert before == 15
    assert window.cwnd > 15


def test_without_a_loss_it_grows_by_a_twentieth_a_round_trip() -> None:
    """tcp_cubic.c, bictcp_update: the curve says too little while W_max is unknown."""
    window, cubic = Window(10), CubicLinux()
    window.cwnd = window.ssthresh = 400
    run(cubic, window, 0.2, 0.1)
    assert window.cwnd == 400 + 20 + 21


def test_each_reduction_counts_anew() -> None:
    """tcp_input.c, tcp_init_cwnd_reduction: snd_cwnd_cnt = 0; RFC 9438 §4.3 leaves it open."""
    window, cubic = Window(10), CubicLinux()
    window.cwnd = window.ssthresh = 100
    cubic.acked(window, 19, 0.0, 0.1)
    window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
    reached = window.cwnd
    cubic.acked(window, 1, 0.1, 0.1)
    assert window.cwnd == reached


def test_short_round_trips_grow_as_reno_does() -> None:
    """RFC 9438 §4.3; bictcp_update, tcp_friendliness: one segment for every 15/8 windows."""
    window, cubic = Window(10), CubicLinux()
    window.cwnd = 20
    window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
    run(cubic, window, 2.0, 0.04)
    assert window.cwnd == pytest.approx(14 + 50 * 8 / 15, abs=2)


def test_targets_below_w_max_are_rounded_up() -> None:
    """bictcp_update: delta is a whole number, so W_max is reached when the curve is less than a segment below it."""
    window, cubic = Window(10), CubicLinux()
    window.cwnd = 100
    window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
    k = ((100 - window.cwnd) / C) ** (1 / 3)
    at = dict(run(cubic, window, k, 0.1))
    reached = min(time for time, cwnd in at.items() if cwnd == 100)
    assert reached == pytest.approx(k - (1 / C) ** (1 / 3), abs=0.3)


def test_a_timeout_forgets_w_max() -> None:
    """RFC 9438 §4.8; bictcp_state: the next epoch starts at its own window."""
    window, cubic = Window(10), CubicLinux()
    window.cwnd = 1000
    window.ssthresh = cubic.reduced(window, 0.0)
    cubic.timed_out(window, 0.0)
    window.cwnd = window.ssthresh
    cubic.acked(window, 35, 1.0, 0.1)
    assert window.cwnd == int(1000 * BETA) + 1


def test_a_timeout_forgets_the_step() -> None:
    """tcp_cubic.c, bictcp_reset: also for the window that it was computed for, within 1/32 s."""
    window, cubic = Window(10), CubicLinux()
    window.cwnd = 100
    window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
    cubic.acked(window, 1, 0.001, 0.01)
    reached = window.cwnd
    cubic.timed_out(window, 0.002)
    cubic.acked(window, 20, 0.003, 0.01)
    assert window.cwnd == reached + 1  # W_max is unknown: a segment for every 20
