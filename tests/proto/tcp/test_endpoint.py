"""netwright.proto.tcp.endpoint: the life of a connection in dialogues.

One responsibility: the rules of RFC 9293 §3.10 for one endpoint, each as a dialogue with a peer.
"""

from dataclasses import replace

import pytest

from netwright.core.errors import ClosedError, ConnectError, ResetError, UsageError
from netwright.core.moment import Kind
from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.policy import Policy
from netwright.proto.tcp.segment import ACK, RST, Segment
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from tests.support.tcp_dialogue import PLAIN, Dialogue, connecting, established
from tests.support.tcp_pair import Pair


def state(talk: Dialogue) -> State:
    return talk.endpoint.state


def test_active_open_is_three_segments() -> None:
    """RFC 9293 §3.5, figure 6."""
    talk = connecting(Settings())
    talk.say("S 0:0 mss 1460 scale 7 sackok win 65535 ts 0:0")
    assert talk.hear("S. 0:0 ack 1 win 65535 mss 1460 scale 7 sackok ts 9:0") == [Event.CONNECTED]
    talk.say(". 1:1 ack 1 ts 0:9")
    talk.quiet()
    assert state(talk) is State.ESTABLISHED


def test_passive_open_answers_with_what_the_syn_offered() -> None:
    """RFC 9293 §3.10.7.2, RFC 7323 §2.2."""
    talk = Dialogue().accept("S 0:0 win 65535 mss 1000", Settings())
    talk.say("S. 0:0 ack 1 mss 1460")
    assert talk.hear(". 1:1 ack 1") == [Event.CONNECTED]
    assert talk.endpoint.agreement.mss == 1000


def test_data_waits_for_the_handshake() -> None:
    """RFC 9293 §3.10.2: SEND in SYN-SENT is queued; the first segment acknowledges the SYN,ACK too."""
    talk = connecting()
    talk.say("S 0:0")
    talk.send(100)
    talk.quiet()
    talk.hear("S. 0:0 ack 1 win 65535 mss 1000")
    talk.say(". 1:101 ack 1")
    talk.quiet()


def test_simultaneous_open_ends_established_on_both_sides() -> None:
    """RFC 9293 §3.5, figure 8."""
    talk = connecting()
    talk.say("S 0:0")
    talk.hear("S 0:0 win 65535 mss 1000")
    assert state(talk) is State.SYN_RECEIVED
    talk.say("S. 0:0 ack 1")
    assert talk.hear("S. 0:0 ack 1 win 65535 mss 1000") == [Event.CONNECTED]
    assert state(talk) is State.ESTABLISHED


def test_two_machines_that_open_at_once_meet() -> None:
    """RFC 9293 §3.5, figure 8, with both sides ours."""
    left, right = Endpoint(Settings(), iss=100), Endpoint(Settings(), iss=900)
    left.connect(0.0)
    right.connect(0.0)
    for _ in range(4):
        there, back = left.take_segments(), right.take_segments()
        for segment in there:
            right.receive(segment, 0.1)
        for segment in back:
            left.receive(segment, 0.1)
    assert (left.state, right.state) == (State.ESTABLISHED, State.ESTABLISHED)
    left.send(b"hello", 0.2)
    for segment in left.take_segments():
        right.receive(segment, 0.2)
    assert right.read(10, 0.2) == b"hello"


def test_text_of_a_syn_that_crosses_ours_waits_for_the_handshake() -> None:
    """RFC 9293 §3.10.7.3: it is queued until ESTABLISHED."""
    talk = connecting()
    talk.say("S 0:0")
    talk.hear("S 0:4 mss 1000")
    talk.say("S. 0:0 ack 1")
    assert talk.endpoint.readable == 0
    assert talk.hear(". 5:5 ack 1") == [Event.CONNECTED, Event.READABLE]
    assert len(talk.endpoint.read(10, talk.now)) == 4


def test_text_of_a_syn_that_crosses_ours_resets_what_was_closed_meanwhile() -> None:
    """RFC 9293 §3.10.4: a close in SYN-RECEIVED waits; then nobody reads the text (RFC 2525 §2.17)."""
    talk = connecting()
    talk.hear("S 0:4 mss 1000")
    talk.endpoint.close(talk.now)
    assert talk.endpoint.state is State.SYN_RECEIVED
    talk.skip()
    assert Event.CLOSED in talk.hear(". 5:5 ack 1")
    assert talk.endpoint.end is End.UNREAD


def test_a_refused_connection_says_so() -> None:
    """RFC 9293 §3.10.7.3: RST with an acceptable ACK."""
    talk = connecting()
    assert talk.hear("R. 0:0 ack 1") == [Event.CLOSED]
    with pytest.raises(ConnectError, match="refused"):
        talk.send(1)


def test_a_rst_with_a_wrong_ack_is_ignored_in_syn_sent() -> None:
    """RFC 9293 §3.10.7.3: it may be of an old connection; so is an ACK, which gets RST."""
    talk = connecting()
    talk.say("S 0:0")
    talk.hear("R. 0:0 ack 9")
    talk.quiet()
    talk.hear(". 0:0 ack 9")
    talk.say("R 9:9")
    talk.hear("R 0:0")
    assert state(talk) is State.SYN_SENT


def test_close_in_order_visits_the_states() -> None:
    """RFC 9293 §3.6, figure 12."""
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.say("F. 1:1 ack 1")
    assert state(talk) is State.FIN_WAIT_1
    talk.hear(". 1:1 ack 2")
    assert state(talk) is State.FIN_WAIT_2
    assert talk.hear("F. 1:1 ack 2") == [Event.PEER_CLOSED]
    talk.say(". 2:2 ack 2")
    assert state(talk) is State.TIME_WAIT
    assert talk.wait(59.9) == []
    assert talk.wait(0.2) == [Event.CLOSED]
    assert (state(talk), talk.endpoint.end) == (State.CLOSED, End.CLOSED)


def test_half_close_lets_the_other_side_talk_on() -> None:
    """RFC 9293 §3.6 case 1."""
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.say("F. 1:1")
    talk.hear(". 1:1 ack 2")
    assert talk.hear(". 1:101 ack 2") == [Event.READABLE]
    assert len(talk.endpoint.read(1000, talk.now)) == 100
    assert not talk.endpoint.at_eof


def test_passive_close_visits_the_states() -> None:
    """RFC 9293 §3.6 case 2."""
    talk = established()
    assert talk.hear("F. 1:11 ack 1") == [Event.READABLE, Event.PEER_CLOSED]
    talk.say(". 1:1 ack 12")
    assert state(talk) is State.CLOSE_WAIT
    before = talk.endpoint.at_eof
    talk.endpoint.read(100, talk.now)
    assert (before, talk.endpoint.at_eof) == (False, True)
    talk.send(5)
    talk.endpoint.close(talk.now)
    talk.say(". 1:6")
    talk.say("F. 6:6")
    assert state(talk) is State.LAST_ACK
    assert talk.hear(". 12:12 ack 7") == [Event.CLOSED]
    assert talk.endpoint.end is End.CLOSED


def test_simultaneous_close_goes_through_closing() -> None:
    """RFC 9293 §3.6 case 3, figure 13."""
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.say("F. 1:1")
    talk.hear("F. 1:1 ack 1")
    talk.say(". 2:2 ack 2")
    assert state(talk) is State.CLOSING
    talk.hear(". 2:2 ack 2")
    assert state(talk) is State.TIME_WAIT


def test_fin_before_its_data_waits_for_it() -> None:
    """RFC 9293 §3.10.7.4, eighth: FIN is processed in order."""
    talk = established()
    talk.hear("F. 101:201 ack 1")
    assert state(talk) is State.ESTABLISHED
    assert talk.hear(". 1:101 ack 1") == [Event.READABLE, Event.PEER_CLOSED]
    assert state(talk) is State.CLOSE_WAIT


def test_unread_data_at_close_means_rst() -> None:
    """RFC 2525 §2.17, RFC 1122 §4.2.2.13."""
    talk = established()
    talk.hear(". 1:11 ack 1")
    assert talk.endpoint.close(talk.now) == [Event.CLOSED]
    talk.say("R. 1:1")
    assert talk.endpoint.end is End.UNREAD


def test_data_after_close_means_rst() -> None:
    """RFC 2525 §2.17: nobody will read it; the RST is that of a connection that is gone (RFC 9293 §3.10.7.1)."""
    talk = established()
    talk.endpoint.close(talk.now)
    talk.say("F. 1:1")
    assert talk.hear(". 1:11 ack 2") == [Event.CLOSED]
    talk.say("R 2:2")


def test_abort_sends_rst_and_forgets() -> None:
    """RFC 9293 §3.10.5."""
    talk = established()
    talk.send(100)
    talk.skip()
    assert talk.endpoint.abort(talk.now) == [Event.CLOSED]
    talk.say("R. 101:101 ack 1")
    assert talk.endpoint.deadline is None
    with pytest.raises(ClosedError):
        talk.send(1)


def test_a_closed_fin_wait_2_does_not_wait_for_ever() -> None:
    """RFC 9293 §3.6 leaves it open; Linux, tcp_fin_timeout: 60 s."""
    talk = established()
    talk.endpoint.close(talk.now)
    talk.say("F. 1:1")
    talk.hear(". 1:1 ack 2")
    talk.wait(50.0)
    talk.endpoint.close(talk.now)  # again is allowed, and does not put the end off
    assert talk.wait(11.0) == [Event.CLOSED]


def test_rst_at_rcv_nxt_resets() -> None:
    """RFC 9293 §3.10.7.4, second; what came before may still be read."""
    talk = established()
    talk.hear(". 1:11 ack 1")
    assert talk.hear("R 11:11") == [Event.CLOSED]
    assert talk.endpoint.end is End.RESET
    assert len(talk.endpoint.read(100, talk.now)) == 10
    with pytest.raises(ResetError):
        talk.send(1)


def test_rst_before_our_fin_is_acknowledged_is_a_reset() -> None:
    """RFC 9293 §3.10.7.4, second; Linux reports ECONNRESET in LAST-ACK, for bytes may be lost."""
    talk = established()
    talk.hear("F. 1:1 ack 1")
    talk.endpoint.close(talk.now)
    talk.hear("R 2:2")
    assert talk.endpoint.end is End.RESET


def test_rst_beside_rcv_nxt_is_challenged() -> None:
    """RFC 5961 §3.2; and once in half a second, §10."""
    talk = established()
    talk.hear("R 50:50")
    talk.say(". 1:1 ack 1")
    talk.hear("R 51:51")
    talk.quiet()
    talk.wait(0.6)
    talk.hear("R 52:52")
    talk.say(". 1:1 ack 1")
    assert state(talk) is State.ESTABLISHED


def test_rst_outside_the_window_is_dropped() -> None:
    """RFC 5961 §3.2."""
    talk = established()
    talk.hear("R 70000:70000")
    talk.quiet()
    assert state(talk) is State.ESTABLISHED


def test_syn_in_a_connection_is_challenged() -> None:
    """RFC 5961 §4.2."""
    talk = established()
    talk.hear("S 50:50 win 100")
    talk.say(". 1:1 ack 1")
    assert state(talk) is State.ESTABLISHED


def test_an_ack_of_what_was_never_sent_is_challenged_and_dropped() -> None:
    """RFC 9293 §3.10.7.4, fifth; RFC 5961 §5.2."""
    talk = established()
    assert talk.hear(". 1:11 ack 5000") == []
    talk.say(". 1:1 ack 1")
    assert talk.endpoint.readable == 0


def test_an_old_timestamp_is_refused() -> None:
    """RFC 7323 §5.3 R1 (PAWS)."""
    talk = established(Settings(window_scale=None), "S. 0:0 ack 1 win 65535 mss 1000 ts 100:0")
    talk.hear(". 1:11 ack 1 ts 99:10")
    talk.say(". 1:1 ack 1 ts 10:100")
    assert talk.endpoint.readable == 0
    talk.hear(". 1:11 ack 1 ts 100:10")
    assert talk.endpoint.readable == 10


def test_time_wait_acknowledges_a_repeated_fin_and_starts_over() -> None:
    """RFC 9293 §3.10.7.4, eighth."""
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.hear("F. 1:1 ack 2")
    talk.skip()
    talk.wait(50.0)
    talk.hear("F. 1:1 ack 2")
    talk.say(". 2:2 ack 2")
    assert talk.wait(50.0) == []
    assert talk.wait(11.0) == [Event.CLOSED]


@pytest.mark.parametrize(("line", "end"), [("S 500:500 win 10", End.REPLACED), ("R 2:2", End.CLOSED)])
def test_time_wait_ends_by_a_new_syn_or_a_rst(line: str, end: End) -> None:
    """RFC 9293 §3.10.7.4 MAY-2, second."""
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.hear("F. 1:1 ack 2")
    assert talk.hear(line) == [Event.CLOSED]
    assert talk.endpoint.end is end


def test_time_wait_ends_by_a_syn_with_a_newer_timestamp() -> None:
    """RFC 6191 §2: even if its sequence number is old."""
    talk = established(Settings(window_scale=None), "S. 0:0 ack 1 win 65535 mss 1000 ts 100:0")
    talk.endpoint.send_eof(talk.now)
    talk.hear("F. 1:1 ack 2 ts 101:10")
    assert talk.hear("S -500:-500 win 10 ts 101:0") == []
    assert talk.hear("S -500:-500 win 10 ts 102:0") == [Event.CLOSED]
    assert talk.endpoint.end is End.REPLACED


def test_a_duplicate_is_acknowledged_with_dsack() -> None:
    """RFC 2883 §4.1.1; RFC 9293 §3.10.7.4, first."""
    talk = established(Settings(timestamps=False, window_scale=None, quick_acks=0))
    talk.hear(". 1:101 ack 1")
    talk.hear(". 1:101 ack 1")
    talk.say(". 1:1 ack 101 sack 1:101")
    talk.hear(". 1:101 ack 1")
    talk.say(". 1:1 ack 101 sack 1:101")


def test_sack_blocks_are_not_squeezed_out_by_data() -> None:
    """RFC 2018 §4: every acknowledgement of a hole has blocks; a full segment has less data (RFC 9293 §3.7.1)."""
    talk = established(Settings(timestamps=False, window_scale=None, mss=1000))
    talk.send(15_000)
    assert len(talk.skip()) == 10
    talk.hear(". 101:201 ack 1001")
    talk.say(". 10001:10989 ack 1 sack 101:201")
    talk.hear(". 1:101 ack 2001")
    talk.skip()
    talk.hear(". 201:201 ack 5001")
    talk.say(". 13977:14977 ack 201")


def test_a_duplicate_takes_room_of_one_segment_only() -> None:
    """RFC 2883 §4: it is told once; what the program sends later is full again."""
    talk = established(Settings(timestamps=False, window_scale=None, mss=1000))
    talk.hear(". 1:101 ack 1")
    talk.hear(". 1:101 ack 1")
    talk.skip()
    talk.send(2000)
    talk.say(". 1:1001")
    talk.say(". 1001:2001")


def test_an_acknowledgement_from_before_the_connection_is_too_old() -> None:
    """RFC 5961 §5.2; Linux counts what was acknowledged, for nothing older can have been seen."""
    talk = established()
    talk.send(10)
    talk.say(". 1:11")
    talk.hear(". 1:1 ack 11")
    talk.hear(". 1:1 ack 5")
    talk.quiet()
    talk.hear(". 1:1 ack 0")
    talk.say(". 11:11 ack 1")


def test_the_ack_of_a_fin_that_came_again_is_taken() -> None:
    """RFC 9293 §3.6 case 3, as Linux reads §3.10.7.4, first: else only another segment could end CLOSING."""
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.hear("F. 1:1 ack 1")
    talk.hear("F. 1:1 ack 2")
    assert talk.endpoint.state is State.TIME_WAIT


def test_a_fin_beyond_a_hole_is_acknowledged_at_once() -> None:
    """RFC 5681 §4.2: out of order, data or not."""
    talk = established()
    talk.hear("F. 101:101 ack 1")
    talk.say(". 1:1 ack 1")


def test_keepalive_probes_and_gives_up() -> None:
    """RFC 9293 §3.8.4 (MUST-25 to 29): a probe that is not answered kills, data in flight postpones."""
    settings = Settings(timestamps=False, keepalive=KeepAlive(10, 5, 2), quick_acks=0)
    talk = established(settings)
    talk.wait(10.1)
    talk.say(". 0:0 ack 1")
    talk.hear(". 1:1 ack 1")
    talk.wait(9.9)
    talk.quiet()
    talk.wait(0.2)
    talk.say(". 0:0 ack 1")
    talk.wait(5.0)
    talk.say(". 0:0 ack 1")
    assert talk.wait(5.0) == [Event.CLOSED]
    talk.say("R. 1:1")
    assert talk.endpoint.end is End.SILENT
    assert [moment.kind for moment in talk.moments].count(Kind.PROBE) == 3


def test_keepalive_can_be_turned_on_and_off_later() -> None:
    """RFC 9293 §3.8.4 (MUST-25): per connection."""
    talk = established()
    talk.wait(100.0)
    talk.endpoint.set_keepalive(KeepAlive(10, 5, 2))
    talk.wait(0.0)
    talk.say(". 0:0 ack 1")
    talk.hear(". 1:1 ack 1")
    talk.endpoint.set_keepalive(None)
    assert talk.endpoint.deadline is None


def test_user_timeout_can_be_set_later() -> None:
    """RFC 5482 §4: what is unacknowledged already counts."""
    talk = established()
    talk.send(10)
    talk.wait(20.0)
    talk.endpoint.set_user_timeout(25.0)
    assert talk.wait(30.0) == [Event.CLOSED]
    assert talk.endpoint.end is End.USER_TIMEOUT


def test_send_buffer_can_be_changed_later() -> None:
    """RFC 9293 §3.9.1: what SEND takes."""
    talk = established()
    talk.endpoint.set_send_buffer(100)
    assert (talk.endpoint.writable, talk.send(200)) == (100, 100)


def test_delayed_acknowledgement_goes_after_40_ms_or_with_data() -> None:
    """RFC 9293 §3.8.6.3 (MUST-58, SHLD-18)."""
    talk = established()
    talk.hear(". 1:101 ack 1")
    talk.wait(0.039)
    talk.quiet()
    talk.wait(0.002)
    talk.say(". 1:1 ack 101")
    talk.hear(". 101:201 ack 1")
    talk.send(10)
    talk.say(". 1:11 ack 201")
    talk.wait(0.05)
    talk.quiet()


def test_a_zero_window_still_takes_acknowledgements() -> None:
    """RFC 9293 §3.10.7.4, first: special allowance for valid ACKs."""
    talk = established(Settings(timestamps=False, window_scale=None, receive_buffer=1000, mss=1000, quick_acks=0))
    talk.hear(". 1:1001 ack 1")
    talk.send(100)
    talk.skip()
    talk.hear(". 1001:1101 ack 101")
    assert talk.endpoint.sender.snd_una == 101
    assert talk.endpoint.readable == 1000
    talk.say(". 101:101 ack 1001 win 0")


def test_reading_opens_the_window_and_says_so() -> None:
    """RFC 9293 §3.8.6.2.2."""
    talk = established(Settings(timestamps=False, window_scale=None, receive_buffer=4000, mss=1000, quick_acks=0))
    talk.hear(". 1:2001 ack 1")
    talk.hear(". 2001:4001 ack 1")
    talk.skip()
    talk.endpoint.read(500, talk.now)
    talk.quiet()
    talk.endpoint.read(3500, talk.now)
    talk.say(". 1:1 ack 4001 win 4000")


def test_reading_little_sends_nothing() -> None:
    """RFC 9293 §3.8.6.2.2: a window update only if the window was seen to shrink by half."""
    talk = established()
    talk.hear(". 1:101 ack 1")
    talk.endpoint.read(50, talk.now)
    talk.endpoint.read(50, talk.now)
    talk.endpoint.read(50, talk.now)
    talk.quiet()


def test_a_refused_segment_leaves_no_timestamp_behind() -> None:
    """RFC 7323 §4.3 takes it from acceptable segments; packetdrill, ts_recent/invalid_ack."""
    talk = established(Settings(window_scale=None), "S. 0:0 ack 1 win 65535 mss 1000 ts 100:0")
    talk.hear("F. 1:1 ack 9999 ts 90000:10")
    talk.skip()
    talk.hear(". 1:1001 ack 1 ts 101:10")
    talk.say(". 1:1 ack 1001 ts 10:101")


def test_congestion_marks_are_echoed() -> None:
    """RFC 3168 §6.1.3."""
    settings = Settings(timestamps=False, window_scale=None, ecn="ask", quick_acks=0)
    talk = connecting(settings)
    talk.say("SEW 0:0")
    talk.hear("SE. 0:0 ack 1 win 65535 mss 1000")
    talk.say(". 1:1")
    talk.hear(". 1:1001 ack 1 ce")
    talk.wait(0.05)
    talk.say("E. 1:1 ack 1001")
    talk.hear("W. 1001:2001 ack 1 ect")
    talk.wait(0.05)
    talk.say(". 1:1 ack 2001")


def test_a_closed_endpoint_answers_with_rst() -> None:
    """RFC 9293 §3.10.7.1."""
    endpoint = Endpoint(PLAIN, iss=0)
    assert endpoint.receive(Segment(5, 9, ACK, 0), 0.0) == []
    assert endpoint.take_segments() == [Segment(9, 0, RST, 0)]


def test_connect_twice_is_the_callers_mistake() -> None:
    """RFC 9293 §3.10.1: error: connection already exists."""
    talk = connecting()
    with pytest.raises(UsageError, match="active open in SYN-SENT"):
        talk.endpoint.connect(0.0)


def test_a_watched_life_has_its_states_as_moments() -> None:
    """RFC 9293 §3.3.2."""
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.hear("F. 1:1 ack 2")
    talk.wait(61.0)
    changes = [moment for moment in talk.moments if moment.kind is Kind.STATE]
    assert [moment.about[:2] for moment in changes] == [
        ("CLOSED", "SYN-SENT"),
        ("SYN-SENT", "ESTABLISHED"),
        ("ESTABLISHED", "FIN-WAIT-1"),
        ("FIN-WAIT-1", "FIN-WAIT-2"),
        ("FIN-WAIT-2", "TIME-WAIT"),
        ("TIME-WAIT", "CLOSED"),
    ]
    assert [moment.note for moment in changes] == [
        f"{before} → {after}: {cause}" for before, after, cause in (moment.about for moment in changes)
    ]


def test_numbers_pass_the_end_of_32_bits() -> None:
    """RFC 9293 §3.4: sequence numbers are modulo 2**32; inside they go on."""
    pair = Pair(iss=(2**32 - 5, 2**32 - 3)).connect()
    pair.left.to_send = bytes(100)
    pair.run(until=pair.now + 5.0)
    assert bytes(pair.right.received) == bytes(100)
    assert pair.left.endpoint.sender.snd_nxt > 2**32


def test_text_shows_state_and_counts() -> None:
    assert repr(established().endpoint).startswith("<Endpoint ESTABLISHED una=1 nxt=1")


def test_nothing_follows_the_copy_of_a_fin_that_ends_the_connection() -> None:
    """RFC 9293 §3.10.7.4, fifth: the ACK of our FIN ends LAST-ACK; a connection that is CLOSED acknowledges nothing."""
    talk = established()
    talk.hear("F. 1:1 ack 1")
    talk.endpoint.close(talk.now)
    talk.skip()
    assert talk.hear("F. 1:1 ack 2") == [Event.CLOSED]
    talk.quiet()
    assert talk.endpoint.end is End.CLOSED


def test_a_copy_of_what_was_read_is_no_data_after_close() -> None:
    """RFC 2525 §2.17 resets for data that nobody will read; a FIN may bring a copy of bytes that were read."""
    talk = established()
    talk.hear(". 1:11 ack 1")
    talk.endpoint.read(10, talk.now)
    talk.endpoint.close(talk.now)
    talk.skip()
    talk.hear("F. 1:11 ack 2")
    talk.say(". 2:2 ack 12")
    assert state(talk) is State.TIME_WAIT


def test_keepalive_that_is_set_in_time_wait_does_nothing() -> None:
    """RFC 9293 §3.8.4 is about connections that are idle; TIME-WAIT sends nothing by itself (§3.6.1)."""
    talk = established()
    talk.endpoint.send_eof(talk.now)
    talk.hear("F. 1:1 ack 2")
    talk.skip()
    talk.endpoint.set_keepalive(KeepAlive(1, 1, 1))
    assert talk.wait(59) == []
    talk.quiet()
    assert talk.wait(2) == [Event.CLOSED]
    assert talk.endpoint.end is End.CLOSED


def test_a_delayed_acknowledgement_that_no_answer_carried_ends_the_delays() -> None:
    """Linux tcp_delack_timer leaves interactive mode: the answers that would carry acknowledgements do not come."""
    talk = established(Settings(timestamps=False, sack=False, window_scale=None, mss=1000))
    talk.hear(". 1:11 ack 1")
    talk.say(". 1:1 ack 11")
    talk.send(10)
    talk.say(". 1:11 ack 11")  # an answer: from now on acknowledgements wait for the next
    talk.hear(". 11:21 ack 11")
    talk.quiet()
    talk.wait(0.04)
    talk.say(". 11:11 ack 21")
    talk.hear(". 21:31 ack 11")
    talk.say(". 11:11 ack 31")


@pytest.mark.parametrize("soon", [True, False])
def test_a_wrong_acknowledgement_of_the_syn_brings_the_next_one_soon_or_in_time(soon: bool) -> None:
    """RFC 9293 §3.5.1: our RST ends the peer's old connection.  Linux repeats the SYN at once, BSD later."""
    talk = connecting(replace(PLAIN, policy=Policy(repeat_syn_soon=soon)))
    talk.say("S 0:0")
    talk.wait(0.1)
    talk.hear(". 7:7 ack 9")
    talk.say("R 9:9")
    talk.wait(0.01)
    if soon:
        talk.say("S 0:0")
    talk.quiet()
    talk.wait(0.9)
    assert len(talk.skip()) == (0 if soon else 1)


def test_a_fin_at_the_end_of_the_window_leaves_it_closed_not_negative() -> None:
    """RFC 9293 §3.10.7.4, eighth: FIN takes a number, too; the window field is unsigned (§3.1)."""
    talk = established(replace(PLAIN, receive_buffer=5000))
    talk.hear("F. 1:5001 ack 1")
    talk.say(". 1:1 ack 5002 win 0")
    assert talk.endpoint.receiver.window == 0
