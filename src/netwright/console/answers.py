"""The answers of the console's API: JSON values from the store."""

import json
from collections import Counter
from dataclasses import asdict, astuple
from typing import Any

from netwright.console.explain import explain
from netwright.console.kernel import View, explain_kernel, recorded_values
from netwright.console.phases import bars_of_life, waterfall
from netwright.console.query import COMPARED, MATCHED, parse_filter, parse_sort
from netwright.console.store import Point, Store, Worker
from netwright.console.view import LOST, Row
from netwright.core.errors import UsageError
from netwright.core.record import Outcome
from netwright.proto.feed import readable
from netwright.watch.ending import ending
from netwright.watch.ledger import Share, ledger

__all__ = ["MAX_ROWS", "Events", "connection", "connections", "filter_language", "health", "totals", "workers"]

VALUES = 50  # values of a column that are offered to complete a filter
MAX_ROWS = 10_000  # rows of one answer of /api/connections
_FIELDS = list(Row.__annotations__)
_KERNEL = ["state", "tone", *View.__annotations__]


def workers(store: Store) -> list[dict[str, Any]]:
    """Return all workers, including those that have ended."""
    return [_worker(worker) for worker in store.workers.values()]


def _worker(worker: Worker) -> dict[str, Any]:
    hello = worker.hello
    return {
        "pid": hello.pid,
        "program": hello.program,
        "engine": hello.engine,
        "python": hello.python,
        "gone": worker.gone_at,
        "in_order": worker.in_order,
        "lost": worker.lost,
        "totals": worker.totals,
        "sampled": round(worker.told_at + worker.offset, 6) if worker.told_at else 0.0,  # when its rows were taken
    }


def health(store: Store, now: float) -> dict[str, Any]:
    """``ok`` is false if a worker died; ``silent`` is the longest silence of a live worker, in seconds."""
    alive = [worker for worker in store.workers.values() if not worker.gone_at]
    died = [pid for pid, worker in store.workers.items() if worker.gone_at and not worker.in_order]
    return {
        "ok": not died,
        "workers": len(alive),
        "died": died,
        "connections": len(store.live),
        "silent": max((round(now - worker.heard_at, 3) for worker in alive), default=0.0),
    }


def connections(
    store: Store,
    now: float,
    *,
    filter: str = "",  # noqa: A002  # the API's own word
    sort: str = "",
    limit: int = MAX_ROWS,
) -> dict[str, Any]:
    """Return the matching rows, live ones first; each group in the order of ``sort``, or the newest first.

    Raises:
        UsageError: a filter word or ``sort`` names a column that does not exist; ``limit`` is not 1 to MAX_ROWS.
    """
    if not 1 <= limit <= MAX_ROWS:
        raise UsageError(f"limit={limit}, 1 to {MAX_ROWS} allowed")
    test = parse_filter(filter)
    found = [row for row in store.rows() if test(row, now)]
    found.sort(key=lambda row: -row["opened"])
    if sort:
        key, reverse = parse_sort(sort)
        found.sort(key=lambda row: key(row, now), reverse=reverse)
    found.sort(key=lambda row: row["closed"] > 0)
    return {"now": now, "matched": len(found), "connections": found[:limit], "totals": totals(store)}


def connection(store: Store, name: str, now: float) -> dict[str, Any] | None:
    """Return everything about one connection; all times, also ``now``, are on its worker's clock."""
    found = store.find(name)
    if found is None:
        return None
    worker = store.workers.get(found.row["worker"])
    offset = worker.offset if worker is not None else 0.0
    ended = found.row["closed"]  # a lost connection's record is still open: its row knows when the worker died
    clock = (ended or now) - offset
    watched = found.moments is not None and len(found.moments) > 0
    lost = found.row["state"] == LOST
    kernel = found.kernel if found.kernel and not ended else recorded_values(found.record) or found.kernel
    shares = ledger(found.record, clock, kernel)
    findings = explain(found.record, shares, lost=lost) + ([] if ended else explain_kernel(kernel))
    bars = bars_of_life(found.record, found.moments or (), clock, lost=lost)
    return {
        "now": clock,
        "row": found.row,
        "record": readable(found.record),
        "bars": [asdict(bar) for bar in bars],
        "waterfall": [asdict(bar) for bar in waterfall(bars)],
        "findings": [asdict(finding) for finding in findings],
        "kernel": kernel or None,
        "ending": {"who": "you", "how": found.row["note"]} if lost else asdict(ending(found.record["ended"])),
        "ledger": _shares(shares),
        "bound_by": shares[0].cause if shares else "",
        "age": max(0.0, (found.record["closed_at"] or clock) - found.record["started_at"]),
        "trend": found.trend.rows() if found.trend is not None else [],
        "moments": [asdict(moment) for moment in found.moments] if watched and found.moments else None,
        "moments_lost": found.moments_lost,
    }


def filter_language(store: Store, now: float) -> dict[str, Any]:
    """The columns of a filter with their operators, units and, of text with few values, the VALUES most frequent ones.

    Enough to complete a filter while it is typed, without a copy of the language.
    """
    seen: dict[str, Counter[str]] = {name: Counter() for name in _ENUMERATED}
    for row in store.rows():
        for name, counts in seen.items():
            counts[MATCHED[name](row, now)] += 1
    texts = [
        {"name": name, "kind": "text", "operators": [":"], "values": _frequent(seen.get(name, Counter()))}
        for name in MATCHED
    ]
    numbers = [
        {
            "name": name,
            "kind": "number",
            "operators": [">", "<", ">=", "<="],
            "units": list(number.units),
            "examples": number.examples.split(" "),
        }
        for name, number in COMPARED.items()
    ]
    return {"columns": [*texts, *numbers], "exclude": "-", "quote": '"'}


def _frequent(counts: Counter[str]) -> list[dict[str, Any]]:
    return [{"value": value, "count": count} for value, count in counts.most_common(VALUES) if value]


_ENUMERATED = ("state", "svc", "proto", "wait", "role", "worker", "tone", "tcp", "bound")


def _shares(shares: list[Share]) -> list[dict[str, Any]]:
    return [{**asdict(share), "seconds": round(share.seconds, 6), "share": round(share.share, 4)} for share in shares]


def totals(store: Store) -> dict[str, Any]:
    """Counts of connections since the workers' start, and how many of them are kept here to look at."""
    ended = {outcome: store.totals[outcome] for outcome in ENDED if store.totals[outcome]}
    return {
        "opened": store.totals["accepted"] + store.totals["connected"],
        "live": len(store.live),
        "ended": sum(ended.values()),
        "badly": sum(count for outcome, count in ended.items() if outcome in BADLY),
        "outcomes": ended,
        "kept": len(store.closed),
        "kept_limit": store.closed_limit,
        "untold": sum(worker.lost for worker in store.workers.values()),
    }


ENDED = [outcome.value for outcome in Outcome if outcome is not Outcome.OPEN]
BADLY = frozenset(ENDED) - {Outcome.CLOSED, Outcome.PEER_CLOSED, Outcome.DRAINED}


class Events:
    """Messages of /api/events: the changes between two revisions, encoded once for all viewers that are up to date."""

    def __init__(self, store: Store, boot: str) -> None:
        """``boot`` names this run of the console: revisions of another run mean nothing."""
        self._store, self._boot = store, boot
        self._told: tuple[int, int, float, bytes] | None = None

    def first(self, since: str, now: float) -> tuple[int, bytes]:
        """Return a viewer's first message; ``since`` names the last state it has, "" none ("boot.revision" as sent)."""
        boot, _, revision = since.rpartition(".")
        known = int(revision) if boot == self._boot and revision.isdecimal() and len(revision) < 20 else 0
        hello = {
            "boot": self._boot,
            "fields": _FIELDS,
            "kernel_fields": _KERNEL,
            "closed_limit": self._store.closed_limit,
            "history_limit": self._store.history.maxlen,
        }
        body = self._body(known, now, closed=self._store.closed_limit)
        body |= {"hello": hello, "points": [_point(point) for point in self._store.history]}
        return self._store.revision, _encode(body)

    def next(self, since: int, second: float, now: float) -> tuple[int, bytes]:
        """Return the changes after revision ``since`` and the points of the series after ``second``."""
        told = self._told
        if told is not None and told[:3] == (since, self._store.revision, second):
            return told[1], told[3]
        body = self._body(since, now, closed=500)
        body["points"] = [_point(point) for point in self._store.history if point.at > second]
        self._told = (since, self._store.revision, second, _encode(body))
        return self._store.revision, self._told[3]

    def _body(self, since: int, now: float, *, closed: int) -> dict[str, Any]:
        changes = self._store.changes(since, closed=closed)
        rows = [list(row.values()) for row in changes.rows]  # a Row is built in the order of its fields
        body = {"now": now, "revision": changes.revision, "rows": rows, "skipped": changes.skipped}
        kernel = [[row["id"], *(row[name] for name in _KERNEL)] for row in self._store.looked(since)]  # type: ignore[literal-required]
        return body | {"workers": workers(self._store), "kernel": kernel, "totals": totals(self._store)}


def _point(point: Point) -> list[float]:
    return list(astuple(point))


def _encode(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"
