import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, UsageError
from netwright.wire.ethernet import Ethernet, Llc, Snap, parse_ethernet, parse_llc, parse_snap

FRAME = bytes.fromhex("0200000000010200000000020800")


def test_parse_ethernet_reads_destination_first() -> None:
    """IEEE 802.3 §3.1.1."""
    header = parse_ethernet(b"xx" + FRAME + b"payload", 2)
    assert header == Ethernet(FRAME[:6], FRAME[6:12], 0x0800)
    assert header.serialize() == FRAME
    assert str(header) == "02:00:00:00:00:02 > 02:00:00:00:00:01 type 0x0800"


@given(st.binary(min_size=14, max_size=14))
def test_ethernet_round_trip(raw: bytes) -> None:
    assert parse_ethernet(raw).serialize() == raw


@given(st.binary(min_size=4, max_size=9))
def test_llc_round_trip(raw: bytes) -> None:
    """IEEE 802.2 §5.2: one control byte in the unnumbered format, two in the others."""
    header = parse_llc(raw)
    assert header.serialize() == raw[: header.header_length]
    assert header.header_length == (3 if raw[2] & 3 == 3 else 4)


@given(st.binary(min_size=5, max_size=5))
def test_snap_round_trip(raw: bytes) -> None:
    """RFC 1042."""
    assert parse_snap(raw).serialize() == raw


def test_llc_knows_snap() -> None:
    """RFC 1042: both access points 170, control 3."""
    assert Llc(0xAA, 0xAA, b"\x03").is_snap
    assert not Llc(0x42, 0x42, b"\x03").is_snap
    assert Snap(0x0800).header_length == 5
    assert Snap(0x0800).serialize() == bytes.fromhex("0000000800")


@pytest.mark.parametrize(("parse", "size"), [(parse_ethernet, 14), (parse_llc, 4), (parse_snap, 5)])
def test_every_cut_header_is_incomplete(parse: type, size: int) -> None:
    for have in range(size):
        with pytest.raises(IncompleteError, match=f"cut: {have} of"):
            parse(bytes(have))


def test_serialize_refuses_addresses_of_other_lengths() -> None:
    with pytest.raises(UsageError, match="6 allowed"):
        Ethernet(b"12345", b"123456", 1).serialize()
