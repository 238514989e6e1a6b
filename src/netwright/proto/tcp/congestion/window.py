"""The congestion window, and when it may grow: only while the sender fills it (RFC 7661, RFC 2861)."""

from typing import Final

__all__ = ["INFINITE", "Window"]

INFINITE: Final = 0x7FFFFFFF  # ssthresh before any loss, RFC 5681 §3.1 "arbitrarily high"


class Window:
    """cwnd and ssthresh in segments, as in Linux; ``cwnd * mss`` is RFC 5681's cwnd in bytes.

    Attributes:
        used_at: when the window was last full, or changed for a reason other than growth.
        prior_cwnd: cwnd before the last reduction.
        limited: the last flight was limited by cwnd, not by the program or the peer's window.
    """

    __slots__ = (
        "_flight_end",
        "_initial",
        "_most_out",
        "_used",
        "cwnd",
        "limited",
        "prior_cwnd",
        "ssthresh",
        "used_at",
    )

    def __init__(self, initial_window: int) -> None:
        self.cwnd = self._initial = initial_window
        self.ssthresh = INFINITE
        self.prior_cwnd = 0
        self.limited = False
        self._most_out = self._flight_end = self._used = 0
        self.used_at = 0.0

    def __repr__(self) -> str:
        return f"<Window cwnd={self.cwnd} ssthresh={'∞' if self.ssthresh == INFINITE else self.ssthresh}>"

    @property
    def in_slow_start(self) -> bool:
        """True while cwnd is below ssthresh (RFC 5681 §3.1)."""
        return self.cwnd < self.ssthresh

    @property
    def may_grow(self) -> bool:
        """True if the last flight filled the window; in slow start, half of it is enough (RFC 7661 §4.1, Linux)."""
        return self.limited or (self.cwnd < self.ssthresh and self.cwnd < 2 * self._most_out)

    def used(self, out: int, full: bool, snd_una: int, snd_nxt: int, now: float) -> None:
        """Record a flight: ``out`` segments are unacknowledged; ``full`` is true if cwnd stopped it."""
        if full or snd_una >= self._flight_end or (not self.limited and out > self._most_out):
            self.limited, self._most_out, self._flight_end = full, out, snd_nxt
        if self.limited or self.may_grow:
            self._used, self.used_at = 0, now
        elif out > self._used:
            self._used = out

    def decay_unused(self, rto: float, now: float) -> bool:
        """Halve the part of cwnd that was unused for an RTO (RFC 2861 §3.1); True if cwnd changed."""
        if now - self.used_at < rto or self.may_grow:
            return False
        used = max(self._used, self._initial)
        self._used, self.used_at = 0, now
        if used >= self.cwnd:
            return False
        self.ssthresh = self.remembered
        self.cwnd = (self.cwnd + used) // 2
        return True

    def restart(self, idle: float, rto: float, now: float) -> None:
        """After ``idle`` > ``rto`` seconds: halve cwnd once per RTO, not below its first value (RFC 2861 §3.1)."""
        self.ssthresh = self.remembered
        halvings = min(int(idle / rto), 31)
        self.cwnd = max(self.cwnd >> halvings, min(self.cwnd, self._initial))
        self._used, self.used_at = 0, now

    @property
    def remembered(self) -> int:
        """An ssthresh of at least three quarters of cwnd, kept when an idle window shrinks (RFC 2861 §3.1)."""
        return max(self.ssthresh, self.cwnd - (self.cwnd >> 2))
