"""netwright.proto.tcp.ack_reader: what acknowledgements measure, in dialogues and by hand."""

from math import inf

import pytest

from netwright.proto.tcp.ack_reader import AckReader
from netwright.proto.tcp.congestion.reno import Reno
from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.peer_window import PeerWindow
from netwright.proto.tcp.recovery import Recovery
from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.scoreboard import Scoreboard, SentSegment
from netwright.proto.tcp.segment import ACK, ECE, Segment
from netwright.proto.tcp.settings import Settings

BLOCKS = tuple[tuple[int, int], ...]


class Reading:
    """Five segments of 100 bytes, one a millisecond, from sequence number 0."""

    def __init__(self, *, stamped: bool = False) -> None:
        settings, control = Settings(), Reno()
        self.board, self.rtt, window, peer = Scoreboard(), RoundTrip(settings), Window(10), PeerWindow()
        peer.update(0, 0, 10_000)
        recovery = Recovery(settings, self.board, window, control, self.rtt, None)
        recovery.sack = True
        self.reader = AckReader(
            self.board, recovery, window, self.rtt, control, peer=peer, delivery=None, note=None, stamp_offset=0
        )
        self.reader.mss, self.reader.stamped, self.reader.ecn = 100, stamped, True
        for index in range(5):
            self.board.add(SentSegment(100 * index, 100 * index + 100, bytes(100), ACK, index / 1000))
        self.una = 0

    def hear(
        self, ack: int, now: float, sacks: BLOCKS = (), *, echo: int | None = None, flags: int = ACK
    ) -> tuple[int, int, float]:
        """Delivered, sacked, and the round trip in milliseconds."""
        segment = Segment(0, ack, flags, 1000, b"", None if echo is None else (1, echo), sacks)
        self.report = self.reader.read(segment, self.una, 500, now)
        self.una = self.report.una
        return self.report.delivered, self.report.sacked, round(self.report.rtt * 1000, 3)


def test_the_first_segment_that_was_sent_once_is_measured() -> None:
    """RFC 6298 §3."""
    reading = Reading()
    assert reading.hear(300, 0.05) == (3, 0, 50.0)
    assert reading.hear(500, 0.06) == (2, 0, 57.0)


def test_a_retransmitted_segment_measures_only_by_timestamp() -> None:
    """Karn's algorithm (RFC 6298 §3), and RFC 7323 §4.1; an echo from before the first transmission is none."""
    for echo, rtt in ((None, 0.0), (20, 30.0), (51, 0.0)):
        reading = Reading(stamped=True)
        first = reading.board.first
        assert first is not None
        reading.board.resend(first, 0.02)
        assert reading.hear(100, 0.05, echo=echo) == (1, 0, rtt)


def test_sacked_segments_count_once() -> None:
    """RFC 6675 §4."""
    reading = Reading()
    assert reading.hear(0, 0.05, ((200, 300),)) == (1, 1, 48.0)
    assert reading.hear(0, 0.06, ((200, 400),)) == (1, 1, 57.0)
    assert reading.hear(0, 0.07, ((200, 400),)) == (0, 0, 0.0)
    assert reading.hear(500, 0.08) == (3, 0, 80.0)


@pytest.mark.parametrize("block", [(500, 600), (400, 501), (300, 300), (400, 300)])
def test_blocks_outside_of_what_was_sent_are_ignored(block: tuple[int, int]) -> None:
    """RFC 2018 §4, and a limit at SND.NXT."""
    assert Reading().hear(100, 0.05, (block,)) == (1, 0, 50.0)
    assert Reading().hear(100, 0.05, ((400, 500),)) == (2, 1, 50.0)


def test_a_d_sack_is_believed_once_for_each_retransmission() -> None:
    """RFC 2883 §4."""
    reading = Reading()
    first = reading.board.first
    assert first is not None
    reading.board.resend(first, 0.02)
    reading.hear(100, 0.05)
    found = []
    for _ in range(2):
        reading.hear(100, 0.06, ((0, 100),))
        found.append((reading.report.dsack, reading.report.delivered))
    assert found == [(100, 1), (None, 0)]


def test_a_d_sack_larger_than_any_window_is_not_believed() -> None:
    reading = Reading()
    first = reading.board.first
    assert first is not None
    for _ in range(200):
        reading.board.resend(first, 0.02)
    reading.hear(100, 0.05)
    reading.hear(100, 0.06, ((-9901, 100),))
    assert reading.report.dsack is None
    reading.hear(100, 0.06, ((-9900, 100),))
    assert reading.report.dsack == 100


def test_a_congestion_echo_counts_only_where_ecn_was_agreed() -> None:
    """RFC 3168 §6.1.2."""
    reading = Reading()
    reading.hear(100, 0.05, flags=ACK | ECE)
    assert reading.report.ece
    reading.reader.ecn = False
    reading.hear(200, 0.05, flags=ACK | ECE)
    assert not reading.report.ece


def test_the_echo_is_when_the_answered_transmission_left() -> None:
    reading = Reading(stamped=True)
    reading.hear(100, 0.05, echo=30)
    assert reading.report.echo == 0.03
    reading.reader.stamped = False
    reading.hear(200, 0.05, echo=30)
    assert reading.report.echo == inf
