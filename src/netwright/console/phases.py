"""A connection's life as bars on one time axis: from its moments where it was watched, else from its summary.  No I/O.

A bar is a stretch of time with one cause; a tick is a bar without length.  Times are seconds on the worker's clock.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netwright.core.moment import Kind, Moment
from netwright.core.record import Outcome, Waiting
from netwright.proto.feed import Record

__all__ = ["Bar", "bars_of_moments", "bars_of_summary"]

MERGE = 0.002  # seconds between ticks of one kind that are drawn as one


@dataclass(frozen=True, slots=True)
class Bar:
    """``lane`` is the short name at the left, ``label`` stands at the bar, ``tone`` is its colour's name."""

    lane: str
    label: str
    start: float
    end: float
    tone: str
    size: int = 0


def bars_of_summary(record: Record, now: float) -> list[Bar]:
    """What the times of the summary tell: the opening, the first bytes, the last request, the current wait."""
    end = record["closed_at"] or now
    found = list(_opening(record, end))
    if record["request_at"]:
        found.append(Bar("req", record["subject"], record["request_at"], record["request_at"], "data"))
    if record["handler_at"]:
        stop = record["response_at"] if record["response_at"] >= record["handler_at"] else end
        found.append(Bar("app", f"handler {_ms(stop - record['handler_at'])}", record["handler_at"], stop, "app"))
    if record["response_at"] >= record["handler_at"] and record["response_at"]:
        stop = max(record["last_out_at"], record["response_at"])
        found.append(Bar("resp", "response", record["response_at"], stop, "good"))
    if record["waiting"]:
        found.append(_wait_bar(record["waiting"], record["waiting_since"], now))
    if record["closed_at"]:
        found.append(Bar("end", record["outcome"], end, end, _end_tone(record["outcome"])))
    return found


def _opening(record: Record, end: float) -> Iterator[Bar]:
    opened = record["opened_at"]
    if record["role"] == "connected":
        yield Bar("syn", f"connect {_ms(opened - record['started_at'])}", record["started_at"], opened, "wait")
    else:
        yield Bar("accept", "accepted", opened, opened, "data")
    first = record["first_in_at"]
    if record["role"] == "accepted" and (first or not record["bytes_out"]):
        stop = first or end
        yield Bar("wait", f"first byte after {_ms(stop - opened)}", opened, stop, "wait")


def bars_of_moments(moments: Iterable[Moment], now: float) -> list[Bar]:
    """One bar a wait, a handler, a response; one tick what happened at once."""
    found: list[Bar] = []
    begun: dict[str, Moment] = {}  # what has started and not ended, by lane
    for moment in moments:
        over = [lane for lane in _ENDS.get(moment.kind, ()) if lane in begun]
        found.extend(_close(lane, begun.pop(lane), moment.at) for lane in over)
        if moment.kind in _STARTS:
            begun[_STARTS[moment.kind]] = moment
        elif moment.kind in _TICKS:
            _add_tick(found, moment)
    found.extend(_close(lane, start, now) for lane, start in begun.items())
    return sorted((bar for bar in found if bar.end > bar.start or bar.tone != "wait"), key=lambda bar: bar.start)


def _close(lane: str, start: Moment, end: float) -> Bar:
    if lane == "wait":
        return _wait_bar(start.note, start.at, end)
    if lane == "app":
        return Bar("app", f"handler {_ms(end - start.at)}", start.at, end, "app")
    return Bar(lane, f"{_NAMES[lane]} {_ms(end - start.at)}", start.at, end, "crypto" if lane == "tls" else "wait")


def _wait_bar(waiting: str, start: float, end: float) -> Bar:
    if waiting == Waiting.HANDLER:
        return Bar("app", f"handler {_ms(end - start)}", start, end, "app")
    tone = "bad" if waiting == Waiting.SEND else "wait"
    return Bar("wait", f"waits for {waiting} {_ms(end - start)}", start, end, tone)


def _add_tick(found: list[Bar], moment: Moment) -> None:
    lane, tone = _TICKS[moment.kind]
    last = found[-1] if found else None
    if last is not None and last.lane == lane and last.size and moment.size and moment.at - last.end <= MERGE:
        size = last.size + moment.size
        found[-1] = Bar(lane, f"{size} B", last.start, moment.at, tone, size)
        return
    label = f"{moment.size} B" if moment.size else moment.note or moment.kind.value
    found.append(Bar(lane, label, moment.at, moment.at, tone, moment.size))


def _end_tone(outcome: str) -> str:
    return "quiet" if outcome in (Outcome.CLOSED, Outcome.PEER_CLOSED, Outcome.DRAINED) else "bad"


def _ms(seconds: float) -> str:
    if seconds < 0.000995:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 9.9995 else f"{seconds:.1f} s"


_STARTS = {
    Kind.RESOLVE: "dns",
    Kind.SYN: "syn",
    Kind.TLS: "tls",
    Kind.RECEIVE_WAIT: "wait",
    Kind.SEND_WAIT: "wait",
    Kind.HANDLER: "app",
}
_WAITS_END = ("wait",)
_ENDS: dict[Kind, tuple[str, ...]] = {
    Kind.RESOLVED: ("dns",),
    Kind.ESTABLISHED: ("syn",),
    Kind.TLS_DONE: ("tls",),
    Kind.RECEIVE_WAIT: _WAITS_END,
    Kind.SEND_WAIT: _WAITS_END,
    Kind.WAIT_OVER: _WAITS_END,
    Kind.RECEIVED: _WAITS_END,
    Kind.SENT: _WAITS_END,
    Kind.RESPONSE: ("app",),
    Kind.CLOSED: ("dns", "syn", "tls", "wait", "app"),
}
_TICKS = {
    Kind.ESTABLISHED: ("open", "data"),
    Kind.RECEIVED: ("in", "data"),
    Kind.SENT: ("out", "good"),
    Kind.REQUEST: ("req", "data"),
    Kind.RESPONSE: ("resp", "good"),
    Kind.FIN_RECEIVED: ("fin", "quiet"),
    Kind.FIN_SENT: ("fin", "quiet"),
    Kind.RESET: ("rst", "bad"),
    Kind.ABORT: ("rst", "bad"),
    Kind.DEADLINE: ("end", "bad"),
    Kind.LIMIT: ("end", "bad"),
    Kind.ERROR: ("end", "bad"),
    Kind.CLOSED: ("end", "quiet"),
}
_NAMES = {"dns": "name lookup", "syn": "connect", "tls": "TLS"}
