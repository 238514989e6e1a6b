"""The congestion window, and when it may grow: only if the sender uses it (RFC 7661, RFC 2861).  No I/O, no clock."""

from typing import Final

from netwright.proto.tcp.settings import Settings

__all__ = ["INFINITE", "Window"]

INFINITE: Final = 0x7FFFFFFF  # ssthresh before any loss, RFC 5681 §3.1 "arbitrarily high"


class Window:
    """Counted in segments, as Linux does; ``cwnd * mss`` is RFC 5681's in bytes.

    Attributes:
        used_at: when it was used whole, or changed for another reason than growth.
        prior_cwnd: before the last reduction.
        limited: the last flight was stopped by cwnd, not by the program or the peer.
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

    def __init__(self, settings: Settings) -> None:
        self.cwnd = self._initial = settings.initial_window
        self.ssthresh = INFINITE
        self.prior_cwnd = 0
        self.limited = False
        self._most_out = self._flight_end = self._used = 0
        self.used_at = 0.0

    def __repr__(self) -> str:
        return f"<Window cwnd={self.cwnd} ssthresh={'∞' if self.ssthresh == INFINITE else self.ssthresh}>"

    @property
    def in_slow_start(self) -> bool:
        """RFC 5681 §3.1."""
        return self.cwnd < self.ssthresh

    @property
    def may_grow(self) -> bool:
        """True if the window was used; in slow start half of it is enough (RFC 7661 §4.1, Linux)."""
        return self.limited or (self.cwnd < self.ssthresh and self.cwnd < 2 * self._most_out)

    def used(self, out: int, full: bool, snd_una: int, snd_nxt: int, now: float) -> None:
        """After a flight: ``out`` segments are unacknowledged, ``full`` says that cwnd stopped it."""
        if full or snd_una >= self._flight_end or (not self.limited and out > self._most_out):
            self.limited, self._most_out, self._flight_end = full, out, snd_nxt
        if self.limited or self.may_grow:
            self._used, self.used_at = 0, now
        elif out > self._used:
            self._used = out

    def decay_unused(self, rto: float, now: float) -> bool:
        """Give back half of what the program did not use for an RTO (RFC 2861 §3.1); True if cwnd changed."""
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
        """After ``idle`` > ``rto`` seconds: halve for each RTO, not below the initial window (RFC 2861, 5681 §4.1)."""
        self.ssthresh = self.remembered
        halvings = min(int(idle / rto), 31)
        self.cwnd = max(self.cwnd >> halvings, min(self.cwnd, self._initial))
        self._used, self.used_at = 0, now

    @property
    def remembered(self) -> int:
        """ssthresh that keeps three quarters of what was reached (RFC 2861 §3.1)."""
        return max(self.ssthresh, self.cwnd - (self.cwnd >> 2))
