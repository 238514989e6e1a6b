"""Headers between Ethernet and IP: VLAN tags (802.1Q, 802.1ad), MPLS labels, PPPoE and PPP, Cisco metadata."""

import struct
from dataclasses import dataclass, replace
from typing import Self

from netwright.core.errors import ProtocolError
from netwright.wire.fields import bits, cut, pack

__all__ = [
    "CiscoMetadata",
    "ControlWord",
    "Mpls",
    "Ppp",
    "Pppoe",
    "Vlan",
    "parse_cisco_metadata",
    "parse_mpls",
    "parse_ppp",
    "parse_pppoe",
    "parse_vlan",
]

_VLAN = struct.Struct("!2H")  # tag control information, type
_MPLS = struct.Struct("!I")  # label 20, traffic class 3, bottom of stack 1, TTL 8
_PPPOE = struct.Struct("!2B2H")  # version and type, code, session, length
_METADATA = struct.Struct("!2B3H")  # version, length, option, group, type


@dataclass(frozen=True, slots=True)
class Vlan:
    """One tag, without the type in front of it, which belongs to the header before (IEEE 802.1Q §9.6)."""

    ident: int
    kind: int
    priority: int = 0
    drop_eligible: bool = False

    @property
    def header_length(self) -> int:
        """Always 4 bytes."""
        return 4

    def serialize(self) -> bytes:
        """Tag bytes and the type behind them."""
        control = bits("VLAN", (self.priority, 3), (self.drop_eligible, 1), (self.ident, 12))
        return pack(_VLAN, "VLAN", control, self.kind)


def parse_vlan(data: bytes, offset: int = 0) -> Vlan:
    """Read a tag of 4 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 4:
        raise cut("VLAN tag", data, offset, 4, "IEEE 802.1Q §9.6")
    control, kind = _VLAN.unpack_from(data, offset)
    return Vlan(control & 0x0FFF, kind, control >> 13, bool(control & 0x1000))


@dataclass(frozen=True, slots=True)
class Mpls:
    """One label stack entry (RFC 3032 §2.1)."""

    label: int
    bottom: bool
    ttl: int = 64
    traffic_class: int = 0

    @property
    def header_length(self) -> int:
        """Always 4 bytes."""
        return 4

    def serialize(self) -> bytes:
        """Entry bytes."""
        entry = bits("MPLS", (self.label, 20), (self.traffic_class, 3), (self.bottom, 1), (self.ttl, 8))
        return entry.to_bytes(4, "big")


def parse_mpls(data: bytes, offset: int = 0) -> Mpls:
    """Read one entry of 4 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 4:
        raise cut("MPLS label", data, offset, 4, "RFC 3032 §2.1")
    (entry,) = _MPLS.unpack_from(data, offset)
    return Mpls(entry >> 12, bool(entry & 0x100), entry & 0xFF, entry >> 9 & 7)


@dataclass(frozen=True, slots=True)
class ControlWord:
    """The 4 bytes between an MPLS label and a pseudowire's frame (RFC 4385 §3)."""

    word: bytes

    @property
    def header_length(self) -> int:
        """Always 4 bytes."""
        return len(self.word)

    def serialize(self) -> bytes:
        """Bytes of the control word."""
        return self.word


@dataclass(frozen=True, slots=True)
class Pppoe:
    """PPPoE header (RFC 2516 §4); ``length`` counts what follows, with PPP's protocol field; code 0 is a session."""

    session: int
    code: int = 0
    length: int = 0

    @property
    def header_length(self) -> int:
        """Always 6 bytes."""
        return 6

    def serialize(self) -> bytes:
        """Header bytes of version 1, type 1."""
        return pack(_PPPOE, "PPPoE", 0x11, self.code, self.session, self.length)

    def sealed(self, payload: bytes) -> Self:
        """The same with the length of ``payload``."""
        return replace(self, length=len(payload))


def parse_pppoe(data: bytes, offset: int = 0) -> Pppoe:
    """Read 6 bytes.

    Raises:
        IncompleteError: there are fewer.
        ProtocolError: version or type is not 1.
    """
    if len(data) - offset < 6:
        raise cut("PPPoE header", data, offset, 6, "RFC 2516 §4")
    version, code, session, length = _PPPOE.unpack_from(data, offset)
    if version != 0x11:
        raise ProtocolError(
            f"PPPoE version and type {version:#04x} at byte {offset}, 0x11 allowed", reference="RFC 2516 §4"
        )
    return Pppoe(session, code, length)


@dataclass(frozen=True, slots=True)
class Ppp:
    """PPP's protocol field (RFC 1661 §2); ``prefix`` is address and control (ff 03) where the link has them."""

    protocol: int
    prefix: bytes = b""
    compressed: bool = False

    @property
    def header_length(self) -> int:
        """1 to 4 bytes."""
        return len(self.prefix) + 2 - self.compressed

    def serialize(self) -> bytes:
        """Header bytes; ``compressed`` writes one byte (RFC 1661 §6.5)."""
        layout = struct.Struct("!B" if self.compressed else "!H")
        return self.prefix + pack(layout, "PPP", self.protocol)


def parse_ppp(data: bytes, offset: int = 0) -> Ppp:
    """Read 1 to 4 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    prefix = b"\xff\x03" if data[offset : offset + 2] == b"\xff\x03" else b""
    at = offset + len(prefix)
    compressed = len(data) > at and bool(data[at] & 1)  # only the last byte of a protocol number is odd
    if len(data) - at < 2 - compressed or data[at:] == b"\xff":  # a lone ff may be the first byte of the prefix
        raise cut("PPP protocol", data, at, 2, "RFC 1661 §2")
    protocol = data[at] if compressed else int.from_bytes(data[at : at + 2], "big")
    return Ppp(protocol, prefix, compressed)


@dataclass(frozen=True, slots=True)
class CiscoMetadata:
    """Security group tag between Ethernet and IP, type 0x8909, in the one form seen in captures: 8 bytes."""

    group: int
    kind: int
    version: int = 1
    length: int = 1
    option: int = 1

    @property
    def header_length(self) -> int:
        """Always 8 bytes."""
        return 8

    def serialize(self) -> bytes:
        """Header bytes."""
        return pack(_METADATA, "Cisco metadata", self.version, self.length, self.option, self.group, self.kind)


def parse_cisco_metadata(data: bytes, offset: int = 0) -> CiscoMetadata:
    """Read 8 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 8:
        raise cut("Cisco metadata", data, offset, 8, "Cisco TrustSec inline tagging")
    version, length, option, group, kind = _METADATA.unpack_from(data, offset)
    return CiscoMetadata(group, kind, version, length, option)
