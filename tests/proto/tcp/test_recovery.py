"""netwright.proto.tcp.recovery: phases, through the endpoint that drives them."""

from dataclasses import replace
from math import inf

import pytest

from netwright.core.moment import Kind
from netwright.proto.tcp.recovery import Phase
from netwright.proto.tcp.settings import Settings
from tests.support.tcp_dialogue import Dialogue, established

SACK = Settings(timestamps=False, window_scale=None, mss=1000, quick_acks=0, receive_buffer=65535, congestion="reno")
STAMPS = "S. 0:0 ack 1 win 65535 mss 1012 sackok ts 5:0"


def flight(segments: int, settings: Settings = SACK, answer: str | None = None) -> Dialogue:
    """A connection with a round trip of 10 ms and that many segments of 1000 bytes out."""
    talk = established(settings) if answer is None else established(settings, answer)
    talk.send(1000 * segments)
    for index in range(min(segments, 10)):
        talk.say(f". {1 + index * 1000}:{1001 + index * 1000}")
    talk.quiet()
    talk.now += 0.01
    return talk


def phase(talk: Dialogue) -> Phase:
    return talk.endpoint.sender.recovery.phase


def test_three_sacked_segments_repeat_the_one_before_them() -> None:
    """RFC 6675 §5 step 4, RFC 8985 §6.2: DupThresh segments beyond a hole."""
    talk = flight(10)
    talk.hear(". 1:1 ack 1 sack 1001:2001")
    talk.hear(". 1:1 ack 1 sack 1001:3001")
    talk.quiet()
    assert phase(talk) is Phase.DISORDER
    talk.hear(". 1:1 ack 1 sack 1001:4001")
    talk.say(". 1:1001")
    assert phase(talk) is Phase.RECOVERY
    assert talk.endpoint.sender.window.ssthresh == 5
    talk.hear(". 1:1 ack 10001")
    assert phase(talk) is Phase.OPEN
    assert talk.endpoint.sender.window.cwnd == 6  # ssthresh, and the seven segments that this acknowledged


def test_two_sacked_segments_wait_for_a_quarter_of_a_round_trip() -> None:
    """RFC 8985 §6.2 step 4 and 5: the reordering window, and its timer with Linux's 2 ms of slack."""
    talk = flight(3)
    talk.hear(". 1:1 ack 1 sack 1001:3001")
    talk.quiet()
    talk.wait(0.0044)
    talk.quiet()
    talk.wait(0.0002)
    talk.say(". 1:1001")
    sender = talk.endpoint.sender
    assert sender.timer_at == pytest.approx(0.0245 + sender.rtt.rto)  # the timer is that of the repeat now


def test_blocks_of_what_was_never_sent_are_ignored() -> None:
    """RFC 2018 §3: a block outside SND.UNA to SND.NXT is a lie or a mistake."""
    talk = flight(10)
    for blocks in ("1:50000", "5001:5001", "6001:5001", "-500:2001"):
        talk.hear(f". 1:1 ack 1 sack {blocks}")
    assert talk.endpoint.sender.board.sacked == 0
    talk.quiet()


def test_limited_transmit_sends_new_data_on_the_first_duplicates() -> None:
    """RFC 3042 §2: what was SACKed has left the network, so the window has room for another."""
    talk = established(SACK)
    talk.send(12_000)
    for index in range(10):
        talk.say(f". {1 + index * 1000}:{1001 + index * 1000}")
    talk.now += 0.01
    talk.hear(". 1:1 ack 1 sack 1001:2001")
    talk.say(". 10001:11001")
    talk.hear(". 1:1 ack 1 sack 1001:3001")
    talk.say(". 11001:12001")


def test_newreno_repeats_on_the_third_duplicate_and_on_partial_acknowledgements() -> None:
    """RFC 6582 §3.2, RFC 5681 §3.2: without SACK."""
    talk = flight(10, answer="S. 0:0 ack 1 win 65535 mss 1000")
    for _ in range(2):
        talk.hear(". 1:1 ack 1")
        talk.quiet()
    talk.hear(". 1:1 ack 1")
    talk.say(". 1:1001")
    talk.hear(". 1:1 ack 3001")
    talk.say(". 3001:4001")
    talk.hear(". 1:1 ack 10001")
    assert talk.endpoint.sender.window.cwnd <= 6


def test_without_sack_what_duplicates_counted_does_not_grow_the_window_again() -> None:
    """RFC 5681 §3.1 grows by new data; packetdrill, limited_transmit/limited-transmit-no-sack."""
    talk = established(SACK, "S. 0:0 ack 1 win 65535 mss 1000")
    talk.send(20_000)
    assert len(talk.skip()) == 10
    talk.hear(". 1:1 ack 1")
    talk.say(". 10001:11001")
    talk.hear(". 1:1 ack 1")
    talk.say(". 11001:12001")
    talk.hear(". 1:1 ack 3001")
    talk.say(". 12001:13001")
    talk.say(". 13001:14001")
    talk.quiet()
    assert talk.endpoint.sender.window.cwnd == 11


def test_a_tail_loss_probe_is_off_once_something_is_out_of_order() -> None:
    """RFC 8985 §7.2: only in open state; packetdrill, fast_recovery/prr-ss-30pkt-lost1_4."""
    talk = flight(10)
    talk.hear(". 1:1 ack 1 sack 4001:7001")
    assert [segment.seq for segment in talk.skip()] == [1, 1001]
    talk.wait(0.1)
    talk.quiet()


def test_rate_reduction_spreads_what_is_sent_over_the_round_trip() -> None:
    """RFC 6937 §3.1: with Reno one segment goes for every two that arrive."""
    talk = established(SACK)
    talk.send(40_000)
    talk.skip()
    talk.now += 0.01
    sent = 0
    for arrived in range(1, 10):
        talk.hear(f". 1:1 ack 1 sack 1001:{1001 + arrived * 1000}")
        sent += len(talk.skip())
    # Two by limited transmit, the repeat, and then half of what arrives.
    assert talk.endpoint.sender.window.ssthresh == 5
    assert sent == 2 + 1 + 2


def test_rate_reduction_grows_as_slow_start_below_ssthresh() -> None:
    """RFC 6937 §3.1, the slow start reduction bound: one more than what arrived if the left edge moves."""
    talk = flight(10)
    talk.hear(". 1:1 ack 1 sack 7001:10001")
    assert [segment.seq for segment in talk.skip()] == [1, 1001, 2001]
    talk.hear(". 1:1 ack 1001 sack 7001:10001")
    assert [segment.seq for segment in talk.skip()] == [3001, 4001]


def test_a_timeout_repeats_one_segment_and_backs_off() -> None:
    """RFC 6298 §5.4 to 5.6, RFC 5681 §3.1: cwnd is one segment, the timer doubles."""
    settings = Settings(**{**_plain(), "tail_loss_probe": False})  # type: ignore[arg-type]  # by name
    talk = flight(3, settings)
    talk.wait(0.19)
    talk.quiet()
    talk.wait(0.02)
    talk.say(". 1:1001")
    assert phase(talk) is Phase.LOSS
    assert talk.endpoint.sender.window.cwnd == 1
    talk.wait(0.41)
    talk.quiet()
    talk.wait(0.02)
    talk.say(". 1:1001")
    talk.quiet()


def _plain() -> dict[str, object]:
    return {
        "timestamps": False,
        "window_scale": None,
        "mss": 1000,
        "quick_acks": 0,
        "receive_buffer": 65535,
        "congestion": "reno",
    }


def timed_out(segments: int, more: int = 0, answer: str | None = None, **changed: object) -> Dialogue:
    """A flight whose first segment was repeated by the timer."""
    settings = Settings(**{**_plain(), "tail_loss_probe": False, **changed})  # type: ignore[arg-type]  # by name
    talk = flight(segments, settings, answer)
    if more:
        talk.send(more)
        talk.skip()
    talk.wait(0.25)
    talk.say(". 1:1001")
    return talk


def test_without_sack_late_duplicates_start_no_second_recovery() -> None:
    """RFC 6582 §4.1: after a full acknowledgement of exactly what was out."""
    talk = flight(10, answer="S. 0:0 ack 1 win 65535 mss 1000")
    for _ in range(3):
        talk.hear(". 1:1 ack 1")
    talk.hear(". 1:1 ack 10001")
    talk.send(3000)
    talk.skip()
    ssthresh = talk.endpoint.sender.window.ssthresh
    for _ in range(4):
        talk.hear(". 1:1 ack 10001")
    assert talk.skip() == []
    assert talk.endpoint.sender.window.ssthresh == ssthresh
    talk.hear(". 1:1 ack 11001")
    assert phase(talk) is Phase.OPEN


def test_a_timeout_spares_what_was_just_sent() -> None:
    """RFC 8985 §6.3: only the first segment and those older than a round trip are taken for lost."""
    settings = Settings(**{**_plain(), "tail_loss_probe": False, "nodelay": True})  # type: ignore[arg-type]  # by name
    fresh = established(settings)
    fresh.send(2000)
    fresh.now += 0.01
    fresh.hear(". 1:1 ack 1001")
    fresh.wait(0.205)
    fresh.send(1000)
    fresh.wait(0.006)
    board = fresh.endpoint.sender.board
    assert [(record.start, record.lost) for record in board.outstanding()] == [(1001, True), (2001, False)]


def test_repeats_are_never_marked_as_ecn_capable() -> None:
    """RFC 3168 §6.1.5."""
    settings = Settings(**{**_plain(), "ecn": "ask"})  # type: ignore[arg-type]  # by name
    talk = established(settings, "SE. 0:0 ack 1 win 65535 mss 1000 sackok")
    talk.send(10_000)
    assert {segment.ecn for segment in talk.skip()} == {2}
    talk.hear(". 1:1 ack 1 sack 1001:4001")
    assert {segment.ecn for segment in talk.skip()} == {0}


def test_reneged_blocks_are_forgotten_by_a_timeout() -> None:
    """RFC 2018 §8: the first segment is known to be there and yet not acknowledged."""
    talk = flight(3)
    talk.hear(". 1:1 ack 1001 sack 2001:3001")
    talk.skip()
    talk.hear(". 1:1 ack 2001 win 65535")
    talk.skip()
    talk.wait(3.0)
    assert 2001 in [segment.seq for segment in talk.skip()]
    assert talk.endpoint.sender.board.sacked == 0


def test_frto_sends_new_data_after_a_timeout_and_undoes_if_it_was_spurious() -> None:
    """RFC 5682 §3.1: the first acknowledgement sends new data (2b), the second shows originals arriving (3b)."""
    talk = timed_out(10, more=10_000)
    talk.now = 0.225  # sooner than a round trip after the repeat, so RACK knows that it answers the original
    talk.hear(". 1:1 ack 1001")
    talk.say(". 10001:11001")
    talk.say(". 11001:12001")
    talk.quiet()
    talk.hear(". 1:1 ack 2001")
    assert phase(talk) is Phase.OPEN
    assert talk.endpoint.sender.recovery.undone == 1
    assert talk.endpoint.sender.window.cwnd >= 10
    assert "F-RTO" in talk.reasons()


def test_frto_repeats_the_rest_if_the_loss_was_real() -> None:
    """RFC 5682 §3.1 step 3a: a duplicate after the new data."""
    talk = timed_out(10, more=10_000)
    talk.now += 0.01
    talk.hear(". 1:1 ack 1001")
    talk.say(". 10001:11001")
    talk.say(". 11001:12001")
    talk.hear(". 1:1 ack 1001 sack 10001:11001")
    assert talk.say(". 1001:2001").seq == 1001
    assert phase(talk) is Phase.LOSS
    talk.hear(". 1:1 ack 4001 sack 10001:11001")  # originals, but too late to speak for the first
    assert talk.endpoint.sender.recovery.undone == 0


def test_eifel_undoes_a_timeout_whose_original_had_arrived() -> None:
    """RFC 3522 §3.2, RFC 4015 §3.1: the echoed timestamp is that of the first transmission."""
    talk = timed_out(4, answer=STAMPS, timestamps=True, frto=False, mss=1012)
    talk.now += 0.01
    talk.hear(". 1:1 ack 1001 ts 6:10")  # sent at 0.01 s
    assert phase(talk) is Phase.OPEN
    assert talk.endpoint.sender.window.cwnd == 10


def test_dsack_for_every_repeat_undoes_a_recovery() -> None:
    """RFC 2883 §4, RFC 3708 §3: the peer had both, so nothing was lost."""
    talk = flight(10)
    talk.hear(". 1:1 ack 1 sack 1001:4001")
    talk.say(". 1:1001")
    talk.hear(". 1:1 ack 4001")
    talk.hear(". 1:1 ack 4001 sack 1:1001")
    assert talk.endpoint.sender.recovery.undone == 1
    assert (phase(talk), talk.endpoint.sender.window.cwnd) == (Phase.OPEN, 10)


def test_dsack_undoes_a_recovery_that_is_over() -> None:
    """RFC 3708 §3: the D-SACK comes a round trip after the acknowledgement that ended the recovery."""
    talk = flight(10)
    talk.hear(". 1:1 ack 1 sack 1001:4001")
    assert [segment.seq for segment in talk.skip()] == [1]
    talk.hear(". 1:1 ack 10001")
    assert talk.endpoint.sender.window.cwnd < 10
    talk.hear(". 1:1 ack 10001 sack 1:1001")  # though nothing is in flight
    assert talk.endpoint.sender.window.cwnd == 10


def test_without_sack_originals_beside_a_repeat_prove_nothing() -> None:
    """RFC 5682 §2.1 step 3b needs an acknowledgement of what was never repeated alone; Linux tcp_clean_rtx_queue."""
    talk = flight(3, replace(SACK, sack=False))
    talk.wait(0.3)
    talk.say(". 1:1001")
    talk.hear(". 1:1 ack 3001")
    assert talk.endpoint.sender.recovery.undone == 0
    assert phase(talk) is Phase.LOSS  # RFC 6582 §4.1: until something above it is acknowledged
    talk.send(1000)
    talk.say(". 3001:4001")
    talk.hear(". 1:1 ack 4001")
    assert phase(talk) is Phase.OPEN


def test_tail_loss_probe_comes_after_two_round_trips_and_finds_the_loss() -> None:
    """RFC 8985 §7.2, §7.3: the last segment again, and its SACK shows what is missing."""
    talk = flight(4)
    talk.wait(0.02 + 0.002 - 0.01 - 0.0001)
    talk.quiet()
    talk.wait(0.001)
    talk.say(". 3001:4001")
    talk.now += 0.01
    talk.hear(". 1:1 ack 1001 sack 3001:4001")
    talk.wait(0.02)
    talk.say(". 1001:2001")


def test_a_probe_of_a_single_segment_waits_for_a_delayed_acknowledgement() -> None:
    """RFC 8985 §7.2: WCDelAckT."""
    talk = flight(1)
    talk.wait(0.2)
    talk.quiet()
    talk.wait(0.02)
    talk.say(". 1:1001")
    assert [moment.kind for moment in talk.moments].count(Kind.PROBE) == 1


def test_a_probe_that_repaired_a_loss_reduces_the_window() -> None:
    """RFC 8985 §7.4.2: the loss was congestion, though nobody saw it; without D-SACK it was real."""
    talk = flight(4)
    talk.wait(0.015)
    talk.say(". 3001:4001")
    talk.now += 0.01
    talk.hear(". 1:1 ack 4001")
    assert talk.endpoint.sender.window.cwnd >= 10
    talk.send(1000)
    talk.say(". 4001:5001")
    talk.now += 0.01
    talk.hear(". 1:1 ack 5001")
    assert talk.endpoint.sender.window.cwnd == 5


def test_a_probe_that_was_needless_changes_nothing() -> None:
    """RFC 8985 §7.4.2: D-SACK says that the original had arrived."""
    talk = flight(4)
    talk.endpoint.sender.recovery.rack.reordered = True
    talk.wait(0.015)
    talk.say(". 3001:4001")
    talk.hear(". 1:1 ack 4001 sack 3001:4001")
    assert talk.endpoint.sender.recovery.rack.steps == 1  # it says nothing about reordering
    talk.send(1000)
    talk.now += 0.01
    talk.hear(". 1:1 ack 5001")
    assert talk.endpoint.sender.window.cwnd >= 10
    assert talk.endpoint.sender.recovery.reductions == 0


def test_ece_reduces_once_a_window() -> None:
    """RFC 3168 §6.1.2: at most once per round trip; the next new segment says CWR."""
    settings = Settings(**{**_plain(), "ecn": "ask"})  # type: ignore[arg-type]  # by name
    talk = established(settings, "SE. 0:0 ack 1 win 65535 mss 1000 sackok")
    talk.send(30_000)
    assert talk.say(". 1:1001 ect").flags & 128 == 0
    talk.skip()
    talk.now += 0.01
    for end in range(1001, 10_002, 1000):
        talk.hear(f"E. 1:1 ack {end}")
    said = talk.skip()
    assert [bool(segment.flags & 128) for segment in said] == [True] + [False] * (len(said) - 1)
    assert talk.endpoint.sender.recovery.reductions == 1
    assert talk.endpoint.sender.window.ssthresh == 5


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.RETRANSMIT, Kind.CONGESTION])
def test_every_decision_is_a_moment_with_its_reason(kind: Kind) -> None:
    talk = flight(10)
    talk.hear(". 1:1 ack 1 sack 1001:4001")
    found = [moment for moment in talk.moments if moment.kind is kind]
    assert found
    assert all(moment.note and moment.at == pytest.approx(talk.now) for moment in found)


@pytest.mark.parametrize(("sack", "words"), [("1001:4001", "1 segment lost"), ("2001:6001", "2 segments lost")])
def test_a_loss_is_counted_in_words(sack: str, words: str) -> None:
    talk = flight(10)
    talk.hear(f". 1:1 ack 1 sack {sack}")
    (note,) = [moment.note for moment in talk.moments if moment.kind is Kind.CONGESTION]
    assert f": {words}, " in note


def test_a_probe_is_not_in_flight_twice_and_its_duplicate_undoes_what_it_made() -> None:
    """RFC 8985 §7: Linux repeats the tail without counting it, so that one D-SACK is enough (RFC 2883 §4)."""
    talk = flight(2)
    talk.wait(0.1)
    talk.say(". 1001:2001")
    board = talk.endpoint.sender.board
    assert (board.out, board.resent, board.in_flight) == (2, 0, 2)


def test_what_came_twice_was_delivered_and_is_believed_as_often_as_it_was_repeated() -> None:
    """RFC 6937 §3 counts what arrives; Linux tcp_dsack_seen."""
    talk = flight(10)
    talk.hear(". 1:1 ack 1 sack 1001:4001")
    talk.say(". 1:1001")
    recovery, cwnd = talk.endpoint.sender.recovery, talk.endpoint.sender.window
    talk.hear(". 1:1 ack 1001 sack 1:1001,1001:4001")
    talk.skip()
    before = (recovery.undone, cwnd.cwnd)
    for _ in range(5):
        talk.hear(". 1:1 ack 1001 sack 1:1001,1001:4001")
    assert (recovery.undone, cwnd.cwnd) == before


def test_blocks_let_the_window_grow_where_reordering_is_known() -> None:
    """Linux tcp_may_raise_cwnd: a hole is no reason to stand still once more than three segments were overtaken."""
    talk = flight(10)
    talk.hear(". 1:1 ack 1 sack 9001:10001")
    talk.hear(". 1:1 ack 10001")
    assert talk.endpoint.sender.recovery.rack.widest == 10_000
    talk.send(40_000)
    talk.skip()
    talk.now += 0.01
    cwnd = talk.endpoint.sender.window.cwnd
    talk.hear(". 1:1 ack 10001 sack 11001:12001")
    assert talk.endpoint.sender.window.cwnd == cwnd + 1


def test_a_timeout_ends_the_wait_for_reordering() -> None:
    """RFC 8985 §6.3: everything is marked lost at once; Linux has one timer for both."""
    talk = flight(5, replace(SACK, tail_loss_probe=False))
    talk.now = 0.01 + 0.208  # 2 ms before the timeout; the reordering window ends after it
    talk.hear(". 1:1 ack 1 sack 2001:3001")
    recovery = talk.endpoint.sender.recovery
    assert 0.221 < recovery.reorder_at < 0.23
    talk.wait(0.0025)
    assert phase(talk) is Phase.LOSS
    assert recovery.reorder_at == inf


ECN = replace(SACK, ecn="ask")
ECN_ANSWER = "SE. 0:0 ack 1 win 65535 mss 1000 sackok"


def test_evidence_about_an_old_recovery_does_not_undo_a_reduction_for_a_mark() -> None:
    """RFC 3168 §6.1.2: the mark was congestion; Linux tcp_enter_cwr: undo_marker = 0."""
    talk = flight(10, ECN, ECN_ANSWER)
    talk.hear(". 1:1 ack 1 sack 1001:4001")
    talk.hear(". 1:1 ack 10001")
    talk.send(5000)
    talk.hear("E. 1:1 ack 11001")
    assert phase(talk) is Phase.REDUCING
    talk.hear(". 1:1 ack 12001 sack 1:1001")
    assert phase(talk) is Phase.REDUCING
    assert talk.endpoint.sender.recovery.undone == 0


def test_a_mark_during_recovery_keeps_the_reduction_although_the_loss_was_none() -> None:
    """RFC 3168 §6.1.2; Linux tcp_fastretrans_alert: prior_ssthresh = 0."""
    talk = flight(10, ECN, ECN_ANSWER)
    talk.hear(". 1:1 ack 1 sack 1001:4001")
    talk.hear("E. 1:1 ack 1 sack 1001:5001")
    talk.hear(". 1:1 ack 10001 sack 1:1001")
    assert talk.endpoint.sender.recovery.undone == 1
    assert talk.endpoint.sender.window.ssthresh == 5
