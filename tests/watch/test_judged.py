"""Segments as text and JSON show them; tshark counts frames and relative numbers as we do."""

import json
from pathlib import Path

import pytest

from netwright.core.address import InetAddress
from netwright.watch.capture import open_capture
from netwright.watch.judged import JudgedSegment, SegmentReader, SegmentRow
from netwright.watch.verdicts import NAMES
from tests.support.frames import ACK, FIN, PSH, RST, SYN, pcap
from tests.support.talk import Talk
from tests.support.tshark import fields

LOW, HIGH = ("10.0.0.1", 40000), ("10.0.0.2", 80)


def row(
    *, frame: int = 1, flow: int = 0, verdicts: int = 0, flags: int = ACK, reverse: bool = False, **numbers: int
) -> SegmentRow:
    ends = (HIGH, LOW) if reverse else (LOW, HIGH)
    at, rtt = numbers.get("at", 0), numbers.get("rtt", -1)
    return (
        *(frame, at, flow, verdicts, rtt, *ends),
        *(numbers.get("seq", 0), numbers.get("ack", 0), numbers.get("length", 0), flags),
    )


def read(*rows: SegmentRow, max_flows: int = 10) -> list[JudgedSegment]:
    reader = SegmentReader("exact", max_flows=max_flows)
    return [reader.read(each) for each in rows]


def test_numbers_count_from_the_syn_of_each_side_and_wrap() -> None:
    """RFC 9293 §3.4: modulo 2**32."""
    last = 2**32 - 1
    syn = row(flags=SYN, seq=last)
    answer = row(flags=SYN | ACK, seq=7, ack=0, reverse=True)
    data = row(seq=5, ack=8)
    assert [(each.seq, each.ack) for each in read(syn, answer, data)] == [(0, 0), (0, 1), (6, 1)]


def test_numbers_count_from_1_where_no_syn_was_captured() -> None:
    first, back = read(row(seq=1000, ack=500), row(seq=500, ack=1100, reverse=True))
    assert [(each.seq, each.ack) for each in (first, back)] == [(1, 1), (1, 101)]


def test_segment_without_ack_has_no_acknowledgment_number() -> None:
    (reset,) = read(row(flags=RST, seq=9, ack=77))
    assert (reset.ack, reset.raw_ack, reset.flags) == (0, 77, ("RST",))


@pytest.mark.parametrize(
    ("flags", "reverse", "from_client"),
    [
        (SYN, True, True),
        (SYN | ACK, False, False),
        (ACK, False, True),  # port 40000
        (ACK, True, False),  # port 80
    ],
)
def test_client_sent_the_syn_or_has_the_higher_port(flags: int, reverse: bool, from_client: bool) -> None:
    (segment,) = read(row(flags=flags, reverse=reverse))
    assert segment.from_client is from_client


def test_all_verdicts_flags_and_times_have_names() -> None:
    (segment,) = read(row(verdicts=2**20 - 1, flags=0x1FF, at=1_500_000_000, rtt=2_000_000, length=9))
    assert segment.verdicts == NAMES["exact"]
    assert segment.flags == ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE")
    assert (segment.at, segment.rtt, segment.length) == (1.5, 0.002, 9)
    (segment,) = read(row(rtt=0))
    assert segment.rtt == 0


def test_starts_are_bounded_and_the_least_used_one_goes() -> None:
    rows = [row(flow=flow, seq=100) for flow in (0, 1, 0, 2)]
    last = [row(flow=0, seq=150), row(flow=1, seq=150)]
    found = read(*rows, *last, max_flows=2)
    assert [each.seq for each in found[-2:]] == [51, 1]  # of flow 1 the start is forgotten


def test_segment_is_json() -> None:
    (segment,) = read(row(flags=FIN | PSH | ACK))
    values = json.loads(json.dumps(segment.as_dict()))
    assert (values["source"], values["target"]) == (str(InetAddress(*LOW)), str(InetAddress(*HIGH)))
    assert values["flags"] == ["FIN", "PSH", "ACK"]


def test_frames_and_numbers_are_tshark_s(tmp_path: Path) -> None:
    talk = Talk().handshake().client(30, 0, 0, 100).server(50, 0, 100, 30).client(51, 100, 30, flags=FIN)
    path = tmp_path / "talk.pcap"
    path.write_bytes(pcap([(0, b"\x45 no TCP"), *talk.frames]))
    with open_capture(path) as capture:
        ours = [segment for batch in capture.segments("wireshark") for segment in batch]
    theirs = fields(path, ["frame.number", "tcp.seq", "tcp.ack", "tcp.len", "tcp.seq_raw"], "-Y", "tcp")
    assert [[int(value) for value in each] for each in theirs] == [
        [each.frame, each.seq, each.ack, each.length, each.raw_seq] for each in ours
    ]
