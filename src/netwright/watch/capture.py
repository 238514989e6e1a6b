"""Capture files: open one, judge every TCP segment, report on every flow.

``analyse("trace.pcapng.gz")`` is the short way.  A file is read once, front to back, through a buffer of fixed size:
memory does not grow with the file.  Formats: pcap and pcapng; plain, gzip or zstd.  zstd needs Python 3.14 or the
package zstandard.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self, TypeAlias

from netwright._native import enabled
from netwright.core.errors import IncompleteError, ProtocolError, TransportError, UsageError
from netwright.watch.flow import Flow, flow_of
from netwright.watch.judged import JudgedSegment, SegmentReader
from netwright.watch.verdicts import NAMES, Mode
from netwright.wire.compression import PIECE, decompressed

if enabled("netwright.watch._engine"):
    from netwright.watch._engine import Engine
else:  # imported only here: importing it takes half of the time that a small file needs
    from netwright.watch.engine import Engine

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Capture", "Column", "Columns", "Engine", "Report", "analyse", "open_capture"]

BUFFER: Final = 1024 * 1024  # holds the largest incomplete record and, behind it, one piece of the file
MIRRORED: Final = 0.05  # above this share of packets captured twice the source mirrors both directions of a port
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd
_MAGIC: Final = 4  # bytes that every capture file begins with

Column: TypeAlias = "memoryview | npt.NDArray[np.generic]"


class Columns(NamedTuple):
    """One value per packet, in the order of the file; numpy arrays if numpy is installed, else memory views.

    Attributes:
        flow: number of the packet's flow, 4294967295 if the packet is no TCP segment.
        flags: verdict bits, in the order of the mode's ``NAMES``.
        rtt_ns: round trip that the packet's acknowledgment ends, in ns; -1 if it ends none.
    """

    flow: Column
    flags: Column
    rtt_ns: Column


class Report:
    """Sums over a capture, and its flows.

    Attributes:
        mode: "exact" or "wireshark"; see ``Engine``.
        packets, segments: number of packets, and of those that are TCP segments.
        unreadable: packets whose link type cannot be read, by link type.
        opened, evicted: number of flows, and of those that had to leave memory before the end (``max_flows``).
        flows: the flows that are in memory at the end; the counts of the others are in ``totals``.
        totals: segments by verdict, over all flows.
        data, again: bytes of TCP payload, and those of them that were sent again.
        started_at, ended_at: time of the first packet and latest time of a packet, seconds since the epoch.
        damage: why reading ended before the end of the file, "" if it did not; everything before is judged.
    """

    def __init__(self, engine: Engine, mode: Mode, damage: str) -> None:
        self.mode, self.damage = mode, damage or engine.damage
        self.packets, self.segments = engine.packets, engine.segments
        self.unreadable = engine.unreadable
        self.opened, self.evicted = engine.opened, engine.evicted
        self.started_at, self.ended_at = engine.first_at / 1e9, engine.last_at / 1e9
        _, self.data, self.again, *counts = engine.totals()
        self.totals = {name: count for name, count in zip(NAMES[mode], counts, strict=False) if count}
        self._engine = engine

    def __repr__(self) -> str:
        return f"<Report {self.packets} packets, {self.opened} flows, again={self.again} {self.damage}>"

    @cached_property
    def flows(self) -> list[Flow]:
        """In order of their first segment."""
        return [flow_of(row, NAMES[self.mode]) for row in self._engine.rows()]

    @property
    def mirrored(self) -> bool:
        """True if more than 5 % of the segments were captured twice: the source mirrors them (mode "exact" only)."""
        return self.totals.get("mirror_duplicate", 0) > MIRRORED * max(self.segments, 1)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values, flows included."""
        names = ("mode", "packets", "segments", "opened", "evicted", "data", "again", "started_at", "ended_at")
        values: dict[str, Any] = {name: getattr(self, name) for name in names}
        positions = Counter(flow.position.value for flow in self.flows)
        return values | {
            "totals": self.totals,
            "mirrored": self.mirrored,
            "positions": dict(positions),
            "unreadable": self.unreadable,
            "damage": self.damage,
            "flows": [flow.as_dict() for flow in self.flows],
        }


class Capture:
    """An open capture file; it can be read once, by ``analyse``, ``columns`` or ``segments``.

    Attributes:
        taken: bytes of the file read so far, compressed ones if it is compressed.
    """

    def __init__(self, file: io.BufferedReader, name: str) -> None:
        self.name, self.taken = name, 0
        self._file = file
        self._damage = ""
        self._read = False
        self._report: Report | None = None

    def __repr__(self) -> str:
        return f"<Capture {self.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def analyse(
        self,
        mode: Mode = "exact",
        *,
        max_flows: int = 65536,
        idle_timeout: float | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Report:
        """Read the file to its end, or to where it is damaged.

        Args:
            max_flows, idle_timeout: bounds of memory; see ``Engine``.
            progress: called after each piece with ``taken``.

        Raises:
            ProtocolError: the file is not a capture.
            TransportError: the system cannot read it.
            UsageError: it is compressed with zstd and no zstd decoder is installed.
        """
        engine = Engine(mode, max_flows=max_flows, idle_timeout=idle_timeout)
        for _ in self._feed(engine):
            if progress is not None:
                progress(self.taken)
        self._report = Report(engine, mode, self._damage)
        return self._report

    def segments(self, mode: Mode = "exact", *, max_flows: int = 65536) -> Iterator[list[JudgedSegment]]:
        """The TCP segments of the file with their verdicts, one list for each piece that was read.

        After the last list ``report`` has the sums.

        Raises:
            ProtocolError, TransportError, UsageError: as ``analyse``.
        """
        engine = Engine(mode, max_flows=max_flows, columns=True)
        reader = SegmentReader(mode, max_flows=max_flows)
        for _ in self._feed(engine):
            yield [reader.read(row) for row in engine.take_segments()]
        self._report = Report(engine, mode, self._damage)

    @property
    def report(self) -> Report:
        """The sums, once ``analyse`` or ``segments`` has read the file.

        Raises:
            UsageError: it has not.
        """
        if self._report is None:
            raise UsageError(f"{self.name} was not read to its end yet", advice="exhaust segments() first")
        return self._report

    def columns(self, mode: Mode = "exact", *, max_flows: int = 65536) -> Iterator[Columns]:
        """Verdict bits of every packet, in one batch for each piece that was read.

        Raises:
            ProtocolError, TransportError, UsageError: as ``analyse``.
        """
        engine = Engine(mode, max_flows=max_flows, columns=True)
        for _ in self._feed(engine):
            columns = engine.take_columns()
            if columns[0]:
                flow, flags, rtt = columns
                yield Columns(_column(flow, "I"), _column(flags, "I"), _column(rtt, "q"))

    def _feed(self, engine: Engine) -> Iterator[None]:
        """Feed the file to the engine, one piece a step; the beginning of an incomplete record is kept for the next."""
        if self._read:
            raise UsageError(f"{self.name} was read already", advice="open it again")
        self._read = True
        buffer, kept, position = bytearray(BUFFER), 0, 0
        view = memoryview(buffer)
        for size in self._sizes(view):
            used = engine.feed(buffer, size)
            yield
            if engine.damage:
                break
            kept, position = size - used, position + used
            view[:kept] = view[used:size]
            self._kept = kept
        if engine.damage and not engine.packets:
            raise ProtocolError(f"{self.name}: {engine.damage}", advice="pcap and pcapng can be read")
        if engine.damage or self._damage:
            return
        if position + kept < _MAGIC:
            seen = f"{kept} bytes" if kept else "empty"
            raise IncompleteError(f"{self.name}: {seen}, no capture file", advice="pcap and pcapng can be read")
        if kept or engine.skipping:
            cut = f"{kept} bytes of its last record" if kept else "a block that has not ended"
            self._damage = f"the file is cut behind byte {position + kept}: {cut}"

    def _sizes(self, view: memoryview) -> Iterator[int]:
        """Fill the buffer behind what was kept; yields how many bytes it holds then."""
        self._kept = 0
        try:
            head = self._file.peek(_MAGIC)[:_MAGIC]
            if not head.startswith(_COMPRESSED):
                while size := self._file.readinto1(view[self._kept : self._kept + PIECE]):
                    self.taken += size
                    yield self._kept + size
                return
            for piece in decompressed(iter(self._piece, b"")):
                view[self._kept : self._kept + len(piece)] = piece
                yield self._kept + len(piece)
        except OSError as error:
            raise TransportError(f"{self.name}: {error}") from error
        except ProtocolError as error:
            self._damage = str(error)

    def _piece(self) -> bytes:
        piece = self._file.read1(PIECE)
        self.taken += len(piece)
        return piece


def open_capture(source: str | PathLike[str] | io.BufferedIOBase) -> Capture:
    """Open a capture by its path, or take over an open binary stream, which ``Capture.close`` then closes.

    Raises:
        TransportError: the file cannot be opened.
    """
    if isinstance(source, io.BufferedIOBase):
        peekable = source if isinstance(source, io.BufferedReader) else io.BufferedReader(source)
        return Capture(peekable, str(getattr(source, "name", "capture")))
    return Capture(_open(source), fspath(source))


def _open(path: str | PathLike[str]) -> io.BufferedReader:
    try:
        return io.BufferedReader(io.FileIO(path))
    except OSError as error:
        raise TransportError(f"{fspath(path)}: {error.strerror}") from error


def analyse(
    source: str | PathLike[str] | io.BufferedIOBase,
    mode: Mode = "exact",
    *,
    max_flows: int = 65536,
    idle_timeout: float | None = None,
) -> Report:
    """Open a capture, judge it and close it; see ``open_capture`` and ``Capture.analyse``."""
    with open_capture(source) as capture:
        return capture.analyse(mode, max_flows=max_flows, idle_timeout=idle_timeout)


def _column(raw: bytes, kind: Literal["I", "q"]) -> Column:
    try:
        import numpy as np
    except ImportError:
        return memoryview(raw).cast(kind)
    return np.frombuffer(raw, dtype={"I": "u4", "q": "i8"}[kind])
