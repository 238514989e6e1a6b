"""Segments that do not fit the window: what they mean, and how often they are answered (RFC 9293 §3.10.7.4)."""

from enum import Enum
from math import inf

from netwright.proto.tcp.policy import Policy
from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, RST, SYN, Segment

__all__ = ["Challenges", "Outside", "judge_outside"]


class Outside(Enum):
    """How the endpoint treats the segment."""

    DROP = "drop"
    RESET = "end the connection: the RST is valid"
    CHALLENGE = "acknowledge, and drop"
    TAKE_ACK = "take its ACK, acknowledge, and drop the rest"


def judge_outside(segment: Segment, receiver: Receiver, policy: Policy) -> Outside:
    """Decide about a segment that failed the first check; note duplicate bytes for a D-SACK (RFC 2883 §4)."""
    flags, nxt = segment.flags, receiver.rcv_nxt
    if flags & RST:
        meant = policy.rst_before_fin and receiver.finished and segment.seq == nxt - 1
        return Outside.RESET if meant else Outside.DROP
    if not flags & (ACK | SYN):
        return Outside.DROP  # Linux checks this before sequence numbers
    end = segment.seq + len(segment.data)
    if segment.data and end <= nxt:
        receiver.duplicated(segment.seq, end)
    if flags & SYN:
        return Outside.CHALLENGE
    # With a closed window, valid ACKs are accepted (first check).  Linux also accepts the ACK of a copy of the segment
    # that it acknowledged last: the copy may carry newer information than the original.
    closed = receiver.window == 0 and segment.seq == nxt
    again = receiver.last_ack_sent <= segment.seq + segment.length <= nxt
    return Outside.TAKE_ACK if closed or again else Outside.CHALLENGE


class Challenges:
    """Limits answers to unacceptable segments to one per ``interval`` seconds (RFC 5961 §7, §10).

    Segments with data are always answered, because they cannot be part of a loop of ACKs (Linux).
    """

    __slots__ = ("_at", "_interval")

    def __init__(self, interval: float) -> None:
        self._interval, self._at = interval, -inf

    def allow(self, segment: Segment, now: float, *, in_window: bool = False) -> bool:
        """True if ``segment`` may be answered now; ``in_window``: only its ACK field is wrong."""
        if segment.length and not in_window and not segment.flags & (SYN | RST):
            return True
        if now - self._at < self._interval:
            return False
        self._at = now
        return True
