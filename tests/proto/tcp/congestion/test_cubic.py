"""netwright.proto.tcp.congestion.cubic."""

import pytest

from netwright.proto.tcp.congestion.cubic import BETA, C, Cubic
from netwright.proto.tcp.congestion.window import Window


def run(cubic: Cubic, window: Window, seconds: float, rtt: float, start: float = 0.0) -> list[tuple[float, int]]:
    """Deliver a window a round trip."""
    now, seen = start, []
    while now < start + seconds:
        cubic.acked(window, window.cwnd, now, rtt)
        now += rtt
        seen.append((now, window.cwnd))
    return seen


def test_reduction_is_by_seven_tenths() -> None:
    """RFC 9438 §4.6."""
    window = Window(10)
    window.cwnd = 1000
    assert Cubic().reduced(window, 0.0) == int(1000 * BETA) == 700


def test_the_window_comes_back_to_w_max_after_k_seconds() -> None:
    """RFC 9438 §4.2, figures 1 and 2: K = cbrt((W_max - cwnd) / C), flat around W_max."""
    window, cubic = Window(10), Cubic()
    window.cwnd = 1000
    window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
    k = ((1000 - window.cwnd) / C) ** (1 / 3)
    at = dict(run(cubic, window, 2 * k, 0.05))
    assert _at(at, k) == pytest.approx(1000, rel=0.02)
    assert _at(at, 2 * k) == pytest.approx(1300, rel=0.03)


def _at(curve: dict[float, int], time: float) -> int:
    return curve[min(curve, key=lambda moment: abs(moment - time))]


def test_a_second_loss_below_w_max_gives_way_faster() -> None:
    """RFC 9438 §4.7."""
    window, cubic = Window(10), Cubic()
    window.cwnd = 1000
    window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
    window.ssthresh = window.cwnd = cubic.reduced(window, 1.0)
    run(cubic, window, ((700 * (1 + BETA) / 2 - window.cwnd) / C) ** (1 / 3), 0.05)
    assert window.cwnd == pytest.approx(700 * (1 + BETA) / 2, rel=0.03)


def test_short_round_trips_grow_as_reno_does() -> None:
    """RFC 9438 §4.3: the Reno-friendly region; 3(1-b)/(1+b) segments a round trip."""
    window, cubic = Window(10), Cubic()
    window.cwnd = 20
    window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
    run(cubic, window, 2.0, 0.04)
    assert window.cwnd == pytest.approx(14 + 50 * 3 * (1 - BETA) / (1 + BETA), abs=2)


def test_undone_restores_the_curve() -> None:
    """RFC 9438 §4.9.1."""
    first, second = (Window(10), Cubic()), (Window(10), Cubic())
    for window, cubic in (first, second):
        window.cwnd = 500
        window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
        run(cubic, window, 2.0, 0.05)
    before = second[0].cwnd, second[0].ssthresh
    second[1].reduced(second[0], 2.0)
    second[1].timed_out(second[0], 2.0)
    second[0].cwnd, second[0].ssthresh = before
    second[1].undone(second[0])
    assert [cwnd for _, cwnd in run(first[1], first[0], 5.0, 0.05, 2.0)] == pytest.approx(
        [cwnd for _, cwnd in run(second[1], second[0], 5.0, 0.05, 2.0)], abs=1
    )


def test_idle_time_does_not_count() -> None:
    """RFC 9438 §4.2: t stops while the program sends nothing.  A run with a pause is one without it, moved."""
    windows = []
    for pause in (0.0, 100.0):
        window, cubic = Window(10), Cubic()
        window.cwnd = 1000
        window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
        run(cubic, window, 1.0, 0.05)
        cubic.resumed(pause)
        windows.append([cwnd for _, cwnd in run(cubic, window, 2.0, 0.05, start=1.0 + pause)])
    assert windows[0] == windows[1]
    assert windows[0][-1] > windows[0][0]


def test_growth_is_at_most_half_a_window_a_round_trip() -> None:
    """RFC 9438 §4.2: the target lies between cwnd and 1.5 cwnd."""
    window, cubic = Window(10), Cubic()
    window.cwnd = window.ssthresh = 100
    cubic.acked(window, 1, 0.0, 0.1)
    cubic.acked(window, 100, 60.0, 0.1)
    assert window.cwnd <= 150


def test_undone_restores_the_reno_friendly_window() -> None:
    """RFC 9438 §4.9.2: W_est, too, though it began anew in the meantime."""
    ends = []
    for spurious in (False, True):
        window, cubic = Window(10), Cubic()
        window.cwnd = 20
        window.ssthresh = window.cwnd = cubic.reduced(window, 0.0)
        run(cubic, window, 1.0, 0.04)
        if spurious:
            before = window.cwnd, window.ssthresh
            window.ssthresh = window.cwnd = cubic.reduced(window, 1.0)
            cubic.acked(window, 1, 1.0, 0.04)
            window.cwnd, window.ssthresh = before
            cubic.undone(window)
        run(cubic, window, 1.0, 0.04, start=1.0)
        ends.append(window.cwnd)
    assert ends[0] == ends[1]
