"""How fast the network delivers (draft-cheng-iccrg-delivery-rate-estimation-00).

Each segment stores how much was delivered when it was sent.  When it is delivered itself, the difference is a sample.
"""

from dataclasses import dataclass

from netwright.proto.tcp.scoreboard import SentSegment

__all__ = ["Delivery", "RateSample"]


@dataclass(frozen=True, slots=True)
class RateSample:
    """The delivery rate that one acknowledgement measured.

    Attributes:
        rate: segments per second; 0.0 if there is no valid sample.
        prior_delivered: segments delivered when its newest segment was sent; a round ends when this reaches the count
            of the round's beginning.
        limited: the program had too little to send, so the path may be faster.
    """

    rate: float
    prior_delivered: int
    limited: bool


class Delivery:
    """Measures the delivery rate; ``delivered`` counts each segment once, by ACK or SACK."""

    __slots__ = ("_first_sent_at", "_interval", "_limited", "_limited_until", "_prior", "delivered", "delivered_at")

    def __init__(self) -> None:
        self.delivered, self.delivered_at = 0, 0.0
        self._first_sent_at = 0.0
        self._limited_until = 0
        self._prior, self._interval, self._limited = -1, 0.0, False

    def sent(self, record: SentSegment, out: int, now: float) -> None:
        """Record a transmission, new or again; ``out`` segments were unacknowledged before it (§3.2)."""
        if not out:
            self._first_sent_at = self.delivered_at = now
        record.snapshot = (self.delivered, self.delivered_at, self._first_sent_at, bool(self._limited_until))

    def limit(self, in_flight: int) -> None:
        """Record that the program has nothing more to send (§3.4)."""
        self._limited_until = self.delivered + in_flight or 1

    def arrived(self, record: SentSegment, now: float) -> None:
        """Record that a segment was acknowledged or SACKed (§3.3, UpdateRateSample)."""
        if record.snapshot is None:
            return
        prior, delivered_at, first_sent_at, limited = record.snapshot
        self.delivered += 1
        self.delivered_at = now
        if prior >= self._prior:
            self._prior, self._limited = prior, limited
            self._interval = max(record.sent_at - first_sent_at, now - delivered_at)
            self._first_sent_at = record.sent_at
        record.snapshot = None

    def all_arrived(self, records: list[SentSegment], now: float) -> None:
        """Record that segments were acknowledged."""
        for record in records:
            self.arrived(record, now)

    def sample(self, least_rtt: float) -> RateSample:
        """Return the sample of one acknowledgement, after all its segments are recorded (§3.3, GenerateRateSample)."""
        if self._limited_until and self.delivered > self._limited_until:
            self._limited_until = 0
        prior, self._prior = self._prior, -1
        if prior < 0 or self._interval <= 0.0 or self._interval < least_rtt:
            return RateSample(0.0, prior, self._limited)
        return RateSample((self.delivered - prior) / self._interval, prior, self._limited)
