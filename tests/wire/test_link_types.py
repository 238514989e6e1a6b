from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError
from netwright.wire.fields import Layer
from netwright.wire.link_types import Loopback, Sll, Sll2, parse_loopback, parse_sll, parse_sll2


@pytest.mark.parametrize(
    ("parse", "size"), [(parse_loopback, 4), (parse_sll, 16), (parse_sll2, 20)], ids=["loopback", "sll", "sll2"]
)
@given(raw=st.binary(min_size=20, max_size=20))
def test_round_trip(parse: Callable[[bytes], Layer], size: int, raw: bytes) -> None:
    header = parse(raw)
    assert header.serialize() == raw[:size]
    assert header.header_length == size
    for have in range(size):
        with pytest.raises(IncompleteError):
            parse(raw[:have])


def test_loopback_finds_the_byte_order() -> None:
    """LINKTYPE_NULL: the order of the machine that captured; LINKTYPE_LOOP: network order."""
    assert parse_loopback(bytes.fromhex("02000000")) == Loopback(2)
    assert parse_loopback(bytes.fromhex("0000001e")) == Loopback(30, little_endian=False)
    assert [family for family in range(40) if Loopback(family).is_ip] == [2, 10, 24, 28, 30]


def test_cooked_headers_of_linux() -> None:
    """LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2: field order."""
    mac = bytes.fromhex("020000000001")
    assert parse_sll(bytes.fromhex("000400010006") + mac + bytes.fromhex("00000800")) == Sll(
        4, 1, 6, mac + bytes(2), 0x800
    )
    assert parse_sll2(bytes.fromhex("86dd0000000000030001 04 06") + mac + bytes(2)) == Sll2(
        0x86DD, 0, 3, 1, 4, 6, mac + bytes(2)
    )
