"""How often a segment that nobody asked for is answered (RFC 5961 §7, §10).  No I/O, no clock."""

from math import inf

from netwright.proto.tcp.segment import RST, SYN, Segment

__all__ = ["Challenges"]


class Challenges:
    """At most one answer in ``interval`` seconds, but for data, which is no part of a loop of ACKs (Linux)."""

    __slots__ = ("_at", "_interval")

    def __init__(self, interval: float) -> None:
        self._interval, self._at = interval, -inf

    def allow(self, segment: Segment, now: float) -> bool:
        """True if ``segment`` may be answered."""
        if segment.length and not segment.flags & (SYN | RST):
            return True
        if now - self._at < self._interval:
            return False
        self._at = now
        return True
