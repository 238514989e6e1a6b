"""Two TCP endpoints and a link between them in virtual time: what the tests of proto.tcp talk through.

A link has a delay, a rate with a queue, and a ``fate``: a function that gives each packet's extra delays, one for each
copy, so that () loses it, (0.0,) passes it and (0.0, 0.01) duplicates it.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from netwright.core.moment import Moment
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import Event
from netwright.proto.tcp.segment import CE, Segment
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State

Fate = Callable[[Segment, float], Sequence[float]]
IP_HEADER = 20


def passes(segment: Segment, at: float) -> Sequence[float]:
    """Nothing happens to the packet."""
    return (0.0,)


def random_fate(
    seed: int, *, loss: float = 0.0, reorder: float = 0.0, duplicate: float = 0.0, jitter: float = 0.05
) -> Fate:
    """Independent faults; what is reordered or duplicated comes up to ``jitter`` seconds later."""
    random = Random(seed)

    def fate(segment: Segment, at: float) -> Sequence[float]:
        if random.random() < loss:
            return ()
        delay = random.uniform(0.0, jitter) if random.random() < reorder else 0.0
        return (delay, random.uniform(0.0, jitter)) if random.random() < duplicate else (delay,)

    return fate


@dataclass
class Link:
    """One direction; ``rate`` in bytes a second, 0 for infinite; ``queue`` in bytes; ``mark`` sets CE instead."""

    delay: float = 0.01
    rate: float = 0.0
    queue: int = 1 << 30
    fate: Fate = passes
    mark: Callable[[Segment, float], bool] | None = None
    busy_until: float = 0.0
    sent: int = 0
    dropped: int = 0

    def carry(self, segment: Segment, now: float) -> list[float]:
        """When the packet arrives, once for each copy."""
        self.sent += 1
        extra = self.fate(segment, now)
        if not extra:
            self.dropped += 1
            return []
        start = max(now, self.busy_until)
        if self.rate:
            if (start - now) * self.rate > self.queue:
                self.dropped += 1
                return []
            start = self.busy_until = start + (segment.size + IP_HEADER) / self.rate
        if self.mark is not None and segment.ecn and self.mark(segment, now):
            segment.ecn = CE
        return [start + self.delay + more for more in extra]


class Side:
    """One endpoint with its inbox of events, and a program that reads all at once and writes what there is room for."""

    def __init__(self, endpoint: Endpoint, link: Link) -> None:
        self.endpoint, self.link = endpoint, link
        self.events: list[Event] = []
        self.received = bytearray()
        self.to_send = b""
        self.offset = 0
        self.reads = True
        self.closes = False
        self.log: list[tuple[float, Segment]] = []
        self.check: Callable[[Endpoint, float], None] | None = None

    def run(self, now: float) -> None:
        """What the program does after something happened."""
        endpoint = self.endpoint
        if self.reads and endpoint.readable:
            self.received += endpoint.read(1 << 20, now)
        while self.offset < len(self.to_send) and endpoint.writable:
            chunk = self.to_send[self.offset : self.offset + min(endpoint.writable, 65536)]
            self.offset += endpoint.send(chunk, now)
        if self.closes and self.offset == len(self.to_send):
            endpoint.send_eof(now)


class Pair:
    """``left`` connects to ``right``; ``now`` is virtual."""

    def __init__(
        self,
        left: Settings | None = None,
        right: Settings | None = None,
        *,
        there: Link | None = None,
        back: Link | None = None,
        iss: tuple[int, int] = (1000, 5000),
        watch: Callable[[Moment], None] | None = None,
    ) -> None:
        self.now = 0.0
        self.left = Side(Endpoint(left or Settings(), iss=iss[0], stamp_offset=77, watch=watch), there or Link())
        self.right_settings, self.right_iss = right or Settings(), iss[1]
        self.right = Side(Endpoint(self.right_settings, iss=iss[1]), back or Link())
        self._heap: list[tuple[float, int, Side, Segment]] = []
        self._number = count()
        self.recording = False

    def connect(self, until: float = 10.0) -> "Pair":
        """Send the SYN and run until both sides are connected."""
        self.left.endpoint.connect(self.now)
        self.run(until=self.now + until, stop=self._both_connected)
        return self

    def _both_connected(self) -> bool:
        return {self.left.endpoint.state, self.right.endpoint.state} == {State.ESTABLISHED}

    def flush(self, side: Side) -> None:
        """Put what a side has sent on its link."""
        other = self.right if side is self.left else self.left
        for segment in side.endpoint.take_segments():
            if self.recording:
                side.log.append((self.now, segment))
            for at in side.link.carry(segment, self.now):
                heapq.heappush(self._heap, (at, next(self._number), other, segment))

    def deliver(self, side: Side, segment: Segment) -> None:
        """A segment arrives; a SYN at a closed right side opens it."""
        if side is self.right and side.endpoint.state is State.CLOSED and segment.flags & 0x16 == 2:
            if not side.events:
                side.endpoint = Endpoint.accept(self.right_settings, segment, iss=self.right_iss, now=self.now)
        else:
            side.events += side.endpoint.receive(segment, self.now)

    def step(self, until: float) -> bool:
        """The next thing that happens, if it does by ``until``."""
        self.flush(self.left)
        self.flush(self.right)
        at, who = until, None
        for side in (self.left, self.right):
            deadline = side.endpoint.deadline
            if deadline is not None and deadline < at:
                at, who = deadline, side
        if self._heap and self._heap[0][0] <= at:
            at, _, side, segment = heapq.heappop(self._heap)
            self.now = max(self.now, at)
            self.deliver(side, segment)
            self._after(side)
            return True
        self.now = max(self.now, at)
        if who is None:
            return False
        who.events += who.endpoint.expire(self.now)
        self._after(who)
        return True

    def _after(self, side: Side) -> None:
        side.run(self.now)
        if side.check is not None:
            side.check(side.endpoint, self.now)

    def run(self, until: float, stop: Callable[[], bool] | None = None) -> None:
        """Let things happen until a time, or until ``stop`` says so."""
        self.left.run(self.now)
        self.right.run(self.now)
        while self.step(until):
            if stop is not None and stop():
                return


def transfer(pair: Pair, data: bytes, *, within: float = 600.0) -> float:
    """Send ``data`` from left to right and close; the virtual seconds that it took."""
    start = pair.now
    pair.left.to_send, pair.left.closes, pair.right.closes = data, True, False
    pair.run(until=start + within, stop=lambda: pair.right.endpoint.at_eof)
    return pair.now - start
