"""The wire engine: takes the bytes of a capture, judges every TCP segment and counts for every flow.

This module is the specification.  ``_engine.pyx`` is the same in native code, some thousand times faster;
``capture.py`` uses it if it was built.

Memory is bounded: ``max_flows`` flows of fixed size (in mode "wireshark" with up to 4,096 unacknowledged segments for
each direction) and 64 incomplete IP datagrams.  If all flows are in use, the clock algorithm (an approximation of least
recently used) evicts one: its counts are added to ``gone``.  With ``idle_timeout`` the hand of the clock also evicts
flows that were silent for longer.
"""

from array import array
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from netwright.core.errors import UsageError
from netwright.watch import exact, wireshark
from netwright.watch.exact import ExactFlow
from netwright.watch.flow import FlowRow, WayRow
from netwright.watch.judged import SegmentRow
from netwright.watch.reassembly import Reassembly
from netwright.watch.records import Records
from netwright.watch.segment import FIN, RST, SYN, Fragment, Segment, decode, readable
from netwright.watch.verdicts import Mode
from netwright.watch.wireshark import WiresharkFlow

__all__ = ["FLAGS", "Engine"]

FLAGS: Final = 20
FOREIGN: Final = 8  # link types remembered that cannot be read
NO_FLOW: Final = 0xFFFFFFFF
MOST_FLOWS: Final = 1 << 24
LONGEST_RTT: Final = 1 << 40  # ns; a longer one is not counted: the capture jumps in time
_RAW_IP: Final = 101
_AGAIN: Final = {
    "exact": exact.AGAIN,
    "wireshark": wireshark.RETRANSMISSION | wireshark.FAST_RETRANSMISSION | wireshark.SPURIOUS_RETRANSMISSION,
}


@dataclass(slots=True)
class _Way:
    packets: int = 0
    data_packets: int = 0
    data: int = 0
    again: int = 0
    rtt_min: int = 0
    rtt_sum: int = 0
    rtts: int = 0
    ttl: int = 0
    fin: bool = False
    resets: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * FLAGS)

    def measured(self, rtt: int) -> None:
        if 0 <= rtt < LONGEST_RTT:
            self.rtt_min = min(self.rtt_min, rtt) if self.rtts else rtt
            self.rtt_sum += rtt
            self.rtts += 1


@dataclass(slots=True)
class _Flow:
    number: int
    key: tuple[bytes, int, bytes, int]
    machine: ExactFlow | WiresharkFlow
    first_at: int
    last_at: int
    recent: bool = False
    ways: tuple[_Way, _Way] = field(default_factory=lambda: (_Way(), _Way()))


class Engine:
    """Judges a file that is passed to ``feed`` in pieces, or frames that are passed to ``add``.

    Args:
        mode: "exact" says what the sending TCP did, "wireshark" gives the verdicts of Wireshark 4.0.
        max_flows: flows at a time; each one in use takes 1.5 KiB in the native engine.
        idle_timeout: seconds in the capture's time after which a silent flow may be dropped; None keeps it.
        columns: keep a row for each packet of the last ``feed``; see ``take_columns``.

    Attributes:
        packets, segments: number so far; packets that are not segments: not TCP, cut too short, or fragments.
        opened, evicted: number of flows so far, and of those that are no longer in ``rows``.
        first_at, last_at: time of the first packet and latest time of a packet, ns since the epoch.
        damage: why the file ended early, "" if it did not.
    """

    def __init__(
        self,
        mode: Mode = "exact",
        *,
        max_flows: int = 65536,
        idle_timeout: float | None = None,
        columns: bool = False,
    ) -> None:
        if mode not in ("exact", "wireshark"):
            raise UsageError(f"mode {mode!r}, 'exact' or 'wireshark' allowed")
        if not 1 <= max_flows <= MOST_FLOWS:
            raise UsageError(f"max_flows {max_flows}, 1 to {MOST_FLOWS} allowed")
        self.packets = self.segments = self.opened = self.evicted = self.first_at = self.last_at = 0
        self._mode, self._max_flows, self._columns = mode, max_flows, columns
        self._idle = 0 if idle_timeout is None else int(idle_timeout * 1e9)
        self._records, self._fragments = Records(), Reassembly()
        self._flows: list[_Flow | None] = []
        self._by_key: dict[tuple[bytes, int, bytes, int], int] = {}
        self._hand = 0
        self._spare: list[int] = []
        self._gone = [0] * (3 + FLAGS)
        self._foreign: dict[int, int] = {}
        self._clear()

    @property
    def damage(self) -> str:
        """Why the file ended early, "" if it did not."""
        return self._records.damage

    @property
    def skipping(self) -> bool:
        """True inside a pcapng block of another kind, whose end has not come yet."""
        return self._records.skipping

    @property
    def unreadable(self) -> dict[int, int]:
        """Packets whose link type the engine does not read, by link type; at most 8 types are counted."""
        return dict(self._foreign)

    def feed(self, data: bytes | bytearray | memoryview, size: int = -1) -> int:
        """Take the complete records of ``data[:size]``; return how many bytes they were.

        The rest must come again at the beginning of the next call, followed by more.  A buffer of 512 KiB holds every
        record; larger blocks of other kinds are skipped piece by piece.
        """
        self._clear()
        used, records = self._records.feed(bytes(data) if size < 0 else bytes(data[:size]))
        for frame, wire, at, link in records:
            self._packet(frame, wire, at, link)
        return used

    def add(self, frame: bytes, at: int, *, link: int = 1, wire: int = 0) -> None:
        """Take one frame, captured at ``at`` (ns); ``wire`` is its length on the wire if the capture cut it."""
        self._clear()
        self._packet(frame, wire, at, link)

    def take_columns(self) -> tuple[bytes, bytes, bytes]:
        """For each packet of the last ``feed`` a flow number, flags (32 bits each) and a round trip in ns (64 bits).

        Flow 4294967295 means no TCP segment, round trip -1 means none.
        """
        if not self._columns:
            raise UsageError("the engine keeps no columns", advice="make it with columns=True")
        taken = tuple(column.tobytes() for column in (self._flow_column, self._flag_column, self._rtt_column))
        self._clear()
        return taken[0], taken[1], taken[2]

    def take_segments(self) -> list[SegmentRow]:
        """One row for each TCP segment of the last ``feed``; see ``SegmentRow``."""
        if not self._columns:
            raise UsageError("the engine keeps no columns", advice="make it with columns=True")
        taken = self._segments
        self._clear()
        return taken

    def totals(self) -> tuple[int, ...]:
        """Sums over all flows, with evicted ones: packets, bytes of data, bytes sent again, segments by verdict."""
        sums = self._gone
        for flow in self._flows:
            for way in flow.ways if flow is not None else ():
                sums = _add(sums, way)
        return tuple(sums)

    def gone(self) -> tuple[int, ...]:
        """Sums over evicted flows: packets, bytes of data, bytes sent again, segments by verdict."""
        return tuple(self._gone)

    def rows(self) -> list[FlowRow]:
        """The flows in memory, in order of their first segment."""
        flows = sorted((flow for flow in self._flows if flow is not None), key=lambda flow: flow.number)
        return [_row(flow) for flow in flows]

    def _clear(self) -> None:
        self._flow_column, self._flag_column, self._rtt_column = array("I"), array("I"), array("q")
        self._segments: list[SegmentRow] = []

    def _packet(self, frame: bytes, wire: int, at: int, link: int) -> None:
        if not self.packets:
            self.first_at = self.last_at = at
        self.packets += 1
        self.last_at = max(self.last_at, at)
        found = decode(frame, wire, link)
        if isinstance(found, Fragment):
            whole = self._fragments.add(found)
            found = decode(whole, len(whole), _RAW_IP) if whole is not None else None
        row = (NO_FLOW, 0, -1)
        if isinstance(found, Segment):
            row = self._segment(found, at)
        elif not readable(link):
            self._note_foreign(link)
        if self._columns:
            self._flow_column.append(row[0])
            self._flag_column.append(row[1])
            self._rtt_column.append(row[2])

    def _note_foreign(self, link: int) -> None:
        if link in self._foreign or len(self._foreign) < FOREIGN:
            self._foreign[link] = self._foreign.get(link, 0) + 1

    def _segment(self, s: Segment, at: int) -> tuple[int, int, int]:
        self.segments += 1
        flow, flags = self._find(s, at)
        flags, rtt = flow.machine.judge(s, at, flags)
        own, peer = flow.ways[s.direction], flow.ways[1 - s.direction]
        flow.recent, flow.last_at = True, max(flow.last_at, at)
        own.packets += 1
        own.data += s.length
        own.data_packets += s.length > 0
        own.ttl = s.ttl
        own.fin = own.fin or bool(s.flags & FIN)
        own.resets += bool(s.flags & RST)
        if flags & _AGAIN[self._mode]:
            own.again += min(s.repeated, s.length) if self._mode == "exact" and flags & exact.PARTIAL else s.length
        peer.measured(rtt)
        for bit in range(FLAGS):
            own.counts[bit] += flags >> bit & 1
        number = flow.number & 0xFFFFFFFF
        if self._columns:
            source, target = str(ip_address(s.source)), str(ip_address(s.target))
            ends = (source, s.source_port), (target, s.target_port)
            self._segments.append((self.packets, at, number, flags, rtt, *ends, s.seq, s.ack, s.length, s.flags))
        return number, flags, rtt

    def _find(self, s: Segment, at: int) -> tuple[_Flow, int]:
        """The segment's flow, a new one if a SYN begins it, and the flag for reused ports."""
        index = self._by_key.get(s.key)
        flow = None if index is None else self._flows[index]
        if flow is None:
            return self._open(s, at), 0
        if not s.flags & SYN:
            return flow, 0
        if isinstance(flow.machine, ExactFlow):
            begins, flag = flow.machine.reuses(s), exact.REUSED_PORTS
            return (self._open(s, at), flag) if begins else (flow, 0)
        begins, flag = flow.machine.reuses(s)
        return (self._open(s, at) if begins else flow), flag

    def _open(self, s: Segment, at: int) -> _Flow:
        index = self._slot(at)
        machine: ExactFlow | WiresharkFlow = ExactFlow() if self._mode == "exact" else WiresharkFlow()
        flow = _Flow(self.opened, s.key, machine, at, at)
        self.opened += 1
        if index == len(self._flows):
            self._flows.append(flow)
        self._flows[index] = flow
        self._by_key[s.key] = index  # replaces an earlier flow with the same ports
        return flow

    def _slot(self, at: int) -> int:
        """A free slot; if there is none, evict a flow not seen since the hand passed it last."""
        if self._idle and len(self._flows) >= 2:
            for _ in range(2):
                flow = self._flows[self._hand]
                if flow is not None and at - flow.last_at > self._idle:
                    self._retire(self._hand)
                    self._spare.append(self._hand)
                self._turn()
        if self._spare:
            return self._spare.pop()
        if len(self._flows) < self._max_flows:
            return len(self._flows)
        while (flow := self._flows[self._hand]) is not None and flow.recent:
            flow.recent = False
            self._turn()
        index = self._hand
        self._turn()
        self._retire(index)
        return index

    def _turn(self) -> None:
        self._hand = (self._hand + 1) % len(self._flows)

    def _retire(self, index: int) -> None:
        flow = self._flows[index]
        if flow is None:
            return
        if self._by_key.get(flow.key) == index:
            del self._by_key[flow.key]
        for way in flow.ways:
            self._gone = _add(self._gone, way)
        self._flows[index] = None
        self.evicted += 1


def _add(sums: list[int], way: _Way) -> list[int]:
    counts = (way.packets, way.data, way.again, *way.counts)
    return [total + count for total, count in zip(sums, counts, strict=True)]


def _row(flow: _Flow) -> FlowRow:
    machine = flow.machine
    low, low_port, high, high_port = flow.key
    ends = ((str(ip_address(low)), low_port), (str(ip_address(high)), high_port))
    span = (flow.first_at, flow.last_at)
    ways = _way_row(flow, 0), _way_row(flow, 1)
    if isinstance(machine, ExactFlow):
        shake = (machine.syn_at, machine.synack_at, machine.established_at)
        return (flow.number, *ends, machine.client, machine.position, span, shake, machine.initial_rtt, ways)
    return (flow.number, *ends, machine.client, 0, span, (machine.syn_at, -1, -1), machine.initial_rtt, ways)


def _way_row(flow: _Flow, direction: int) -> WayRow:
    way, machine = flow.ways[direction], flow.machine
    unseen = machine.ways[direction].unseen if isinstance(machine, ExactFlow) else 0
    head = (way.packets, way.data_packets, way.data, way.again, way.rtt_min, way.rtt_sum, way.rtts)
    return (*head, way.ttl, way.fin, way.resets, unseen, tuple(way.counts))
