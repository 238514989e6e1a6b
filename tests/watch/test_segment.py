from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.watch.segment import LAYERS, Fragment, Segment, decode, readable
from tests.support.frames import ETHERNET, RAW, SYN, ethernet, ip, tcp
from tests.support.limits import around

PACKET = tcp(seq=7, ack=9, data=b"hello", window=512, ident=3)
PACKET6 = tcp("[2001:db8::1]:40000", "[2001:db8::2]:80", seq=7, data=b"hello")
VXLAN = pack("!HHHH", 1, 4789, 0, 0) + b"\x08" + bytes(7)
GENEVE = pack("!HHHH", 1, 6081, 0, 0) + b"\x01\x00\x65\x58" + bytes(8)

ENCAPSULATIONS = [
    (ETHERNET, ethernet(PACKET)),
    (ETHERNET, ethernet(b"\0\1\x08\0" + PACKET, kind=0x8100)),
    (ETHERNET, ethernet(b"\0\1\x81\0\0\2\x08\0" + PACKET, kind=0x88A8)),
    (ETHERNET, ethernet(b"\0\0\x10\0\0\0\x21\0" + PACKET, kind=0x8847)),
    (ETHERNET, ethernet(b"\x11\0\0\1" + pack("!H", 2 + len(PACKET)) + b"\0\x21" + PACKET, kind=0x8864)),
    (ETHERNET, ethernet(b"\xaa\xaa\3\0\0\0\x08\0" + PACKET, kind=60)),
    (ETHERNET, ethernet(ip("1.1.1.1", "2.2.2.2", 4, PACKET))),
    (ETHERNET, ethernet(ip("1.1.1.1", "2.2.2.2", 47, b"\0\0\x08\0" + PACKET))),
    (ETHERNET, ethernet(ip("1.1.1.1", "2.2.2.2", 47, b"\x30\0\x65\x58" + bytes(8) + ethernet(PACKET)))),
    (ETHERNET, ethernet(ip("1.1.1.1", "2.2.2.2", 17, VXLAN + ethernet(PACKET)))),
    (ETHERNET, ethernet(ip("1.1.1.1", "2.2.2.2", 17, GENEVE + ethernet(PACKET)))),
    (0, b"\2\0\0\0" + PACKET),
    (9, b"\xff\3\0\x21" + PACKET),
    (9, b"\x21" + PACKET),
    (50, b"\0\x21" + PACKET),
    (104, b"\x0f\0\x08\0" + PACKET),
    (113, bytes(14) + b"\x08\0" + PACKET),
    (276, b"\x08\0" + bytes(18) + PACKET),
    (228, PACKET),
    (101, PACKET),
    (12, PACKET),
    (14, PACKET),
    (108, b"\0\0\0\2" + PACKET),
]


def _segment(frame: bytes, link: int) -> Segment:
    found = decode(frame, len(frame), link)
    assert isinstance(found, Segment)
    return found


def test_segment_has_the_fields_of_rfc_9293_section_3_1() -> None:
    s = _segment(PACKET, RAW)
    assert (s.source, s.source_port, s.target, s.target_port) == (b"\n\0\0\1", 40000, b"\n\0\0\2", 80)
    assert (s.seq, s.ack, s.length, s.flags, s.window, s.ident, s.ttl) == (7, 9, 5, 16, 512, 3, 64)


@pytest.mark.parametrize(("link", "frame"), ENCAPSULATIONS)
def test_every_encapsulation_leads_to_the_same_segment(link: int, frame: bytes) -> None:
    assert _segment(frame, link) == _segment(PACKET, RAW)


# RFC 8200 §4.1: hop-by-hop, destination options, routing, authentication, an atomic fragment (RFC 6946)
CHAIN = b"\x3c\0" + bytes(6) + b"\x2b\0" + bytes(6) + b"\x33\0" + bytes(6) + b"\x2c\1" + bytes(10) + b"\6" + bytes(7)
ENCAPSULATIONS6 = [
    (RAW, PACKET6),
    (RAW, ip("[2001:db8::1]", "[2001:db8::2]", 0, CHAIN + PACKET6[40:])),
    (RAW, ip("[2001:db8::1]", "[2001:db8::2]", 60, b"\6\2" + bytes(22) + PACKET6[40:])),
    (RAW, ip("[2001:db8::1]", "[2001:db8::2]", 51, b"\6\4" + bytes(22) + PACKET6[40:])),
    (RAW, ip("[::9]", "[::8]", 41, PACKET6)),
    (RAW, ip("1.1.1.1", "2.2.2.2", 41, PACKET6)),
    (RAW, ip("1.1.1.1", "2.2.2.2", 47, b"\xb0\0\x86\xdd" + bytes(12) + PACKET6)),
    (9, b"\0\x57" + PACKET6),
    (9, b"\x57" + PACKET6),
    (229, PACKET6),
]


@pytest.mark.parametrize(("link", "frame"), ENCAPSULATIONS6)
def test_every_encapsulation_of_ipv6_leads_to_the_same_segment(link: int, frame: bytes) -> None:
    assert _segment(frame, link) == _segment(PACKET6, RAW)


def test_direction_and_key_are_of_the_smaller_endpoint_first() -> None:
    there = _segment(tcp("10.0.0.1:5", "10.0.0.1:4"), RAW)
    back = _segment(tcp("10.0.0.1:4", "10.0.0.1:5"), RAW)
    assert (there.direction, back.direction) == (1, 0)
    assert there.key == back.key


def test_length_is_what_the_ip_header_says_and_at_most_the_frame() -> None:
    frame = PACKET + b"padding"
    assert _segment(frame, RAW).length == 5
    assert _segment(PACKET[:2] + b"\xff\xff" + PACKET[4:], RAW).length == 5
    offload = PACKET[:2] + b"\0\0" + PACKET[4:]  # RFC 791 has no 0; segmentation offload writes it
    assert _segment(offload, RAW).length == 5
    cut = decode(PACKET[:40], len(PACKET), RAW)
    assert isinstance(cut, Segment)
    assert cut.length == 5


@pytest.mark.parametrize("tags", around(LAYERS))
def test_up_to_8_tags_are_followed(tags: int) -> None:
    """The frame's type counts as the first; the ninth look finds IP or nothing."""
    shims = b"\0\1\x81\0" * (tags - 2) + b"\0\1\x08\0"
    frame = ethernet(shims + PACKET, kind=0x8100)
    assert (decode(frame, len(frame), ETHERNET) is not None) == (tags - 1 < LAYERS)


@pytest.mark.parametrize("tunnels", around(LAYERS))
def test_up_to_8_ip_headers_are_followed(tunnels: int) -> None:
    frame = PACKET
    for _ in range(tunnels - 1):
        frame = ip("1.1.1.1", "2.2.2.2", 4, frame)
    assert (decode(frame, len(frame), RAW) is not None) == (tunnels <= LAYERS)


def test_readable_link_types_are_those_that_lead_to_a_segment() -> None:
    read = {link for link, _ in ENCAPSULATIONS} | {229}
    assert [link for link in range(300) if readable(link)] == sorted(read)


def test_fragment_is_named_and_not_judged() -> None:
    found = decode(tcp(flags=SYN, ident=5, fragment=0x2000), 40, RAW)
    assert isinstance(found, Fragment)
    assert (found.offset, found.more, found.ident, found.length) == (0, True, 5, 20)


@given(st.binary(max_size=120), st.sampled_from([0, 1, 9, 101, 104, 113, 276, 77]))
def test_garbage_gives_a_value_and_no_error(frame: bytes, link: int) -> None:
    assert isinstance(decode(frame, len(frame), link), Segment | Fragment | None)


@given(st.integers(0, len(PACKET)))
def test_cut_segment_is_none_until_its_fixed_header_is_there(size: int) -> None:
    assert (decode(PACKET[:size], len(PACKET), RAW) is not None) == (size >= 40)
