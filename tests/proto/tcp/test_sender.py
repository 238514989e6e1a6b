"""netwright.proto.tcp.sender: what goes when, through the endpoint that drives it."""

import pytest

from netwright.core.moment import Kind, Moment
from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.recovery import Phase
from netwright.proto.tcp.rtt import Timer
from netwright.proto.tcp.segment import ACK, ECT, FIN, NOT_ECT
from netwright.proto.tcp.settings import Settings
from tests.support.tcp_dialogue import PLAIN, Dialogue, connecting, established
from tests.support.tcp_pair import Link, Pair, transfer


def plain(**changed: object) -> Settings:
    values = {"timestamps": False, "window_scale": None, "mss": 1000, "quick_acks": 0, "receive_buffer": 65535}
    return Settings(**{**values, **changed})  # type: ignore[arg-type]  # by name


def test_nagle_holds_a_small_segment_while_another_is_out() -> None:
    """RFC 9293 §3.7.4 (SHLD-7); Minshall's variant: full segments do not count."""
    talk = established(plain())
    talk.send(1100)
    talk.say(". 1:1001")
    talk.say(". 1001:1101")
    talk.send(50)
    talk.quiet()
    assert "Nagle" in talk.reasons()
    talk.hear(". 1:1 ack 1101")
    talk.say(". 1101:1151")


def test_nodelay_sends_what_nagle_held() -> None:
    """RFC 9293 §3.7.4 (MUST-17): a program can turn it off."""
    talk = established(plain())
    talk.send(10)
    talk.say(". 1:11")
    talk.send(10)
    talk.quiet()
    talk.endpoint.set_nodelay(True, talk.now)
    talk.say(". 11:21")
    talk.send(5)
    talk.say(". 21:26")


def test_cork_holds_until_full_or_pulled_or_200_ms() -> None:
    """tcp(7), TCP_CORK."""
    talk = established(plain())
    talk.endpoint.set_cork(True, talk.now)
    talk.send(1500)
    talk.say(". 1:1001")
    talk.quiet()
    talk.endpoint.set_cork(False, talk.now)
    talk.say(". 1001:1501")
    talk.hear(". 1:1 ack 1501")
    talk.endpoint.set_cork(True, talk.now)
    talk.send(100)
    talk.wait(0.15)
    talk.quiet()
    talk.wait(0.1)
    talk.say(". 1501:1601")


def test_fin_goes_with_the_last_data_whatever_nagle_says() -> None:
    """RFC 9293 §3.10.4: FIN after all queued data."""
    talk = established(plain())
    talk.send(10)
    talk.say(". 1:11")
    talk.send(10)
    talk.endpoint.send_eof(talk.now)
    assert talk.say("F. 11:21").flags & 1


def test_fin_alone_passes_a_full_congestion_window() -> None:
    """RFC 5681 §2: cwnd limits data; FIN has none."""
    talk = established(plain())
    talk.send(10_000)
    assert len(talk.skip()) == 10
    talk.endpoint.send_eof(talk.now)
    talk.say("F. 10001:10001")
    talk.hear(". 1:1 ack 1")
    talk.quiet()


def test_silly_windows_are_not_filled() -> None:
    """RFC 9293 §3.8.6.2.1 (MUST-38): wait for a full segment or half of the largest window."""
    talk = established(plain(), "S. 0:0 ack 1 win 2000 mss 1000 sackok")
    talk.send(4000)
    talk.say(". 1:1001")
    talk.say(". 1001:2001")
    talk.hear(". 1:1 ack 1001 win 1100")
    talk.quiet()
    assert "silly window" in talk.reasons()
    talk.hear(". 1:1 ack 1001 win 2000")
    talk.say(". 2001:3001")


def test_a_window_smaller_than_a_segment_is_used_by_halves() -> None:
    """RFC 9293 §3.8.6.2.1: the largest window seen is what a peer's buffer is."""
    talk = established(plain(), "S. 0:0 ack 1 win 600 mss 1000 sackok")
    talk.send(900)
    talk.say(". 1:301")
    talk.say(". 301:601")


def test_zero_window_is_probed_with_back_off_as_long_as_the_peer_answers() -> None:
    """RFC 9293 §3.8.6.1 (MUST-36, MUST-37)."""
    talk = established(plain(), "S. 0:0 ack 1 win 2000 mss 1000 sackok")
    talk.send(4000)
    talk.skip()
    talk.hear(". 1:1 ack 2001 win 0")
    talk.quiet()
    interval = talk.endpoint.sender.rtt.rto
    for _ in range(12):
        talk.wait(interval + 1e-6)
        talk.say(". 2000:2000 ack 1")
        talk.hear(". 1:1 ack 2001 win 0")
        talk.quiet()
        interval = min(2 * interval, 120.0)
    talk.hear(". 1:1 ack 2001 win 2000")
    talk.say(". 2001:3001")
    kinds = [moment.kind for moment in talk.moments]
    assert kinds.count(Kind.PROBE) == 12
    assert Kind.WINDOW in kinds


def test_send_takes_what_there_is_room_for_and_tells_when_there_is_more() -> None:
    """RFC 9293 §3.9.1: SEND may block; here it takes less and WRITABLE follows."""
    talk = established(plain(send_buffer=3000))
    assert talk.send(5000) == 3000
    assert talk.send(1) == 0
    talk.skip()
    assert Event.WRITABLE not in talk.hear(". 1:1 ack 501")
    assert Event.WRITABLE in talk.hear(". 1:1 ack 1501")
    assert talk.endpoint.writable == 1500


def test_retransmissions_run_out_after_linux_patience() -> None:
    """RFC 9293 §3.8.3 (MUST-20, MUST-21): R2 in time, 924.6 s with 15."""
    talk = established(plain())
    talk.send(100)
    assert talk.wait(900.0) == []
    assert talk.wait(300.0) == [Event.CLOSED]
    assert talk.endpoint.end is End.TIMED_OUT
    assert len(talk.skip()) > 10


def test_user_timeout_ends_the_wait() -> None:
    """RFC 5482 §3; RFC 9293 §3.9.1."""
    talk = established(plain(user_timeout=5.0))
    talk.send(100)
    assert talk.wait(4.99) == []
    assert talk.wait(0.02) == [Event.CLOSED]
    assert talk.endpoint.end is End.USER_TIMEOUT


def test_user_timeout_ends_when_its_timer_is_due_however_floats_round() -> None:
    """RFC 5482 §3: (t + 3.0) - t may be less than 3.0; a timer that is due then must not be due for ever."""
    for hundredths in range(100, 200):
        talk = established(plain(user_timeout=3.0))
        talk.wait(hundredths / 100)
        talk.send(100)
        for _ in range(6):
            if (deadline := talk.endpoint.deadline) is not None:
                talk.endpoint.expire(deadline)
        assert talk.endpoint.end is End.USER_TIMEOUT


def test_user_timeout_ends_a_zero_window() -> None:
    """RFC 5482 §3: data that was never sent counts too, as in Linux."""
    talk = established(plain(user_timeout=5.0), "S. 0:0 ack 1 win 0 mss 1000 sackok")
    talk.send(100)
    for _ in range(20):
        talk.wait(1.0)
        talk.hear(". 1:1 ack 1 win 0")
    assert talk.endpoint.end is End.USER_TIMEOUT


def test_old_segments_do_not_move_the_window_back() -> None:
    """RFC 9293 §3.10.7.4, fifth: SND.WL1 and SND.WL2; the older segment comes later and fills the hole."""
    talk = established(plain())
    talk.hear(". 101:201 ack 1 win 5000")
    talk.hear(". 1:101 ack 1 win 100")
    assert talk.endpoint.readable == 200
    assert talk.endpoint.sender.peer.size == 5000


def test_a_round_trip_is_measured_from_the_oldest_segment() -> None:
    """RFC 6298 §3: with the receiver's delay in it, which the timer must outlast."""
    talk = established(plain(nodelay=True))
    start = talk.now
    talk.send(100)
    talk.now += 0.02
    talk.send(100)
    talk.now += 0.01
    talk.hear(". 1:1 ack 201")
    assert talk.endpoint.sender.rtt.latest == pytest.approx(talk.now - start)


def test_an_acknowledgement_of_a_repeat_and_more_measures_nothing() -> None:
    """RFC 6298 §3 (Karn): it may be the answer to the repeat."""
    talk = established(plain(nodelay=True, tail_loss_probe=False))
    talk.send(100)
    talk.send(100)
    talk.wait(0.22)
    before = talk.endpoint.sender.rtt.latest
    talk.hear(". 1:1 ack 201")
    assert talk.endpoint.sender.retransmissions == 1
    assert talk.endpoint.sender.rtt.latest == before


def test_idle_connections_start_again_from_the_initial_window() -> None:
    """RFC 5681 §4.1: after an idle RTO."""
    pair = Pair(there=Link(0.01), back=Link(0.01)).connect()
    pair.left.to_send = bytes(400_000)
    pair.run(until=pair.now + 1.0)
    grown = pair.left.endpoint.sender.window.cwnd
    assert grown > 40
    pair.run(until=pair.now + 60.0)
    pair.left.to_send += b"x"
    pair.run(until=pair.now + 1.0)
    assert 10 <= pair.left.endpoint.sender.window.cwnd < 20


def test_pacing_spreads_a_window_over_the_round_trip() -> None:
    """RFC 9002 §7.7 has the idea; Linux: 2 or 1.2 windows a round trip."""

    def largest_burst(pacing: bool) -> int:
        settings = Settings(pacing=pacing)
        pair = Pair(settings, there=Link(0.05), back=Link(0.05))
        pair.recording = True
        pair.connect()
        transfer(pair, bytes(600_000))
        times = [at for at, segment in pair.left.log if segment.data]
        after = [at for at in times if at > 0.3]
        return max(after.count(at) for at in after)

    assert largest_burst(True) <= 8 < largest_burst(False)


@pytest.mark.parametrize(
    ("congestion", "reasons"),
    [("bbr", ["startup → drain", "drain → probe-bw", "pace:"]), ("cubic", ["slow start ends"])],
)
def test_turns_of_congestion_control_are_moments(congestion: str, reasons: list[str]) -> None:
    moments: list[Moment] = []
    pair = Pair(Settings(congestion=congestion), there=Link(0.02, rate=1e6), watch=moments.append)
    pair.connect()
    pair.left.to_send = bytes(3_000_000)
    pair.run(until=4.0)
    told = " ".join(moment.note for moment in moments)
    assert all(reason in told for reason in reasons)


def test_repeats_of_a_syn_are_linear_first() -> None:
    """RFC 6298 §5.5 doubles; Linux 6.5 waits with that for four repeats (tcp_syn_linear_timeouts)."""
    talk = Dialogue(plain())
    talk.endpoint.connect(0.0)
    times = []
    while talk.endpoint.deadline is not None:
        talk.skip()
        talk.wait(talk.endpoint.deadline - talk.now)
        times.append(talk.now)
    assert times == pytest.approx([1, 2, 3, 4, 5, 7, 11])
    assert talk.endpoint.end is End.NO_ANSWER


def test_a_repeated_segment_gives_no_sample_and_keeps_the_back_off() -> None:
    """RFC 6298 §3 (Karn), §5 at its end: only a measurement of new data ends the back-off."""
    talk = established(plain(tail_loss_probe=False))
    before = talk.endpoint.sender.rtt.srtt
    talk.send(100)
    talk.wait(0.3)
    talk.hear(". 1:1 ack 101")
    rtt = talk.endpoint.sender.rtt
    assert (rtt.srtt, rtt.backoff) == (before, 1)
    talk.send(100)
    talk.now += 0.01
    talk.hear(". 1:1 ack 201")
    assert rtt.backoff == 0


def test_timestamps_measure_repeats_too() -> None:
    """RFC 7323 §4.1: the echo tells which transmission arrived."""
    settings = plain(timestamps=True, tail_loss_probe=False)
    talk = established(settings, "S. 0:0 ack 1 win 65535 mss 1000 ts 5:0")
    talk.send(100)
    talk.wait(0.3)
    rtt, before = talk.endpoint.sender.rtt, talk.endpoint.sender.rtt.srtt
    talk.hear(f". 1:1 ack 101 ts 6:{int(talk.now * 1000) - 30}")
    assert before < rtt.srtt < 0.03
    assert rtt.backoff == 0


def test_timestamps_that_were_not_agreed_on_measure_nothing() -> None:
    """RFC 7323 §3.2: without the option in both SYNs it is ignored."""
    talk = established(plain(tail_loss_probe=False))
    talk.send(100)
    talk.wait(0.3)
    before = talk.endpoint.sender.rtt.latest
    talk.hear(f". 1:1 ack 101 ts 6:{int(talk.now * 1000) - 30}")
    assert (talk.endpoint.sender.rtt.latest, talk.endpoint.sender.rtt.backoff) == (before, 1)


def test_an_echo_that_nothing_of_ours_had_is_no_measurement() -> None:
    """RFC 7323 §4.1: an echo older than the segment it answers, or newer than now, is a peer's mistake."""
    settings = plain(timestamps=True, tail_loss_probe=False)
    for echo in (1, 900_000):
        talk = established(settings, "S. 0:0 ack 1 win 65535 mss 1000 ts 5:0")
        talk.now = 50.0
        talk.send(100)
        talk.wait(0.3)
        before = talk.endpoint.sender.rtt.srtt
        talk.hear(f". 1:1 ack 101 ts 6:{echo}")
        assert talk.endpoint.sender.rtt.srtt == before


def test_a_closed_window_counts_an_idle_time_once() -> None:
    """RFC 5681 §4.1: data that waits for the window does not halve cwnd at every look."""
    talk = established(plain(congestion="reno"))
    talk.send(10)
    talk.hear(". 1:1 ack 11 win 0")
    sender = talk.endpoint.sender
    sender.window.cwnd = 160
    talk.now += 1.5 * sender.rtt.rto
    talk.send(10)
    talk.endpoint.set_nodelay(True, talk.now)
    talk.endpoint.set_nodelay(True, talk.now)
    assert sender.window.cwnd == 80


def test_timer_runs_from_the_last_acknowledgement_not_from_every_segment() -> None:
    """RFC 6298 §5.1 to §5.3: a segment does not restart a running timer, an acknowledgement of new data does."""
    talk = established(plain(tail_loss_probe=False, nodelay=True))
    talk.send(100)
    first = talk.endpoint.deadline
    talk.now += 0.005
    talk.send(100)
    assert talk.endpoint.deadline == first
    talk.now += 0.005
    talk.hear(". 1:1 ack 101")
    assert talk.endpoint.deadline == pytest.approx(talk.now + talk.endpoint.sender.rtt.rto)


def test_a_window_that_closed_holds_repeats_beyond_it_back() -> None:
    """RFC 9293 §3.8.6: beyond the window only the first byte may go again."""
    talk = established(plain(tail_loss_probe=False, frto=False))
    talk.send(3000)
    talk.skip()
    talk.wait(0.3)
    talk.say(". 1:1001")
    talk.hear(". 1:1 ack 1001 win 500")
    assert talk.endpoint.sender.window.cwnd == 2
    talk.say(". 1001:2001")
    talk.quiet()


def test_acknowledgements_from_long_ago_are_challenged() -> None:
    """RFC 5961 §5.2: older than the largest window is a blind attack's guess."""
    talk = established(plain())
    for _ in range(10):
        talk.send(10_000)
        talk.hear(f". 1:1 ack {talk.endpoint.sender.snd_nxt}")
    talk.skip()
    talk.hear(". 1:101 ack 1")
    talk.say(". 100001:100001 ack 1")
    assert talk.endpoint.readable == 0


def test_two_lost_syns_start_with_one_segment() -> None:
    """RFC 5681 §3.1: after a lost SYN the initial window is one segment; one is forgiven, as by Linux."""
    for losses, cwnd in ((1, 10), (2, 1)):
        talk = Dialogue(plain())
        talk.endpoint.connect(0.0)
        talk.wait(losses * 1.0)
        talk.hear("S. 0:0 ack 1 win 65535 mss 1000")
        assert talk.endpoint.sender.window.cwnd == cwnd
        assert talk.endpoint.sender.rtt.rto == 3.0  # RFC 6298 §5.7


def test_timer_is_off_when_nothing_is_out() -> None:
    """RFC 6298 §5.2."""
    talk = established(plain())
    talk.send(10)
    running = talk.endpoint.sender.timer
    talk.hear(". 1:1 ack 11")
    assert (running, talk.endpoint.sender.timer) == (Timer.PROBE, Timer.OFF)
    assert talk.endpoint.deadline is None


def test_a_window_that_acknowledgements_still_come_for_is_not_given_back() -> None:
    """RFC 2861 §3.1 halves what was not used for an RTO; Linux counts from the last acknowledgement."""
    talk = established(plain(slow_start_after_idle=True))
    talk.send(10_000)
    talk.now += 0.01
    talk.hear(". 1:1 ack 10001")
    assert talk.endpoint.sender.window.cwnd == 20
    for sent in range(10_001, 15_001, 1000):
        talk.wait(0.15)
        talk.send(1000)
        talk.now += 0.01
        talk.hear(f". 1:1 ack {sent + 1000}")
    assert talk.endpoint.sender.window.cwnd == 20


@pytest.mark.parametrize("congestion", ["reno", "cubic"])
def test_a_window_grows_before_a_round_trip_was_measured(congestion: str) -> None:
    """RFC 6298 §3 (Karn): a repeated SYN measures nothing, and neither does what goes twice."""
    talk = connecting(plain(congestion=congestion))
    talk.wait(3.0)
    talk.hear("S. 0:0 ack 1 win 65535 mss 1000")
    talk.skip()
    assert talk.endpoint.sender.rtt.srtt == 0.0
    talk.endpoint.sender.window.cwnd = 10
    talk.send(10_000)
    talk.wait(3.1)
    for ack in (1001, 3001, 5001, 7001, 9001):  # repeats, all of them, and beyond ssthresh
        talk.skip()
        talk.hear(f". 1:1 ack {ack}")
    assert talk.endpoint.sender.rtt.srtt == 0.0
    assert talk.endpoint.sender.window.cwnd >= talk.endpoint.sender.window.ssthresh


def test_what_is_in_flight_goes_again_in_smaller_pieces() -> None:
    """RFC 1191 §6.4, §6.5: cwnd stays as it was."""
    talk = established(PLAIN)
    talk.send(2500)
    for line in (". 1:1001", ". 1001:2001", "P. 2001:2501"):
        talk.say(line)
    cwnd = talk.endpoint.sender.window.cwnd
    assert talk.endpoint.reduce_mss(600, 1, talk.now)
    for line in (". 1:601", ". 601:1001", ". 1001:1601", ". 1601:2001"):
        talk.say(line)
    talk.quiet()  # the last one was small enough
    assert talk.endpoint.sender.window.cwnd == cwnd
    talk.hear(". 1:1 ack 2501")
    phases = [talk.endpoint.sender.recovery.phase]  # without SACK it ends with the next acknowledgement, RFC 6582 §4.1
    talk.send(1000)
    talk.say(". 2501:3101")
    talk.say("P. 3101:3501")
    talk.hear(". 1:1 ack 3101")
    assert [*phases, talk.endpoint.sender.recovery.phase] == [Phase.LOSS, Phase.OPEN]


def test_fin_stays_on_the_last_piece() -> None:
    """RFC 9293 §3.10.4."""
    talk = established(PLAIN)
    talk.endpoint.set_nodelay(True, talk.now)
    talk.endpoint.set_cork(True, talk.now)
    talk.send(900)
    talk.endpoint.send_eof(talk.now)
    talk.say("FP. 1:901")
    assert talk.endpoint.reduce_mss(600, 1, talk.now)
    flags = [segment.flags & (FIN | ACK) for segment in talk.endpoint.take_segments()]
    assert flags == [ACK, FIN | ACK]


def test_what_the_peer_has_is_not_cut() -> None:
    """RFC 2018 §3."""
    talk = established(Settings(timestamps=False, window_scale=None, mss=1000, receive_buffer=65535))
    talk.send(3000)
    talk.endpoint.take_segments()
    talk.hear(". 1:1 ack 1 sack 1001:2001")
    assert talk.endpoint.reduce_mss(600, 1, talk.now)
    board = talk.endpoint.sender.board
    assert [(each.start, each.end, each.sacked) for each in board.outstanding()] == [
        (1, 601, False),
        (601, 1001, False),
        (1001, 2001, True),
        (2001, 2601, False),
        (2601, 3001, False),
    ]
    assert (board.out, board.sacked, board.lost) == (5, 1, 4)


def test_a_message_about_what_is_not_in_flight_is_ignored() -> None:
    """RFC 5927 §4.1."""
    talk = established(PLAIN)
    talk.send(2000)
    talk.endpoint.take_segments()
    assert not talk.endpoint.reduce_mss(600, 2001, talk.now), "beyond SND.NXT"
    talk.hear(". 1:1 ack 1001")
    assert not talk.endpoint.reduce_mss(600, 1, talk.now), "below SND.UNA"
    assert not talk.endpoint.reduce_mss(1000, 1001, talk.now), "no news"
    assert talk.endpoint.sender.mss == 1000
    syn = connecting(PLAIN)
    assert not syn.endpoint.reduce_mss(600, 0, syn.now), "a SYN has nothing that could be cut"


def test_no_message_makes_segments_tiny() -> None:
    """CVE-2004-1060; Linux net.ipv4.route.min_pmtu."""
    talk = established(PLAIN)
    talk.send(1000)
    talk.endpoint.take_segments()
    assert talk.endpoint.reduce_mss(28, 1, talk.now)
    assert talk.endpoint.sender.mss == 512


def test_a_second_outage_has_all_the_patience_of_the_first() -> None:
    """RFC 9293 §3.8.3: what was acknowledged between them ends the first."""
    talk = established(plain(retries=4, tail_loss_probe=False))  # 0.2 * (1 + 2 + 4 + 8 + 16) = 6.2 s
    for start in (1, 101):
        talk.send(100)
        talk.wait(5.0)
        talk.skip()
        talk.hear(f". 1:1 ack {start + 100}")
    talk.send(100)
    talk.wait(talk.endpoint.sender.timer_at - talk.now + 1e-6)
    assert len(talk.skip()) == 2
    talk.wait(60.0)
    assert talk.endpoint.end is End.TIMED_OUT


def test_new_space_is_reported_once_for_each_refusal() -> None:
    talk = established(plain(send_buffer=3000))
    for turn in range(2):
        assert talk.send(5000) == 3000
        start = 1 + 3000 * turn
        told = [talk.hear(f". 1:1 ack {start + 1000 * part}") for part in (1, 2, 3)]
        assert told == [[Event.WRITABLE], [], []]


@pytest.mark.parametrize(("ack", "taken"), [(1, True), (0, False)])
def test_an_old_acknowledgement_is_taken_up_to_the_largest_window(ack: int, taken: bool) -> None:
    """RFC 5961 §5.2: SND.UNA - MAX.SND.WND, and never the SYN's own number."""
    talk = established(plain())
    talk.send(2000)
    talk.skip()
    talk.hear(". 1:1 ack 2001")
    talk.hear(f". 1:1 ack {ack}")
    assert ("long ago" in talk.reasons()) is not taken


@pytest.mark.parametrize(("ack", "taken"), [(2000, False), (2001, True)])
def test_an_acknowledgement_older_than_a_window_is_refused(ack: int, taken: bool) -> None:
    """RFC 5961 §5.2."""
    talk = established(plain(), "S. 0:0 ack 1 win 2000 mss 1000 sackok")
    for _ in range(2):
        talk.send(2000)
        talk.skip()
        talk.hear(f". 1:1 ack {talk.endpoint.sender.snd_nxt} win 2000")
    talk.hear(f". 1:1 ack {ack} win 2000")
    assert ("long ago" in talk.reasons()) is not taken


def test_small_windows_in_a_row_are_no_closed_window() -> None:
    """RFC 9293 §3.8.6.2.1: the override timeout sends; RFC 5482 counts anew when nothing can be."""
    talk = established(plain(user_timeout=1.0))
    talk.hear(". 1:1 ack 1 win 300")
    talk.send(3000)
    for number in range(8):
        talk.wait(0.25)
        talk.say(f". {1 + 300 * number}:{301 + 300 * number}")
        talk.hear(f". 1:1 ack {301 + 300 * number} win 300")
    assert talk.now > 1.5
    assert talk.endpoint.end is End.OPEN


def test_a_fin_without_data_is_not_ecn_capable() -> None:
    """RFC 3168 §6.1.4 allows ECT on data only; Linux tcp_ecn_send."""
    talk = established(plain(ecn="ask"), "SE. 0:0 ack 1 win 65535 mss 1000")
    talk.send(10)
    assert talk.say(". 1:11").ecn == ECT
    talk.hear(". 1:1 ack 11")
    talk.endpoint.send_eof(talk.now)
    assert talk.say("F. 11:11").ecn == NOT_ECT


def test_a_tail_loss_probe_of_new_data_is_one_segment() -> None:
    """RFC 8985 §7.3: a segment of at most SMSS, however much waits."""
    talk = established(plain(sack=True, initial_window=2))
    talk.send(10_000)
    talk.say(". 1:1001")
    talk.say(". 1001:2001")
    talk.wait(0.03)  # two round trips of 10 ms
    talk.say(". 2001:3001")
    talk.quiet()


def test_a_d_sack_counts_segments_of_the_size_that_is_sent_now() -> None:
    """RFC 2883 §4: one range may be of several segments; after the path has become narrow, of more."""
    grown = []
    for duplicates in ("", " sack 1:1001"):
        talk = established(plain(sack=True, congestion="reno"))
        talk.send(20_000)
        talk.skip()
        talk.now += 0.01
        assert talk.endpoint.reduce_mss(500, 1, talk.now)  # segments of 512 bytes: what is in flight goes again
        talk.skip()
        talk.hear(". 1:1 ack 10001")
        talk.skip()
        before = talk.endpoint.sender.window.cwnd
        talk.hear(f". 1:1 ack 10513{duplicates}")
        grown.append(talk.endpoint.sender.window.cwnd - before)
    assert grown == [1, 3]
