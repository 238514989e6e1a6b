"""netwright.sim.codec: segments to packets and back."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import ProtocolError
from netwright.proto.tcp.segment import ACK, SYN, Segment, SynOptions, wrap
from netwright.sim.codec import ChecksumError, Flow, is_plain, parse, serialize
from netwright.wire.build import build
from netwright.wire.checksum import checksum
from netwright.wire.ip import IPv4
from netwright.wire.udp import Udp

V4 = Flow(b"\x0a\0\0\x01", 40000, b"\x0a\0\0\x02", 80)
V6 = Flow(bytes(15) + b"\x01", 40000, bytes(15) + b"\x02", 80)
NUMBERS = st.integers(0, 2**40)
SEGMENTS = st.builds(
    Segment,
    NUMBERS,
    NUMBERS,
    st.integers(0, 255),
    st.integers(0, 65535),
    st.binary(max_size=50),
    st.none() | st.tuples(NUMBERS, NUMBERS),
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=2).map(tuple),
    st.none(),
    st.integers(0, 3),
)


@given(SEGMENTS, st.sampled_from([V4, V6]))
def test_a_segment_comes_back_modulo_2_to_the_32(segment: Segment, flow: Flow) -> None:
    """RFC 9293 §3.1, §3.4."""
    back_flow, back = parse(serialize(segment, flow))
    wanted = wrap(segment)
    if segment.flags & SYN:
        wanted.syn = SynOptions()
    assert (back_flow, back) == (flow, wanted)


def test_a_syn_keeps_its_options() -> None:
    """RFC 9293 §3.2, RFC 7323 §2.2, RFC 2018 §2."""
    syn = Segment(7, 0, SYN, 65535, timestamps=(9, 0), syn=SynOptions(1460, 7, sack_permitted=True))
    packet = serialize(syn, V4)
    assert parse(packet)[1] == syn
    assert len(packet) == 20 + syn.size


def test_checksums_are_right_and_are_looked_at() -> None:
    """RFC 791 §3.1, RFC 9293 §3.1."""
    packet = bytearray(serialize(Segment(1, 2, ACK, 3, b"hello"), V4, ident=77))
    assert checksum(bytes(packet[:20])) == 0
    assert packet[4:6] == b"\0M"
    packet[-1] ^= 1
    with pytest.raises(ProtocolError, match="checksum"):
        parse(bytes(packet))


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x50",
        bytes(60),
        serialize(Segment(1, 2, ACK, 3, b"hello"), V4)[:30],
        serialize(Segment(1, 2, ACK, 3, b"hello"), V6)[:-1],
        build(IPv4(V4.source, V4.destination, 17), Udp(1, 2), b"x"),
        build(IPv4(V4.source, V4.destination, 6, flags=1), b"first of two"),
    ],
)
def test_what_is_no_whole_tcp_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(packet)


@given(st.binary(max_size=80), st.sampled_from([V4, V6]), st.integers(0, 70))
def test_garbage_is_refused_with_an_error_of_ours(garbage: bytes, flow: Flow, at: int) -> None:
    packet = bytearray(serialize(Segment(1, 2, ACK, 3, b"hello", (1, 2)), flow))
    packet[at : at + len(garbage)] = garbage
    with suppress(ProtocolError):
        parse(bytes(packet))


@pytest.mark.parametrize(("at", "bits", "plain"), [(6, 0x40, True), (6, 0x20, False), (6, 0x01, False), (7, 1, False)])
def test_a_fragment_is_not_plain(at: int, bits: int, plain: bool) -> None:
    """RFC 791 §3.1: the first fragment has MF, later ones an offset; DF is no fragment."""
    packet = bytearray(serialize(Segment(1, 1, ACK, 100, bytes(100)), V4))
    packet[6] = packet[7] = 0
    packet[at] = bits
    assert is_plain(bytes(packet)) is plain


@pytest.mark.parametrize("flow", [V4, V6])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_packet_that_ends_before_its_length_is_malformed_not_corrupted(flow: Flow, missing: int) -> None:
    """RFC 791 §3.1, RFC 8200 §3: the length is of the whole packet."""
    packet = serialize(Segment(1, 1, ACK, 100, bytes(50)), flow)
    with pytest.raises(ProtocolError, match="in a packet of") as caught:
        parse(packet[:-missing])
    assert not isinstance(caught.value, ChecksumError)
