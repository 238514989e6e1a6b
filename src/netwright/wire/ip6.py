"""IPv6 header and extension headers (RFC 8200 §3, §4)."""

import struct
from dataclasses import dataclass, replace
from typing import Self

from netwright.core.errors import ProtocolError, UsageError
from netwright.wire.fields import address_text, bits, cut, exactly, pack
from netwright.wire.ip import IPProtocol

__all__ = ["EXTENSIONS", "Extension", "Fragment", "IPv6", "parse_extension", "parse_fragment", "parse_ipv6"]

_IPV6 = struct.Struct("!IHBB16s16s")  # version, class and flow label; payload length, next header, hop limit
_FRAGMENT = struct.Struct("!2BHI")  # next header, reserved, offset and flags, identification

EXTENSIONS = frozenset(
    {
        IPProtocol.HOP_BY_HOP,
        IPProtocol.ROUTING,
        IPProtocol.DESTINATION_OPTIONS,
        IPProtocol.AH,  # RFC 4302: its length counts 4 bytes, not 8
        IPProtocol.MOBILITY,
        IPProtocol.HIP,
        IPProtocol.SHIM6,
    }
)  # IANA ipv6-parameters, less the fragment header, which is a value of its own


@dataclass(frozen=True, slots=True)
class IPv6:
    """Addresses are 16 bytes.  ``payload_length`` includes extension headers; 0 is a jumbogram or not yet segmented."""

    source: bytes
    destination: bytes
    next_header: int
    hop_limit: int = 64
    traffic_class: int = 0
    flow_label: int = 0
    payload_length: int = 0

    @property
    def header_length(self) -> int:
        """Always 40 bytes."""
        return 40

    @property
    def ttl(self) -> int:
        """The hop limit, under IPv4's name."""
        return self.hop_limit

    @property
    def dscp(self) -> int:
        """Differentiated services code point (RFC 2474 §3)."""
        return self.traffic_class >> 2

    @property
    def ecn(self) -> int:
        """0 not capable, 1 ECT(1), 2 ECT(0), 3 congestion experienced (RFC 3168 §5)."""
        return self.traffic_class & 3

    def serialize(self) -> bytes:
        """Header bytes."""
        return pack(
            _IPV6,
            "IPv6",
            bits("IPv6", (6, 4), (self.traffic_class, 8), (self.flow_label, 20)),
            self.payload_length,
            self.next_header,
            self.hop_limit,
            exactly(16, self.source),
            exactly(16, self.destination),
        )

    def sealed(self, payload: bytes) -> Self:
        """The same with the length of ``payload``, extension headers included."""
        return replace(self, payload_length=len(payload))

    def __str__(self) -> str:
        return f"{address_text(self.source)} > {address_text(self.destination)} next header {self.next_header}"


def parse_ipv6(data: bytes, offset: int = 0) -> IPv6:
    """Read 40 bytes.

    Raises:
        IncompleteError: there are fewer.
        ProtocolError: the version is not 6.
    """
    if len(data) - offset < 40:
        raise cut("IPv6 header", data, offset, 40, "RFC 8200 §3")
    first, length, next_header, hop_limit, source, destination = _IPV6.unpack_from(data, offset)
    if first >> 28 != 6:
        raise ProtocolError(f"IP version {first >> 28} at byte {offset}, 6 allowed", reference="RFC 8200 §3")
    return IPv6(source, destination, next_header, hop_limit, first >> 20 & 0xFF, first & 0xFFFFF, length)


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension header; ``kind`` is its number, which the header before it names, ``body`` follows its length."""

    kind: int
    next_header: int
    body: bytes

    @property
    def header_length(self) -> int:
        """A multiple of 8 bytes, of 4 for the authentication header."""
        return 2 + len(self.body)

    def serialize(self) -> bytes:
        """Header bytes.

        Raises:
            UsageError: the body does not fill the units of the length field.
        """
        unit, first = (4, 2) if self.kind == IPProtocol.AH else (8, 1)
        size, rest = divmod(len(self.body) + 2, unit)
        if rest or not 0 <= size - first < 256:
            raise UsageError(f"extension header of {len(self.body) + 2} bytes, multiples of {unit} allowed")
        return bytes((self.next_header, size - first)) + self.body


def parse_extension(data: bytes, offset: int, kind: int) -> Extension:
    """Read the extension header of number ``kind``.

    Raises:
        IncompleteError: it is cut.
    """
    if len(data) - offset < 8:
        raise cut("IPv6 extension header", data, offset, 8, "RFC 8200 §4")
    size = (data[offset + 1] + 2) * 4 if kind == IPProtocol.AH else (data[offset + 1] + 1) * 8
    if len(data) - offset < size:
        raise cut("IPv6 extension header", data, offset, size, "RFC 8200 §4")
    return Extension(kind, data[offset], data[offset + 2 : offset + size])


@dataclass(frozen=True, slots=True)
class Fragment:
    """Fragment header (RFC 8200 §4.5); ``fragment_offset`` in bytes, the reserved bits as they were."""

    next_header: int
    fragment_offset: int
    more_fragments: bool
    ident: int
    reserved: int = 0
    reserved_flags: int = 0

    @property
    def header_length(self) -> int:
        """Always 8 bytes."""
        return 8

    @property
    def is_fragment(self) -> bool:
        """False for an atomic fragment, which is a whole packet (RFC 6946)."""
        return self.fragment_offset > 0 or self.more_fragments

    def serialize(self) -> bytes:
        """Header bytes."""
        if self.fragment_offset % 8:
            raise UsageError(
                f"fragment offset {self.fragment_offset}, multiples of 8 allowed", reference="RFC 8200 §4.5"
            )
        place = bits(
            "IPv6 fragment", (self.fragment_offset >> 3, 13), (self.reserved_flags, 2), (self.more_fragments, 1)
        )
        return pack(_FRAGMENT, "IPv6 fragment", self.next_header, self.reserved, place, self.ident)


def parse_fragment(data: bytes, offset: int = 0) -> Fragment:
    """Read 8 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 8:
        raise cut("IPv6 fragment header", data, offset, 8, "RFC 8200 §4.5")
    next_header, reserved, place, ident = _FRAGMENT.unpack_from(data, offset)
    return Fragment(next_header, place & 0xFFF8, bool(place & 1), ident, reserved, place >> 1 & 3)
