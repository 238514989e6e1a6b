import pytest

from netwright.proto.tcp.segment import ACK, PSH, SYN, Segment, SynOptions
from netwright.testing.drill.host import Emission
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.segments import Stamps, expect, inbound
from netwright.testing.drill.values import Option, Packet


def test_options_of_the_script_become_the_segments() -> None:
    options = (Option("mss", (1000,)), Option("sackOK"), Option("TS", (5, 100)), Option("nop"), Option("wscale", (7,)))
    segment = inbound(Packet(True, "S", 0, 0, 0, window=100, options=options), Stamps({100: 777}))
    assert segment == Segment(0, 0, SYN, 100, timestamps=(5, 777), syn=SynOptions(1000, 7, True))


def test_sack_edges_come_in_pairs() -> None:
    segment = inbound(Packet(True, ".", 1, 1, 0, ack=1, options=(Option("sack", (5, 9, 20, 30)),)), Stamps())
    assert segment.sacks == ((5, 9), (20, 30))


@pytest.mark.parametrize("packet", [Packet(True, "Q", 0, 0, 0), Packet(True, ".", 0, 0, 0, options=(Option("FO"),))])
def test_flag_or_option_beyond_the_model_is_unsupported(packet: Packet) -> None:
    with pytest.raises(UnsupportedError):
        inbound(packet, Stamps())


def test_one_line_may_be_several_segments_and_push_does_not_matter() -> None:
    pieces = [Segment(1, 1, ACK, 9, bytes(1000)), Segment(1001, 1, ACK | PSH, 9, bytes(500))]
    sent = [Emission(float(at), piece, None) for at, piece in enumerate(pieces)]
    first, last = expect(Packet(False, ".", 1, 1501, 1500, ack=1), lambda: sent.pop(0), Stamps())
    assert (first, last.at) == (0.0, 1.0)


def test_open_window_is_a_buffers_size_but_zero_is_not() -> None:
    def sent(window: int) -> Emission:
        return Emission(0.0, Segment(1, 1, ACK, window), None)

    expect(Packet(False, ".", 1, 1, 0, ack=1, window=500), lambda: sent(9), Stamps())
    with pytest.raises(DrillError, match="window 9, 0 expected"):
        expect(Packet(False, ".", 1, 1, 0, ack=1, window=0), lambda: sent(9), Stamps())
