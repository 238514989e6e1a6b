"""Round-trip time and the retransmission timeout (RFC 6298).  No I/O, no clock."""

from enum import Enum
from math import inf
from typing import Final

from netwright.proto.tcp.settings import Settings

__all__ = ["MIN_RTT_WINDOW", "OFF", "PERSIST", "PROBE", "RETRANSMIT", "RoundTrip", "Timer"]

MIN_RTT_WINDOW: Final = 300.0  # seconds that a least round trip is believed (Linux, tcp_min_rtt_wlen)
_AFTER_SYN_LOSS: Final = 3.0  # RTO for data when a SYN was repeated and nothing was measured, RFC 6298 §5.7


class Timer(Enum):
    """What the one timer of the sender is for."""

    OFF = "off"
    RETRANSMIT = "retransmission"  # RFC 6298 §5
    PROBE = "tail loss probe"  # RFC 8985 §7
    PERSIST = "zero window probe"  # RFC 9293 §3.8.6.1


OFF: Final = Timer.OFF  # asked about every segment, and an enum is slow to find its members
RETRANSMIT: Final = Timer.RETRANSMIT
PROBE: Final = Timer.PROBE
PERSIST: Final = Timer.PERSIST


class RoundTrip:
    """Estimates of one direction; ``srtt`` is 0.0 until the first sample, ``minimum`` infinite."""

    __slots__ = ("_base", "_least", "_minimum_at", "_most", "backoff", "latest", "minimum", "rto", "rttvar", "srtt")

    def __init__(self, settings: Settings) -> None:
        self.srtt = self.rttvar = self.latest = 0.0
        self.rto = self._base = settings.rto_initial  # RFC 6298 §2.1
        self._least, self._most = settings.rto_min, settings.rto_max
        self.backoff = 0
        self.minimum, self._minimum_at = inf, -inf

    def __repr__(self) -> str:
        return f"<RoundTrip srtt={self.srtt:.4f} rttvar={self.rttvar:.4f} rto={self.timeout:.3f}>"

    @property
    def timeout(self) -> float:
        """The RTO with its back-off (RFC 6298 §5.5)."""
        return min(self.rto * (1 << self.backoff), self._most) if self.backoff else self.rto

    def sample(self, seconds: float, now: float) -> None:
        """A measurement of a segment that was sent once (Karn, RFC 6298 §3), or from timestamps."""
        self.latest = seconds
        if seconds <= self.minimum or now > self._minimum_at + MIN_RTT_WINDOW:
            self.minimum, self._minimum_at = seconds, now
        if self.srtt == 0.0:
            self.srtt, self.rttvar = seconds, seconds / 2  # RFC 6298 §2.2
        else:
            self.rttvar += (abs(self.srtt - seconds) - self.rttvar) / 4  # RFC 6298 §2.3: first RTTVAR, then SRTT
            self.srtt += (seconds - self.srtt) / 8
        # Linux's floor lies under 4*RTTVAR, not under the sum: a steady path has srtt + 0.2 s.
        variance = 4 * self.rttvar
        rto = self.srtt + (variance if variance > self._least else self._least)
        self.rto = rto if rto < self._most else self._most

    def back_off(self) -> None:
        """The timer ran out (RFC 6298 §5.5)."""
        self.backoff += 1

    def syn_was_repeated(self) -> None:
        """The handshake is done and gave no sample (RFC 6298 §5.7)."""
        if self.srtt == 0.0:
            self.rto = max(_AFTER_SYN_LOSS, self._base)

    def patience(self, retries: int) -> float:
        """Seconds in which ``retries`` repeats that start at the least RTO would have gone (RFC 9293 §3.8.3).

        Linux counts time, not repeats: 15 are 924.6 s whatever the path's RTO is.
        """
        waited, interval = 0.0, self._least
        for _ in range(retries + 1):
            waited += interval
            interval = min(2 * interval, self._most)
        return waited
