"""Segments in TIME-WAIT (RFC 9293 §3.10.7.4, RFC 6191), judged in the order of Linux's tcp_timewait_state_process.

Everything is acknowledged but a bare ACK at RCV.NXT, so that a peer that lost our last
ACK gets it again.
"""

from enum import Enum

from netwright.proto.tcp.handshake import is_opening
from netwright.proto.tcp.policy import Policy
from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, RST, SYN, Segment

__all__ = ["Answer", "judge"]


class Answer(Enum):
    """How the endpoint treats the segment."""

    WAIT = "wait anew"  # a bare ACK at RCV.NXT
    ACKNOWLEDGE = "acknowledge"
    ACKNOWLEDGE_AND_WAIT = "acknowledge and wait anew"  # §3.10.7.4, eighth: restart the 2 MSL timer
    END = "end"  # a RST: all that we sent was acknowledged before
    RESET = "reset"  # a SYN in the window, where the policy has RFC 793's answer
    REPLACE = "replace"  # a new connection begins
    DROP = "drop"


def judge(segment: Segment, receiver: Receiver, policy: Policy, *, stamped: bool, now: float) -> Answer:
    """Decide how TIME-WAIT treats a segment; ``stamped``: the connection uses timestamps."""
    flags, at_edge = segment.flags, segment.seq == receiver.rcv_nxt
    replay = stamped and receiver.is_replay(segment, now)
    if flags & RST:
        ends = at_edge if policy.strict_rst else receiver.acceptable(segment)
        return Answer.END if ends and not replay and not policy.spare_time_wait else Answer.DROP
    if at_edge and not replay and not segment.length:
        return Answer.WAIT if flags & ACK else Answer.DROP
    if policy.reuse_time_wait and is_opening(segment, policy) and not replay:
        newer = stamped and segment.timestamps is not None and segment.timestamps[0] > receiver.ts_recent
        if newer or segment.seq > receiver.rcv_nxt:
            return Answer.REPLACE
    if flags & SYN and not policy.strict_syn and receiver.holds(segment.seq):
        return Answer.RESET
    if policy.time_wait_needs_ack and not flags & (ACK | SYN):
        return Answer.DROP
    return Answer.ACKNOWLEDGE_AND_WAIT if flags & ACK or replay else Answer.ACKNOWLEDGE
