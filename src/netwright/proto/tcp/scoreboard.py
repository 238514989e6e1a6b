"""The retransmission queue: segments that are sent and not acknowledged, with marks (RFC 2018, RFC 6675).

The cost of an acknowledgement is proportional to its new information, never to the window.  Acknowledged segments leave
at the front.  A SACK block finds its first segment by bisection, and only its new part is walked.  Lost segments wait
in a heap.  ``by_time`` is the order of transmission, which RACK needs; outdated entries are dropped at its front.
"""

from bisect import bisect_right
from collections import deque
from heapq import heapify, heappop, heappush
from typing import Final

from netwright.proto.tcp.segment import ACK

__all__ = ["Scoreboard", "SentSegment"]

_COMPACT: Final = 256  # records that left the front before the lists are cut


class SentSegment:
    """A segment in flight: sequence numbers ``start`` to ``end``, and its bytes.

    Attributes:
        sent_at, first_sent_at: when it was sent last, and first.
        order: number of its last transmission, which orders those of one instant.
        repeats: number of retransmissions.
        sacked: the peer has received it beyond a hole.
        lost: it counts as lost.
        resent: a retransmission of it is in flight.
        done: it is acknowledged and has left the scoreboard.
        snapshot: state of ``delivery.Delivery`` when it was sent; None if the rate is not measured.
    """

    __slots__ = (
        "data",
        "done",
        "end",
        "first_sent_at",
        "flags",
        "lost",
        "order",
        "repeats",
        "resent",
        "sacked",
        "sent_at",
        "snapshot",
        "start",
    )

    def __init__(self, start: int, end: int, data: bytes, flags: int, now: float) -> None:
        self.start, self.end, self.data, self.flags = start, end, data, flags
        self.sent_at = self.first_sent_at = now
        self.repeats = self.order = 0
        self.sacked = self.lost = self.resent = self.done = False
        self.snapshot: tuple[int, float, float, bool] | None = None

    def __repr__(self) -> str:
        marks = " ".join(name for name in ("sacked", "lost", "resent", "done") if getattr(self, name))
        return f"<SentSegment {self.start}:{self.end} repeats={self.repeats} {marks}>"


class Scoreboard:
    """Records in order of sequence, and counts of segments as in RFC 6675 §4 (``pipe`` is ``in_flight``).

    Attributes:
        out: segments sent and not acknowledged.
        sacked, lost, resent: of these, the marked ones.
        repeated: of these, the ones that were ever sent again.
        highest_sacked: end of the highest record that the peer has.
        retransmissions: segments sent again since the connection began.
        by_time: (sent_at, record) in order of transmission, the last of a record counts.
    """

    __slots__ = (
        "_block_ends",
        "_block_starts",
        "_head",
        "_heap",
        "_records",
        "_starts",
        "_transmissions",
        "by_time",
        "highest_sacked",
        "lost",
        "out",
        "repeated",
        "resent",
        "retransmissions",
        "sacked",
    )

    def __init__(self) -> None:
        self._records: list[SentSegment] = []
        self._starts: list[int] = []
        self._head = self._transmissions = 0
        self._heap: list[tuple[int, SentSegment]] = []
        self._block_starts: list[int] = []  # ranges that the peer has received beyond holes, merged, in order
        self._block_ends: list[int] = []
        self.by_time: deque[tuple[float, SentSegment]] = deque()
        self.out = self.sacked = self.lost = self.resent = self.repeated = 0
        self.highest_sacked = -1
        self.retransmissions = 0

    def __repr__(self) -> str:
        return f"<Scoreboard out={self.out} sacked={self.sacked} lost={self.lost} resent={self.resent}>"

    @property
    def in_flight(self) -> int:
        """Segments believed to be in the network (RFC 6675 §4, SetPipe)."""
        return self.out - self.sacked - self.lost + self.resent

    @property
    def first(self) -> SentSegment | None:
        """The record at SND.UNA."""
        return self._records[self._head] if self.out else None

    @property
    def last(self) -> SentSegment | None:
        """The record before SND.NXT."""
        return self._records[-1] if self.out else None

    def add(self, record: SentSegment) -> None:
        """Add a new segment."""
        self._records.append(record)
        self._starts.append(record.start)
        self.by_time.append((record.sent_at, record))
        self._transmissions += 1
        record.order = self._transmissions
        self.out += 1

    def resend(self, record: SentSegment, now: float, *, probe: bool = False) -> None:
        """Record a retransmission; a tail loss probe does not count as a second copy in flight (Linux)."""
        if not record.repeats:
            self.repeated += 1
        self.retransmissions += 1
        record.repeats += 1
        record.sent_at = now
        if not record.resent and not probe:
            record.resent = True
            self.resent += 1
        self.by_time.append((now, record))
        self._transmissions += 1
        record.order = self._transmissions

    def acknowledge(self, ack: int) -> list[SentSegment]:
        """Remove and return the records that end at or before ``ack``; cut the one that reaches over it."""
        records, head = self._records, self._head
        index, count = head, head + self.out
        while index < count and records[index].end <= ack:
            index += 1
        if index < count and records[index].start < ack:
            record = records[index]
            record.data = record.data[ack - record.start :]
            record.start = self._starts[index] = ack
        gone = records[head:index]
        if gone:
            self._leave(gone, index)
        if self._block_starts:
            self._trim_blocks(ack)
        return gone

    def _leave(self, gone: list[SentSegment], head: int) -> None:
        self.out -= len(gone)
        for record in gone:
            record.done = True
        if self.sacked or self.lost or self.resent or self.repeated:
            for record in gone:
                self.sacked -= record.sacked
                self.lost -= record.lost
                self.resent -= record.resent
                self.repeated -= record.repeats > 0
                record.lost = False
        if head >= _COMPACT and 2 * head >= len(self._records):
            del self._records[:head], self._starts[:head]
            head = 0
        self._head = head
        by_time = self.by_time
        while by_time and (by_time[0][1].done or by_time[0][0] != by_time[0][1].sent_at):
            by_time.popleft()

    def _trim_blocks(self, ack: int) -> None:
        starts, ends = self._block_starts, self._block_ends
        covered = bisect_right(ends, ack)
        if covered:
            del starts[:covered], ends[:covered]
        if starts and starts[0] < ack:
            starts[0] = ack

    def sack(self, start: int, end: int) -> list[SentSegment]:
        """The peer has received ``start`` to ``end``: mark and return the segments that it now has completely.

        A partially received segment stays unmarked (RFC 6675 §3).
        """
        starts, ends = self._block_starts, self._block_ends
        first = bisect_right(starts, start) - 1
        if first >= 0 and ends[first] >= end:
            return []
        low, cursor = start, start
        if first >= 0 and ends[first] >= start:
            low, cursor = starts[first], ends[first]
        else:
            first += 1
        holes, last, high = [], first, end
        while last < len(starts) and starts[last] <= end:
            if starts[last] > cursor:
                holes.append((cursor, starts[last]))
            cursor = ends[last]
            last += 1
        if cursor < end:
            holes.append((cursor, end))
        high = max(end, cursor)
        starts[first:last], ends[first:last] = [low], [high]
        return [record for hole in holes for record in self._mark(hole, low, high)]

    def _mark(self, hole: tuple[int, int], low: int, high: int) -> list[SentSegment]:
        records, marked = self._records, []
        index = max(bisect_right(self._starts, hole[0], self._head) - 1, self._head)
        while index < len(records) and records[index].start < hole[1]:
            record = records[index]
            index += 1
            if not record.sacked and low <= record.start and record.end <= high:
                self._set_sacked(record)
                marked.append(record)
        return marked

    def _set_sacked(self, record: SentSegment) -> None:
        record.sacked = True
        self.sacked += 1
        if record.lost:
            record.lost = False
            self.lost -= 1
        if record.resent:
            record.resent = False
            self.resent -= 1
        self.highest_sacked = max(self.highest_sacked, record.end)

    def mark_lost(self, record: SentSegment) -> None:
        """Mark a segment, or its retransmission, as lost."""
        if record.resent:
            record.resent = False
            self.resent -= 1
        if not record.lost:
            record.lost = True
            self.lost += 1
        heappush(self._heap, (record.start, record))

    def next_lost(self) -> SentSegment | None:
        """The first lost segment that is not retransmitted yet (RFC 6675 §4, NextSeg rule 1)."""
        heap = self._heap
        while heap:
            record = heap[0][1]
            if record.lost and not record.resent:
                return record
            heappop(heap)
        return None

    def unmark_lost(self) -> None:
        """Remove all marks of loss: a timeout or a recovery was spurious."""
        for record in self.outstanding():
            record.lost = False
        self.lost = 0
        self._heap.clear()
        self._order_by_time()

    def forget_sacks(self) -> None:
        """Remove all SACK marks: the peer has dropped those segments, as it may (RFC 2018 §8)."""
        for record in self.outstanding():
            record.sacked = False
        self.sacked = 0
        self.highest_sacked = -1
        self._block_starts.clear()
        self._block_ends.clear()
        self._order_by_time()

    def cut(self, size: int) -> list[SentSegment]:
        """Replace segments of more than ``size`` bytes, unless SACKed, by pieces of that size; return the pieces."""
        records = self.outstanding()
        pieces = []
        for index in reversed([at for at, each in enumerate(records) if len(each.data) > size and not each.sacked]):
            whole = records[index]
            parts = _parts(whole, size)
            self.lost -= whole.lost
            self.resent -= whole.resent
            whole.done = True
            self.repeated += (len(parts) - 1) * (whole.repeats > 0)
            records[index : index + 1] = parts
            pieces += parts
        self._records, self._starts, self._head = records, [each.start for each in records], 0
        self.out = len(records)
        self._heap = [entry for entry in self._heap if not entry[1].done]
        heapify(self._heap)
        self._order_by_time()
        return pieces

    def outstanding(self) -> list[SentSegment]:
        """All segments in order.  The cost is proportional to the window; for timeouts and tests."""
        return self._records[self._head :]

    def _order_by_time(self) -> None:
        """Rebuild ``by_time``, because dropped entries count again."""
        ordered = sorted(self.outstanding(), key=lambda record: (record.sent_at, record.order, record.end))
        self.by_time = deque((record.sent_at, record) for record in ordered if not record.sacked)


def _parts(whole: SentSegment, size: int) -> list[SentSegment]:
    """``whole`` as segments of ``size`` bytes; the last one has its FIN and PSH."""
    data, parts = whole.data, []
    for at in range(0, len(data), size):
        last = at + size >= len(data)
        end = whole.end if last else whole.start + at + size
        part = SentSegment(whole.start + at, end, data[at : at + size], whole.flags if last else ACK, whole.sent_at)
        part.first_sent_at, part.repeats, part.snapshot = whole.first_sent_at, whole.repeats, whole.snapshot
        part.order = whole.order
        parts.append(part)
    return parts
