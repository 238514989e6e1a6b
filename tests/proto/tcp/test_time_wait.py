"""netwright.proto.tcp.time_wait."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.proto.tcp.policy import RFC_793, RFC_5961, Policy
from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, FIN, RST, SYN, Segment
from netwright.proto.tcp.time_wait import Answer, judge
from tests.support.tcp_dialogue import PLAIN, established

NXT = 1000
STRICT = Policy(reuse_time_wait=False)


def waiting() -> Receiver:
    receiver = Receiver(PLAIN, NXT - 1, 0.0)
    receiver.ts_recent = 50
    return receiver


def answer(
    flags: int, seq: int, policy: Policy = RFC_5961, *, size: int = 0, stamp: int | None = None, stamped: bool = True
) -> Answer:
    stamps = None if stamp is None else (stamp, 0)
    return judge(Segment(seq, 1, flags, 0, bytes(size), stamps), waiting(), policy, stamped=stamped, now=1.0)


@pytest.mark.parametrize(
    ("flags", "seq", "size", "expected"),
    [
        (ACK, NXT, 0, Answer.WAIT),
        (ACK, NXT + 1, 0, Answer.ACKNOWLEDGE_AND_WAIT),
        (ACK, NXT - 10, 10, Answer.ACKNOWLEDGE_AND_WAIT),
        (FIN | ACK, NXT - 1, 0, Answer.ACKNOWLEDGE_AND_WAIT),  # RFC 9293 §3.10.7.4, eighth
        (FIN | ACK, NXT, 0, Answer.ACKNOWLEDGE_AND_WAIT),
        (RST, NXT, 0, Answer.END),
        (RST, NXT + 1, 0, Answer.DROP),  # RFC 5961 §3.2
        (SYN, NXT + 1, 0, Answer.REPLACE),  # RFC 9293 §3.10.7.4, MAY-2
        (SYN, NXT - 1, 0, Answer.ACKNOWLEDGE),
        (SYN | ACK, NXT + 1, 0, Answer.ACKNOWLEDGE_AND_WAIT),
        (SYN | FIN, NXT + 1, 0, Answer.ACKNOWLEDGE),
        (FIN, NXT, 0, Answer.ACKNOWLEDGE),
    ],
)
def test_a_segment_is_answered_as_linux_does(flags: int, seq: int, size: int, expected: Answer) -> None:
    assert answer(flags, seq, size=size) is expected


def test_a_newer_timestamp_makes_an_old_number_new() -> None:
    """RFC 6191 §2; without timestamps on the connection the number alone counts."""
    assert answer(SYN, NXT - 5, stamp=51) is Answer.REPLACE
    assert answer(SYN, NXT - 5, stamp=50) is Answer.ACKNOWLEDGE
    assert answer(SYN, NXT - 5, stamp=51, stamped=False) is Answer.ACKNOWLEDGE


def test_an_old_timestamp_opens_and_ends_nothing() -> None:
    """RFC 7323 §5.3 R1."""
    assert answer(SYN, NXT + 5, stamp=49) is Answer.ACKNOWLEDGE_AND_WAIT
    assert answer(RST, NXT, stamp=49) is Answer.DROP


def test_rst_may_be_kept_from_ending_it() -> None:
    """RFC 1337 §3."""
    assert answer(RST, NXT, Policy(spare_time_wait=True)) is Answer.DROP


def test_a_rst_anywhere_in_the_window_ends_it_under_rfc_793() -> None:
    assert answer(RST, NXT + 7, RFC_793) is Answer.END


def test_a_syn_in_the_window_resets_under_rfc_793_where_it_may_not_open() -> None:
    policy = replace(RFC_793, reuse_time_wait=False)
    assert answer(SYN, NXT, policy) is Answer.RESET
    assert answer(SYN, NXT - 1, policy) is Answer.ACKNOWLEDGE
    assert answer(SYN, NXT + 5, STRICT) is Answer.ACKNOWLEDGE


def test_what_has_no_ack_may_be_dropped() -> None:
    """RFC 9293 §3.10.7.4, fifth."""
    policy = Policy(time_wait_needs_ack=True)
    assert answer(FIN, NXT, policy) is Answer.DROP
    assert answer(FIN | ACK, NXT, policy) is Answer.ACKNOWLEDGE_AND_WAIT


@given(
    st.integers(0, 255),
    st.integers(NXT - 70_000, NXT + 70_000),
    st.integers(0, 20),
    st.builds(Policy, **{name: st.booleans() for name in ("strict_rst", "strict_syn", "reuse_time_wait")}),
)
def test_only_a_rst_a_syn_or_time_ends_it(flags: int, seq: int, size: int, policy: Policy) -> None:
    """RFC 9293 §3.6.1: whatever else comes, TIME-WAIT lasts."""
    got = answer(flags, seq, policy, size=size)
    assert got not in (Answer.END, Answer.RESET, Answer.REPLACE) or flags & (RST | SYN)


def test_an_endpoint_acts_on_the_answers() -> None:
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.say("F. 1:1")
    talk.hear("F. 1:1 ack 2")
    talk.say(". 2:2 ack 2")
    talk.wait(30.0)
    talk.hear(". 2:2 ack 2")
    talk.quiet()
    talk.wait(59.0)
    talk.hear("F. 1:1 ack 2")
    talk.say(". 2:2 ack 2")
    assert talk.endpoint.deadline == pytest.approx(talk.now + 60.0)
