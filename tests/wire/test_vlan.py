from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.fields import Layer
from netwright.wire.vlan import (
    CiscoMetadata,
    ControlWord,
    Mpls,
    Ppp,
    Pppoe,
    Vlan,
    parse_cisco_metadata,
    parse_mpls,
    parse_ppp,
    parse_pppoe,
    parse_vlan,
)


def test_vlan_tag_fields() -> None:
    """IEEE 802.1Q §9.6: priority 3 bits, drop eligible 1, identifier 12."""
    assert parse_vlan(bytes.fromhex("b0640800")) == Vlan(100, 0x0800, 5, True)


def test_mpls_entry_fields() -> None:
    """RFC 3032 §2.1: label 20 bits, traffic class 3, bottom 1, TTL 8."""
    assert parse_mpls(bytes.fromhex("0001 2bff")) == Mpls(0x12, True, 255, 5)


def test_ppp_forms() -> None:
    """RFC 1661 §2 and §6.5, RFC 1662 §3.1."""
    assert parse_ppp(bytes.fromhex("ff030021")) == Ppp(0x21, b"\xff\x03")
    assert parse_ppp(bytes.fromhex("0057")) == Ppp(0x57)
    assert parse_ppp(bytes.fromhex("21")) == Ppp(0x21, compressed=True)


@pytest.mark.parametrize(
    ("parse", "size"), [(parse_vlan, 4), (parse_mpls, 4), (parse_cisco_metadata, 8)], ids=["vlan", "mpls", "metadata"]
)
@given(raw=st.binary(min_size=8, max_size=8))
def test_round_trip(parse: Callable[[bytes], Layer], size: int, raw: bytes) -> None:
    header = parse(raw)
    assert header.serialize() == raw[:size]
    assert header.header_length == size
    for have in range(size):
        with pytest.raises(IncompleteError):
            parse(raw[:have])


@given(st.binary(min_size=4, max_size=8))
def test_ppp_round_trip(raw: bytes) -> None:
    header = parse_ppp(raw)
    assert header.serialize() == raw[: header.header_length]


@given(st.integers(0, 255), st.integers(0, 65535), st.integers(0, 65535))
def test_pppoe_round_trip(code: int, session: int, length: int) -> None:
    """RFC 2516 §4."""
    header = Pppoe(session, code, length)
    assert parse_pppoe(header.serialize()) == header
    assert header.header_length == len(header.serialize())
    assert header.sealed(b"12345").length == 5


def test_pppoe_of_another_version_is_refused() -> None:
    with pytest.raises(ProtocolError, match="0x21 at byte 0"):
        parse_pppoe(bytes.fromhex("210000010000"))
    with pytest.raises(IncompleteError):
        parse_pppoe(b"\x11")


@pytest.mark.parametrize("header", [Vlan(4096, 0), Vlan(1, 0, 8), Mpls(1 << 20, True), Mpls(1, True, 256), Ppp(65536)])
def test_serialize_refuses_values_that_do_not_fit(header: Layer) -> None:
    with pytest.raises(UsageError):
        header.serialize()


def test_control_word_and_metadata_are_kept() -> None:
    """RFC 4385 §3."""
    assert ControlWord(b"\0\0\0\1").serialize() == b"\0\0\0\1"
    assert CiscoMetadata(7, 0x0800).serialize() == bytes.fromhex("0101000100070800")
