"""Link types of capture files, and the pseudo headers that some of them have: Linux cooked, BSD loopback.

Numbers and layouts: the tcpdump group's registry of link-layer header types (LINKTYPE_*).
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from netwright.wire.fields import cut, exactly, pack

__all__ = [
    "LinkType",
    "Loopback",
    "Sll",
    "Sll2",
    "parse_loopback",
    "parse_sll",
    "parse_sll2",
]

_SLL = struct.Struct("!3H8sH")  # packet type, hardware type, address length, address, protocol
_SLL2 = struct.Struct("!2HIH2B8s")  # protocol, reserved, interface, hardware type, packet type, address length, address
_REGISTRY = "LINKTYPE registry"


class LinkType(IntEnum):
    """Link types that ``decode`` reads."""

    NULL = 0  # BSD loopback, family in the byte order of the machine that captured
    ETHERNET = 1
    PPP = 9
    RAW_BSD = 12  # DLT_RAW written as it is
    RAW_OPENBSD = 14
    PPP_ETHER = 51
    RAW = 101  # IP, version 4 or 6
    LOOP = 108  # OpenBSD loopback, family in network byte order
    LINUX_SLL = 113
    IPV4 = 228
    IPV6 = 229
    LINUX_SLL2 = 276


@dataclass(frozen=True, slots=True)
class Loopback:
    """``family`` is AF_INET (2) or AF_INET6, which is 24, 28 or 30 as the system has it."""

    family: int
    little_endian: bool = True

    @property
    def header_length(self) -> int:
        """Always 4 bytes."""
        return 4

    @property
    def is_ip(self) -> bool:
        """True if an IP header follows."""
        return self.family in (2, 10, 24, 28, 30)

    def serialize(self) -> bytes:
        """Header bytes."""
        return pack(struct.Struct("<I" if self.little_endian else ">I"), "loopback", self.family)


def parse_loopback(data: bytes, offset: int = 0) -> Loopback:
    """Read 4 bytes; the byte order is the one that gives a number below 65536.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 4:
        raise cut("loopback header", data, offset, 4, _REGISTRY)
    little = data[offset + 2 : offset + 4] == b"\0\0"
    return Loopback(int.from_bytes(data[offset : offset + 4], "little" if little else "big"), little)


@dataclass(frozen=True, slots=True)
class Sll:
    """Linux cooked capture; ``packet_type`` 0 to us, 1 broadcast, 2 multicast, 3 to others, 4 from us (packet(7)).

    ``address`` is the 8 bytes of the field, of which ``address_length`` count.
    """

    packet_type: int
    hardware: int
    address_length: int
    address: bytes
    kind: int

    @property
    def header_length(self) -> int:
        """Always 16 bytes."""
        return 16

    def serialize(self) -> bytes:
        """Header bytes."""
        return pack(
            _SLL, "SLL", self.packet_type, self.hardware, self.address_length, exactly(8, self.address), self.kind
        )


def parse_sll(data: bytes, offset: int = 0) -> Sll:
    """Read 16 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 16:
        raise cut("SLL header", data, offset, 16, _REGISTRY)
    return Sll(*_SLL.unpack_from(data, offset))


@dataclass(frozen=True, slots=True)
class Sll2:
    """Linux cooked capture version 2: with the interface's index."""

    kind: int
    reserved: int
    interface: int
    hardware: int
    packet_type: int
    address_length: int
    address: bytes

    @property
    def header_length(self) -> int:
        """Always 20 bytes."""
        return 20

    def serialize(self) -> bytes:
        """Header bytes."""
        return pack(
            _SLL2,
            "SLL2",
            self.kind,
            self.reserved,
            self.interface,
            self.hardware,
            self.packet_type,
            self.address_length,
            exactly(8, self.address),
        )


def parse_sll2(data: bytes, offset: int = 0) -> Sll2:
    """Read 20 bytes.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 20:
        raise cut("SLL2 header", data, offset, 20, _REGISTRY)
    return Sll2(*_SLL2.unpack_from(data, offset))
