from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.ip6 import (
    EXTENSIONS,
    Extension,
    Fragment,
    IPv6,
    parse_extension,
    parse_fragment,
    parse_ipv6,
)

A, B = IPv6Address("2001:db8::1").packed, IPv6Address("2001:db8::2").packed

ipv6_headers = st.builds(
    IPv6,
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 0xFFFFF),
    st.integers(0, 65535),
)


@given(ipv6_headers, st.binary(max_size=9))
def test_ipv6_round_trip(header: IPv6, around: bytes) -> None:
    """RFC 8200 §3: every field, at any offset."""
    raw = header.serialize()
    assert parse_ipv6(around + raw + around, len(around)) == header
    assert header.header_length == len(raw) == 40


def test_fields_of_a_packet() -> None:
    """RFC 8200 §3: version 4 bits, class 8, label 20."""
    header = parse_ipv6(bytes.fromhex("6b812345 0014 06 40") + A + B)
    assert header == IPv6(A, B, 6, 64, 0xB8, 0x12345, 20)
    assert (header.dscp, header.ecn, header.ttl) == (46, 0, 64)
    assert str(header) == "2001:db8::1 > 2001:db8::2 next header 6"
    assert header.sealed(b"12345").payload_length == 5


def test_parse_refuses_wrong_version_and_cut() -> None:
    raw = IPv6(A, B, 6).serialize()
    with pytest.raises(ProtocolError, match="IP version 4 at byte 0"):
        parse_ipv6(b"\x40" + raw[1:])
    for have in range(40):
        with pytest.raises(IncompleteError, match=f"{have} of 40"):
            parse_ipv6(raw[:have])


@given(st.sampled_from(sorted(EXTENSIONS)), st.integers(0, 255), st.integers(0, 8), st.data())
def test_extension_round_trip(kind: int, following: int, units: int, data: st.DataObject) -> None:
    """RFC 8200 §4: units of 8 bytes, the first not counted; RFC 4302 §2.2: of 4, the first two not counted."""
    size = (units + 2) * 4 - 2 if kind == 51 else (units + 1) * 8 - 2
    header = Extension(kind, following, data.draw(st.binary(min_size=size, max_size=size)))
    raw = header.serialize()
    assert parse_extension(raw + b"more", 0, kind) == header
    assert header.header_length == len(raw)
    for have in range(len(raw)):
        with pytest.raises(IncompleteError):
            parse_extension(raw[:have], 0, kind)


@pytest.mark.parametrize("header", [Extension(0, 6, b""), Extension(0, 6, bytes(10)), Extension(51, 6, bytes(3))])
def test_extension_refuses_a_body_that_does_not_fill_its_units(header: Extension) -> None:
    with pytest.raises(UsageError, match="extension header"):
        header.serialize()


@given(st.binary(min_size=8, max_size=8))
def test_fragment_round_trip(raw: bytes) -> None:
    """RFC 8200 §4.5, reserved bits included."""
    header = parse_fragment(raw)
    assert header.serialize() == raw
    assert header.header_length == 8


def test_an_atomic_fragment_is_a_whole_packet() -> None:
    """RFC 6946 §2."""
    assert not Fragment(6, 0, False, 1).is_fragment
    assert Fragment(6, 0, True, 1).is_fragment
    assert Fragment(6, 8, False, 1).is_fragment


@pytest.mark.parametrize("header", [Fragment(6, 4, False, 1), Fragment(6, 65536, False, 1), Fragment(6, 0, True, -1)])
def test_fragment_refuses_what_does_not_fit(header: Fragment) -> None:
    with pytest.raises(UsageError):
        header.serialize()


def test_cut_fragment_is_incomplete() -> None:
    with pytest.raises(IncompleteError):
        parse_fragment(bytes(7))
