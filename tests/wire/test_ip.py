from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.checksum import checksum
from netwright.wire.ip import (
    IPProtocol,
    IPv4,
    IPv4Option,
    parse_ipv4,
    parse_ipv4_options,
    serialize_ipv4_options,
)

A, B = IPv4Address("192.0.2.1").packed, IPv4Address("192.0.2.2").packed

ipv4_headers = st.builds(
    IPv4,
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=4, max_size=4),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, 7),
    st.integers(0, 8191).map(lambda units: units * 8),
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.integers(0, 10).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words)),
)


@given(ipv4_headers, st.binary(max_size=9))
def test_ipv4_round_trip(header: IPv4, around: bytes) -> None:
    """RFC 791 §3.1: every field, at any offset."""
    raw = header.serialize()
    assert parse_ipv4(around + raw + around, len(around)) == header
    assert header.header_length == len(raw)


def test_fields_of_a_packet_from_a_capture() -> None:
    """RFC 791 §3.1."""
    header = parse_ipv4(bytes.fromhex("4503003c1c4640004006b1e6ac100a63ac100a0c"))
    assert header == IPv4(b"\xac\x10\x0a\x63", b"\xac\x10\x0a\x0c", IPProtocol.TCP, 64, 0x1C46, 2, 0, 3, 60, 0xB1E6)
    assert (header.dont_fragment, header.more_fragments, header.is_fragment) == (True, False, False)
    assert (header.dscp, header.ecn) == (0, 3)
    assert str(header) == "172.16.10.99 > 172.16.10.12 protocol 6"


@given(ipv4_headers, st.binary(max_size=100))
def test_sealed_makes_length_and_checksum_right(header: IPv4, payload: bytes) -> None:
    """RFC 791 §3.1: the checksum is over the header alone."""
    sealed = header.sealed(payload)
    assert sealed.total_length == header.header_length + len(payload)
    assert checksum(sealed.serialize()) == 0


def test_fragments_are_known_by_offset_or_flag() -> None:
    """RFC 791 §3.2."""
    assert IPv4(A, B, 17, flags=1).is_fragment
    assert IPv4(A, B, 17, flags=0, fragment_offset=8).is_fragment
    assert not IPv4(A, B, 17, flags=0).is_fragment


def test_parse_refuses_wrong_version_and_short_header() -> None:
    raw = IPv4(A, B, 6).serialize()
    with pytest.raises(ProtocolError, match="IP version 6"):
        parse_ipv4(b"\x65" + raw[1:])
    with pytest.raises(ProtocolError, match="header of 16 bytes at byte 0"):
        parse_ipv4(b"\x44" + raw[1:])
    with pytest.raises(IncompleteError, match="20 of 60 bytes"):
        parse_ipv4(b"\x4f" + raw[1:])
    for have in range(20):
        with pytest.raises(IncompleteError, match=f"{have} of 20"):
            parse_ipv4(raw[:have])


@pytest.mark.parametrize(
    "header",
    [
        IPv4(A, B, 6, options=b"123"),
        IPv4(A, B, 6, options=bytes(44)),
        IPv4(A, B, 6, fragment_offset=4),
        IPv4(A, B, 6, fragment_offset=65536),
        IPv4(A, B, 6, flags=8),
        IPv4(A, B, 256),
        IPv4(b"", B, 6),
    ],
)
def test_serialize_refuses_what_the_header_cannot_hold(header: IPv4) -> None:
    with pytest.raises(UsageError):
        header.serialize()


def test_sealed_refuses_a_packet_that_is_too_long() -> None:
    """RFC 791 §3.1: 65535 bytes with the header."""
    with pytest.raises(UsageError, match="IPv4 field out of range"):
        IPv4(A, B, 6).sealed(bytes(65516))


@given(
    st.lists(st.just(IPv4Option(1)) | st.builds(IPv4Option, st.integers(2, 255), st.binary(max_size=12)), max_size=3)
)
def test_options_round_trip(options: list[IPv4Option]) -> None:
    """RFC 791 §3.1: padded with End of Option List."""
    raw = serialize_ipv4_options(options)
    assert parse_ipv4_options(raw) == options
    assert len(raw) % 4 == 0


@pytest.mark.parametrize("raw", ["83", "8301", "8300", "830704", "0101830301ff03"])
def test_options_with_a_wrong_length_are_refused(raw: str) -> None:
    with pytest.raises(ProtocolError, match="IPv4 option"):
        parse_ipv4_options(bytes.fromhex(raw))
