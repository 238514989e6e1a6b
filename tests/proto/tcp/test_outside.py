"""netwright.proto.tcp.outside: RFC 9293 §3.10.7.4, first check."""

import pytest

from netwright.proto.tcp.outside import Challenges, Outside, judge_outside
from netwright.proto.tcp.policy import RFC_5961, Policy
from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, FIN, RST, SYN, Segment
from tests.support.tcp_dialogue import PLAIN

NXT = 1000


def receiver(*, closed: bool = False, finished: bool = False) -> Receiver:
    made = Receiver(PLAIN, NXT - 1, 0.0)
    made.agreed(scale=0, sack=True)
    made.last_ack_sent, made.finished = NXT, finished
    if closed:
        made.rcv_edge = made.rcv_nxt
    return made


def answer(flags: int, seq: int, size: int = 0, *, policy: Policy = RFC_5961, **how: bool) -> Outside:
    return judge_outside(Segment(seq, 1, flags, 0, bytes(size)), receiver(**how), policy)


@pytest.mark.parametrize(
    ("flags", "seq", "size", "expected"),
    [
        (ACK, NXT - 500, 100, Outside.CHALLENGE),
        (ACK, NXT - 1, 0, Outside.CHALLENGE),  # a keepalive
        (ACK, NXT - 100, 100, Outside.TAKE_ACK),  # the last segment again
        (FIN | ACK, NXT - 1, 0, Outside.TAKE_ACK),
        (ACK, NXT + 70_000, 0, Outside.CHALLENGE),
        (SYN, NXT - 1, 0, Outside.CHALLENGE),  # RFC 5961 §4.2
        (SYN | ACK, NXT - 1, 0, Outside.CHALLENGE),
        (RST, NXT - 1, 0, Outside.DROP),
        (RST | ACK, NXT + 70_000, 0, Outside.DROP),
        (FIN, NXT - 1, 0, Outside.DROP),
        (0, NXT - 100, 100, Outside.DROP),
    ],
)
def test_what_is_outside_is_answered_as_linux_does(flags: int, seq: int, size: int, expected: Outside) -> None:
    assert answer(flags, seq, size) is expected


def test_a_closed_window_takes_acknowledgements() -> None:
    """RFC 9293 §3.10.7.4: special allowance for valid ACKs."""
    assert answer(ACK, NXT, 1, closed=True) is Outside.TAKE_ACK
    assert answer(ACK, NXT + 5, 1, closed=True) is Outside.CHALLENGE


def test_a_rst_at_the_fin_is_meant_where_the_policy_has_it_so() -> None:
    assert answer(RST, NXT - 1, finished=True) is Outside.RESET
    assert answer(RST, NXT - 2, finished=True) is Outside.DROP
    assert answer(RST, NXT - 1, finished=True, policy=Policy(rst_before_fin=False)) is Outside.DROP


def test_bytes_that_came_twice_are_noted() -> None:
    """RFC 2883 §4."""
    made = receiver()
    judge_outside(Segment(NXT - 500, 1, ACK, 0, bytes(100)), made, RFC_5961)
    assert made.blocks(4) == ((NXT - 500, NXT - 400),)


def test_bare_segments_are_answered_once_an_interval() -> None:
    """RFC 5961 §10: at most one challenge in so long."""
    challenges = Challenges(0.5)
    bare = Segment(0, 0, ACK, 0)
    assert [challenges.allow(bare, now) for now in (0.0, 0.1, 0.49, 0.5, 0.9)] == [True, False, False, True, False]


def test_data_and_fin_are_always_answered_syn_and_rst_are_not() -> None:
    """RFC 9293 §3.10.7.4: no loop of ACKs comes of what takes sequence numbers; a SYN may be forged."""
    challenges = Challenges(0.5)
    assert challenges.allow(Segment(0, 0, SYN, 0), 0.0)
    assert not challenges.allow(Segment(0, 0, SYN, 0), 0.1)
    assert not challenges.allow(Segment(0, 0, RST, 0, b"x"), 0.1)
    assert challenges.allow(Segment(0, 0, ACK, 0, b"x"), 0.1)
    assert challenges.allow(Segment(0, 0, FIN | ACK, 0), 0.1)
    assert not challenges.allow(Segment(0, 0, ACK, 0, b"x"), 0.1, in_window=True)  # RFC 5961 §5.2
