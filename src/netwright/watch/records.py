"""Incremental reader of the packets of a pcap or pcapng file, in both byte orders.

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.  Times are nanoseconds since the epoch, modulo 2**62.
Reading ends at the first length that is impossible; ``damage`` says where and why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

__all__ = ["Records"]

LARGEST: Final = 262144  # bytes of one packet, the limit of libpcap and Wireshark
LARGEST_BLOCK: Final = LARGEST + 65536  # a packet's block with its options
INTERFACES: Final = 256  # of one pcapng section
TIME: Final = 2**62 - 1
SECTION, INTERFACE, OBSOLETE, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_PCAP = {0xA1B2C3D4: (6, 16), 0xA1B23C4D: (9, 16), 0xA1B2CD34: (6, 24)}  # magic: decimals of a second, record header
_BYTE_ORDER = 0x1A2B3C4D
_IF_TSRESOL, _IF_TSOFFSET = 9, 14
Record = tuple[bytes, int, int, int]  # frame, its length on the wire, time, link type


@dataclass(frozen=True, slots=True)
class _Interface:
    link: int
    unit: int  # times count in 10**-unit s; if negative, in 2**unit s
    offset: int

    def time(self, value: int) -> int:
        if self.unit >= 0:
            step = self.unit - 9
            at = value // 10**step if step > 0 else value * 10**-step
        else:
            bits = -self.unit
            at = (value >> bits) * 10**9 + ((value & ((1 << bits) - 1)) * 10**9 >> bits) if bits < 64 else 0
        return int(at + self.offset) & TIME


class _BrokenError(Exception):
    """Ends reading; does not leave this module."""


class Records:
    """Reads complete records; the caller keeps the bytes of an incomplete one."""

    def __init__(self) -> None:
        self.damage = ""
        self._u16, self._u32 = Struct("<H"), Struct("<I")
        self._interfaces: list[_Interface] = []
        self._head = 0  # bytes of a pcap record's header; 0 is pcapng
        self._known = False
        self._skip = 0
        self._trailer = 0  # length at the end of the block that is being skipped, 0 if none is
        self._position = 0

    @property
    def skipping(self) -> bool:
        """True inside a block of another kind, whose end has not come yet."""
        return bool(self._skip or self._trailer)

    def feed(self, data: bytes) -> tuple[int, list[Record]]:
        """Return the number of bytes used and the complete records in them; the rest must come again, with more."""
        if self.damage or not data:
            return len(data), []
        self._at = min(self._skip, len(data))
        self._skip -= self._at
        records: list[Record] = []
        try:
            if self._known or self._open(data):
                records.extend(self._pcap(data) if self._head else self._pcapng(data))
        except _BrokenError as broken:
            self.damage = f"{broken} at byte {self._position + self._at}"
        self._position += self._at
        return len(data) if self.damage else self._at, records

    def _open(self, data: bytes) -> bool:
        if len(data) < 4:
            return False
        magic = self._u32.unpack_from(data)[0]
        if magic == SECTION:
            self._known = True
            return True
        if magic not in _PCAP:
            self._order(">")
            swapped = self._u32.unpack_from(data)[0]
            if swapped not in _PCAP:
                raise _BrokenError(f"not a capture file: it begins with bytes {data[:4].hex(' ')}")
            magic = swapped
        if len(data) < 24:
            self._order("<")
            return False
        unit, self._head = _PCAP[magic]
        self._interfaces = [_Interface(self._u32.unpack_from(data, 20)[0] & 0xFFFF, unit, 0)]
        self._at, self._known = 24, True
        return True

    def _order(self, order: str) -> None:
        self._u16, self._u32 = Struct(order + "H"), Struct(order + "I")

    def _pcap(self, data: bytes) -> Iterator[Record]:
        head, interface = self._head, self._interfaces[0]
        scale = 10 ** (9 - interface.unit)
        while self._at + head <= len(data):
            seconds, part, cap, wire = (self._u32.unpack_from(data, self._at + i)[0] for i in (0, 4, 8, 12))
            if cap > LARGEST:
                raise _BrokenError(f"a packet has more than {LARGEST} bytes: {cap}")
            start = self._at + head
            if start + cap > len(data):
                return
            self._at = start + cap
            yield data[start : start + cap], wire, seconds * 10**9 + part * scale, interface.link

    def _pcapng(self, data: bytes) -> Iterator[Record]:
        while self._past_trailer(data) and self._at + 12 <= len(data):
            kind = self._kind(data)
            size = self._u32.unpack_from(data, self._at + 4)[0]
            if size < 12 or size % 4:
                raise _BrokenError(f"a pcapng block has fewer than 12 bytes, or not a multiple of 4: {size}")
            if kind not in (INTERFACE, OBSOLETE, SIMPLE, ENHANCED):
                self._trailer, stop = size, self._at + size - 4
                self._skip = max(stop - len(data), 0)
                self._at = stop - self._skip
                continue
            if size > LARGEST_BLOCK:
                raise _BrokenError(f"a pcapng block has more than {LARGEST_BLOCK} bytes: {size}")
            if self._at + size > len(data):
                return
            block = data[self._at : self._at + size]
            self._check_trailer(block, size - 4, size)
            if kind == INTERFACE:
                self._interfaces.append(self._interface(block))
            else:
                yield self._packet(block, kind)
            self._at += size

    def _past_trailer(self, data: bytes) -> bool:
        """Take the length at the end of a block that was skipped; False while it has not come."""
        if self._skip:
            return False
        if self._trailer:
            if self._at + 4 > len(data):
                return False
            self._check_trailer(data, self._at, self._trailer)
            self._trailer = 0
            self._at += 4
        return True

    def _check_trailer(self, data: bytes, at: int, size: int) -> None:
        seen = self._u32.unpack_from(data, at)[0]
        if seen != size:
            raise _BrokenError(f"the two lengths of a pcapng block differ; the second is {seen}")

    def _kind(self, data: bytes) -> int:
        if int.from_bytes(data[self._at : self._at + 4], "little") != SECTION:
            return int(self._u32.unpack_from(data, self._at)[0])
        mark = data[self._at + 8 : self._at + 12]
        if _BYTE_ORDER not in (int.from_bytes(mark, "little"), int.from_bytes(mark, "big")):
            raise _BrokenError(f"not a pcapng section: byte order mark of bytes {mark.hex(' ')}")
        self._order("<" if int.from_bytes(mark, "little") == _BYTE_ORDER else ">")
        self._interfaces = []
        return SECTION

    def _packet(self, block: bytes, kind: int) -> Record:
        u32, which = self._u32.unpack_from, 0
        if kind == SIMPLE:
            if len(block) < 16:
                raise _BrokenError(f"a pcapng simple packet block has fewer than 16 bytes: {len(block)}")
            wire = u32(block, 8)[0]
            cap, head = min(wire, len(block) - 16), 12
        else:
            if len(block) < 32:
                raise _BrokenError(f"a pcapng packet block has fewer than 32 bytes: {len(block)}")
            which = (self._u32 if kind == ENHANCED else self._u16).unpack_from(block, 8)[0]
            cap, wire, head = u32(block, 20)[0], u32(block, 24)[0], 28
            if cap > len(block) - 32:
                raise _BrokenError(f"a pcapng packet is longer than its block: {cap}")
        if which >= len(self._interfaces):
            raise _BrokenError(f"a pcapng packet names an interface that no block describes: {which}")
        interface = self._interfaces[which]
        at = 0 if kind == SIMPLE else interface.time(u32(block, 12)[0] << 32 | u32(block, 16)[0])
        return block[head : head + cap], wire, at, interface.link

    def _interface(self, block: bytes) -> _Interface:
        if len(block) < 20:
            raise _BrokenError(f"a pcapng interface block has fewer than 20 bytes: {len(block)}")
        if len(self._interfaces) == INTERFACES:
            raise _BrokenError(f"a pcapng section has more than {INTERFACES} interfaces: {INTERFACES + 1}")
        link, unit, offset, at = self._u16.unpack_from(block, 8)[0], 6, 0, 16
        while at + 4 <= len(block) - 4:
            code, length = self._u16.unpack_from(block, at)[0], self._u16.unpack_from(block, at + 2)[0]
            value = block[at + 4 : at + 4 + length]
            if code == 0 or at + 4 + length > len(block) - 4:
                break
            if code == _IF_TSRESOL and length >= 1:
                unit = -(value[0] & 0x7F) if value[0] & 0x80 else value[0]
            elif code == _IF_TSOFFSET and length >= 8:
                offset = int.from_bytes(value[:8], "little" if self._u32.format == "<I" else "big") * 10**9
            at += 4 + (length + 3) // 4 * 4
        return _Interface(link, unit, offset)
