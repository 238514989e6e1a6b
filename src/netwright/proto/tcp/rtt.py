"""Round-trip time and the retransmission timeout (RFC 6298)."""

from enum import Enum
from math import inf
from typing import Final

from netwright.proto.tcp.settings import Settings

__all__ = ["MIN_RTT_WINDOW", "OFF", "PERSIST", "PROBE", "RETRANSMIT", "RoundTrip", "Timer"]

MIN_RTT_WINDOW: Final = 300.0  # seconds after which the smallest round trip is measured anew (Linux tcp_min_rtt_wlen)
_AFTER_SYN_LOSS: Final = 3.0  # RTO for data when a SYN was repeated and nothing was measured, RFC 6298 §5.7


class Timer(Enum):
    """Purpose of the sender's timer; only one runs at a time."""

    OFF = "off"
    RETRANSMIT = "retransmission"  # RFC 6298 §5
    PROBE = "tail loss probe"  # RFC 8985 §7
    PERSIST = "zero window probe"  # RFC 9293 §3.8.6.1


OFF: Final = Timer.OFF  # module constants for the hot path: looking up an enum's member is slow
RETRANSMIT: Final = Timer.RETRANSMIT
PROBE: Final = Timer.PROBE
PERSIST: Final = Timer.PERSIST


class RoundTrip:
    """Estimates in seconds.  Until the first sample ``srtt`` is 0.0 and ``minimum`` infinite."""

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
        """Add a measurement, of a segment that was sent once (Karn, RFC 6298 §3) or by timestamps."""
        self.latest = seconds
        if seconds <= self.minimum or now > self._minimum_at + MIN_RTT_WINDOW:
            self.minimum, self._minimum_at = seconds, now
        if self.srtt == 0.0:
            self.srtt, self.rttvar = seconds, seconds / 2  # RFC 6298 §2.2
        else:
            self.rttvar += (abs(self.srtt - seconds) - self.rttvar) / 4  # RFC 6298 §2.3: first RTTVAR, then SRTT
            self.srtt += (seconds - self.srtt) / 8
        # Linux's minimum applies to 4*RTTVAR, not to the sum: the RTO of a steady path is srtt + 0.2 s.
        variance = 4 * self.rttvar
        rto = self.srtt + (variance if variance > self._least else self._least)
        self.rto = rto if rto < self._most else self._most

    def back_off(self) -> None:
        """Double the timeout: the timer expired (RFC 6298 §5.5)."""
        self.backoff += 1

    def syn_was_repeated(self) -> None:
        """The handshake is complete and gave no sample (RFC 6298 §5.7)."""
        if self.srtt == 0.0:
            self.rto = max(_AFTER_SYN_LOSS, self._base)

    def patience(self, retries: int) -> float:
        """Seconds that ``retries`` retransmissions take if the first follows the minimum RTO (RFC 9293 §3.8.3).

        Linux counts time, not retransmissions: 15 are 924.6 s whatever the path's RTO is.
        """
        waited, interval = 0.0, self._least
        for _ in range(retries + 1):
            waited += interval
            interval = min(2 * interval, self._most)
        return waited
