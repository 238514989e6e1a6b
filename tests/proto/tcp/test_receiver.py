"""netwright.proto.tcp.receiver."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, CE, CWR, FIN, Segment
from netwright.proto.tcp.settings import Settings

PLAIN = Settings(mss=100, receive_buffer=1000, window_scale=None, quick_acks=0)


def receiver_of(settings: Settings = PLAIN, *, scale: int = 0) -> Receiver:
    receiver = Receiver(settings, 0, 0.0)
    receiver.agreed(scale=scale, sack=True)
    return receiver


def test_acceptable_has_the_four_cases() -> None:
    """RFC 9293 §3.10.7.4, first check, table 6."""
    receiver = receiver_of()

    def nothing(seq: int) -> bool:
        return receiver.acceptable(Segment(seq, 0, ACK, 0))

    def some(seq: int, size: int) -> bool:
        return receiver.acceptable(Segment(seq, 0, ACK, 0, bytes(size)))

    assert [nothing(seq) for seq in (0, 1, 1000, 1001)] == [False, True, True, False]
    assert [some(0, 1), some(0, 2), some(1000, 5), some(1001, 5)] == [False, True, True, False]
    receiver.receive(1, bytes(1000), 0.0)
    assert receiver.window == 0
    assert [nothing(1000), nothing(1001), nothing(1002), some(1001, 1)] == [False, True, False, False]


def test_every_second_full_segment_is_acknowledged_at_once() -> None:
    """RFC 9293 §3.8.6.3, RFC 5681 §4.2."""
    receiver = receiver_of(Settings(mss=600, window_scale=None, quick_acks=0))
    receiver.receive(1, bytes(600), 0.0)
    assert (receiver.ack_now, receiver.ack_at) == (False, 0.04)
    receiver.receive(601, bytes(600), 0.01)
    assert receiver.ack_now
    receiver.acknowledged()
    assert (receiver.ack_now, receiver.ack_at) == (False, inf)


def test_the_first_segments_are_acknowledged_at_once() -> None:
    """RFC 5681 §4.2 allows it; Linux does it, for a sender in slow start needs the acknowledgements."""
    receiver = receiver_of(Settings(mss=600, window_scale=None, quick_acks=1))
    receiver.receive(1, bytes(10), 0.0)
    assert receiver.ack_now
    receiver.acknowledged()
    receiver.receive(11, bytes(10), 0.0)
    assert not receiver.ack_now


def test_a_gap_is_acknowledged_at_once_with_the_newest_block_first() -> None:
    """RFC 5681 §4.2, RFC 2018 §4."""
    receiver = receiver_of()
    receiver.receive(101, bytes(100), 0.0)
    assert receiver.ack_now
    receiver.receive(301, bytes(100), 0.0)
    receiver.receive(201, bytes(50), 0.0)
    assert receiver.blocks(4) == ((101, 251), (301, 401))
    receiver.acknowledged()
    assert receiver.receive(1, bytes(100), 0.0)
    assert receiver.rcv_nxt == 251
    assert receiver.ack_now  # and so is what fills it


def test_a_duplicate_is_reported_once_and_first() -> None:
    """RFC 2883 §4."""
    receiver = receiver_of()
    receiver.receive(201, bytes(100), 0.0)
    receiver.receive(201, bytes(50), 0.0)
    assert receiver.blocks(3) == ((201, 251), (201, 301))
    assert receiver.blocks(3) == ((201, 301),)
    receiver.duplicated(0, 1)
    assert receiver.blocks(3) == ((0, 1), (201, 301))


def test_separate_pieces_are_limited() -> None:
    """RFC 9293 §3.10.7.4 lets a receiver drop what it cannot keep; a setting says how much that is."""
    receiver = receiver_of(Settings(mss=100, window_scale=None, reassembly_limit=3))
    for seq in range(3, 41, 2):
        receiver.receive(seq, b"x", 0.0)
    assert receiver.blocks(4) == ((7, 8), (5, 6), (3, 4))
    receiver.receive(4, b"x", 0.0)
    assert receiver.blocks(1) == ((3, 6),)


def test_window_edge_never_moves_back_and_opens_by_a_segment() -> None:
    """RFC 9293 §3.8.6 (SHLD-14) and §3.8.6.2.2."""
    receiver = receiver_of()
    receiver.receive(1, bytes(1000), 0.0)
    assert receiver.advertise() == 0
    receiver.read(99)
    assert (receiver.advertise(), receiver.ack_now) == (0, True)
    receiver.acknowledged()
    receiver.read(1)
    assert receiver.ack_now
    assert receiver.advertise() == 100


def test_scaled_window_never_promises_more_than_the_buffer() -> None:
    """RFC 7323 §2.3, §2.4: rounding may not let the buffer grow byte by byte."""
    receiver = receiver_of(Settings(receive_buffer=4096, window_scale=7, mss=1460), scale=7)
    for _ in range(10_000):
        edge = receiver.rcv_nxt + (receiver.advertise() << 7)
        assert edge - receiver.rcv_nxt + len(receiver.buffer) <= 4096
        if receiver.window == 0:
            break
        receiver.receive(receiver.rcv_nxt, b"x", 0.0)
    assert receiver.window == 0
    assert len(receiver.buffer) == 4096


def test_fin_counts_once_all_before_it_has_come() -> None:
    """RFC 9293 §3.10.7.4, eighth check."""
    receiver = receiver_of()
    receiver.receive(51, bytes(50), 0.0)
    receiver.learn_fin(101)
    assert not receiver.take_fin()
    receiver.receive(1, bytes(50), 0.0)
    assert receiver.take_fin()
    assert not receiver.take_fin()
    assert receiver.rcv_nxt == 102


def test_fin_counts_even_if_the_peer_had_sent_more() -> None:
    """RFC 9293 §3.10.7.4, eighth: what is kept beyond a hole cannot be taken back, the end is the end."""
    receiver = receiver_of()
    receiver.receive(51, bytes(100), 0.0)
    receiver.learn_fin(101)
    receiver.receive(1, bytes(50), 0.0)
    assert receiver.take_fin()


def test_data_after_fin_is_not_taken() -> None:
    """RFC 9293 §3.10.7.4, seventh: the peer has promised that nothing follows."""
    receiver = receiver_of()
    receiver.learn_fin(11)
    receiver.receive(1, bytes(100), 0.0)
    assert len(receiver.buffer) == 10


def test_timestamp_is_that_of_the_left_edge() -> None:
    """RFC 7323 §4.3: a segment after a hole does not change what is echoed; §5.3 R1: an older one is a replay."""
    receiver = receiver_of()
    receiver.stamp(Segment(1, 0, ACK, 0, timestamps=(10, 0)), 0.0)
    receiver.stamp(Segment(101, 0, ACK, 0, timestamps=(20, 0)), 0.0)
    assert receiver.ts_recent == 10
    old = Segment(1, 0, ACK, 0, timestamps=(9, 0))
    assert receiver.is_replay(old, 0.1)
    assert not receiver.is_replay(old, 25 * 86400.0)  # RFC 7323 §5.5: after 24 days it says nothing


def test_a_mark_is_echoed_until_the_peer_reacts() -> None:
    """RFC 3168 §6.1.3."""
    receiver = receiver_of()
    receiver.mark(Segment(1, 0, ACK, 0, ecn=CE))
    receiver.mark(Segment(2, 0, ACK, 0))
    seen = [receiver.ece]
    receiver.mark(Segment(3, 0, ACK | CWR, 0))
    seen.append(receiver.ece)
    receiver.mark(Segment(4, 0, ACK | CWR | FIN, 0, ecn=CE))
    assert [*seen, receiver.ece] == [True, False, True]


pieces = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=60)


@given(pieces)
def test_any_pieces_in_any_order_give_the_bytes_in_order(pieces: list[tuple[int, int]]) -> None:
    """RFC 9293 §3.10.7.4, seventh; RFC 2018 §3: blocks are exactly the bytes beyond the first hole."""
    receiver = receiver_of()
    whole = bytes(index % 251 for index in range(400))
    have: set[int] = set()
    taken = b""
    for start, length in pieces:
        receiver.receive(1 + start, whole[start : start + length], 0.0)
        have |= set(range(start, start + length))
        taken += receiver.read(50)
        nxt = next(index for index in range(401) if index not in have)
        assert receiver.rcv_nxt == 1 + nxt
        beyond = {seq for left, right in receiver.blocks(4) for seq in range(left, right) if seq > nxt}
        assert beyond <= {index + 1 for index in have}
        assert receiver.window + len(receiver.buffer) <= 1000
    assert taken + receiver.read(1000) == whole[: receiver.rcv_nxt - 1]


def test_what_fills_a_hole_and_reaches_over_it_came_twice() -> None:
    """RFC 2883 §4.2: the part of a block that is covered again is told first."""
    receiver = receiver_of()
    receiver.receive(51, bytes(50), 0.0)
    receiver.receive(201, bytes(50), 0.0)
    receiver.receive(1, bytes(100), 0.0)
    assert (receiver.rcv_nxt, receiver.blocks(4)) == (101, ((51, 101), (201, 251)))


def test_a_fin_beyond_a_hole_has_its_number_in_the_block() -> None:
    """RFC 2018 §3: blocks are of sequence numbers, and FIN takes one (RFC 9293 §3.4)."""
    receiver = receiver_of()
    receiver.receive(51, bytes(50), 0.0)
    receiver.learn_fin(101)
    assert receiver.blocks(4) == ((51, 102),)
    alone = receiver_of()
    alone.learn_fin(101)
    assert alone.blocks(4) == ((101, 102),)
    alone.receive(1, bytes(100), 0.0)
    assert alone.take_fin()
    assert (alone.rcv_nxt, alone.has_holes, alone.blocks(4)) == (102, False, ())


def test_the_option_has_as_many_blocks_as_fit() -> None:
    """RFC 2018 §3: 40 bytes hold four, with timestamps three."""
    receiver = receiver_of()
    assert receiver.sack_size(40) == 0
    for start in (51, 151, 251, 351, 451):
        receiver.receive(start, bytes(10), 0.0)
        assert receiver.sack_size(40) == 4 + 8 * min((start - 1) // 100 + 1, 4)
    assert receiver.sack_size(28) == 28


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_segment_up_to_the_edge_is_taken_whole(extra: int) -> None:
    """RFC 9293 §3.10.7.4: trimmed to the window, not refused; also for the second one."""
    receiver = receiver_of()
    receiver.receive(1, bytes(500), 0.0)
    receiver.receive(501, bytes(500 + extra), 0.0)
    assert len(receiver.buffer) == min(1000 + extra, 1000)
    assert receiver.rcv_nxt == 1 + len(receiver.buffer)


@pytest.mark.parametrize(
    ("seq", "length", "taken"),
    [
        (1, 0, True),
        (1000, 0, True),
        (1001, 0, False),
        (0, 0, False),
        (1000, 1, True),
        (1001, 1, False),
        (0, 1, False),
        (0, 2, True),
    ],
)
def test_the_window_has_exact_edges(seq: int, length: int, taken: bool) -> None:
    """RFC 9293 §3.10.7.4, table 6: RCV.NXT is 1, RCV.WND 1000."""
    assert receiver_of().acceptable(Segment(seq, 0, ACK, 0, bytes(length))) is taken


@pytest.mark.parametrize("limit", [1, 2, 9])
def test_pieces_up_to_the_limit_are_kept_and_no_more(limit: int) -> None:
    """Also after a hole was filled and others came."""
    settings = Settings(mss=100, receive_buffer=10_000, window_scale=None, quick_acks=0, reassembly_limit=limit)
    receiver = receiver_of(settings)
    for base in (1, 5000):
        receiver.receive(receiver.rcv_nxt, bytes(base - receiver.rcv_nxt), 0.0)
        receiver.read(10_000)
        receiver.acknowledged()
        receiver.advertise()
        for index in range(limit + 1):
            receiver.receive(base + 10 + 20 * index, bytes(10), 0.0)
        assert len(receiver._islands) == limit  # noqa: SLF001  # nothing public tells it
        for index in range(limit + 1):
            receiver.receive(base + 20 * index, bytes(10), 0.0)
        assert receiver.rcv_nxt == base + 20 * limit + 10
        assert not receiver.has_holes


def test_the_first_of_several_duplicates_is_reported() -> None:
    """RFC 2883 §4.2, and the next segment has its own."""
    receiver = receiver_of()
    for _ in range(2):
        receiver.duplicated(10, 20)
        receiver.duplicated(30, 40)
        assert receiver.blocks(4) == ((10, 20),)
        assert receiver.blocks(4) == ()
        assert not receiver.has_blocks


@pytest.mark.parametrize(("idle", "replay"), [(24 * 86400 - 1, True), (24 * 86400, False)])
def test_an_old_timestamp_is_a_replay_for_24_days(idle: float, replay: bool) -> None:
    """RFC 7323 §5.5, and an equal one never is."""
    receiver = receiver_of()
    receiver.ts_recent, receiver.ts_recent_at = 100, 0.0
    assert receiver.is_replay(Segment(1, 0, ACK, 0, timestamps=(99, 0)), idle) is replay
    assert not receiver.is_replay(Segment(1, 0, ACK, 0, timestamps=(100, 0)), idle)


@given(st.integers(0, 14), st.integers(1, 1 << 30))
def test_the_advertised_window_fits_field_and_buffer_for_every_scale(scale: int, buffer: int) -> None:
    """RFC 7323 §2.3."""
    settings = Settings(mss=100, receive_buffer=max(buffer, 2 << scale), window_scale=scale)
    receiver = receiver_of(settings, scale=scale)
    field = receiver.advertise()
    assert 0 <= field <= 65535
    assert field << scale <= max(settings.receive_buffer, 65535)
    assert receiver.window >= min(settings.receive_buffer, 65535)


def test_ranges_that_have_become_one_are_one_block() -> None:
    """RFC 2018 §4: a block is a contiguous range whose neighbours have not arrived."""
    receiver = receiver_of()
    for start in (201, 401, 301):
        receiver.receive(start, bytes(100), 0.0)
    assert receiver.blocks(4) == ((201, 501),)


def test_a_timestamp_is_believed_for_24_days_from_the_last_one() -> None:
    """RFC 7323 §5.5: the clock of TS.Recent starts with each update."""
    receiver, day = receiver_of(), 86400.0
    receiver.stamp(Segment(1, 0, ACK, 0, timestamps=(10, 0)), 0.0)
    receiver.stamp(Segment(1, 0, ACK, 0, timestamps=(11, 0)), 20 * day)
    old = Segment(1, 0, ACK, 0, b"x", timestamps=(9, 0))
    assert receiver.is_replay(old, 43 * day)
    assert not receiver.is_replay(old, 44 * day)
