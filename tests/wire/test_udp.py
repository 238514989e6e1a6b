from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, UsageError
from netwright.wire.checksum import transport_checksum
from netwright.wire.udp import Udp, parse_udp

A, B = ip_address("2001:db8::1").packed, ip_address("2001:db8::2").packed


@given(st.binary(min_size=8, max_size=8), st.binary(max_size=9))
def test_udp_round_trip(raw: bytes, around: bytes) -> None:
    """RFC 768: four numbers of 16 bits."""
    header = parse_udp(around + raw + around, len(around))
    assert header.serialize() == raw
    assert header.header_length == 8


@given(st.integers(0, 65535), st.integers(0, 65535), st.binary(max_size=50))
def test_sealed_makes_length_and_checksum_right(source: int, destination: int, payload: bytes) -> None:
    """RFC 768; RFC 8200 §8.1: IPv6 has no "none was computed"."""
    sealed = Udp(source, destination).sealed(payload, A, B)
    assert sealed.length == 8 + len(payload)
    assert sealed.checksum != 0
    assert transport_checksum(A, B, 17, sealed.serialize() + payload) == 0


def test_a_checksum_of_zero_is_sent_as_all_ones() -> None:
    """RFC 768: zero means that there is none; the payload is chosen so that the sum is all ones."""
    missing = 0xFFFF - Udp(1, 2).sealed(b"\0\0", A, B).checksum
    payload = (0xFFFF - missing).to_bytes(2, "big")
    assert Udp(1, 2).sealed(payload, A, B).checksum == 0xFFFF


def test_cut_and_impossible_headers() -> None:
    for have in range(8):
        with pytest.raises(IncompleteError, match=f"{have} of 8"):
            parse_udp(bytes(have))
    with pytest.raises(UsageError):
        Udp(1, 65536).serialize()
