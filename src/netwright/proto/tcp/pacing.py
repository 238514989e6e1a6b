"""Spreading segments over time instead of sending bursts.  No I/O, no clock."""

from math import inf

from netwright.proto.tcp.congestion.window import Window

__all__ = ["BURST", "Pacer", "interval"]

BURST = 0.001  # seconds of the rate that may go at once, or a timer would be due for every segment


_SLOW_START_GAIN, _GAIN = 2.0, 1.2  # windows per round trip, Linux tcp_pacing_ss_ratio, tcp_pacing_ca_ratio


def interval(window: Window, srtt: float) -> float:
    """Seconds between two segments, so that a window lasts a little less than a round trip."""
    gain = _SLOW_START_GAIN if 2 * window.cwnd < window.ssthresh else _GAIN
    return srtt / (window.cwnd * gain)


class Pacer:
    """``at`` is when the rate allows the next segment; ``waiting`` if one is held back for that."""

    __slots__ = ("at", "enabled", "waiting")

    def __init__(self, enabled: bool) -> None:
        self.enabled, self.waiting = enabled, False
        self.at = -inf

    @property
    def deadline(self) -> float:
        """When to try again, infinite if nothing waits."""
        return self.at if self.waiting else inf

    def holds(self, now: float) -> bool:
        """True if a segment must wait."""
        self.waiting = self.at - now >= BURST
        return self.waiting

    def sent(self, now: float, interval: float) -> None:
        """A segment went; the rate is one in ``interval`` seconds."""
        self.at = max(self.at, now) + interval
