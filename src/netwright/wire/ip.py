"""IPv4 header (RFC 791 §3.1) and its options."""

import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

from netwright.core.errors import ProtocolError, UsageError
from netwright.wire.checksum import checksum
from netwright.wire.fields import address_text, bits, cut, exactly, pack

__all__ = ["IPProtocol", "IPv4", "IPv4Option", "parse_ipv4", "parse_ipv4_options", "serialize_ipv4_options"]

# version and header length, type of service, total length, identification, flags and offset, TTL, protocol, checksum
_IPV4 = struct.Struct("!2B3H2BH4s4s")
_MORE_FRAGMENTS, _DONT_FRAGMENT = 1, 2  # of the three flag bits; the third is reserved


class IPProtocol(IntEnum):
    """Protocol numbers with a name in this package (IANA protocol-numbers)."""

    HOP_BY_HOP = 0
    ICMP = 1
    IGMP = 2
    IPV4 = 4  # IP in IP (RFC 2003)
    TCP = 6
    UDP = 17
    IPV6 = 41  # RFC 4213
    ROUTING = 43
    FRAGMENT = 44
    GRE = 47
    ESP = 50
    AH = 51
    ICMPV6 = 58
    NO_NEXT_HEADER = 59
    DESTINATION_OPTIONS = 60
    MPLS = 137  # RFC 4023
    MOBILITY = 135
    HIP = 139
    SHIM6 = 140


@dataclass(frozen=True, slots=True)
class IPv4:
    """Addresses are 4 bytes, ``fragment_offset`` is in bytes, ``flags`` are the three bits in front of it.

    ``total_length`` is 0 in captures of packets that hardware segments later (Linux GSO).
    """

    source: bytes
    destination: bytes
    protocol: int
    ttl: int = 64
    ident: int = 0
    flags: int = _DONT_FRAGMENT
    fragment_offset: int = 0
    tos: int = 0
    total_length: int = 0
    checksum: int = 0
    options: bytes = b""

    @property
    def header_length(self) -> int:
        """20 to 60 bytes."""
        return 20 + len(self.options)

    @property
    def more_fragments(self) -> bool:
        """True if this is not the last fragment."""
        return bool(self.flags & _MORE_FRAGMENTS)

    @property
    def dont_fragment(self) -> bool:
        """True if routers must not fragment it."""
        return bool(self.flags & _DONT_FRAGMENT)

    @property
    def is_fragment(self) -> bool:
        """True if the datagram continues in another packet."""
        return self.fragment_offset > 0 or bool(self.flags & _MORE_FRAGMENTS)

    @property
    def dscp(self) -> int:
        """Differentiated services code point (RFC 2474 §3)."""
        return self.tos >> 2

    @property
    def ecn(self) -> int:
        """0 not capable, 1 ECT(1), 2 ECT(0), 3 congestion experienced (RFC 3168 §5)."""
        return self.tos & 3

    def serialize(self) -> bytes:
        """Header bytes with length and checksum as the fields say."""
        if len(self.options) % 4 or len(self.options) > 40:
            raise UsageError(
                f"IPv4 options of {len(self.options)} bytes, 0, 4, 8 ... 40 allowed", reference="RFC 791 §3.1"
            )
        if self.fragment_offset % 8:
            raise UsageError(
                f"fragment offset {self.fragment_offset}, multiples of 8 allowed", reference="RFC 791 §3.1"
            )
        fixed = pack(
            _IPV4,
            "IPv4",
            0x45 + len(self.options) // 4,
            self.tos,
            self.total_length,
            self.ident,
            bits("IPv4", (self.flags, 3), (self.fragment_offset >> 3, 13)),
            self.ttl,
            self.protocol,
            self.checksum,
            exactly(4, self.source),
            exactly(4, self.destination),
        )
        return fixed + self.options

    def sealed(self, payload: bytes) -> Self:
        """The same with the length of ``payload`` and the right checksum.

        Raises:
            UsageError: the packet would be longer than 65535 bytes.
        """
        bare = replace(self, total_length=self.header_length + len(payload), checksum=0)
        return replace(bare, checksum=checksum(bare.serialize()))

    def __str__(self) -> str:
        return f"{address_text(self.source)} > {address_text(self.destination)} protocol {self.protocol}"


def parse_ipv4(data: bytes, offset: int = 0) -> IPv4:
    """Read a header of 20 to 60 bytes; the checksum is not verified.

    Raises:
        IncompleteError: there are fewer bytes than the header says.
        ProtocolError: the version is not 4, or the header length is below 20.
    """
    if len(data) - offset < 20:
        raise cut("IPv4 header", data, offset, 20, "RFC 791 §3.1")
    first, tos, total_length, ident, fragment, ttl, protocol, check, source, destination = _IPV4.unpack_from(
        data, offset
    )
    options = b""
    if first != 0x45:
        size = (first & 0x0F) * 4
        if first >> 4 != 4 or size < 20:
            raise ProtocolError(
                f"IP version {first >> 4}, header of {size} bytes at byte {offset}; version 4, 20 to 60 bytes allowed",
                reference="RFC 791 §3.1",
            )
        if len(data) - offset < size:
            raise cut("IPv4 header", data, offset, size, "RFC 791 §3.1")
        options = data[offset + 20 : offset + size]
    return IPv4(
        source,
        destination,
        protocol,
        ttl,
        ident,
        fragment >> 13,
        (fragment & 0x1FFF) << 3,
        tos,
        total_length,
        check,
        options,
    )


@dataclass(frozen=True, slots=True)
class IPv4Option:
    """``kind`` is the whole type octet, copied flag and class included; 0 and 1 have no value (RFC 791 §3.1)."""

    kind: int
    value: bytes = b""


def parse_ipv4_options(options: bytes) -> list[IPv4Option]:
    """Split a header's option bytes; bytes after an End of Option List are padding.

    Raises:
        ProtocolError: an option's length is below 2 or points beyond the header.
    """
    found = []
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            found.append(IPv4Option(1))
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            raise ProtocolError(
                f"IPv4 option {options[at]} of {size} bytes at byte {at} of {len(options)}", reference="RFC 791 §3.1"
            )
        found.append(IPv4Option(options[at], options[at + 2 : at + size]))
        at += size
    return found


def serialize_ipv4_options(options: list[IPv4Option]) -> bytes:
    """Option bytes, padded with End of Option List to a multiple of 4."""
    raw = b"".join(
        bytes((option.kind,)) if option.kind < 2 else bytes((option.kind, len(option.value) + 2)) + option.value
        for option in options
    )
    return raw + bytes(-len(raw) % 4)
