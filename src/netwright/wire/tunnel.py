"""Tunnel headers: GRE (RFC 2784, RFC 2890, RFC 2637), VXLAN (RFC 7348), GENEVE (RFC 8926)."""

import struct
from dataclasses import dataclass, replace
from typing import Self

from netwright.core.errors import ProtocolError, UsageError
from netwright.wire.checksum import checksum
from netwright.wire.fields import bits, cut, pack

__all__ = [
    "GENEVE_PORT",
    "VXLAN_PORT",
    "Geneve",
    "GeneveOption",
    "Gre",
    "Vxlan",
    "parse_geneve",
    "parse_geneve_options",
    "parse_gre",
    "parse_vxlan",
    "serialize_geneve_options",
]

VXLAN_PORT, GENEVE_PORT = 4789, 6081  # UDP destination (RFC 7348 §5, RFC 8926 §3.3)
_CHECKSUM, _ROUTING, _KEY, _SEQUENCE, _ACK = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080
_U16S, _U32 = struct.Struct("!2H"), struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Gre:
    """``kind`` is an Ethernet type; an optional field that is None is absent.

    Version 1 is PPTP's (RFC 2637 §4.1): ``key`` holds payload length and call, ``ack`` may follow ``sequence``.
    ``flags`` are the bits of the first two bytes that announce no optional field.
    """

    kind: int
    checksum: int | None = None
    key: int | None = None
    sequence: int | None = None
    ack: int | None = None
    version: int = 0
    flags: int = 0
    reserved: int = 0

    @property
    def header_length(self) -> int:
        """4 to 20 bytes."""
        return 4 + 4 * sum(field is not None for field in (self.checksum, self.key, self.sequence, self.ack))

    def serialize(self) -> bytes:
        """Header bytes."""
        announced = 0
        raw = b""
        if self.checksum is not None:
            announced |= _CHECKSUM
            raw += pack(_U16S, "GRE", self.checksum, self.reserved)
        for flag, value in ((_KEY, self.key), (_SEQUENCE, self.sequence), (_ACK, self.ack)):
            if value is not None:
                announced |= flag
                raw += pack(_U32, "GRE", value)
        if self.ack is not None and self.version != 1:
            raise UsageError("a GRE acknowledgment number needs version 1", reference="RFC 2637 §4.1")
        return pack(_U16S, "GRE", announced | self.flags | bits("GRE", (self.version, 3)), self.kind) + raw

    def sealed(self, payload: bytes) -> Self:
        """The same with the right checksum if it has one, over header and payload (RFC 2784 §2.5)."""
        if self.checksum is None:
            return self
        bare = replace(self, checksum=0)
        return replace(bare, checksum=checksum(bare.serialize() + payload))


def parse_gre(data: bytes, offset: int = 0) -> Gre:
    """Read 4 to 20 bytes.

    Raises:
        IncompleteError: there are fewer than the flags announce.
        ProtocolError: source routing, or a version above 1.
    """
    if len(data) - offset < 4:
        raise cut("GRE header", data, offset, 4, "RFC 2784 §2.1")
    flags, kind = _U16S.unpack_from(data, offset)
    version = flags & 7
    if flags & _ROUTING or version > 1:
        raise ProtocolError(
            f"GRE version {version}, routing {bool(flags & _ROUTING)} at byte {offset}; 0 or 1 without routing allowed",
            reference="RFC 2784 §2.3",
        )
    optional = _CHECKSUM | _KEY | _SEQUENCE | (_ACK if version == 1 else 0)
    size = 4 + 4 * (flags & optional).bit_count()
    if len(data) - offset < size:
        raise cut("GRE header", data, offset, size, "RFC 2890 §2")
    values = iter(struct.unpack_from(f"!{(size - 4) // 4}I", data, offset + 4))
    check = next(values) if flags & _CHECKSUM else None
    key, sequence, ack = (next(values) if flags & optional & flag else None for flag in (_KEY, _SEQUENCE, _ACK))
    rest = flags & ~optional & ~7
    if check is None:
        return Gre(kind, None, key, sequence, ack, version, rest)
    return Gre(kind, check >> 16, key, sequence, ack, version, rest, check & 0xFFFF)


@dataclass(frozen=True, slots=True)
class Vxlan:
    """``flags`` 8 says that the network identifier is valid (RFC 7348 §5); the reserved bits as they were."""

    vni: int
    flags: int = 0x08
    reserved: int = 0
    reserved_end: int = 0

    @property
    def header_length(self) -> int:
        """Always 8 bytes."""
        return 8

    def serialize(self) -> bytes:
        """Header bytes."""
        joined = bits("VXLAN", (self.flags, 8), (self.reserved, 24), (self.vni, 24), (self.reserved_end, 8))
        return joined.to_bytes(8, "big")


def parse_vxlan(data: bytes, offset: int = 0) -> Vxlan:
    """Read 8 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 8:
        raise cut("VXLAN header", data, offset, 8, "RFC 7348 §5")
    first, second = struct.unpack_from("!2I", data, offset)
    return Vxlan(second >> 8, first >> 24, first & 0xFFFFFF, second & 0xFF)


@dataclass(frozen=True, slots=True)
class Geneve:
    """``kind`` is an Ethernet type, ``options`` are raw (``parse_geneve_options``); the reserved bits as they were."""

    vni: int
    kind: int = 0x6558
    options: bytes = b""
    control: bool = False
    critical: bool = False
    reserved: int = 0
    reserved_end: int = 0

    @property
    def header_length(self) -> int:
        """8 to 260 bytes."""
        return 8 + len(self.options)

    def serialize(self) -> bytes:
        """Header bytes."""
        if len(self.options) % 4:
            raise UsageError(f"GENEVE options of {len(self.options)} bytes, multiples of 4 allowed")
        joined = bits(
            "GENEVE",
            (0, 2),
            (len(self.options) // 4, 6),
            (self.control, 1),
            (self.critical, 1),
            (self.reserved, 6),
            (self.kind, 16),
            (self.vni, 24),
            (self.reserved_end, 8),
        )
        return joined.to_bytes(8, "big") + self.options


def parse_geneve(data: bytes, offset: int = 0) -> Geneve:
    """Read 8 to 260 bytes.

    Raises:
        IncompleteError: there are fewer than the header says.
        ProtocolError: the version is not 0.
    """
    if len(data) - offset < 8:
        raise cut("GENEVE header", data, offset, 8, "RFC 8926 §3.4")
    first, flags, kind, end = struct.unpack_from("!2BHI", data, offset)
    if first >> 6:
        raise ProtocolError(f"GENEVE version {first >> 6} at byte {offset}, 0 allowed", reference="RFC 8926 §3.4")
    size = 8 + (first & 0x3F) * 4
    if len(data) - offset < size:
        raise cut("GENEVE header", data, offset, size, "RFC 8926 §3.4")
    options = data[offset + 8 : offset + size]
    return Geneve(end >> 8, kind, options, bool(flags & 0x80), bool(flags & 0x40), flags & 0x3F, end & 0xFF)


@dataclass(frozen=True, slots=True)
class GeneveOption:
    """``kind`` has the critical bit on top (RFC 8926 §3.5); ``value`` is a multiple of 4 bytes, up to 124."""

    class_number: int
    kind: int
    value: bytes = b""


def parse_geneve_options(options: bytes) -> list[GeneveOption]:
    """Split a header's options.

    Raises:
        ProtocolError: an option ends behind the header.
    """
    found = []
    at = 0
    while at < len(options):
        size = 4 + (options[at + 3] & 0x1F) * 4 if at + 4 <= len(options) else 4
        if at + size > len(options):
            raise ProtocolError(
                f"GENEVE option of {size} bytes at byte {at} of {len(options)}", reference="RFC 8926 §3.5"
            )
        class_number = int.from_bytes(options[at : at + 2], "big")
        found.append(GeneveOption(class_number, options[at + 2], options[at + 4 : at + size]))
        at += size
    return found


def serialize_geneve_options(options: list[GeneveOption]) -> bytes:
    """Option bytes.

    Raises:
        UsageError: a value is not a multiple of 4 up to 124 bytes.
    """
    raw = b""
    for option in options:
        words, rest = divmod(len(option.value), 4)
        if rest:
            raise UsageError(f"GENEVE option value of {len(option.value)} bytes, multiples of 4 allowed")
        head = bits("GENEVE option", (option.class_number, 16), (option.kind, 8), (0, 3), (words, 5))
        raw += head.to_bytes(4, "big") + option.value
    return raw
