"""TCP header (RFC 9293 §3.1).  Sequence numbers are as on the wire, 32 bits, no unwrapping."""

import struct
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Self

from netwright.core.errors import ProtocolError, UsageError
from netwright.wire.checksum import transport_checksum
from netwright.wire.fields import bits, cut, pack

__all__ = ["Tcp", "TcpFlag", "parse_tcp"]

# source, destination, sequence number, acknowledgment number, offset and flags, window, checksum, urgent pointer
_TCP = struct.Struct("!2H2I4H")


class TcpFlag(IntFlag):
    """Control bits; AE is the former NS (RFC 9293 §3.1, RFC 9768 §2.1)."""

    FIN = 0x001
    SYN = 0x002
    RST = 0x004
    PSH = 0x008
    ACK = 0x010
    URG = 0x020
    ECE = 0x040
    CWR = 0x080
    AE = 0x100


@dataclass(frozen=True, slots=True)
class Tcp:
    """``flags`` are nine control bits, ``reserved`` the three beside them, ``window`` is not scaled.

    ``options`` are raw bytes, padding included; ``tcp_options.parse_tcp_options`` splits them where they are needed.
    """

    source_port: int
    destination_port: int
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    checksum: int = 0
    urgent: int = 0
    options: bytes = b""
    reserved: int = 0

    @property
    def header_length(self) -> int:
        """20 to 60 bytes."""
        return 20 + len(self.options)

    def sequence_length(self, payload_length: int) -> int:
        """Sequence numbers that the segment occupies: its bytes, SYN and FIN (RFC 9293 §3.4)."""
        return payload_length + (self.flags & 1) + (self.flags >> 1 & 1)

    def serialize(self) -> bytes:
        """Header bytes with the checksum as the field says."""
        if len(self.options) % 4 or len(self.options) > 40:
            raise UsageError(
                f"TCP options of {len(self.options)} bytes, 0, 4, 8 ... 40 allowed", reference="RFC 9293 §3.1"
            )
        fixed = pack(
            _TCP,
            "TCP",
            self.source_port,
            self.destination_port,
            self.seq,
            self.ack,
            bits("TCP", (5 + len(self.options) // 4, 4), (self.reserved, 3), (self.flags, 9)),
            self.window,
            self.checksum,
            self.urgent,
        )
        return fixed + self.options

    def sealed(self, payload: bytes, source: bytes, destination: bytes) -> Self:
        """The same with the right checksum between two IP addresses, given as 4 or 16 bytes each."""
        bare = replace(self, checksum=0)
        return replace(bare, checksum=transport_checksum(source, destination, 6, bare.serialize() + payload))

    def __str__(self) -> str:
        names = "|".join(flag.name or "" for flag in TcpFlag if flag & self.flags) or "no flags"
        return f"{self.source_port} > {self.destination_port} {names} seq={self.seq} ack={self.ack} win={self.window}"


def parse_tcp(data: bytes, offset: int = 0) -> Tcp:
    """Read a header of 20 to 60 bytes; the checksum is not verified.

    Raises:
        IncompleteError: there are fewer bytes than the header says.
        ProtocolError: the header length is below 20.
    """
    if len(data) - offset < 20:
        raise cut("TCP header", data, offset, 20, "RFC 9293 §3.1")
    source, destination, seq, ack, mixed, window, check, urgent = _TCP.unpack_from(data, offset)
    size = mixed >> 10 & 0x3C
    if size < 20:
        raise ProtocolError(f"TCP header of {size} bytes at byte {offset}, 20 to 60 allowed", reference="RFC 9293 §3.1")
    if len(data) - offset < size:
        raise cut("TCP header", data, offset, size, "RFC 9293 §3.1")
    options = data[offset + 20 : offset + size]
    return Tcp(source, destination, seq, ack, mixed & 0x1FF, window, check, urgent, options, mixed >> 9 & 7)
