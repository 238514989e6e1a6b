"""The console's store: rows of all workers, the last closed ones, series of the last minutes.

A viewer asks for what changed since the revision it has; a slow viewer therefore costs nothing but its next answer.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import Any, cast

from netwright.console.kernel import View, by_addresses, kernel_values, view_of
from netwright.console.trend import Sample, Trend
from netwright.console.view import LOST, Row, bound, row_of, state_of, tone_of
from netwright.core.errors import LimitError, ProtocolError
from netwright.core.moment import Moment
from netwright.core.record import Outcome
from netwright.proto.feed import Batch, Bye, Hello, Moments, Record, Update
from netwright.wire.inet_diag import DiagSocket

__all__ = ["LATE", "Changes", "Connection", "Point", "Store", "Worker"]

LATE = 3  # seconds that a second of the series stays open: workers report what moved within 2.25 s
TRIPS = 1000  # round trips of one second of which the median is told
_KERNEL = tuple(View.__annotations__)
_MOVED = ("bytes_in", "bytes_out", "messages", "opened")


@dataclass(slots=True)
class Worker:
    """A serving process; ``offset`` turns its clock into the time of day, ``gone_at`` is 0.0 while it lives.

    ``told_at`` is when its last batch was taken, on its own clock, 0.0 before the first.
    """

    hello: Hello
    offset: float
    heard_at: float
    gone_at: float = 0.0
    in_order: bool = False
    lost: int = 0
    told_at: float = 0.0
    totals: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Connection:
    """A record with its row, its moments if it is watched, and the revision that changed it last."""

    record: Record
    row: Row
    revision: int
    moments: deque[Moment] | None = None
    moments_lost: int = 0
    next_moment: int = 0
    kernel: dict[str, Any] = field(default_factory=dict)  # what inet_diag told last, {} if it was not asked
    kernel_revision: int = 0
    trend: Trend | None = None  # of the first ``tracked`` live ones, and of those that somebody looked at


@dataclass(frozen=True, slots=True)
class Point:
    """One second of all workers: connections at its end, rates, and what the kernel measured in it.

    ``rtx`` counts retransmitted segments; ``rtt`` is the median of the round trips that were measured in this second,
    ``worst`` the largest, both in seconds and 0.0 if there is none.
    """

    at: int
    connections: int
    bytes_in: int
    bytes_out: int
    messages: int
    opened: int
    rtx: int = 0
    rtt: float = 0.0
    worst: float = 0.0


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that changed up to ``revision``; ``skipped`` counts closed ones left out because there were too many."""

    revision: int
    rows: list[Row]
    skipped: int


class Store:
    """The rows of all workers and their series; each of its limits is an argument.

    Args:
        closed: closed connections to keep; the oldest go first.
        live: live connections that all workers may have together.
        moments: moments to keep of a watched connection.
        history: seconds of series to keep.
        tracked: live connections whose round trip and bytes are kept over time (about 8 kB each).
        workers: workers to remember, the dead included.
        lease: seconds that a connection stays watched after a viewer last asked.
    """

    def __init__(
        self,
        *,
        closed: int = 2000,
        live: int = 50_000,
        moments: int = 2000,
        history: int = 600,
        tracked: int = 5000,
        workers: int = 64,
        lease: float = 15.0,
    ) -> None:
        self.workers: dict[int, Worker] = {}
        self.live: dict[str, Connection] = {}
        self.closed: dict[str, Connection] = {}
        self.history: deque[Point] = deque(maxlen=history)
        self.revision = 0
        self.closed_limit = closed
        self._live_limit, self._moments_limit, self._workers_limit, self._lease = live, moments, workers, lease
        self._tracked = tracked
        self._leases: dict[str, float] = {}
        self._past: Counter[str] = Counter()  # totals of workers that were forgotten
        self._series = _Series()

    def __repr__(self) -> str:
        return f"<Store {len(self.workers)} workers, {len(self.live)} live, {len(self.closed)} closed>"

    def join(self, hello: Hello, now: float) -> Worker:
        """Add a worker; connections that an earlier one with its pid left open are lost."""
        if hello.pid in self.workers:
            self.leave(hello.pid, now)
            self._forget(hello.pid)
        dead = [pid for pid, worker in self.workers.items() if worker.gone_at]
        for pid in dead[: max(0, self._surplus())]:
            self._forget(pid)
        if self._surplus() > 0:
            raise LimitError("workers", len(self.workers) + 1, self._workers_limit, unit="workers")
        worker = self.workers[hello.pid] = Worker(hello, hello.wall - hello.now, now)
        self.revision += 1
        return worker

    def _forget(self, pid: int) -> None:
        """Drop a worker and its connections: a process that gets its pid later has others of the same names."""
        self._past.update(self.workers.pop(pid).totals)
        for name in [name for name, connection in self.closed.items() if connection.row["worker"] == pid]:
            del self.closed[name]

    @property
    def totals(self) -> Counter[str]:
        """Connections of all workers by role and by outcome, since their start."""
        return sum((Counter(worker.totals) for worker in self.workers.values()), self._past.copy())

    def _surplus(self) -> int:
        return len(self.workers) + 1 - self._workers_limit

    def leave(self, pid: int, now: float) -> None:
        """The worker's feed ended: its live connections are lost, whether it said Bye or not."""
        worker = self.workers[pid]
        if worker.gone_at:
            return
        worker.gone_at = now
        self.revision += 1
        for connection in [c for c in self.live.values() if c.row["worker"] == pid]:
            self._lose(connection, now)

    def _lose(self, connection: Connection, now: float) -> None:
        row = connection.row
        note = "its worker ended before it" if self.workers[row["worker"]].in_order else "its worker died"
        over: Any = {"state": LOST, "tone": "bad", "tcp": "", "closed": now, "waiting": "", "note": note}
        largest: Any = {"bound_by": bound(row, now), "bound_at": 0.0, "bound_then": ""}
        connection.row = cast("Row", {**row, **over, **largest})
        del self.live[row["id"]]
        self._keep_closed(connection)

    def forget(self, now: float, *, after: float = 600.0) -> None:
        """Drop workers that are gone for ``after`` seconds, with their connections."""
        for pid in [pid for pid, worker in self.workers.items() if worker.gone_at and worker.gone_at <= now - after]:
            self._forget(pid)
            self.revision += 1

    def merge(self, pid: int, update: Update, now: float) -> None:
        """Apply an update of worker ``pid``.

        Raises:
            ProtocolError: it says hello twice.
            LimitError: more than ``live`` connections.
        """
        worker = self.workers[pid]
        worker.heard_at = now
        match update:
            case Hello():
                raise ProtocolError(f"worker {pid} says hello twice")
            case Bye():
                worker.in_order = True
            case Moments():
                self._merge_moments(f"{pid}.{update.number}", update)
            case Batch():
                worker.totals, worker.lost = update.totals, update.lost
                self.revision += 1
                since, worker.told_at = worker.told_at or update.now, update.now
                for record in (*update.records, *update.closed):
                    self._merge_record(record, pid, worker.offset, since, update.now)

    def _merge_record(self, record: Record, pid: int, offset: float, since: float, now: float) -> None:
        name = f"{pid}.{record['number']}"
        known = self.live.pop(name, None) or self.closed.get(name)
        row = row_of(record, pid, offset, known.row if known is not None else None)
        start = max(since, record["started_at"]) + offset
        end = min((record["closed_at"] or now) + offset, self.workers[pid].heard_at)
        before = known.row if known is not None else None
        self._series.count(row, before, start, end)
        self._series.measure(row, before, ceil(end))
        connection = known or Connection(record, row, self.revision)
        connection.record, connection.row = record, row
        self._track(connection, record["closed_at"] or now)
        if record["ended"].outcome is not Outcome.OPEN and record["closed_at"]:
            self._keep_closed(connection)
        elif len(self.live) >= self._live_limit:
            raise LimitError("live", len(self.live) + 1, self._live_limit, unit="connections")
        else:
            connection.revision = self.revision
            self.live[row["id"]] = connection

    def _track(self, connection: Connection, at: float) -> None:
        row = connection.row
        if connection.trend is None and (len(self.live) < self._tracked or row["id"] in self._leases):
            connection.trend = Trend()
        if connection.trend is not None:
            connection.trend.add(Sample(at, row["bytes_in"], row["bytes_out"], row["rtt"], row["cwnd"]))

    def _keep_closed(self, connection: Connection) -> None:
        connection.revision = self.revision
        self.closed.pop(connection.row["id"], None)
        self.closed[connection.row["id"]] = connection
        while len(self.closed) > self.closed_limit:
            self.closed.pop(next(iter(self.closed)))

    def _merge_moments(self, name: str, told: Moments) -> None:
        connection = self.find(name)
        if connection is None:
            return
        if connection.moments is None or told.first < connection.next_moment:
            connection.moments = deque(maxlen=self._moments_limit)
        connection.moments.extend(told.moments)
        connection.next_moment = told.first + len(told.moments)
        connection.moments_lost = connection.next_moment - len(connection.moments)
        self.revision += 1
        self._touch(connection)

    def _touch(self, connection: Connection) -> None:
        """Give a row the newest revision and move it to the end, where ``changes`` begins."""
        connection.revision = self.revision
        rows = self.live if connection.row["id"] in self.live else self.closed
        rows[connection.row["id"]] = rows.pop(connection.row["id"])

    def find(self, name: str) -> Connection | None:
        """The connection ``worker.number``."""
        return self.live.get(name) or self.closed.get(name)

    def changes(self, since: int, *, closed: int = 500) -> Changes:
        """Rows newer than revision ``since``, oldest first; at most ``closed`` closed ones."""
        newer_live = _newer(self.live, since)
        newer_closed = _newer(self.closed, since)
        rows = [connection.row for connection in (*newer_closed[:closed], *newer_live)]
        return Changes(self.revision, rows[::-1], max(0, len(newer_closed) - closed))

    def look(self, sockets: Iterable[DiagSocket]) -> None:
        """Apply the kernel's view to live rows; their ``kernel_revision`` changes, their own revision does not."""
        found = by_addresses(sockets)
        self.revision += 1
        for connection in self.live.values():
            row = connection.row
            entry = found.get((row["local"], row["peer"]))
            if entry is None:
                continue
            connection.kernel = kernel_values(entry)
            view = view_of(connection.kernel)
            if any(row[name] != getattr(view, name) for name in _KERNEL):  # type: ignore[literal-required]
                state = state_of(connection.record, view.tcp)
                seen = {name: getattr(view, name) for name in _KERNEL}
                connection.row = cast("Row", {**row, **seen, "state": state, "tone": tone_of(state)})
                self._series.measure(connection.row, row)
                connection.kernel_revision = self.revision

    def looked(self, since: int) -> Iterator[Row]:
        """Live rows whose kernel's view is newer than ``since``."""
        return (c.row for c in self.live.values() if c.kernel_revision > since)

    def rows(self) -> Iterator[Row]:
        """All rows, the live ones first."""
        for connections in (self.live, self.closed):
            yield from (connection.row for connection in connections.values())

    def tick(self, second: int) -> Point:
        """Call once at the end of each ``second``: closes the second that lies LATE seconds before it."""
        if self.history and second <= self.history[-1].at:  # the clock was set back: the series begins anew
            self.history.clear()
            self._series = _Series()
        self._series.at(second).connections = len(self.live)
        point = self._series.close(second - LATE)
        self.history.append(point)
        return point

    def lease(self, name: str, now: float) -> bool:
        """A viewer has opened ``name``; True if Watch must be sent to its worker."""
        fresh = name not in self._leases
        self._leases[name] = now + self._lease
        return fresh

    def expired(self, now: float) -> list[str]:
        """The connections whose lease has ended, each returned once."""
        over = [name for name, until in self._leases.items() if until <= now]
        for name in over:
            del self._leases[name]
        return over


@dataclass(slots=True)
class _Second:
    """One second of the series while it is open; a report that covers several is divided, so parts are fractions."""

    connections: int = 0
    rtx: int = 0
    trips: list[float] = field(default_factory=list)
    moved: list[float] = field(default_factory=lambda: [0.0] * len(_MOVED))


class _Series:
    """Seconds that are still open.

    A report of what moved since the last one is booked on the seconds that lie between: workers report when they have
    time, and a rate that is booked when its report arrives swings though nothing does.
    """

    def __init__(self) -> None:
        self._open: dict[int, _Second] = {}
        self._closed = 0  # the last second that was closed
        self._rest = [0.0] * len(_MOVED)  # fractions that no point has yet

    def at(self, second: int) -> _Second:
        return self._open.setdefault(max(second, self._closed + 1), _Second())

    def count(self, row: Row, known: Row | None, start: float, end: float) -> None:
        """Divide the change between two reports of a connection among the seconds from ``start`` to ``end``."""
        now = row["bytes_in"], row["bytes_out"], row["messages"], 1
        before = (known["bytes_in"], known["bytes_out"], known["messages"], 1) if known else (0, 0, 0, 0)
        moved = [a - b for a, b in zip(now, before, strict=True)]
        if not any(moved):
            return
        for second, part in _parts(min(max(start, end - LATE), end), end):
            into = self.at(second).moved
            for index, amount in enumerate(moved):
                into[index] += amount * part

    def measure(self, row: Row, known: Row | None, second: int = 0) -> None:
        """Add the kernel's measurements of a connection since ``known`` to ``second``, or to the present one."""
        into = self.at(second or self._closed + LATE + 1)
        into.rtx += max(0, row["rtx"] - (known["rtx"] if known else 0))
        if row["rtt"] and (known is None or row["rtt"] != known["rtt"]) and len(into.trips) < TRIPS:
            into.trips.append(row["rtt"])

    def close(self, second: int) -> Point:
        """The point of a second that is over."""
        over = [self._open.pop(known) for known in sorted(self._open) if known <= second]
        self._closed = max(second, self._closed)
        sums = [sum(parts) for parts in zip(self._rest, *(done.moved for done in over), strict=True)]
        whole = [int(amount + 1e-6) for amount in sums]
        self._rest = [amount - told for amount, told in zip(sums, whole, strict=True)]
        trips = [trip for done in over for trip in done.trips] or [0.0]
        rtx = sum(done.rtx for done in over)
        bytes_in, bytes_out, messages, opened = whole
        connections = over[-1].connections if over else 0
        return Point(second, connections, bytes_in, bytes_out, messages, opened, rtx, median(trips), max(trips))


def _parts(start: float, end: float) -> Iterator[tuple[int, float]]:
    """The seconds (second N ends at the time of day N) between two times, and the share of each."""
    first, last = ceil(start), ceil(end)
    if first == last or end <= start:
        yield last, 1.0
        return
    for second in range(max(first, 1), last + 1):
        part = min(second, end) - max(second - 1, start)
        if part > 0:
            yield second, part / (end - start)


def _newer(connections: dict[str, Connection], since: int) -> list[Connection]:
    found: list[Connection] = []
    for connection in reversed(connections.values()):
        if connection.revision <= since:
            break
        found.append(connection)
    return found
