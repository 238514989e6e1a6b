"""Two TCP endpoints and the path between them, in virtual time: the smallest simulated network.

The client connects as soon as ``run`` is called, the server listens; a program on each side reacts to events::

    pair = Pair(there=Path(delay=0.01, rate=10e6, loss=0.01), back=Path(delay=0.01), seed=1, trace=Trace())
    pair.client.program = send_all(1_000_000)
    pair.run(until=60.0)
    print(pair.server.received, pair.client.endpoint.sender.retransmissions)

The same arguments give the same packets at the same times.  Virtual seconds take no real time.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from typing import Final, TypeAlias

from netwright.core.moment import Moment
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.handshake import is_opening
from netwright.proto.tcp.segment import CE, NOT_ECT, Segment
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import CLOSED, State
from netwright.sim.link import Link, Path, Verdict
from netwright.sim.trace import Seen, Trace

__all__ = ["Pair", "Program", "Side", "read_all", "send_all"]

_IP_HEADER: Final = 20  # bytes, RFC 791 §3.1
_HEADERS: Final = 40  # IP and TCP, without options
_ISS = 0  # numbers in moments equal Wireshark's relative ones; in a simulation nobody guesses them (RFC 6528)
_READ: Final = 1 << 20  # bytes that a program takes at once


class Side:
    """One host with one connection.

    Attributes:
        endpoint: the connection; the server's is CLOSED until a SYN comes.
        link: the direction from this host to the other.
        program: called with the endpoint's events; may be set before ``run``.
        received: bytes that the program has read.
        corrupted: packets that were dropped here because of a wrong checksum.
        too_big: the last segment that a router dropped as too big, until the endpoint is notified.
    """

    __slots__ = (
        "_notes",
        "armed_at",
        "corrupted",
        "endpoint",
        "index",
        "link",
        "program",
        "received",
        "settings",
        "too_big",
    )

    def __init__(self, index: int, settings: Settings, link: Link, program: "Program") -> None:
        self.index, self.settings, self.link, self.program = index, settings, link, program
        self.endpoint = Endpoint(settings, iss=_ISS)
        self.received = self.corrupted = 0
        self.armed_at = inf
        self.too_big: Segment | None = None
        self._notes: list[tuple[int, Moment]] = []

    def __repr__(self) -> str:
        return f"<Side {self.index} {self.endpoint!r} received={self.received}>"

    def watch(self, moment: Moment) -> None:
        """Store a decision of the endpoint with the number of the segment that it concerns."""
        self._notes.append((self.endpoint.pending, moment))

    def take_notes(self) -> list[tuple[int, Moment]]:
        """The moments since the last call."""
        notes, self._notes = self._notes, []
        return notes


Program: TypeAlias = Callable[[Side, list[Event], float], None]


def read_all(side: Side, events: list[Event], now: float) -> None:
    """Read everything; close when the peer has closed.  This is the default program."""
    _read(side, now)
    if side.endpoint.at_eof:
        side.endpoint.close(now)


def _read(side: Side, now: float) -> None:
    taken = _READ
    while taken == _READ:
        taken = len(side.endpoint.read(_READ, now))
        side.received += taken


def send_all(size: int | None) -> Program:
    """Send ``size`` bytes, then close; None sends for ever.  What comes is read."""
    left = inf if size is None else size
    piece = memoryview(bytes(1 << 16))

    def program(side: Side, events: list[Event], now: float) -> None:
        nonlocal left
        endpoint = side.endpoint
        taken = len(piece)
        while left and taken == len(piece):  # WRITABLE follows a send that takes less
            taken = endpoint.send(piece if left >= len(piece) else piece[: int(left)], now)
            left -= taken
        if left:
            _read(side, now)  # the peer may have closed its direction; this one stays open (RFC 9293 §3.6)
        else:
            endpoint.send_eof(now)
            read_all(side, events, now)

    return program


class Pair:
    """A client, a server and two links.

    Args:
        client, server: settings of the endpoints.
        there, back: the path from client to server, and from server to client.
        seed: of every random decision.
        trace: records every packet with the reasons for it; None costs nothing.

    Attributes:
        now: seconds since the beginning.
        packets: number of packets sent.
    """

    def __init__(
        self,
        *,
        client: Settings | None = None,
        server: Settings | None = None,
        there: Path | None = None,
        back: Path | None = None,
        seed: int = 0,
        trace: Trace | None = None,
    ) -> None:
        self.now, self.packets, self._trace = 0.0, 0, trace
        random = Random(seed)
        self.client, self.server = (
            Side(index, settings or Settings(), Link(path or Path(), seed=random.getrandbits(32)), read_all)
            for index, (settings, path) in enumerate(((client, there), (server, back)))
        )
        if trace is not None:
            self.client.endpoint = Endpoint(self.client.settings, iss=_ISS, watch=self.client.watch)
        self._sides = (self.client, self.server)
        self._heap: list[tuple[float, int, Side, Segment | None, Seen | None]] = []
        self._order = count()

    def __repr__(self) -> str:
        return f"<Pair at {self.now:.6f} s, {self.packets} packets, {self.client!r}, {self.server!r}>"

    def run(self, until: float, *, stop: Callable[[], bool] | None = None) -> None:
        """Process events until none is left, until virtual second ``until``, or until ``stop`` returns True.

        Afterwards ``now`` is the time of the last event, or ``until``.  Call again to continue.  An exception of a
        program ends the run and is raised here.
        """
        self._start()
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, side, segment, seen = heappop(heap)
            if segment is None:
                self._timer(side)
            else:
                self._deliver(side, segment, seen)
            if stop is not None and stop():
                return
        if heap:
            self.now = until

    def _start(self) -> None:
        """Connect if that has not been done; else call the programs, which may be new."""
        if self.client.endpoint.state is State.CLOSED and self.client.endpoint.end is End.OPEN:
            self.client.endpoint.connect(self.now)
            self._flush(self.client)
            return
        for side in self._sides:
            if side.endpoint.state is not State.CLOSED:
                self._act(side, [])

    def _timer(self, side: Side) -> None:
        if side.armed_at != self.now:
            return  # it was put earlier meanwhile
        side.armed_at = inf
        deadline = side.endpoint.deadline
        if deadline is not None and deadline <= self.now:
            self._act(side, side.endpoint.expire(self.now))
        else:
            self._arm(side)

    def _deliver(self, side: Side, segment: Segment, origin: Seen | None) -> None:
        endpoint = side.endpoint
        if origin is not None and self._trace is not None:
            self._trace.arrived(self.now, side.index, segment, origin)
        if endpoint.state is CLOSED and endpoint.end is End.OPEN and is_opening(segment, side.settings.policy):
            watch = side.watch if self._trace is not None else None
            side.endpoint = Endpoint.accept(side.settings, segment, iss=_ISS, now=self.now, watch=watch)
            self._flush(side)
            return
        events = endpoint.receive(segment, self.now)
        if events:
            self._act(side, events)
        else:
            self._flush(side)

    def _act(self, side: Side, events: list[Event]) -> None:
        if side.endpoint.state is not CLOSED:
            side.program(side, events, self.now)
        self._flush(side)

    def _flush(self, side: Side) -> None:
        """Send the endpoint's segments over its link, and set its timer."""
        if self._trace is not None:
            self._flush_traced(side, self._trace)
        else:
            for segment in side.endpoint.take_segments():
                self._send(side, segment, None)
        if side.too_big is not None:
            self._told(side, side.too_big)
        self._arm(side)

    def _told(self, side: Side, segment: Segment) -> None:
        """Deliver to ``side`` the ICMP message of a router on its link (RFC 1191 §4)."""
        side.too_big = None
        if side.endpoint.reduce_mss(side.link.path.mtu - _HEADERS, segment.seq, self.now):
            self._flush(side)

    def _flush_traced(self, side: Side, trace: Trace) -> None:
        notes, segments = side.take_notes(), side.endpoint.take_segments()
        for number, segment in enumerate(segments):
            reasons = [moment for about, moment in notes if about == number]
            self._send(side, segment, trace.sent(self.now, side.index, segment, reasons))
        rest = [moment for about, moment in notes if about >= len(segments)]
        if rest:
            trace.explain(rest)
        trace.gauge(self.now, side.index, side.endpoint.sender)

    def _send(self, side: Side, segment: Segment, seen: Seen | None) -> None:
        self.packets += 1
        size, other = _IP_HEADER + segment.size, self._sides[1 - side.index]
        at = side.link.transit(size, self.now) if seen is None else None
        if at is not None:
            if at != inf:
                heappush(self._heap, (at, next(self._order), other, segment, None))
            return
        fate = side.link.carry(segment, size, self.now)
        if seen is not None:
            seen.fate = fate.note if fate.verdict is Verdict.PASS else f"{fate.verdict}: {fate.note}"
        if not fate.arrivals:
            if fate.verdict is Verdict.TOO_BIG and side.link.path.icmp:
                side.too_big = segment
            return
        for arrival in fate.arrivals:
            if arrival.corrupted:
                other.corrupted += 1  # its checksum is wrong, so the endpoint never sees it (RFC 9293 §3.1)
                continue
            arrived = segment.altered(ecn=CE) if arrival.marked and segment.ecn != NOT_ECT else segment
            heappush(self._heap, (arrival.at, next(self._order), other, arrived, seen))

    def _arm(self, side: Side) -> None:
        deadline = side.endpoint.deadline
        if deadline is not None and deadline < side.armed_at:
            side.armed_at = max(deadline, self.now)
            heappush(self._heap, (side.armed_at, next(self._order), side, None, None))
