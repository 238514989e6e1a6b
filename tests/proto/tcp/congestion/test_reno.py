"""netwright.proto.tcp.congestion.reno."""

from netwright.proto.tcp.congestion.reno import Reno
from netwright.proto.tcp.congestion.window import Window


def test_one_segment_more_a_window_in_congestion_avoidance() -> None:
    """RFC 5681 §3.1, RFC 3465 §2.1: after cwnd segments were delivered, however few acknowledgements that took."""
    window, reno = Window(10), Reno()
    window.cwnd, window.ssthresh = 20, 10
    for _ in range(9):
        reno.acked(window, 2, 0.0, 0.1)
    assert window.cwnd == 20
    reno.acked(window, 2, 0.0, 0.1)
    assert window.cwnd == 21


def test_what_slow_start_leaves_over_counts_for_avoidance() -> None:
    """RFC 5681 §3.1."""
    window, reno = Window(10), Reno()
    window.cwnd, window.ssthresh = 10, 12
    reno.acked(window, 14, 0.0, 0.1)
    assert window.cwnd == 13


def test_half_the_window_after_a_loss() -> None:
    """RFC 5681 §3.1, equation 4."""
    window = Window(10)
    window.cwnd = 21
    assert Reno().reduced(window, 0.0) == 10


def test_each_reduction_counts_anew() -> None:
    """RFC 5681 §3.1; Linux tcp_input.c, tcp_init_cwnd_reduction: what was delivered before does not count after."""
    window, reno = Window(10), Reno()
    window.cwnd, window.ssthresh = 20, 10
    reno.acked(window, 19, 0.0, 0.1)
    window.ssthresh = window.cwnd = reno.reduced(window, 0.0)
    reno.acked(window, 1, 0.1, 0.1)
    assert window.cwnd == 10
