"""Capture files: open one, judge every segment, report on every flow.

``analyse("trace.pcapng.gz")`` is the short way.  A file is read once, in pieces into one buffer: memory does not grow
with its size.  pcap and pcapng, plain, gzip or zstd (the latter with Python 3.14 or the package zstandard).
"""

import io
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self, TypeAlias

from netwright._native import enabled
from netwright.core.errors import ProtocolError, TransportError, UsageError
from netwright.watch.flow import Flow, flow_of
from netwright.watch.verdicts import NAMES, Mode
from netwright.wire.compression import PIECE, decompressed

if enabled("netwright.watch._engine"):
    from netwright.watch._engine import Engine
else:  # not imported otherwise: it would be half of the time that a small file takes
    from netwright.watch.engine import Engine

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Capture", "Column", "Columns", "Engine", "Report", "analyse", "open_capture"]

BUFFER: Final = 1024 * 1024  # the largest record that waits for its end, and a piece of a cache's size behind it
MIRRORED: Final = 0.05  # share of packets that came twice: the capture's source mirrors both ways of a port
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd

Column: TypeAlias = "memoryview | npt.NDArray[np.generic]"


class Columns(NamedTuple):
    """One value a packet, in the order of the file: numpy arrays where numpy is installed, else memory views.

    ``flow`` is the number of its flow, 4294967295 if it is no TCP segment; ``flags`` bits in the order of the mode's
    ``NAMES``; ``rtt_ns`` the round trip that its acknowledgment ends, -1 if it ends none.
    """

    flow: Column
    flags: Column
    rtt_ns: Column


class Report:
    """What a capture holds.

    Attributes:
        mode: whose verdicts: "exact" or "wireshark".
        packets, segments: all, and those that are TCP.
        flows: those in memory at the end; ``evicted`` more had to give way, their counts are in ``totals``.
        totals: segments by verdict, over all flows.
        data, again: bytes of payload, and those of them sent again.
        started_at, ended_at: seconds since the epoch, of the first and the last packet.
        damage: why the file ended early, "" if it did not; what came before is judged.
    """

    def __init__(self, engine: Engine, mode: Mode, damage: str) -> None:
        self.mode, self.damage = mode, damage or engine.damage
        self.packets, self.segments = engine.packets, engine.segments
        self.opened, self.evicted = engine.opened, engine.evicted
        self.started_at, self.ended_at = engine.first_at / 1e9, engine.last_at / 1e9
        _, self.data, self.again, *counts = engine.totals()
        self.totals = {name: count for name, count in zip(NAMES[mode], counts, strict=False) if count}
        self._engine = engine

    def __repr__(self) -> str:
        return f"<Report {self.packets} packets, {self.opened} flows, again={self.again} {self.damage}>"

    @cached_property
    def flows(self) -> list[Flow]:
        """In order of first sight."""
        return [flow_of(row, NAMES[self.mode]) for row in self._engine.rows()]

    @property
    def mirrored(self) -> bool:
        """True if so many packets are there twice that the capture's source must mirror them (mode "exact")."""
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
            "damage": self.damage,
            "flows": [flow.as_dict() for flow in self.flows],
        }


class Capture:
    """An open capture file; it can be read once, by ``analyse`` or by ``columns``."""

    def __init__(self, file: io.BufferedIOBase, name: str) -> None:
        self.name = name
        self._file = file
        self._damage = ""
        self._read = False

    def __repr__(self) -> str:
        return f"<Capture {self.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def analyse(self, mode: Mode = "exact", *, max_flows: int = 65536, idle_timeout: float | None = None) -> Report:
        """Read the file to its end, or to where it is broken.

        Args:
            max_flows, idle_timeout: bounds of memory; see ``Engine``.

        Raises:
            ProtocolError: the file is no capture.
            TransportError: it cannot be read.
            UsageError: it is compressed with zstd and nothing here can read that.
        """
        engine = Engine(mode, max_flows=max_flows, idle_timeout=idle_timeout)
        for _ in self._feed(engine):
            pass
        return Report(engine, mode, self._damage)

    def columns(self, mode: Mode = "exact", *, max_flows: int = 65536) -> Iterator[Columns]:
        """A verdict on every packet, in batches of as many as the buffer holds.

        Raises:
            ProtocolError, TransportError: as ``analyse``.
        """
        engine = Engine(mode, max_flows=max_flows, columns=True)
        for _ in self._feed(engine):
            columns = engine.take_columns()
            if columns[0]:
                flow, flags, rtt = columns
                yield Columns(_column(flow, "I"), _column(flags, "I"), _column(rtt, "q"))

    def _feed(self, engine: Engine) -> Iterator[None]:
        """Give the file to the engine, a piece at each step; what is left of a record goes to the buffer's front."""
        if self._read:
            raise UsageError(f"{self.name} was read already", advice="open it again")
        self._read = True
        buffer, kept = bytearray(BUFFER), 0
        view = memoryview(buffer)
        for size in self._sizes(view):
            used = engine.feed(buffer, size)
            yield
            if engine.damage:
                break
            kept = size - used
            view[:kept] = view[used:size]
            self._kept = kept
        if engine.damage and not engine.packets:
            raise ProtocolError(f"{self.name}: {engine.damage}", advice="pcap or pcapng is read")
        if kept and not engine.damage:
            self._damage = self._damage or f"the last record is cut: {kept} bytes of it are there"

    def _sizes(self, view: memoryview) -> Iterator[int]:
        """Fill the buffer behind what was kept; how many bytes it holds then."""
        self._kept = 0
        head = self._file.peek(4)[:4] if isinstance(self._file, io.BufferedReader) else b""
        try:
            if not head.startswith(_COMPRESSED):
                while size := self._file.readinto1(view[self._kept : self._kept + PIECE]):
                    yield self._kept + size
                return
            for piece in decompressed(iter(lambda: self._file.read1(PIECE), b"")):
                view[self._kept : self._kept + len(piece)] = piece
                yield self._kept + len(piece)
        except OSError as error:
            raise TransportError(f"{self.name}: {error}") from error
        except ProtocolError as error:
            self._damage = str(error)


def open_capture(source: str | PathLike[str] | io.BufferedIOBase) -> Capture:
    """A capture from a path, or from an open binary stream that the capture then owns.

    Raises:
        TransportError: the file cannot be opened.
    """
    if isinstance(source, io.BufferedIOBase):
        return Capture(source, str(getattr(source, "name", "capture")))
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
    """Open, read and judge a capture; see ``open_capture`` and ``Capture.analyse``."""
    with open_capture(source) as capture:
        return capture.analyse(mode, max_flows=max_flows, idle_timeout=idle_timeout)


def _column(raw: bytes, kind: Literal["I", "q"]) -> Column:
    try:
        import numpy as np
    except ImportError:
        return memoryview(raw).cast(kind)
    return np.frombuffer(raw, dtype={"I": "u4", "q": "i8"}[kind])
