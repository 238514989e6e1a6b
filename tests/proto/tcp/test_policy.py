"""netwright.proto.tcp.policy: every choice, in an endpoint that has it and in one that has not."""

from dataclasses import replace

import pytest

from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.policy import RFC_793, RFC_5961, Policy
from netwright.proto.tcp.state import State
from tests.support.tcp_dialogue import PLAIN, Dialogue, connecting, established


def with_policy(policy: Policy) -> Dialogue:
    return established(replace(PLAIN, policy=policy))


def test_the_default_is_rfc_5961() -> None:
    assert PLAIN.policy == RFC_5961 == Policy()


@pytest.mark.parametrize(("policy", "end"), [(RFC_5961, End.OPEN), (RFC_793, End.RESET)])
def test_a_rst_beside_rcv_nxt_is_challenged_or_believed(policy: Policy, end: End) -> None:
    """RFC 5961 §3.2; RFC 793 §3.4."""
    talk = with_policy(policy)
    talk.hear("R 101:101")
    assert talk.endpoint.end is end
    if end is End.OPEN:
        talk.say(". 1:1 ack 1")
    talk.quiet()


def test_a_rst_outside_the_window_is_dropped_by_both() -> None:
    """RFC 793 §3.4, RFC 5961 §3.2."""
    for policy in (RFC_793, RFC_5961):
        talk = with_policy(policy)
        talk.hear("R 70001:70001")
        talk.quiet()
        assert talk.endpoint.end is End.OPEN


@pytest.mark.parametrize(("before", "end"), [(True, End.RESET), (False, End.OPEN)])
def test_a_rst_at_the_number_of_the_fin_counts_or_not(before: bool, end: End) -> None:
    """RFC 9293 §3.5.3 has it outside the window; Linux tcp_reset_check."""
    talk = with_policy(Policy(rst_before_fin=before))
    talk.hear("R 0:0")
    assert talk.endpoint.end is End.OPEN
    talk.hear("F. 1:1 ack 1")
    talk.hear("R 1:1")
    assert talk.endpoint.end is end


@pytest.mark.parametrize("line", ["S 1:1", "S 5001:5001"])
def test_a_syn_in_the_window_is_challenged_or_resets(line: str) -> None:
    """RFC 5961 §4.2; RFC 793 §3.9, fourth."""
    talk = with_policy(RFC_5961)
    assert talk.hear(line) == []
    talk.say(". 1:1 ack 1")
    talk = with_policy(RFC_793)
    assert talk.hear(line) == [Event.CLOSED]
    talk.say("R. 1:1 ack 1")
    assert talk.endpoint.end is End.RESET


def test_a_syn_outside_the_window_is_acknowledged_by_both() -> None:
    """RFC 793 §3.9, first; RFC 5961 §4.2."""
    for policy in (RFC_793, RFC_5961):
        talk = with_policy(policy)
        talk.hear("S 0:0")
        talk.say(". 1:1 ack 1")


def test_syn_with_fin_opens_or_not() -> None:
    """RFC 9293 §3.10.7.3 has no rule for it; its FIN is not taken."""
    talk = connecting()
    talk.skip()
    talk.hear("SF 0:0 mss 1000")
    talk.quiet()
    assert talk.endpoint.state is State.SYN_SENT
    talk = connecting(replace(PLAIN, policy=Policy(drop_syn_fin=False)))
    talk.skip()
    talk.hear("SF 0:0 mss 1000")
    talk.say("S. 0:0 ack 1")
    talk.hear(". 1:1 ack 1")
    assert talk.endpoint.state is State.ESTABLISHED


def test_a_fin_that_crosses_ours_is_acknowledged_with_or_without_it() -> None:
    """RFC 9293 §3.6 case 3 wants the acknowledgement; BSD's carries the FIN again."""
    for policy, line in ((RFC_5961, ". 2:2 ack 2"), (Policy(repeat_fin=True), "F. 1:1 ack 2")):
        talk = with_policy(policy)
        talk.endpoint.send_eof(talk.now)
        talk.say("F. 1:1")
        talk.hear("F. 1:1 ack 1")
        talk.say(line)
        talk.quiet()


def test_a_buffer_larger_than_the_field_is_used_or_not() -> None:
    """RFC 9293 §3.8.6: the window is what was advertised; BSD takes what there is room for."""
    for beyond, taken in ((False, 0), (True, 100)):
        settings = replace(PLAIN, receive_buffer=70_000, policy=Policy(take_beyond_field=beyond))
        talk = established(settings)
        talk.hear(". 69001:69101 ack 1")
        talk.hear(". 1:69001 ack 1")
        assert talk.endpoint.readable == (69_100 if taken else 65_535)
