"""What a segment outside the window means (RFC 9293 §3.10.7.4, first check), with its exceptions.  No I/O, no clock."""

from enum import Enum

from netwright.proto.tcp.policy import Policy
from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, RST, SYN, Segment

__all__ = ["Outside", "judge_outside"]


class Outside(Enum):
    """What the endpoint does with it."""

    DROP = "drop"
    RESET = "end, for the RST is meant"
    CHALLENGE = "acknowledge, and drop"
    TAKE_ACK = "take its ACK, acknowledge, and drop the rest"


def judge_outside(segment: Segment, receiver: Receiver, policy: Policy) -> Outside:
    """The answer; bytes that came twice are noted for a D-SACK (RFC 2883 §4)."""
    flags, nxt = segment.flags, receiver.rcv_nxt
    if flags & RST:
        meant = policy.rst_before_fin and receiver.finished and segment.seq == nxt - 1
        return Outside.RESET if meant else Outside.DROP
    if not flags & (ACK | SYN):
        return Outside.DROP  # Linux looks at this before it looks at numbers
    end = segment.seq + len(segment.data)
    if segment.data and end <= nxt:
        receiver.duplicated(segment.seq, end)
    if flags & SYN:
        return Outside.CHALLENGE
    # RCV.WND is zero: valid ACKs are taken all the same (first check).  Linux takes also that of the segment that it
    # acknowledged last, if it comes again: it may tell what its first copy could not.
    closed = receiver.window == 0 and segment.seq == nxt
    again = receiver.last_ack_sent <= segment.seq + segment.length <= nxt
    return Outside.TAKE_ACK if closed or again else Outside.CHALLENGE
