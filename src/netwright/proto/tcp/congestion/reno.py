"""Reno with appropriate byte counting (RFC 5681, RFC 3465)."""

from netwright.proto.tcp.congestion.control import Control, slow_start
from netwright.proto.tcp.congestion.window import Window

__all__ = ["Reno"]


class Reno(Control):
    """The window grows by one segment per round trip and is halved after a loss."""

    __slots__ = ("_counted",)

    def __init__(self) -> None:
        self._counted = 0

    def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
        """Grow as RFC 5681 §3.1 says, by segments delivered instead of acknowledgements (RFC 3465 §2.1)."""
        if window.cwnd < window.ssthresh:
            segments = slow_start(window, segments)
        self._counted += segments
        if self._counted >= window.cwnd:
            grown = self._counted // window.cwnd
            self._counted -= grown * window.cwnd
            window.cwnd += grown

    def reduced(self, window: Window, now: float) -> int:
        """Half of cwnd; segments counted towards the next growth are forgotten."""
        self._counted = 0
        return max(window.cwnd // 2, 2)
