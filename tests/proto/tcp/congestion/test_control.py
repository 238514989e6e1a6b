"""netwright.proto.tcp.congestion.control."""

from netwright.proto.tcp.congestion.control import Control, slow_start
from netwright.proto.tcp.congestion.cubic import Cubic
from netwright.proto.tcp.congestion.reno import Reno
from netwright.proto.tcp.congestion.window import Window


def test_slow_start_grows_by_what_was_delivered_up_to_ssthresh() -> None:
    """RFC 5681 §3.1, RFC 3465 §2.2."""
    window = Window(10)
    window.ssthresh = 15
    assert slow_start(window, 3) == 0
    assert window.cwnd == 13
    assert slow_start(window, 10) == 8
    assert window.cwnd == 15


def test_every_control_halves_no_lower_than_two() -> None:
    """RFC 5681 §3.1, equation 4: max(FlightSize / 2, 2*SMSS)."""
    controls: list[Control] = [Reno(), Cubic()]
    for control in controls:
        window = Window(10)
        window.cwnd = 1
        assert control.reduced(window, 0.0) == 2


def test_slow_start_is_paced_at_twice_the_window() -> None:
    """RFC 9002 §7.7 has 1.25; Linux 2 in slow start, or it could not double, and 1.2 afterwards."""
    window = Window(10)
    assert Control().interval(window, 0.1) == 0.1 / 20
    window.ssthresh = 10
    assert Control().interval(window, 0.1) == 0.1 / 12
