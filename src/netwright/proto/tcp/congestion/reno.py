"""Reno with appropriate byte counting (RFC 5681, RFC 3465).  No I/O, no clock."""

from netwright.proto.tcp.congestion.control import slow_start
from netwright.proto.tcp.congestion.window import Window

__all__ = ["Reno"]


class Reno:
    """One segment more a round trip, half the window after a loss."""

    __slots__ = ("_counted",)
    name = "reno"

    def __init__(self) -> None:
        self._counted = 0

    def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
        """RFC 5681 §3.1; what is delivered counts, not acknowledgements (RFC 3465 §2.1)."""
        if window.cwnd < window.ssthresh:
            segments = slow_start(window, segments)
        self._counted += segments
        if self._counted >= window.cwnd:
            grown = self._counted // window.cwnd
            self._counted -= grown * window.cwnd
            window.cwnd += grown

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """Not used."""

    def reduced(self, window: Window, now: float) -> int:
        """RFC 5681 §3.1, equation 4, of cwnd instead of FlightSize, as Linux does; growth starts anew."""
        self._counted = 0
        return max(window.cwnd // 2, 2)

    def timed_out(self, window: Window, now: float) -> None:
        """``reduced`` came before it."""

    def undone(self, window: Window) -> None:
        """Nothing else is kept."""

    def resumed(self, idle: float) -> None:
        """Not used."""
