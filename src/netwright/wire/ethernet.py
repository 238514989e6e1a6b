"""Ethernet II and IEEE 802.3 frames with LLC and SNAP.

A type below 1536 is a length, and an LLC header follows (IEEE 802.3 §3.2.6); SNAP inside it holds an Ethernet type
again (RFC 1042).
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from netwright.wire.fields import cut, exactly, mac_text, pack

__all__ = ["ETHERNET_MINIMUM_TYPE", "EtherType", "Ethernet", "Llc", "Snap", "parse_ethernet", "parse_llc", "parse_snap"]

_ETHERNET = struct.Struct("!6s6sH")  # destination, source, type or length
_SAPS = struct.Struct("!2B")  # destination and source service access point
_SNAP = struct.Struct("!3sH")  # organisation, type
ETHERNET_MINIMUM_TYPE = 0x0600  # below it the field is a length (IEEE 802.3 §3.2.6)
_LLC_SNAP = 0xAA  # service access point of SNAP (RFC 1042)


class EtherType(IntEnum):
    """Types with a name in this package (IANA ieee-802-numbers)."""

    IPV4 = 0x0800
    ARP = 0x0806
    TRANSPARENT_ETHERNET = 0x6558  # RFC 1701 §2: a whole frame in GRE or GENEVE
    VLAN = 0x8100  # 802.1Q customer tag
    IPV6 = 0x86DD
    PPP = 0x880B  # RFC 7973
    MPLS = 0x8847  # RFC 5332
    MPLS_UPSTREAM = 0x8848
    PPPOE_DISCOVERY = 0x8863
    PPPOE_SESSION = 0x8864
    SERVICE_VLAN = 0x88A8  # 802.1ad service tag
    CISCO_METADATA = 0x8909  # security group tag
    QINQ_OLD = 0x9100  # service tag before 802.1ad


@dataclass(frozen=True, slots=True)
class Ethernet:
    """``kind`` is the Ethernet type or, below 1536, the length of an 802.3 frame; addresses are 6 bytes."""

    destination: bytes
    source: bytes
    kind: int

    @property
    def header_length(self) -> int:
        """Always 14 bytes."""
        return 14

    def serialize(self) -> bytes:
        """Header bytes; the hardware appends the frame check sequence."""
        return pack(_ETHERNET, "Ethernet", exactly(6, self.destination), exactly(6, self.source), self.kind)

    def __str__(self) -> str:
        return f"{mac_text(self.source)} > {mac_text(self.destination)} type {self.kind:#06x}"


def parse_ethernet(data: bytes, offset: int = 0) -> Ethernet:
    """Read 14 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 14:
        raise cut("Ethernet header", data, offset, 14, "IEEE 802.3 §3.1.1")
    destination, source, kind = _ETHERNET.unpack_from(data, offset)
    return Ethernet(destination, source, kind)


@dataclass(frozen=True, slots=True)
class Llc:
    """IEEE 802.2 header; ``control`` is 1 byte in the unnumbered format (its two low bits are 1), else 2."""

    dsap: int
    ssap: int
    control: bytes

    @property
    def header_length(self) -> int:
        """3 or 4 bytes."""
        return 2 + len(self.control)

    @property
    def is_snap(self) -> bool:
        """True if a SNAP header follows (RFC 1042)."""
        return self.dsap == self.ssap == _LLC_SNAP and self.control == b"\x03"

    def serialize(self) -> bytes:
        """Header bytes."""
        return pack(_SAPS, "LLC", self.dsap, self.ssap) + self.control


def parse_llc(data: bytes, offset: int = 0) -> Llc:
    """Read 3 or 4 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 3:
        raise cut("LLC header", data, offset, 3, "IEEE 802.2 §3.2")
    end = offset + (3 if data[offset + 2] & 0x03 == 0x03 else 4)
    if len(data) < end:
        raise cut("LLC header", data, offset, 4, "IEEE 802.2 §3.2")
    return Llc(data[offset], data[offset + 1], data[offset + 2 : end])


@dataclass(frozen=True, slots=True)
class Snap:
    """``organisation`` is 3 zero bytes where ``kind`` is an Ethernet type (RFC 1042)."""

    kind: int
    organisation: bytes = b"\0\0\0"

    @property
    def header_length(self) -> int:
        """Always 5 bytes."""
        return 5

    def serialize(self) -> bytes:
        """Header bytes."""
        return pack(_SNAP, "SNAP", exactly(3, self.organisation), self.kind)


def parse_snap(data: bytes, offset: int = 0) -> Snap:
    """Read 5 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 5:
        raise cut("SNAP header", data, offset, 5, "RFC 1042")
    organisation, kind = _SNAP.unpack_from(data, offset)
    return Snap(kind, organisation)
