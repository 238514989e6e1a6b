"""netwright.proto.tcp.congestion.control."""

from netwright.proto.tcp.congestion.control import Control, slow_start
from netwright.proto.tcp.congestion.cubic import Cubic
from netwright.proto.tcp.congestion.reno import Reno
from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.settings import Settings


def test_slow_start_grows_by_what_was_delivered_up_to_ssthresh() -> None:
    """RFC 5681 §3.1, RFC 3465 §2.2."""
    window = Window(Settings())
    window.ssthresh = 15
    assert slow_start(window, 3) == 0
    assert window.cwnd == 13
    assert slow_start(window, 10) == 8
    assert window.cwnd == 15


def test_every_control_halves_no_lower_than_two() -> None:
    """RFC 5681 §3.1, equation 4: max(FlightSize / 2, 2*SMSS)."""
    controls: list[Control] = [Reno(), Cubic()]
    for control in controls:
        window = Window(Settings())
        window.cwnd = 1
        assert control.reduced(window, 0.0) == 2
