"""netwright.proto.tcp.segment_writer."""

from dataclasses import replace

import pytest

from netwright.proto.tcp.handshake import Agreement
from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, CE, ECE, NOT_ECT, RST, SYN, Segment, SynOptions
from netwright.proto.tcp.segment_writer import SegmentWriter
from netwright.proto.tcp.settings import Settings
from tests.support.tcp_dialogue import PLAIN, established


def made(*, timestamps: bool = True, mss: int = 1000) -> tuple[SegmentWriter, Receiver]:
    settings = Settings(receive_buffer=100_000)
    receiver = Receiver(settings, 99, 0.0)
    receiver.agreed(scale=7, sack=True)
    writer = SegmentWriter(settings, receiver, mss, 5000)
    writer.agreed(Agreement(mss=mss, timestamps=timestamps, sack=True), SynOptions(1460), receiver)
    return writer, receiver


def holes(receiver: Receiver, count: int) -> None:
    for index in range(count):
        receiver.receive(200 + 20 * index, bytes(10), 1.0)


def test_segments_are_taken_once() -> None:
    writer, _ = made()
    writer.acknowledge(7, 1.0)
    writer.refuse(3)
    assert writer.pending == 2
    assert [segment.flags for segment in writer.take()] == [ACK, RST]
    assert (writer.pending, writer.take()) == (0, [])


def test_every_segment_acknowledges_and_has_a_timestamp() -> None:
    """RFC 7323 §3.2: a RST too."""
    writer, receiver = made()
    receiver.ts_recent = 77
    writer.emit(ACK, 7, b"data", 1.5, NOT_ECT)
    writer.reset(11, 2.0)
    data, reset = writer.take()
    assert (data.seq, data.ack, data.timestamps, data.window) == (7, 100, (6500, 77), 100_000 >> 7)
    assert reset == Segment(11, 100, RST | ACK, 0, b"", (7000, 77))


def test_a_syn_has_an_unscaled_window() -> None:
    """RFC 7323 §2.2."""
    writer, _ = made()
    writer.emit(SYN, 7, b"", 1.0, NOT_ECT)
    writer.emit(SYN | ACK, 7, b"", 1.0, NOT_ECT)
    opening, answer = writer.take()
    assert (opening.window, opening.ack, answer.ack, answer.syn) == (65535, 0, 100, SynOptions(1460))


def test_sack_blocks_fit_the_header() -> None:
    """RFC 2018 §3: three with timestamps, four without."""
    for timestamps, count in ((True, 3), (False, 4)):
        writer, receiver = made(timestamps=timestamps)
        holes(receiver, 6)
        assert writer.sack_size() == 4 + 8 * count
        writer.acknowledge(7, 1.0)
        assert len(writer.take()[0].sacks) == count


def test_sack_blocks_take_no_more_than_the_data_leaves() -> None:
    """RFC 9293 §3.7.1: options and data together fit the MSS; 12 bytes are one block."""
    for size, count in ((988, 1), (989, 0), (980, 2), (981, 1)):
        writer, receiver = made()
        holes(receiver, 3)
        writer.emit(ACK, 7, bytes(size), 1.0, NOT_ECT)
        assert len(writer.take()[0].sacks) == count


def test_a_congestion_mark_is_echoed() -> None:
    """RFC 3168 §6.1.3."""
    writer, receiver = made()
    receiver.mark(Segment(100, 0, ACK, 0, ecn=CE))
    writer.acknowledge(7, 1.0)
    assert writer.take()[0].flags == ACK | ECE


@pytest.mark.parametrize(("after", "answers"), [(0.25, True), (0.5, False)])
def test_data_within_the_delay_of_an_acknowledgement_is_an_answer(after: float, answers: bool) -> None:
    """RFC 9293 §3.8.6.3 delays for it; Linux tcp_event_data_sent: less than the delay, not as much."""
    talk = established(replace(PLAIN, delayed_ack=0.5))
    talk.now = 1.0
    talk.hear(". 1:11 ack 1")
    talk.now += after
    talk.send(10)
    assert talk.endpoint.receiver.interactive is answers
