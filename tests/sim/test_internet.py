"""netwright.sim.internet: what follows from a packet, below TCP."""

import pytest

from netwright.proto.tcp.segment import ACK, Segment
from netwright.sim.codec import Flow, serialize
from netwright.sim.icmp import IcmpError
from netwright.sim.internet import InternetLayer
from netwright.sim.limits import StackLimits
from netwright.wire.build import build
from netwright.wire.decode import decode_ip
from netwright.wire.icmp import Icmp, IcmpKind
from netwright.wire.ip import IPProtocol, IPv4
from netwright.wire.udp import Udp

US, PEER, STRANGER = b"\x0a\0\0\x01", b"\x0a\0\0\x02", b"\x0a\0\0\x09"
FLOW = Flow(PEER, 40000, US, 80)


def layer_of(**limits: int) -> InternetLayer:
    return InternetLayer(["10.0.0.1", "fd00::1"], StackLimits(**limits))


@pytest.mark.parametrize("destination", [US, STRANGER])
def test_a_segment_comes_out_whatever_its_addresses_are(destination: bytes) -> None:
    """RFC 9293 §3.10.7: most belong to a connection, whose addresses were checked when it began."""
    flow = Flow(PEER, 40000, destination, 80)
    segment = Segment(1, 1, ACK, 100, b"data")
    assert layer_of().receive(serialize(segment, flow), 0.0) == (flow, segment)


def test_fragments_of_a_segment_give_it_with_the_last_one() -> None:
    """RFC 791 §3.2: the first has MF, the last an offset in units of 8 bytes."""
    layer = layer_of()
    segment = Segment(1, 1, ACK, 100, bytes(range(100)))
    packet = serialize(segment, FLOW)
    text, cut = packet[20:], 48
    head = IPv4(PEER, US, IPProtocol.TCP, ident=7, flags=1)
    tail = IPv4(PEER, US, IPProtocol.TCP, ident=7, flags=0, fragment_offset=cut)
    assert layer.receive(build(head, text[:cut]), 0.0) is None
    assert layer.receive(build(tail, text[cut:]), 0.0) == (FLOW, segment)
    assert (layer.counts.fragments, layer.counts.checksum) == (2, 0)


def test_a_ping_gives_its_reply_and_a_reply_gives_nothing() -> None:
    """RFC 1122 §3.2.2.6."""
    layer = layer_of()
    ip = IPv4(PEER, US, IPProtocol.ICMP)
    answer = layer.receive(build(ip, Icmp(IcmpKind.ECHO, 0, b"\0\1\0\2"), b"payload"), 0.0)
    assert isinstance(answer, bytes)
    assert decode_ip(answer).payload == b"payload"
    assert layer.receive(build(ip, Icmp(IcmpKind.ECHO_REPLY, 0, b"\0\1\0\2"), b"payload"), 0.0) is None
    assert layer.counts.ignored == 1


def test_an_error_about_a_segment_of_ours_comes_out_as_such() -> None:
    """RFC 792: the quote has our header, so its source is this host."""
    quoted = serialize(Segment(77, 1, ACK, 100), FLOW.reversed())
    message = build(IPv4(PEER, US, IPProtocol.ICMP), Icmp(IcmpKind.UNREACHABLE, 1), quoted[:28])
    error = layer_of().receive(message, 0.0)
    assert isinstance(error, IcmpError)
    assert (error.flow, error.seq) == (FLOW.reversed(), 77)


@pytest.mark.parametrize("allowed", [1, 2])
def test_answers_and_resets_share_a_rate(allowed: int) -> None:
    """RFC 1812 §4.3.2.8: as many at once as in a second; the limit itself is allowed."""
    layer = layer_of(answers=allowed)
    datagram = build(IPv4(PEER, US, IPProtocol.UDP), Udp(1, 2), b"x")
    answers = [layer.receive(datagram, 0.0) for _ in range(allowed)]
    assert all(isinstance(answer, bytes) for answer in answers)
    assert not layer.may_answer(0.0)
    assert layer.receive(datagram, 0.0) is None
    assert (layer.counts.closed_port, layer.counts.muted) == (allowed + 1, 2)
    assert layer.may_answer(1.0)


def test_a_datagram_for_another_host_is_counted_before_its_errors() -> None:
    """RFC 1122 §3.2.1.3: what is wrong with the packet of another host is not this host's to say."""
    layer = layer_of()
    broken = bytearray(build(IPv4(PEER, STRANGER, IPProtocol.UDP), Udp(1, 2), b"x"))
    broken[-1] ^= 1
    assert layer.receive(bytes(broken), 0.0) is None
    assert (layer.counts.not_ours, layer.counts.checksum) == (1, 0)


def test_repr_names_the_addresses() -> None:
    assert repr(layer_of()) == "<InternetLayer 10.0.0.1 fd00::1>"
