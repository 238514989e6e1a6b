"""How often a segment that nobody asked for is answered (RFC 5961 §7, §10).  No I/O, no clock."""

from math import inf

from netwright.proto.tcp.segment import RST, SYN, Segment

__all__ = ["Challenges"]


class Challenges:
    """At most one answer in ``interval`` seconds, but for data, which is no part of a loop of ACKs (Linux)."""

    __slots__ = ("_at", "_interval")

    def __init__(self, interval: float) -> None:
        self._interval, self._at = interval, -inf

    def allow(self, segment: Segment, now: float, *, in_window: bool = False) -> bool:
        """True if ``segment`` may be answered; ``in_window`` if only its ACK is at fault, which data may carry, too."""
        if segment.length and not in_window and not segment.flags & (SYN | RST):
            return True
        if now - self._at < self._interval:
            return False
        self._at = now
        return True
