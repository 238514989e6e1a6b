"""netwright.sim.picture: what a run looks like."""

from xml.etree import ElementTree

import pytest

from netwright.proto.tcp.segment import ACK, FIN, RST, SYN, Segment
from netwright.sim.link import Fate, Path, Verdict
from netwright.sim.pair import Pair, send_all
from netwright.sim.picture import label, page, rungs, sequence_picture, text_ladder, window_picture
from netwright.sim.trace import Trace


def traced(size: int = 60_000, lose: int | None = None) -> tuple[Pair, Trace]:
    """A transfer whose data packet number ``lose`` is lost."""
    trace = Trace()
    pair = Pair(there=Path(delay=0.02, rate=10e6), back=Path(delay=0.02), trace=trace)
    left = [lose]

    def rule(packet: object, size: int, now: float) -> Fate | None:
        assert isinstance(packet, Segment)
        if left[0] is None or not packet.data:
            return None
        left[0] -= 1
        if left[0] >= 0:
            return None
        left[0] = None
        return Fate(Verdict.RULE)

    pair.client.link.rules.append(rule)
    pair.client.program = send_all(size)
    pair.run(until=100.0)
    return pair, trace


def test_the_ladder_has_an_arrow_for_each_packet_and_a_cross_for_the_lost_one() -> None:
    pair, trace = traced(lose=5)
    arrows, notes = rungs(trace)
    assert len(arrows) == pair.packets
    assert [arrow.label for arrow in arrows if arrow.arrived_at is None] == ["7241:8689"]
    again = [arrow for arrow in arrows if arrow.tone == "bad"]
    assert [arrow.label for arrow in again] == ["7241:8689"]
    assert any("recovery" in note.text and not note.right for note in notes)


def test_handshake_and_teardown_are_told_in_words() -> None:
    """RFC 9293 §3.5 figure 6, §3.6 figure 12."""
    text = text_ladder(traced()[1], first=3, last=4)
    assert "packets …" in text
    before, after = text.split("packets …")
    assert [word in before for word in (" SYN ", " SYN,ACK ack 1 ", " ACK 1 ")] == [True] * 3
    assert "FIN-WAIT-2 → TIME-WAIT: FIN received" in after
    assert "FIN,ACK" in after
    assert "packets …" not in text_ladder(traced(3000)[1], first=100, last=100)


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        (Segment(0, 0, SYN, 100), "SYN"),
        (Segment(0, 1, SYN | ACK, 100), "SYN,ACK ack 1"),
        (Segment(1, 9, ACK, 0), "ACK 9 window 0"),
        (Segment(1, 9, ACK, 5, b"abc"), "1:4"),
        (Segment(4, 9, FIN | ACK, 5), "FIN,ACK ack 9"),
        (Segment(4, 9, RST | ACK, 0), "RST,ACK ack 9"),
        (Segment(1, 9, ACK, 5, sacks=((20, 30),)), "ACK 9 SACK 20:30"),
    ],
)
def test_a_label_is_what_people_look_for(segment: Segment, text: str) -> None:
    assert label(segment) == text


def test_pictures_show_the_loss() -> None:
    pair, trace = traced(200_000, lose=30)
    assert pair.client.endpoint.sender.retransmissions == 1
    sequence, window = sequence_picture(trace), window_picture(trace)
    words = [
        node.text for picture in (sequence, window) for node in ElementTree.fromstring(picture).iter() if node.text
    ]
    assert words.count("retransmission") == 1
    assert words.count("recovery") == 1
    assert {"cwnd", "ssthresh", "flight"} <= set(words)


def test_a_page_needs_nothing_from_elsewhere() -> None:
    text = page(traced(lose=5)[1], title="a <title>", summary="1 & 2")
    assert "a &lt;title&gt;" in text
    assert text.count("<svg") == 4
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_every_packet_has_its_own_arrival_however_many_there_are() -> None:
    """IPv4's identification begins anew after 65,536 packets (RFC 6864 §4); an arrow must not."""
    trace = Trace()
    for number in range(2**16 + 2):
        seen = trace.sent(float(number), 0, Segment(number, 0, ACK, 1), [])
        if number != 2**16:  # that one is lost
            trace.arrived(number + 0.5, 1, seen.segment, seen)
    arrows = rungs(trace)[0]
    assert [arrow.arrived_at for arrow in arrows[-2:]] == [None, 2**16 + 1.5]
