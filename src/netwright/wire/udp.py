"""UDP header (RFC 768)."""

import struct
from dataclasses import dataclass, replace
from typing import Self

from netwright.wire.checksum import transport_checksum
from netwright.wire.fields import cut, pack

__all__ = ["Udp", "parse_udp"]

_UDP = struct.Struct("!4H")  # source port, destination port, length, checksum


@dataclass(frozen=True, slots=True)
class Udp:
    """``length`` includes the header; checksum 0 means that none was computed, which IPv4 allows."""

    source_port: int
    destination_port: int
    length: int = 8
    checksum: int = 0

    @property
    def header_length(self) -> int:
        """Always 8 bytes."""
        return 8

    def serialize(self) -> bytes:
        """Header bytes."""
        return pack(_UDP, "UDP", self.source_port, self.destination_port, self.length, self.checksum)

    def sealed(self, payload: bytes, source: bytes, destination: bytes) -> Self:
        """The same with length and checksum; a computed checksum of 0 is sent as 65535 (RFC 768)."""
        bare = replace(self, length=8 + len(payload), checksum=0)
        return replace(bare, checksum=transport_checksum(source, destination, 17, bare.serialize() + payload) or 0xFFFF)


def parse_udp(data: bytes, offset: int = 0) -> Udp:
    """Read 8 bytes; length and checksum are not verified.

    Raises:
        IncompleteError: there are fewer.
    """
    if len(data) - offset < 8:
        raise cut("UDP header", data, offset, 8, "RFC 768")
    return Udp(*_UDP.unpack_from(data, offset))
