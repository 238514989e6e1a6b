from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.checksum import checksum, transport_checksum
from netwright.wire.icmp import (
    Icmp,
    Icmp6,
    Icmp6Kind,
    IcmpExtension,
    IcmpKind,
    parse_icmp,
    parse_icmp6,
    parse_icmp_extensions,
)
from netwright.wire.vlan import Mpls


@pytest.mark.parametrize("parse", [parse_icmp, parse_icmp6])
@given(raw=st.binary(min_size=8, max_size=8), around=st.binary(max_size=9))
def test_round_trip(parse: Callable[[bytes, int], Icmp | Icmp6], raw: bytes, around: bytes) -> None:
    """RFC 792, RFC 4443 §2.1."""
    header = parse(around + raw + around, len(around))
    assert header.serialize() == raw
    assert header.header_length == 8
    for have in range(8):
        with pytest.raises(IncompleteError, match=f"{have} of 8"):
            parse(raw[:have], 0)


@given(st.binary(max_size=60))
def test_sealed_makes_the_checksum_right(payload: bytes) -> None:
    """RFC 792: over the message; RFC 4443 §2.3: with the pseudo header."""
    assert checksum(Icmp(8, 0, b"\0\1\0\2").sealed(payload).serialize() + payload) == 0
    sealed = Icmp6(128).sealed(payload, b"a" * 16, b"b" * 16)
    assert transport_checksum(b"a" * 16, b"b" * 16, 58, sealed.serialize() + payload) == 0


def test_echo_has_identifier_and_sequence() -> None:
    """RFC 792: echo."""
    header = parse_icmp(bytes.fromhex("0800f7ff12345678"))
    assert (header.kind, header.ident, header.sequence) == (IcmpKind.ECHO, 0x1234, 0x5678)
    assert not header.is_error


def test_the_next_hops_mtu() -> None:
    """RFC 1191 §4, RFC 4443 §3.2."""
    assert Icmp(IcmpKind.UNREACHABLE, 4, bytes.fromhex("000005dc")).mtu == 1500
    assert Icmp(IcmpKind.UNREACHABLE, 3, bytes.fromhex("000005dc")).mtu is None
    assert Icmp6(Icmp6Kind.PACKET_TOO_BIG, 0, bytes.fromhex("00000500")).mtu == 1280
    assert Icmp6(Icmp6Kind.TIME_EXCEEDED).mtu is None


def test_errors_are_those_that_quote() -> None:
    """RFC 1122 §3.2.2, RFC 4443 §2.1."""
    assert [kind for kind in range(256) if Icmp(kind).is_error] == [3, 4, 5, 11, 12]
    assert [kind for kind in range(256) if Icmp6(kind).is_error] == list(range(128))


EXCEEDED = Icmp(IcmpKind.TIME_EXCEEDED, 0, bytes((0, 32, 0, 0)))


def extended(*objects: bytes, version: int = 0x20) -> bytes:
    raw = bytes((version, 0, 0, 0)) + b"".join(objects)
    return bytes(128) + raw[:2] + checksum(raw).to_bytes(2, "big") + raw[4:]


def test_extensions_carry_labels() -> None:
    """RFC 4884 §7, RFC 4950 §3."""
    payload = extended(bytes.fromhex("00080101 00064b01"), bytes.fromhex("00060203 abcd"))
    assert parse_icmp_extensions(EXCEEDED, payload) == [
        IcmpExtension(1, 1, bytes.fromhex("00064b01")),
        IcmpExtension(2, 3, bytes.fromhex("abcd")),
    ]
    first, second = parse_icmp_extensions(EXCEEDED, payload)
    assert first.labels == [Mpls(100, True, 1, 5)]
    assert second.labels == []


def test_a_message_without_quote_length_has_no_extensions() -> None:
    """RFC 4884 §4.1, §4.2: where each version keeps the length."""
    payload = extended(bytes.fromhex("00080101 00064b01"))
    assert parse_icmp_extensions(Icmp(IcmpKind.TIME_EXCEEDED), payload) == []
    assert parse_icmp_extensions(Icmp(IcmpKind.REDIRECT, 0, bytes((0, 32, 0, 0))), payload) == []
    assert parse_icmp_extensions(EXCEEDED, payload[:128]) == []
    assert len(parse_icmp_extensions(Icmp6(Icmp6Kind.UNREACHABLE, 0, bytes((16, 0, 0, 0))), payload)) == 1
    assert parse_icmp_extensions(Icmp6(Icmp6Kind.PACKET_TOO_BIG, 0, bytes((16, 0, 0, 0))), payload) == []


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (extended(version=0x10), "version 1"),
        (extended()[:130], "cut: 2 of 4 bytes"),
        (extended(b"\0\x04\1\1")[:-1] + b"\2", "wrong checksum"),
        (extended(b"\0\x03\1\1"), "object of 3 bytes"),
        (extended(b"\0\x09\1\1abcd"), "object of 9 bytes"),
    ],
)
def test_broken_extensions_are_refused(payload: bytes, text: str) -> None:
    """RFC 4884 §7."""
    with pytest.raises(ProtocolError, match=text):
        parse_icmp_extensions(EXCEEDED, payload)


def test_serialize_refuses_what_does_not_fit() -> None:
    with pytest.raises(UsageError):
        Icmp(256).serialize()
    with pytest.raises(UsageError):
        Icmp6(1, 0, b"12345").serialize()
