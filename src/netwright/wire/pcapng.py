"""pcapng capture files (draft-ietf-opsawg-pcapng): blocks to values and back.

Several sections and interfaces, both byte orders, every time resolution.  Blocks of other types come as OpaqueBlock;
options of other codes are skipped.  Times are in nanoseconds; finer resolutions are cut.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from netwright.core.errors import ProtocolError, UsageError
from netwright.wire.blocks import (
    Block,
    CaptureParser,
    Interface,
    NameRecord,
    OpaqueBlock,
    Record,
    Section,
    Statistics,
)
from netwright.wire.fields import pack
from netwright.wire.pcap import MAX_RECORD

__all__ = ["PcapngParser", "PcapngWriter", "is_pcapng"]

_FORMAT = "draft-ietf-opsawg-pcapng"
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _NAMES, _STATISTICS, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 4, 5, 6
_BYTE_ORDER = 0x1A2B3C4D
_MAX_INTERFACES = 65536  # per section: a packet of the old kind has 16 bits for one
_MAX_OVERHEAD = 1 << 20  # bytes of a block beside its packet: options, names


def is_pcapng(beginning: bytes) -> bool:
    """True if four bytes or more start as a pcapng file does; the number is the same in both byte orders."""
    return beginning[:4] == b"\x0a\x0d\x0d\x0a"


@dataclass(frozen=True, slots=True)
class _Body:
    """The content of a block; ``at`` is its offset in the file."""

    data: bytes
    order: str
    at: int

    def unpack(self, layout: str, what: str, offset: int = 0) -> tuple[int, ...]:
        shape = struct.Struct(self.order + layout)
        if len(self.data) - offset < shape.size:
            raise ProtocolError(f"{what} of {len(self.data)} bytes at byte {self.at}", reference=_FORMAT)
        return shape.unpack_from(self.data, offset)

    def options(self, offset: int) -> dict[int, list[bytes]]:
        """Options by code, each in the order of the file (§3.5)."""
        found: dict[int, list[bytes]] = {}
        while offset + 4 <= len(self.data):
            code, size = self.unpack("2H", "option", offset)
            if code == 0:
                break
            if offset + 4 + size > len(self.data):
                raise ProtocolError(
                    f"option {code} of {size} bytes at byte {self.at + offset} ends behind its block", reference=_FORMAT
                )
            found.setdefault(code, []).append(self.data[offset + 4 : offset + 4 + size])
            offset += 4 + size + -size % 4
        return found

    def number(self, options: dict[int, list[bytes]], code: int, size: int) -> int | None:
        """The option ``code`` as a number of ``size`` bytes; None if it is absent or of another size."""
        value = options.get(code, [b""])[0]
        return int.from_bytes(value, "little" if self.order == "<" else "big") if len(value) == size else None


def _texts(options: dict[int, list[bytes]], code: int) -> tuple[str, ...]:
    return tuple(value.rstrip(b"\0").decode(errors="replace") for value in options.get(code, ()))


def _text(options: dict[int, list[bytes]], code: int) -> str:
    return next(iter(_texts(options, code)), "")


class PcapngParser(CaptureParser):
    """Parser of a pcapng file.  Blocks come in the order of the file; interfaces count anew from each Section."""

    def __init__(self, *, max_record: int = MAX_RECORD) -> None:
        """``max_record`` is the largest packet in bytes; a longer one is an error in the file."""
        super().__init__()
        self._max_block = max_record + _MAX_OVERHEAD
        self._order = ""
        self._interfaces: list[Interface] = []
        self._readers: dict[int, Callable[[_Body], list[Block]]] = {
            _INTERFACE: self._interface,
            _PACKET: self._packet,
            _SIMPLE: self._simple,
            _NAMES: self._names,
            _STATISTICS: self._statistics,
            _ENHANCED: self._enhanced,
        }

    def _begun(self) -> bool:
        return bool(self._order)

    def _read(self, data: bytes, at: int, found: list[Block]) -> int:
        if len(data) - at < 12:
            return -12
        section = is_pcapng(data[at : at + 4])
        if section:
            self._order = self._byte_order(data, at)
        elif not self._order:
            raise ProtocolError(
                f"not a pcapng file: {data[at : at + 4].hex()} at byte {self._start}", reference=_FORMAT
            )
        kind, size = struct.unpack_from(self._order + "2I", data, at)
        if size < 12 or size % 4 or size > self._max_block:
            raise ProtocolError(
                f"block of {size} bytes at byte {self._start + at}, 12 to {self._max_block} in fours allowed",
                reference=f"{_FORMAT} §3.1",
            )
        stop: int = at + size
        if len(data) < stop:
            return at - stop
        end = data[stop - 4 : stop]
        if end != data[at + 4 : at + 8]:
            raise ProtocolError(
                f"block at byte {self._start + at} says {size} bytes in front and {end.hex()} behind",
                reference=f"{_FORMAT} §3.1",
            )
        body = _Body(data[at + 8 : stop - 4], self._order, self._start + at + 8)
        if section:
            found.append(self._section(body))
        elif kind in self._readers:
            found += self._readers[kind](body)
        else:
            found.append(OpaqueBlock(kind, body.data))
        return stop - at

    def _byte_order(self, data: bytes, at: int) -> str:
        for order in "<>":
            if struct.unpack_from(order + "I", data, at + 8)[0] == _BYTE_ORDER:
                return order
        raise ProtocolError(
            f"byte order {data[at + 8 : at + 12].hex()} at byte {self._start + at + 8}, 1a2b3c4d or 4d3c2b1a allowed",
            reference=f"{_FORMAT} §4.1",
        )

    def _section(self, body: _Body) -> Section:
        _, major, _ = body.unpack("I2H", "section header")
        body.unpack("I2Hq", "section header")  # the section's length is for jumping, which a stream cannot
        if major != 1:
            raise ProtocolError(f"pcapng version {major} at byte {body.at + 4}, 1 allowed", reference=f"{_FORMAT} §4.1")
        self._interfaces = []
        options = body.options(16)
        return Section(
            "pcapng", self._order == "<", _texts(options, 1), _text(options, 2), _text(options, 3), _text(options, 4)
        )

    def _interface(self, body: _Body) -> list[Block]:
        link_type, _, snap_length = body.unpack("2HI", "interface description")
        if len(self._interfaces) >= _MAX_INTERFACES:
            raise ProtocolError(f"more than {_MAX_INTERFACES} interfaces in a section at byte {body.at}")
        options = body.options(8)
        resolution = options.get(9, [b"\x06"])[0] or b"\x06"
        offset = options.get(14, [b""])[0]
        check = body.number(options, 13, 1)
        interface = Interface(
            link_type,
            snap_length,
            len(self._interfaces),
            _units(resolution[0]),
            int.from_bytes(offset, "little" if self._order == "<" else "big", signed=True) if len(offset) == 8 else 0,
            _text(options, 2),
            _text(options, 3),
            # 0 in front is a filter in text; anything else is a program
            next((value[1:].decode(errors="replace") for value in options.get(11, ()) if value[:1] == b"\0"), ""),
            -1 if check is None else check,
            _texts(options, 1),
        )
        self._interfaces.append(interface)
        return [interface]

    def _find_interface(self, index: int, body: _Body) -> Interface:
        if index >= len(self._interfaces):
            raise ProtocolError(
                f"packet of interface {index} at byte {body.at}, {len(self._interfaces)} described so far",
                reference=f"{_FORMAT} §4.2",
            )
        return self._interfaces[index]

    def _enhanced(self, body: _Body) -> list[Block]:
        index, high, low, size, length = body.unpack("5I", "enhanced packet")
        return [self._record(body, index, high << 32 | low, size, length, None)]

    def _packet(self, body: _Body) -> list[Block]:
        """The obsolete packet block (appendix A), whose header counts dropped packets; 65535 means unknown."""
        index, drops, high, low, size, length = body.unpack("2H4I", "packet")
        return [self._record(body, index, high << 32 | low, size, length, 0 if drops == 0xFFFF else drops)]

    def _simple(self, body: _Body) -> list[Block]:
        """A simple packet block has no time and no captured length: the snap length or the block bounds it (§4.4)."""
        (length,) = body.unpack("I", "simple packet")
        interface = self._find_interface(0, body)
        size = min(length, len(body.data) - 4)
        if interface.snap_length:
            size = min(size, interface.snap_length)
        return [Record(None, body.data[4 : 4 + size], length, interface)]

    def _record(self, body: _Body, index: int, ticks: int, size: int, length: int, lost: int | None) -> Record:
        """The packet after 20 bytes of header, then options; ``lost`` None takes the number from an option."""
        interface = self._find_interface(index, body)
        end = 20 + size
        if end > len(body.data):
            raise ProtocolError(
                f"packet of {size} bytes at byte {body.at} in a block of {len(body.data)}", reference=f"{_FORMAT} §4.3"
            )
        at_ns, data = _to_ns(ticks, interface), body.data[20:end]
        end += -size % 4
        options = body.options(end) if end < len(body.data) else {}
        if lost is None:
            lost = body.number(options, 4, 8) or 0
        return Record(at_ns, data, length, interface, _texts(options, 1), lost, body.number(options, 2, 4) or 0)

    def _names(self, body: _Body) -> list[Block]:
        found: list[Block] = []
        offset = 0
        while offset + 4 <= len(body.data):
            kind, size = body.unpack("2H", "name record", offset)
            if kind == 0:
                break
            value = body.data[offset + 4 : offset + 4 + size]
            if len(value) < size:
                raise ProtocolError(
                    f"name record of {size} bytes at byte {body.at + offset} ends behind its block",
                    reference=f"{_FORMAT} §4.5",
                )
            width = {1: 4, 2: 16}.get(kind, 0)
            if 0 < width <= size:
                names = value[width:].rstrip(b"\0").split(b"\0")
                found.append(NameRecord(value[:width], tuple(name.decode(errors="replace") for name in names)))
            offset += 4 + size + -size % 4
        return found

    def _statistics(self, body: _Body) -> list[Block]:
        index, high, low = body.unpack("3I", "interface statistics")
        interface = self._find_interface(index, body)
        options = body.options(12)
        received, dropped, accepted, system, delivered = (body.number(options, code, 8) for code in range(4, 9))
        at_ns = _to_ns(high << 32 | low, interface)
        return [Statistics(interface, at_ns, received, dropped, accepted, system, delivered, _texts(options, 1))]


def _units(resolution: int) -> int:
    """if_tsresol: a power of ten, or of two if the top bit is set (§4.2)."""
    exponent = resolution & 0x7F
    units: int = 2**exponent if resolution & 0x80 else 10**exponent
    return units


def _to_ns(ticks: int, interface: Interface) -> int:
    return ticks * 1_000_000_000 // interface.units + interface.offset * 1_000_000_000


class PcapngWriter:
    """Writer of a little-endian file in nanoseconds: ``section``, then ``interface`` for each, then ``record`` …"""

    def __init__(self) -> None:
        self._interfaces: list[Interface] = []

    def section(
        self, *, application: str = "netwright", hardware: str = "", system: str = "", comments: Sequence[str] = ()
    ) -> bytes:
        """A section header; interfaces have to be described again after it."""
        self._interfaces = []
        options = _written([(1, text) for text in comments] + [(2, hardware), (3, system), (4, application)])
        return _block(_SECTION, struct.pack("<I2Hq", _BYTE_ORDER, 1, 0, -1) + options)

    def interface(self, interface: Interface) -> bytes:
        """Describe the next interface; index, units and offset are set by the writer."""
        self._interfaces.append(replace(interface, index=len(self._interfaces), units=1_000_000_000, offset=0))
        values: list[tuple[int, str | bytes]] = [(1, text) for text in interface.comments]
        values += [(2, interface.name), (3, interface.description), (9, b"\x09")]
        if interface.filter:
            values.append((11, b"\0" + interface.filter.encode()))
        if interface.check_length >= 0:
            values.append((13, bytes((interface.check_length,))))
        body = pack(struct.Struct("<2HI"), "interface", interface.link_type, 0, interface.snap_length)
        return _block(_INTERFACE, body + _written(values))

    def record(self, record: Record, index: int = 0) -> bytes:
        """One packet of the interface that was described as number ``index``.

        Raises:
            UsageError: no interface of that number was described, or the packet has no time.
        """
        self._check(index)
        if record.at_ns is None:
            raise UsageError("packet without a time: an enhanced packet block has one", reference=f"{_FORMAT} §4.3")
        at_ns = record.at_ns
        body = pack(_ENHANCED_HEAD, "packet", index, at_ns >> 32, at_ns & 0xFFFFFFFF, len(record.data), record.length)
        values: list[tuple[int, str | bytes]] = [(1, text) for text in record.comments]
        if record.flags:
            values.append((2, record.flags.to_bytes(4, "little")))
        if record.lost:
            values.append((4, record.lost.to_bytes(8, "little")))
        return _block(_ENHANCED, body + _padded(record.data) + _written(values))

    def names(self, names: Sequence[NameRecord]) -> bytes:
        """A Name Resolution Block."""
        body = b""
        for entry in names:
            value = entry.address + b"".join(name.encode() + b"\0" for name in entry.names)
            body += struct.pack("<2H", 1 if len(entry.address) == 4 else 2, len(value)) + _padded(value)
        return _block(_NAMES, body + bytes(4))

    def statistics(self, statistics: Statistics, index: int = 0) -> bytes:
        """Counters of the interface that was described as number ``index``."""
        self._check(index)
        at_ns = statistics.at_ns or 0
        counters = (
            statistics.received,
            statistics.dropped,
            statistics.filter_accepted,
            statistics.system_dropped,
            statistics.delivered,
        )
        values: list[tuple[int, str | bytes]] = [(1, text) for text in statistics.comments]
        values += [(4 + at, value.to_bytes(8, "little")) for at, value in enumerate(counters) if value is not None]
        body = pack(struct.Struct("<3I"), "statistics", index, at_ns >> 32, at_ns & 0xFFFFFFFF)
        return _block(_STATISTICS, body + _written(values))

    def opaque(self, block: OpaqueBlock) -> bytes:
        """A block, unchanged."""
        return _block(block.kind, block.body)

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self._interfaces):
            raise UsageError(f"interface {index}, {len(self._interfaces)} described", advice="write interface() first")


_ENHANCED_HEAD = struct.Struct("<5I")  # interface, time high and low, bytes here, bytes on the wire


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = pack(struct.Struct("<I"), "block", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _written(options: Sequence[tuple[int, str | bytes]]) -> bytes:
    """Options with a value, then the end of options; nothing if there are none (§3.5)."""
    raw = b""
    for code, value in options:
        data = value.encode() if isinstance(value, str) else value
        if data:
            raw += pack(struct.Struct("<2H"), "option", code, len(data)) + _padded(data)
    return raw + bytes(4) if raw else b""
