"""netwright.proto.tcp.scoreboard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright._native import compiled
from netwright.proto.tcp.scoreboard import Scoreboard, SentSegment
from netwright.proto.tcp.segment import ACK


def board_of(count: int, *, size: int = 10) -> Scoreboard:
    board = Scoreboard()
    for index in range(count):
        board.add(SentSegment(index * size, (index + 1) * size, bytes(size), ACK, index * 0.001))
    return board


def test_acknowledge_removes_whole_records_and_cuts_one() -> None:
    """RFC 9293 §3.10.7.4: segments on the retransmission queue that are entirely acknowledged are removed."""
    board = board_of(4)
    assert [record.end for record in board.acknowledge(25)] == [10, 20]
    first = board.first
    assert first is not None
    assert (first.start, len(first.data), board.out) == (25, 5, 2)


def test_sack_marks_whole_records_only() -> None:
    """RFC 6675 §3: a segment counts as SACKed once all of it is."""
    board = board_of(4)
    assert board.sack(15, 30) == [board.outstanding()[2]]
    assert [record.start for record in board.sack(8, 15)] == [10]
    assert board.sack(10, 30) == []
    assert board.in_flight == 2


def test_pipe_counts_lost_and_resent() -> None:
    """RFC 6675 §4, SetPipe: what is lost left the network, what was sent again is in it."""
    board = board_of(4)
    first = board.outstanding()[0]
    board.mark_lost(first)
    assert (board.in_flight, board.next_lost()) == (3, first)
    board.resend(first, 1.0)
    assert (board.in_flight, board.next_lost()) == (4, None)
    board.mark_lost(first)
    assert (board.in_flight, board.next_lost()) == (3, first)


def test_next_lost_is_the_lowest() -> None:
    """RFC 6675 §4, NextSeg rule 1: the smallest sequence number."""
    board = board_of(4)
    for index in (2, 0, 1):
        board.mark_lost(board.outstanding()[index])
    board.sack(0, 10)
    assert board.next_lost() is board.outstanding()[1]


def test_forget_sacks_turns_all_marks_off() -> None:
    """RFC 2018 §8: after a timeout the receiver may have dropped what it had SACKed."""
    board = board_of(3)
    board.sack(10, 30)
    board.forget_sacks()
    assert (board.sacked, board.in_flight, board.highest_sacked) == (0, 3, -1)
    assert len(board.by_time) == 3


def test_unmark_lost_puts_records_back_in_order_of_time() -> None:
    """RFC 5682 §3.1 step 3b: after a spurious timeout nothing is lost."""
    board = board_of(3)
    for record in board.outstanding():
        board.mark_lost(record)
    board.by_time.clear()
    board.unmark_lost()
    assert (board.lost, board.next_lost()) == (0, None)
    assert [record.start for _, record in board.by_time] == [0, 10, 20]


steps = st.lists(
    st.tuples(st.sampled_from(["ack", "sack", "lose", "resend", "add"]), st.integers(0, 400), st.integers(1, 80)),
    max_size=60,
)


@given(steps)
def test_counts_equal_a_look_at_all_records_after_any_steps(steps: list[tuple[str, int, int]]) -> None:
    """RFC 6675 §4: the counts are those that a scan of the whole window gives."""
    board, una, known = board_of(20), 0, set[int]()
    nxt = 200
    for what, number, length in steps:
        start, end = una + number % max(nxt - una, 1), 0
        end = min(start + length, nxt)
        if what == "ack" and end > una:
            board.acknowledge(end)
            una = end
        elif what == "sack" and start > una:
            board.sack(start, end)
            known |= set(range(start, end))
        elif what == "add":
            board.add(SentSegment(nxt, nxt + length, bytes(length), ACK, 1.0 + nxt))
            nxt += length
        elif what == "lose" and (records := [r for r in board.outstanding() if not r.sacked and not r.lost]):
            board.mark_lost(records[number % len(records)])
        elif what == "resend" and (record := board.next_lost()) is not None:
            board.resend(record, 1.0 + nxt)
        records = board.outstanding()
        assert board.out == len(records)
        assert board.sacked == sum(record.sacked for record in records)
        assert board.lost == sum(record.lost for record in records)
        assert board.resent == sum(record.resent for record in records)
        assert board.repeated == sum(record.repeats > 0 for record in records)
        lost = [record for record in records if record.lost and not record.resent]
        assert board.next_lost() is (lost[0] if lost else None)
        for record in records:
            covered = set(range(record.start, record.end)) <= known
            assert record.sacked is covered or (covered and record.start == una), record


@pytest.mark.skipif(bool(compiled()), reason="what compiled code looks at cannot be counted")
def test_cost_of_an_acknowledgement_does_not_grow_with_the_window() -> None:
    """RFC 6675 is silent on cost; here a repeated SACK block touches no record, whatever the window."""
    touched = []

    class Counting(SentSegment):
        __slots__ = ()

        def __getattribute__(self, name: str) -> object:
            touched.append(name)
            return super().__getattribute__(name)

    def cost(window: int) -> int:
        board = Scoreboard()
        for index in range(window):
            board.add(Counting(index, index + 1, b"x", ACK, float(index)))
        for end in range(2, window):
            board.sack(1, end)
        touched.clear()
        board.sack(1, window - 1)
        board.sack(1, window)
        return len(touched)

    assert cost(2000) == cost(20) < 20


def test_counts_are_those_of_the_pieces_after_a_cut() -> None:
    """RFC 1191 §6.4: what was marked lost, sent again or SACKed before counts as before, each piece for itself."""
    board = Scoreboard()
    records = [SentSegment(start, start + 1000, bytes(1000), ACK, 0.0) for start in (0, 1000, 2000)]
    for record in records:
        board.add(record)
    board.mark_lost(records[0])
    board.resend(records[0], 1.0)
    board.sack(1000, 2000)
    for piece in board.cut(400):
        board.mark_lost(piece)
    marks = [(each.repeats, each.sacked, each.lost) for each in board.outstanding()]
    assert marks == [(1, False, True)] * 3 + [(0, True, False)] + [(0, False, True)] * 3
    assert (board.out, board.repeated, board.sacked, board.lost, board.resent) == (7, 3, 1, 6, 0)
    board.acknowledge(3000)
    assert (board.out, board.repeated, board.sacked, board.lost, board.resent) == (0, 0, 0, 0, 0)


def test_what_was_forgotten_can_be_sacked_again() -> None:
    """RFC 2018 §8: after a timeout the peer says anew what it has, any number of times."""
    board = Scoreboard()
    for start in (0, 1000, 2000):
        board.add(SentSegment(start, start + 1000, bytes(1000), ACK, 0.0))
    for _ in range(3):
        assert [record.start for record in board.sack(1000, 3000)] == [1000, 2000]
        assert board.sack(1000, 3000) == []
        assert (board.sacked, board.highest_sacked) == (2, 3000)
        board.forget_sacks()
        assert (board.sacked, board.highest_sacked) == (0, -1)
