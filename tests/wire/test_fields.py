import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.wire.fields import address_text, bits, cut, exactly, mac_text, pack, pack_address, pack_mac


@given(st.ip_addresses())
def test_addresses_go_to_bytes_and_back(address: IPv4Address | IPv6Address) -> None:
    """RFC 5952: one text form for each address."""
    assert pack_address(str(address)) == address.packed
    assert ip_address(address_text(address.packed)) == address


@given(st.binary(min_size=6, max_size=6))
def test_mac_addresses_go_to_text_and_back(packed: bytes) -> None:
    assert pack_mac(mac_text(packed)) == packed
    assert pack_mac(mac_text(packed).replace(":", "-").upper()) == packed


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.256", "::1::", "example.org"])
def test_pack_address_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="not an IP address"):
        pack_address(text)


@pytest.mark.parametrize("text", ["", "02:00", "02:00:00:00:00:0g", "02:00:00:00:00:01:02"])
def test_pack_mac_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="MAC address"):
        pack_mac(text)


def test_address_text_refuses_other_lengths() -> None:
    with pytest.raises(UsageError, match="5 bytes"):
        address_text(bytes(5))


def test_bits_puts_the_first_field_highest() -> None:
    assert bits("test", (0b101, 3), (1, 1), (0x123, 12)) == 0b101_1_000100100011


@pytest.mark.parametrize("value", [-1, 8])
def test_bits_refuses_what_does_not_fit(value: int) -> None:
    with pytest.raises(UsageError, match="0 to 7 allowed"):
        bits("test", (value, 3))


def test_pack_blames_the_caller_for_a_value_out_of_range() -> None:
    with pytest.raises(UsageError, match="test field out of range"):
        pack(struct.Struct("!H"), "test", 65536)


def test_exactly_refuses_what_struct_would_cut_silently() -> None:
    assert struct.pack("2s", b"abc") == b"ab"
    with pytest.raises(UsageError, match="2 allowed"):
        exactly(2, b"abc")


def test_cut_names_place_and_counts() -> None:
    error = cut("header", b"0123456789", 8, 20, "RFC 0 §0")
    assert str(error) == "header cut: 2 of 20 bytes at byte 8 (RFC 0 §0)"
    assert error.partial == b"89"
