"""ICMP for both versions of IP (RFC 792, RFC 4443) and the extensions behind a quoted packet (RFC 4884).

Errors quote the packet that caused them: ``decode.Packet.quoted`` reads it.
"""

import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

from netwright.core.errors import ProtocolError
from netwright.wire.checksum import checksum, transport_checksum
from netwright.wire.fields import cut, exactly, pack
from netwright.wire.vlan import Mpls, parse_mpls

__all__ = [
    "Icmp",
    "Icmp6",
    "Icmp6Kind",
    "IcmpExtension",
    "IcmpKind",
    "parse_icmp",
    "parse_icmp6",
    "parse_icmp_extensions",
]

_ICMP = struct.Struct("!2BH4s")  # type, code, checksum, rest of the header
_OBJECT = struct.Struct("!H2B")  # length, class, type (RFC 4884 §7.2)
_SHORTEST_QUOTE = 128  # bytes of a quote in front of extensions, at least (RFC 4884 §4.1)


class IcmpKind(IntEnum):
    """Types of ICMP for IPv4 (IANA icmp-parameters)."""

    ECHO_REPLY = 0
    UNREACHABLE = 3
    SOURCE_QUENCH = 4
    REDIRECT = 5
    ECHO = 8
    TIME_EXCEEDED = 11
    PARAMETER_PROBLEM = 12
    TIMESTAMP = 13
    TIMESTAMP_REPLY = 14


class Icmp6Kind(IntEnum):
    """Types of ICMPv6 (IANA icmpv6-parameters); those below 128 are errors (RFC 4443 §2.1)."""

    UNREACHABLE = 1
    PACKET_TOO_BIG = 2
    TIME_EXCEEDED = 3
    PARAMETER_PROBLEM = 4
    ECHO = 128
    ECHO_REPLY = 129
    ROUTER_SOLICITATION = 133
    ROUTER_ADVERTISEMENT = 134
    NEIGHBOR_SOLICITATION = 135
    NEIGHBOR_ADVERTISEMENT = 136
    REDIRECT = 137


_QUOTING = {
    IcmpKind.UNREACHABLE,
    IcmpKind.SOURCE_QUENCH,
    IcmpKind.REDIRECT,
    IcmpKind.TIME_EXCEEDED,
    IcmpKind.PARAMETER_PROBLEM,
}


@dataclass(frozen=True, slots=True)
class _Message:
    """``rest`` is the second half of the header; its meaning depends on the kind."""

    kind: int
    code: int = 0
    rest: bytes = b"\0\0\0\0"
    checksum: int = 0

    @property
    def header_length(self) -> int:
        """Always 8 bytes."""
        return 8

    @property
    def ident(self) -> int:
        """Echo: the identifier."""
        return int.from_bytes(self.rest[:2], "big")

    @property
    def sequence(self) -> int:
        """Echo: the sequence number."""
        return int.from_bytes(self.rest[2:], "big")

    def serialize(self) -> bytes:
        """Header bytes; the checksum is that of the field."""
        return pack(_ICMP, "ICMP", self.kind, self.code, self.checksum, exactly(4, self.rest))


@dataclass(frozen=True, slots=True)
class Icmp(_Message):
    """ICMP for IPv4 (RFC 792); ``rest`` is the second half of the header; its meaning depends on the kind."""

    @property
    def is_error(self) -> bool:
        """True if the packet that caused it follows."""
        return self.kind in _QUOTING

    @property
    def mtu(self) -> int | None:
        """Fragmentation needed: the next hop's MTU, 0 from routers before RFC 1191 §4."""
        return self.sequence if (self.kind, self.code) == (IcmpKind.UNREACHABLE, 4) else None

    @property
    def quote_length(self) -> int:
        """Bytes of the quote, 0 if the sender does not say (RFC 4884 §4.1)."""
        return self.rest[1] * 4 if self.kind in _QUOTING and self.kind != IcmpKind.REDIRECT else 0

    def sealed(self, payload: bytes) -> Self:
        """The same with the right checksum, over header and payload."""
        bare = replace(self, checksum=0)
        return replace(bare, checksum=checksum(bare.serialize() + payload))


@dataclass(frozen=True, slots=True)
class Icmp6(_Message):
    """ICMPv6 (RFC 4443); ``rest`` is the second half of the header; its meaning depends on the kind."""

    @property
    def is_error(self) -> bool:
        """True if the packet that caused it follows (RFC 4443 §2.1)."""
        return self.kind < 128

    @property
    def mtu(self) -> int | None:
        """Packet too big: the next hop's MTU (RFC 4443 §3.2)."""
        return int.from_bytes(self.rest, "big") if self.kind == Icmp6Kind.PACKET_TOO_BIG else None

    @property
    def quote_length(self) -> int:
        """Bytes of the quote, 0 if the sender does not say (RFC 4884 §4.2)."""
        return self.rest[0] * 8 if self.kind in (Icmp6Kind.UNREACHABLE, Icmp6Kind.TIME_EXCEEDED) else 0

    def sealed(self, payload: bytes, source: bytes, destination: bytes) -> Self:
        """The same with the right checksum, which covers the addresses (RFC 4443 §2.3)."""
        bare = replace(self, checksum=0)
        return replace(bare, checksum=transport_checksum(source, destination, 58, bare.serialize() + payload))


def parse_icmp(data: bytes, offset: int = 0) -> Icmp:
    """Read 8 bytes; the checksum is not verified.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 8:
        raise cut("ICMP header", data, offset, 8, "RFC 792")
    kind, code, check, rest = _ICMP.unpack_from(data, offset)
    return Icmp(kind, code, rest, check)


def parse_icmp6(data: bytes, offset: int = 0) -> Icmp6:
    """Read 8 bytes; the checksum is not verified.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 8:
        raise cut("ICMPv6 header", data, offset, 8, "RFC 4443 §2.1")
    kind, code, check, rest = _ICMP.unpack_from(data, offset)
    return Icmp6(kind, code, rest, check)


@dataclass(frozen=True, slots=True)
class IcmpExtension:
    """One object after a quote; class 1, type 1 is the packet's MPLS label stack (RFC 4950 §3)."""

    class_number: int
    kind: int
    value: bytes

    @property
    def labels(self) -> list[Mpls]:
        """MPLS labels, outermost first; none if the object is of another kind."""
        if (self.class_number, self.kind) != (1, 1):
            return []
        return [parse_mpls(self.value, at) for at in range(0, len(self.value) - 3, 4)]


def parse_icmp_extensions(message: Icmp | Icmp6, payload: bytes) -> list[IcmpExtension]:
    """Read the objects after the quote; none if the message does not give the quote's length.

    Raises:
        ProtocolError: the structure is not version 2, its checksum is wrong, or an object's length is impossible.
    """
    if not message.quote_length:
        return []
    raw = payload[max(message.quote_length, _SHORTEST_QUOTE) :]
    if not raw:
        return []
    if len(raw) < 4:
        raise cut("ICMP extension", raw, 0, 4, "RFC 4884 §7")
    if raw[0] >> 4 != 2:
        raise ProtocolError(f"ICMP extension of version {raw[0] >> 4}, 2 allowed", reference="RFC 4884 §7")
    if raw[2:4] != b"\0\0" and checksum(raw):
        raise ProtocolError(f"ICMP extension with a wrong checksum: {raw[2:4].hex()}", reference="RFC 4884 §7")
    found = []
    at = 4
    while at + _OBJECT.size <= len(raw):
        size, class_number, kind = _OBJECT.unpack_from(raw, at)
        if size < _OBJECT.size or at + size > len(raw):
            raise ProtocolError(
                f"ICMP extension object of {size} bytes at byte {at}, 4 to {len(raw) - at} allowed",
                reference="RFC 4884 §7.2",
            )
        found.append(IcmpExtension(class_number, kind, raw[at + _OBJECT.size : at + size]))
        at += size
    return found
