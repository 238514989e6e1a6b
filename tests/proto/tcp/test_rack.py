"""netwright.proto.tcp.rack."""

from math import inf

import pytest

from netwright.proto.tcp.rack import Rack
from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.scoreboard import Scoreboard, SentSegment
from netwright.proto.tcp.segment import ACK
from netwright.proto.tcp.settings import Settings


def sent(start: int, at: float) -> SentSegment:
    return SentSegment(start, start + 10, bytes(10), ACK, at)


def board_with(*records: SentSegment) -> Scoreboard:
    board = Scoreboard()
    for record in records:
        board.add(record)
    return board


def measured(seconds: float) -> RoundTrip:
    rtt = RoundTrip(Settings())
    rtt.sample(seconds, 0.0)
    return rtt


def test_a_segment_sent_before_a_delivered_one_is_lost_after_the_reordering_window() -> None:
    """RFC 8985 §6.2 step 5."""
    first, second = sent(0, 0.0), sent(10, 0.002)
    board, rack = board_with(first, second), Rack()
    board.sack(10, 20)
    rack.delivered(second, 0.102, 0.1, inf)
    lost, wait = rack.detect(board, 0.025, 0.102)
    assert not lost
    assert wait == pytest.approx(0.025)
    lost, wait = rack.detect(board, 0.025, 0.127)
    assert (lost, wait) == ([first], 0.0)
    assert first.lost


def test_segments_of_one_burst_are_ordered_by_sequence() -> None:
    """RFC 8985 §6.1, RACK_sent_after: times are equal, so the end decides."""
    records = [sent(index * 10, 0.0) for index in range(4)]
    board, rack = board_with(*records), Rack()
    board.sack(20, 30)
    rack.delivered(records[2], 0.1, 0.1, inf)
    assert rack.detect(board, 0.0, 0.1)[0] == records[:2]
    assert not records[3].lost


def test_a_repeat_after_new_data_of_the_same_moment_was_sent_later() -> None:
    """RFC 8985 §6.1, RACK_sent_after: what was sent decides, though the sequence says otherwise."""
    first, second = sent(0, 0.0), sent(10, 0.0)
    board, rack = board_with(first, second), Rack()
    board.mark_lost(first)
    limited = sent(20, 0.2)
    board.add(limited)
    board.resend(first, 0.2)
    board.sack(20, 30)
    rack.delivered(limited, 0.4, 0.1, inf)
    assert rack.detect(board, 0.0, 0.4)[0] == [second]
    assert first.resent


def test_a_lost_repeat_is_found_too() -> None:
    """RFC 8985 §3.3: time, not sequence, tells that a retransmission was lost."""
    first, second = sent(0, 0.0), sent(10, 0.0)
    board, rack = board_with(first, second), Rack()
    board.mark_lost(first)
    board.resend(first, 0.2)
    second.sent_at = 0.3
    board.by_time.append((0.3, second))
    board.sack(10, 20)
    rack.delivered(second, 0.4, 0.1, inf)
    assert rack.detect(board, 0.0, 0.4)[0] == [first]
    assert (first.lost, first.resent) == (True, False)


def test_an_early_acknowledgement_of_a_repeat_is_of_the_original() -> None:
    """RFC 8985 §6.2 step 2: by the echoed timestamp, or sooner than the least round trip."""
    record, rack = sent(0, 0.0), Rack()
    record.repeats, record.sent_at = 1, 0.2
    rack.delivered(record, 0.3, 0.05, 0.001)
    rack.delivered(record, 0.21, 0.05, inf)
    assert rack.sent_at == -inf
    rack.delivered(record, 0.3, 0.05, inf)
    assert rack.sent_at == 0.2


def test_reordering_is_seen_when_a_lower_one_arrives_later() -> None:
    """RFC 8985 §6.2 step 3."""
    rack = Rack()
    rack.delivered(sent(10, 0.0), 0.1, 0.1, inf)
    assert not rack.reordered
    rack.delivered(sent(0, 0.0), 0.1, 0.1, inf)
    assert rack.reordered


def test_window_is_zero_with_three_duplicates_until_reordering_is_seen() -> None:
    """RFC 8985 §6.2 step 4: RACK_update_reo_wnd."""
    rack, rtt = Rack(), measured(0.1)
    assert rack.window(rtt, 1, False) == pytest.approx(0.025)
    assert rack.window(rtt, 3, False) == 0.0
    assert rack.window(rtt, 1, True) == 0.0
    rack.reordered = True
    assert rack.window(rtt, 3, True) == pytest.approx(0.025)


def test_needless_repeats_widen_the_window_once_a_round_up_to_srtt() -> None:
    """RFC 8985 §6.2 step 4: RACK.reo_wnd_mult; persists for 16 recoveries."""
    rack, rtt = Rack(), measured(0.1)
    rack.reordered = True
    rack.widen(0, 100)
    rack.widen(50, 150)
    assert rack.window(rtt, 0, False) == pytest.approx(0.05)
    for round_trip in range(2, 12):
        rack.widen(round_trip * 100, (round_trip + 1) * 100)
    assert rack.window(rtt, 0, False) == pytest.approx(0.1)
    for _ in range(16):
        rack.recovered()
    assert rack.window(rtt, 0, False) == pytest.approx(0.025)


def test_the_round_trip_is_that_of_the_last_in_sequence_and_reordering_is_measured() -> None:
    """RFC 8985 §6.2 step 2, as Linux does it: a hole that fills after a repeat widens what is waited for."""
    hole, repeat = sent(0, 0.0), sent(10, 0.05)
    rack = Rack()
    rack.delivered(repeat, 0.06, 0.01, inf)
    rack.delivered(hole, 0.06, 0.01, inf)
    assert (rack.sent_at, rack.end, rack.rtt) == (0.05, 20, 0.06)
    assert (rack.reordered, rack.widest, rack.highest) == (True, 20, 20)


def test_reordering_widens_once_a_round_trip_and_narrows_after_16_recoveries() -> None:
    """RFC 8985 §6.2 step 4, both twice, to the very byte and the very recovery."""
    rack = Rack()
    for _ in range(2):
        for una, steps in ((100, 2), (100, 2), (199, 2), (200, 3), (299, 3)):
            rack.widen(una, 200 if una < 200 else 300)
            assert rack.steps == steps
        for _ in range(15):
            rack.recovered()
        assert rack.steps == 3
        rack.recovered()
        assert rack.steps == 1
        rack.widen(300, 100)  # the next round begins
        rack.steps = 1
