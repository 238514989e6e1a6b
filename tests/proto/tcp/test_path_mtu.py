"""netwright.proto.tcp.path_mtu: smaller segments on a path that was found to be narrow."""

from netwright.core.moment import Moment
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.path_mtu import shrink
from netwright.proto.tcp.segment import ACK, FIN, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import MIN_MSS, Settings


def established(*, timestamps: bool = True) -> Endpoint:
    endpoint = Endpoint(Settings(timestamps=timestamps), iss=0)
    endpoint.connect(0.0)
    stamps = (0, 0) if timestamps else None
    options = SynOptions(1460, 7, sack_permitted=True)
    endpoint.receive(Segment(0, 1, SYN | ACK, 65535, timestamps=stamps, syn=options), 0.01)
    endpoint.take_segments()
    return endpoint


def test_what_is_in_flight_goes_again_in_pieces_at_once() -> None:
    """RFC 1191 §6.4, RFC 8201 §5.4."""
    endpoint = established()
    endpoint.send(bytes(range(250)) * 12, 0.1)
    endpoint.send_eof(0.1)
    assert [len(segment.data) for segment in endpoint.take_segments()] == [1448, 1448, 104, 0]
    moments: list[Moment] = []
    assert shrink(endpoint, 1052, 4, 0.2, watch=moments.append)
    segments = endpoint.take_segments()
    assert [len(segment.data) for segment in segments] == [1000, 448, 1000, 448]
    assert [segment.seq for segment in segments] == [1, 1001, 1449, 2449]
    assert not any(segment.flags & FIN for segment in segments)
    assert "packets of 1052 bytes: segments of 1000, were 1448" in moments[0].note
    board = endpoint.sender.board
    assert (board.out, board.lost, board.resent, board.in_flight) == (6, 4, 4, 6)
    assert endpoint.sender.window.cwnd == 10


def test_pieces_are_acknowledged_and_sacked_like_any_segment() -> None:
    """RFC 2018 §4, RFC 9293 §3.10.7.4."""
    endpoint = established(timestamps=False)
    endpoint.send(bytes(2920), 0.1)
    endpoint.take_segments()
    shrink(endpoint, 1040, 4, 0.2)
    endpoint.take_segments()
    endpoint.receive(Segment(1, 1001, ACK, 500, sacks=((1461, 2461),)), 0.3)
    board = endpoint.sender.board
    assert (board.out, board.sacked) == (3, 1)
    endpoint.receive(Segment(1, 2921, ACK, 500), 0.4)
    assert (board.out, board.lost, board.resent, board.sacked, board.repeated, board.in_flight) == (0, 0, 0, 0, 0, 0)
    assert endpoint.deadline is None


def test_new_segments_fit_and_a_wider_path_is_no_news() -> None:
    """RFC 8201 §4."""
    endpoint = established()
    assert not shrink(endpoint, 1500, 4, 0.1)
    assert shrink(endpoint, 1280, 6, 0.1)
    assert not shrink(endpoint, 1400, 6, 0.1)
    endpoint.send(bytes(3000), 0.2)
    assert [len(segment.data) for segment in endpoint.take_segments()] == [1208, 1208, 584]


def test_segments_never_get_absurdly_small() -> None:
    """RFC 791 §3.2 knows networks of 68 bytes; nobody has seen one."""
    endpoint = established()
    shrink(endpoint, 68, 4, 0.1)
    assert endpoint.sender.mss == MIN_MSS


def test_a_handshake_is_left_alone() -> None:
    endpoint = Endpoint(Settings(), iss=0)
    endpoint.connect(0.0)
    assert not shrink(endpoint, 600, 4, 0.1)
