import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.wire.checksum import checksum, pseudo_header, transport_checksum, update_checksum


def by_the_book(data: bytes) -> int:
    """RFC 1071 §4.1, in C's way."""
    total: int = sum(word for (word,) in struct.iter_unpack("!H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def test_checksum_of_the_rfc_example() -> None:
    """RFC 1071 §3: the sum of 00 01 f2 03 f4 f5 f6 f7 is ddf2."""
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2 ^ 0xFFFF


@given(st.binary(max_size=200) | st.lists(st.sampled_from([b"\0\0", b"\xff\xff"])).map(b"".join))
def test_checksum_is_the_sum_of_words_complemented(data: bytes) -> None:
    """RFC 1071 §1, with the two zeros of ones' complement."""
    assert checksum(data) == by_the_book(data)


@given(st.binary(min_size=2, max_size=200).filter(lambda data: len(data) % 2 == 0 and any(data)))
def test_checksum_over_its_own_checksum_is_zero(data: bytes) -> None:
    """RFC 1071 §1 (3)."""
    assert checksum(data + checksum(data).to_bytes(2, "big")) == 0


@given(st.binary(min_size=4, max_size=60).filter(lambda data: len(data) % 2 == 0), st.data())
def test_update_checksum_equals_computing_again(data: bytes, draw: st.DataObject) -> None:
    """RFC 1624 §3 equation 3; the constant first word keeps the sum off the zero that §5 warns of."""
    data = b"\x12\x34" + data
    at = 2 * draw.draw(st.integers(1, len(data) // 2 - 1))
    now = draw.draw(st.integers(0, 0xFFFF))
    was = int.from_bytes(data[at : at + 2], "big")
    changed = data[:at] + now.to_bytes(2, "big") + data[at + 2 :]
    assert update_checksum(checksum(data), was, now) % 0xFFFF == checksum(changed) % 0xFFFF


def test_pseudo_header_of_both_versions() -> None:
    """RFC 9293 §3.1 figure 2, RFC 8200 §8.1."""
    assert pseudo_header(b"\1\2\3\4", b"\5\6\7\x08", 6, 0x1234) == bytes.fromhex("0102030405060708 0006 1234")
    assert pseudo_header(b"a" * 16, b"b" * 16, 58, 0x123456) == b"a" * 16 + b"b" * 16 + bytes.fromhex(
        "001234560000003a"
    )


@pytest.mark.parametrize(
    ("source", "destination", "protocol", "length"),
    [(b"", b"", 6, 1), (bytes(4), bytes(16), 6, 1), (bytes(4), bytes(4), 256, 1), (bytes(4), bytes(4), 6, 65536)],
)
def test_pseudo_header_refuses_what_the_packet_cannot_be(
    source: bytes, destination: bytes, protocol: int, length: int
) -> None:
    with pytest.raises(UsageError):
        pseudo_header(source, destination, protocol, length)


def test_transport_checksum_over_its_own_checksum_is_zero() -> None:
    """RFC 768: the checksum that is sent makes the receiver's sum come out."""
    segment = bytes.fromhex("1a0b1a0b000d0000") + b"hello"
    filled = (
        segment[:6] + transport_checksum(b"\x7f\0\0\1", b"\x7f\0\0\1", 17, segment).to_bytes(2, "big") + segment[8:]
    )
    assert transport_checksum(b"\x7f\0\0\1", b"\x7f\0\0\1", 17, filled) == 0
