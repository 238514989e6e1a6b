"""What the console knows: rows of all workers, the last closed ones, series of the last minutes.  No I/O, no clock.

A viewer asks for what changed since the revision it has; a slow viewer therefore costs nothing but its next answer.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from netwright.console.kernel import View, by_addresses, kernel_values, view_of
from netwright.console.trend import Sample, Trend
from netwright.console.view import LOST, Row, row_of
from netwright.core.errors import LimitError, ProtocolError
from netwright.core.moment import Moment
from netwright.core.record import Outcome
from netwright.proto.feed import Batch, Bye, Hello, Moments, Record, Update
from netwright.wire.inet_diag import DiagSocket

__all__ = ["Changes", "Connection", "Point", "Store", "Worker"]

_KERNEL = tuple(View.__annotations__)


@dataclass(slots=True)
class Worker:
    """A serving process; ``offset`` turns its clock into the time of day, ``gone_at`` is 0.0 while it lives."""

    hello: Hello
    offset: float
    heard_at: float
    gone_at: float = 0.0
    in_order: bool = False
    lost: int = 0
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
    """One second of all workers: connections at its end, and rates."""

    at: int
    connections: int
    bytes_in: int
    bytes_out: int
    messages: int
    opened: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that changed up to ``revision``; ``skipped`` counts closed ones left out because there were too many."""

    revision: int
    rows: list[Row]
    skipped: int


class Store:
    """Every bound has a name.

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
        self._second = _Second()

    def __repr__(self) -> str:
        return f"<Store {len(self.workers)} workers, {len(self.live)} live, {len(self.closed)} closed>"

    def join(self, hello: Hello, now: float) -> Worker:
        """A worker said hello; what an earlier one with its pid left open is lost."""
        if hello.pid in self.workers:
            self.leave(hello.pid, now)
            del self.workers[hello.pid]
        for pid in [pid for pid, worker in self.workers.items() if worker.gone_at][: self._surplus()]:
            del self.workers[pid]
        if self._surplus() > 0:
            raise LimitError("workers", len(self.workers) + 1, self._workers_limit, unit="workers")
        worker = self.workers[hello.pid] = Worker(hello, hello.wall - hello.now, now)
        self.revision += 1
        return worker

    def _surplus(self) -> int:
        return len(self.workers) + 1 - self._workers_limit

    def leave(self, pid: int, now: float) -> None:
        """The worker's feed ended; if it did not say bye, its live connections are lost, too."""
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
        connection.row = {**row, "state": LOST, "tone": "bad", "closed": now, "waiting": "", "note": note}
        del self.live[row["id"]]
        self._keep_closed(connection)

    def forget(self, now: float, *, after: float = 600.0) -> None:
        """Drop workers that are gone for ``after`` seconds, with their connections."""
        for pid in [pid for pid, worker in self.workers.items() if worker.gone_at and worker.gone_at <= now - after]:
            del self.workers[pid]
            for name in [name for name, connection in self.closed.items() if connection.row["worker"] == pid]:
                del self.closed[name]
            self.revision += 1

    def merge(self, pid: int, update: Update, now: float) -> None:
        """Take in what worker ``pid`` told.

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
                for record in (*update.records, *update.closed):
                    self._merge_record(record, pid, worker.offset, update.now)

    def _merge_record(self, record: Record, pid: int, offset: float, now: float) -> None:
        name = f"{pid}.{record['number']}"
        known = self.live.pop(name, None) or self.closed.get(name)
        row = row_of(record, pid, offset, known.row if known is not None else None)
        self._second.count(row, known.row if known is not None else None)
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
        """Newest revision last: ``changes`` walks from the end."""
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
        """Take in the kernel's view of live connections; a row's own revision stays, its ``kernel_revision`` moves."""
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
                connection.row = cast("Row", {**row, **{name: getattr(view, name) for name in _KERNEL}})
                connection.kernel_revision = self.revision

    def looked(self, since: int) -> Iterator[Row]:
        """Live rows whose kernel's view is newer than ``since``."""
        return (c.row for c in self.live.values() if c.kernel_revision > since)

    def rows(self) -> Iterator[Row]:
        """All rows, the live ones first."""
        for connections in (self.live, self.closed):
            yield from (connection.row for connection in connections.values())

    def tick(self, second: int) -> Point:
        """Close the series' second; to be called once each."""
        over, self._second = self._second, _Second()
        point = Point(second, len(self.live), over.bytes_in, over.bytes_out, over.messages, over.opened)
        self.history.append(point)
        return point

    def lease(self, name: str, now: float) -> bool:
        """A viewer looks at ``name``; True if its worker has to be told to watch it."""
        fresh = name not in self._leases
        self._leases[name] = now + self._lease
        return fresh

    def expired(self, now: float) -> list[str]:
        """Names nobody looks at any more; each is told once."""
        over = [name for name, until in self._leases.items() if until <= now]
        for name in over:
            del self._leases[name]
        return over


class _Second:
    """What moved since the last tick."""

    def __init__(self) -> None:
        self.bytes_in = self.bytes_out = self.messages = self.opened = 0

    def count(self, row: Row, known: Row | None) -> None:
        self.bytes_in += row["bytes_in"] - (known["bytes_in"] if known else 0)
        self.bytes_out += row["bytes_out"] - (known["bytes_out"] if known else 0)
        self.messages += row["messages"] - (known["messages"] if known else 0)
        self.opened += known is None


def _newer(connections: dict[str, Connection], since: int) -> list[Connection]:
    found: list[Connection] = []
    for connection in reversed(connections.values()):
        if connection.revision <= since:
            break
        found.append(connection)
    return found
