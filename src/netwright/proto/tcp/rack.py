"""RACK: a segment is lost if one sent later was delivered, and time for reordering has passed (RFC 8985 §6).

The scoreboard keeps segments in order of transmission, so detection stops at the first one that was sent too recently.
"""

from math import inf
from typing import Final

from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.scoreboard import Scoreboard, SentSegment

__all__ = ["DUPLICATES", "Rack"]

DUPLICATES: Final = 3  # DupThresh, RFC 5681 §3.2
_PERSIST: Final = 16  # recoveries after which a wider reordering window becomes narrow again, RFC 8985 §6.2 step 4
_MOST_STEPS: Final = 255  # of a quarter round trip each (Linux)
_TICK: Final = 1e-9  # seconds; floats that differ by less are the same time


class Rack:
    """The most recently sent segment that was delivered, and the reordering window.

    Attributes:
        sent_at, order, end, rtt: of that transmission (RACK.xmit_ts, RACK.end_seq, RACK.rtt).
        reordered: reordering was seen on this connection.
        highest: end of the highest record that was delivered.
        widest: largest distance in bytes between a segment that arrived late and the highest one before it.
        steps: width of the reordering window in quarters of the smallest round trip.
        advanced: a transmission newer than before was delivered since the last ``detect``.
    """

    __slots__ = (
        "_persist",
        "_widened_until",
        "advanced",
        "end",
        "highest",
        "order",
        "reordered",
        "rtt",
        "sent_at",
        "steps",
        "widest",
    )

    def __init__(self) -> None:
        self.sent_at, self.order, self.end, self.rtt = -inf, 0, 0, 0.0
        self.highest = 0
        self.reordered = self.advanced = False
        self.widest = 0
        self.steps, self._persist, self._widened_until = 1, _PERSIST, 0

    def delivered(self, record: SentSegment, now: float, least_rtt: float, echo: float) -> None:
        """Record that a segment was acknowledged or SACKed (RFC 8985 §6.2 steps 1 to 3).

        Args:
            echo: when the acknowledged transmission was sent, by its timestamp; infinite without timestamps.
        """
        sent_at, end = record.sent_at, record.end
        if record.repeats:
            # Step 2: the acknowledgement may be of the first transmission.
            if echo < sent_at - 0.001 or now - sent_at < least_rtt:
                return
        elif end < self.highest:
            self.reordered = True
            self.widest = max(self.widest, self.highest - record.start)
        if end > self.highest:
            self.highest = end
        # If an acknowledgement covers several segments, Linux takes the round trip of the last in sequence, the RFC
        # that of the last sent.  So a filled reordering hole raises rack.rtt, and with it the reordering timeout.
        self.rtt, self.advanced = now - sent_at, True
        if sent_at > self.sent_at or (sent_at == self.sent_at and self._in_order(record)):
            self.sent_at, self.order, self.end = sent_at, record.order, end

    def _in_order(self, record: SentSegment) -> bool:
        """True if ``record``, sent at the same instant as the newest delivered segment, was not sent before it.

        RFC 8985 §6.1 compares sequence numbers.  In virtual time one instant may also contain retransmissions.
        """
        return record.end >= self.end if record.order == self.order else record.order > self.order

    def widen(self, snd_una: int, snd_nxt: int) -> None:
        """A D-SACK reported a needless retransmission: widen the window, once per round trip (RFC 8985 §6.2 step 4)."""
        if snd_una >= self._widened_until:
            self.steps, self._persist = min(self.steps + 1, _MOST_STEPS), _PERSIST
            self._widened_until = snd_nxt

    def recovered(self) -> None:
        """A recovery ended and was not undone."""
        self._persist -= 1
        if self._persist <= 0:
            self.steps, self._persist = 1, _PERSIST

    def window(self, rtt: RoundTrip, sacked: int, recovering: bool) -> float:
        """The reordering window in seconds (RFC 8985 §6.2 step 4, RACK_update_reo_wnd)."""
        if not self.reordered and (recovering or sacked >= DUPLICATES):
            return 0.0
        return min(self.steps * rtt.minimum / 4, rtt.srtt)

    def detect(self, board: Scoreboard, allowed: float, now: float) -> tuple[list[SentSegment], float]:
        """Mark lost segments; return them, and seconds until more may be lost, 0.0 for none (RFC 8985 §6.2 step 5)."""
        self.advanced = False
        lost: list[SentSegment] = []
        by_time, limit = board.by_time, self.rtt + allowed
        while by_time:
            sent_at, record = by_time[0]
            if record.done or record.sacked or sent_at != record.sent_at or (record.lost and not record.resent):
                by_time.popleft()
                continue
            if sent_at > self.sent_at or (sent_at == self.sent_at and self._in_order(record)):
                break
            if sent_at + limit - now > _TICK:
                return lost, self.sent_at + limit - now  # when all that were sent before RACK's segment are late
            by_time.popleft()
            board.mark_lost(record)
            lost.append(record)
        return lost, 0.0
