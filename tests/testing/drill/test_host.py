from netwright.proto.tcp.segment import ACK, RST, SYN, Segment
from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.host import Host


def test_segment_for_nobody_gets_rst() -> None:
    """RFC 9293 §3.10.7.1."""
    host = Host(Settings())
    host.inject(Segment(7, 9, ACK, 100))
    assert [(emission.segment.flags, emission.segment.seq) for emission in host.sent] == [(RST, 9)]


def test_time_stops_where_the_condition_holds() -> None:
    host = Host(Settings())
    host.connect(host.socket(3))
    host.sent.clear()
    assert host.advance(10.0, lambda: bool(host.sent))
    assert (host.now, host.sent[0].segment.flags) == (1.0, SYN)
    assert not host.advance(1.5)
    assert host.now == 1.5


def test_error_is_told_once() -> None:
    host = Host(Settings())
    sock = host.socket(3)
    host.connect(sock)
    host.inject(Segment(0, 1, RST | ACK, 0))
    assert (sock.take_error(), sock.take_error()) == (111, 0)
