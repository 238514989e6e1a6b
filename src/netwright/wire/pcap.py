"""The classic capture file: a header, then records (draft-ietf-opsawg-pcap, pcap-savefile(5)).

Reads every magic number that libpcap and Wireshark read (microseconds, nanoseconds, Kuznetsov's and IXIA's variants) in
both byte orders.  Writes microseconds or nanoseconds.
"""

import struct
from dataclasses import dataclass

from netwright.core.errors import ProtocolError
from netwright.wire.blocks import Block, CaptureParser, Interface, Record, Section
from netwright.wire.fields import pack

__all__ = ["MAX_RECORD", "PcapParser", "PcapWriter", "is_pcap"]

_FORMAT = "draft-ietf-opsawg-pcap §4"
_HEADER = struct.Struct("<I2H4I")  # magic number, version, zone, accuracy, snap length, link type
_RECORD = struct.Struct("<4I")  # seconds, fraction, bytes here, bytes on the wire
MAX_RECORD = 1 << 24  # bytes of one packet; libpcap takes 262144 on networks, 128 MiB on USB


@dataclass(frozen=True, slots=True)
class _Variant:
    units: int  # time stamps per second
    header: int  # bytes of the file header
    extra: int  # bytes behind the four fields of a record header


_VARIANTS = {
    0xA1B2C3D4: _Variant(1_000_000, 24, 0),
    0xA1B23C4D: _Variant(1_000_000_000, 24, 0),
    0xA1B2CD34: _Variant(1_000_000, 24, 8),  # Kuznetsov's: interface, protocol, packet type behind each header
    0x1C0001AC: _Variant(1_000_000_000, 28, 0),  # IXIA hardware: the size of all records behind the file header
    0x1C0001AB: _Variant(1_000_000_000, 28, 0),  # IXIA software
}
_ORDERS = {
    magic.to_bytes(4, order): (order == "little", variant)
    for magic, variant in _VARIANTS.items()
    for order in ("little", "big")
}


def is_pcap(beginning: bytes) -> bool:
    """True if four bytes or more start as a classic capture file does."""
    return beginning[:4] in _ORDERS


class PcapParser(CaptureParser):
    """Parser of a pcap file; returns a Section and an Interface first, then Records."""

    def __init__(self, *, max_record: int = MAX_RECORD) -> None:
        """``max_record`` is the largest packet in bytes; a longer one is an error in the file."""
        super().__init__()
        self._max_record = max_record
        self._interface: Interface | None = None
        self._variant = _VARIANTS[0xA1B2C3D4]
        self._record = struct.Struct("<4I")
        self._minor = 4

    def _begun(self) -> bool:
        return self._interface is not None

    def _read(self, data: bytes, at: int, found: list[Block]) -> int:
        interface = self._interface
        if interface is None:
            return self._read_header(data, at, found)
        header = 16 + self._variant.extra
        if len(data) - at < header:
            return -header
        seconds, fraction, size, length = self._record.unpack_from(data, at)
        if self._minor < 3 or (self._minor == 3 and size > length):
            size, length = length, size  # files before version 2.4 had the two in this order (libpcap sf-pcap.c)
        if size > self._max_record:
            raise ProtocolError(
                f"record of {size} bytes at byte {self._start + at}, {self._max_record} allowed", reference=_FORMAT
            )
        end: int = at + header + size
        if len(data) < end:
            return at - end
        at_ns = seconds * 1_000_000_000 + fraction * (1_000_000_000 // interface.units)
        found.append(Record(at_ns, data[end - size : end], length, interface))
        return end - at

    def _read_header(self, data: bytes, at: int, found: list[Block]) -> int:
        if len(data) < 4:
            return -4
        if not is_pcap(data):
            raise ProtocolError(f"not a pcap file: magic number {data[:4].hex()} at byte 0", reference=_FORMAT)
        little, self._variant = _ORDERS[data[:4]]
        if len(data) < self._variant.header:
            return -self._variant.header
        order = "<" if little else ">"
        major, self._minor, _, _, snap_length, link = struct.unpack_from(f"{order}2H4I", data, 4)
        if major != 2:
            raise ProtocolError(f"pcap version {major}.{self._minor} at byte 4, 2.x allowed", reference=_FORMAT)
        self._record = struct.Struct(f"{order}4I")
        # Bit 26 of the link type says that bits 28 to 31 count the check sequence in 16-bit words.
        check_length = (link >> 28) * 2 if link & 1 << 26 else -1
        self._interface = Interface(link & 0xFFFF, snap_length, units=self._variant.units, check_length=check_length)
        found += [Section("pcap", little), self._interface]
        return self._variant.header


class PcapWriter:
    """Writer of a little-endian file, version 2.4: ``header`` first, then ``record`` for each packet, both as bytes."""

    def __init__(self, link_type: int, *, snap_length: int = 262144, nanoseconds: bool = True) -> None:
        """Without ``nanoseconds`` times are cut to microseconds, for readers older than 2013."""
        self.link_type, self.snap_length = link_type, snap_length
        self._magic, self._nanoseconds = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)

    def header(self) -> bytes:
        """The file header."""
        return pack(_HEADER, "pcap header", self._magic, 2, 4, 0, 0, self.snap_length, self.link_type)

    def record(self, at_ns: int, data: bytes, length: int | None = None) -> bytes:
        """One packet, cut to the snap length.

        Args:
            length: bytes on the wire, where ``data`` is already cut.

        Raises:
            UsageError: the time is before 1970 or after 2106; the format has 32 bits for the seconds.
        """
        seconds, rest = divmod(at_ns, 1_000_000_000)
        kept = data[: self.snap_length]
        wire = len(data) if length is None else length
        return pack(_RECORD, "pcap record", seconds, rest // self._nanoseconds, len(kept), wire) + kept
