"""A connection's life as bars on one time axis: from its moments where it was watched, else from its summary.

A bar is a stretch of time with one cause; a tick is a bar without length.  Times are seconds on the worker's clock.
"""

import os
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from netwright.core.moment import Kind, Moment
from netwright.core.record import Attempt, Outcome, Result, Waiting
from netwright.core.units import seconds, size
from netwright.proto.feed import Record
from netwright.watch.ending import ending

__all__ = ["Bar", "bars_of_life", "bars_of_moments", "bars_of_summary", "waterfall"]

WORTH = {"wait": 0.0, "work": 0.001}  # seconds below which a bar of the lane is left out
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


def bars_of_life(record: Record, moments: Sequence[Moment], now: float, *, lost: bool = False) -> list[Bar]:
    """Return the bars of a life: the opening from the summary, the rest from the moments that were kept, if any.

    Args:
        lost: its worker died at ``now``.
    """
    end = [Bar("end", "lost · its worker ended", now, now, "bad")] if lost else []
    return _bars_of_life(record, moments, now) + end


def _bars_of_life(record: Record, moments: Sequence[Moment], now: float) -> list[Bar]:
    if not moments:
        return bars_of_summary(record, now)
    if record["waiting"] in (Waiting.RESOLVE, Waiting.CONNECT):
        return bars_of_moments(moments, now)
    end = record["closed_at"] or now
    later = bars_of_moments([moment for moment in moments if moment.kind not in _OPENING], now)
    began = moments[0].at - MERGE  # what began before is in the summary only: the moments came with the first view
    opening = [bar for bar in _opening(record, end) if bar.tone != "wait" or bar.start < began]
    return opening + [bar for bar in _last_exchange(record, now) if bar.start < began] + later


def bars_of_summary(record: Record, now: float) -> list[Bar]:
    """Return the bars that the summary's times give: opening, first bytes, last request, current wait."""
    end = record["closed_at"] or now
    found = [*_opening(record, end), *_last_exchange(record, now)]
    if record["closed_at"]:
        outcome, ended = record["ended"].outcome, ending(record["ended"])
        label = f"{outcome} · {ended.who}: {ended.how}"
        found.append(Bar("end", label, end, end, _end_tone(outcome)))
    return found


def _last_exchange(record: Record, now: float) -> Iterator[Bar]:
    """Yield the last request, its handler and its response, and the wait that goes on."""
    handled = False
    for exchange in record["exchanges"][-1:]:
        yield Bar("req", exchange.line, exchange.began, exchange.began, "data")
        stop = exchange.answered or record["closed_at"] or now
        handled = not exchange.answered
        if exchange.handler:
            yield Bar("app", f"handler {seconds(stop - exchange.handler)}", exchange.handler, stop, "app")
        if exchange.answered:
            yield Bar("resp", "response", exchange.answered, max(record["last_out_at"], exchange.answered), "good")
    if record["waiting"] and not (handled and record["waiting"] == Waiting.HANDLER):
        yield _wait_bar(record["waiting"], record["waiting_since"], now)


def _opening(record: Record, end: float) -> Iterator[Bar]:
    opened = record["opened_at"]
    first = record["first_in_at"]
    if record["role"] == "connected":
        yield from _connecting(record, opened)
    else:
        yield Bar("accept", "accepted", opened, opened, "data")
    if first or (record["role"] == "accepted" and not record["bytes_out"]):
        stop = first or end
        yield Bar("wait", f"first byte after {seconds(stop - opened)}", opened, stop, "wait")


def _connecting(record: Record, opened: float) -> Iterator[Bar]:
    start, resolved = record["started_at"], record["resolved_at"]
    if resolved > start:
        yield Bar("dns", f"name lookup {seconds(resolved - start)}", start, resolved, "crypto")
    for attempt in sorted(record["attempts"], key=lambda attempt: attempt.began):
        tone = "data" if attempt.result is Result.ANSWERED else "bad"
        label = f"{attempt.address} {_result(attempt)} {seconds(attempt.took)}"
        yield Bar("syn", label, attempt.began, attempt.began + attempt.took, tone)
    if not record["attempts"]:
        yield Bar("syn", f"connect {seconds(opened - (resolved or start))}", resolved or start, opened, "data")


def _result(attempt: Attempt) -> str:
    return os.strerror(attempt.errno) if attempt.errno else attempt.result.value


def bars_of_moments(moments: Iterable[Moment], now: float) -> list[Bar]:
    """Return a bar for each wait, handler and response, and a tick for each event without duration."""
    found: list[Bar] = []
    begun: dict[str, Moment] = {}  # what has started and not ended, by lane
    for moment in moments:
        over = [lane for lane in _ends(moment) if lane in begun]
        found.extend(_close(lane, begun.pop(lane), moment.at) for lane in over)
        if moment.kind is Kind.WAIT_OVER and moment.about == (Waiting.HANDLER,) and "app" not in begun:
            begun["work"] = moment
        elif moment.kind in _STARTS:
            begun[_STARTS[moment.kind]] = moment
        elif moment.kind in _TICKS:
            _add_tick(found, moment)
    found.extend(_close(lane, start, now) for lane, start in begun.items())
    seen = (bar for bar in found if (bar.end - bar.start > WORTH[bar.lane] if bar.lane in WORTH else True))
    return sorted(seen, key=lambda bar: bar.start)


def _ends(moment: Moment) -> tuple[str, ...]:
    """Return the lanes whose bar a moment ends; arriving bytes do not end the handler's bar."""
    if moment.kind in (Kind.HANDLER, Kind.RECEIVE_WAIT, Kind.SEND_WAIT, Kind.RESPONSE, Kind.CLOSED):
        return (*_ENDS.get(moment.kind, ()), "work")
    return _ENDS.get(moment.kind, ())


def waterfall(bars: Sequence[Bar], *, lines: int = 10) -> list[Bar]:
    """Reduce a life to ``lines`` bars: the longest stay, and those between them are merged."""
    if len(bars) <= lines:
        return list(bars)
    alone = {index for index, bar in enumerate(bars) if bar.lane in _ALONE}
    by_length = sorted(range(len(bars)), key=lambda index: bars[index].start - bars[index].end)
    for index in by_length:
        if len(_stretches(bars, alone | {index})) > lines:
            break
        alone.add(index)
    return _stretches(bars, alone)


def _stretches(bars: Sequence[Bar], alone: Set[int]) -> list[Bar]:
    found: list[Bar] = []
    run: list[Bar] = []
    for index, bar in enumerate(bars):
        if index not in alone:
            run.append(bar)
            continue
        found += [*_stretch(run), bar]
        run = []
    return found + _stretch(run)


def _stretch(run: Sequence[Bar]) -> list[Bar]:
    if len(run) < 2:
        return list(run)
    came, went = (sum(bar.size for bar in run if bar.lane == lane) for lane in ("in", "out"))
    moved = ", ".join([f"{size(came)} in"] * (came > 0) + [f"{size(went)} out"] * (went > 0))
    start, end = run[0].start, max(bar.end for bar in run)
    return [Bar("flow", f"{len(run)} steps, {moved or 'no bytes'}, {seconds(end - start)}", start, end, "data")]


def _close(lane: str, start: Moment, end: float) -> Bar:
    if lane == "wait":
        return _wait_bar(str(start.about[0]) if start.about else "", start.at, end)
    if lane == "work":
        return Bar("work", f"program works {seconds(end - start.at)}", start.at, end, "app")
    if lane == "app":
        return Bar("app", f"handler {seconds(end - start.at)}", start.at, end, "app")
    return Bar(lane, f"{_NAMES[lane]} {seconds(end - start.at)}", start.at, end, "crypto" if lane == "tls" else "wait")


def _wait_bar(waiting: str, start: float, end: float) -> Bar:
    if waiting == Waiting.HANDLER:
        return Bar("app", f"handler {seconds(end - start)}", start, end, "app")
    tone = "bad" if waiting == Waiting.SEND else "wait"
    return Bar("wait", f"waits for {waiting} {seconds(end - start)}", start, end, tone)


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


_ALONE = frozenset({"dns", "syn", "accept", "open", "tls", "fin", "rst", "end"})
_OPENING = frozenset({Kind.RESOLVE, Kind.RESOLVED, Kind.SYN, Kind.ESTABLISHED})
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
