"""The ladder diagram: two hosts, time downwards, an arrow per segment; a lost one ends in a cross halfway."""

from collections.abc import Sequence
from dataclasses import dataclass

from netwright.draw.svg import Canvas, Scale, seconds

__all__ = ["Arrow", "Note", "ladder", "ladder_text"]

_ROW = 22.0  # pixels between two rows
_LEFT, _RIGHT, _WIDTH = 410.0, 850.0, 1190.0
_NOTE_WIDTH = 44  # characters of a note
_TEXT_WIDTH = 46
_ARRIVAL, _DECISION, _DEPARTURE = range(3)  # at the same instant, causes come before effects


@dataclass(frozen=True, slots=True)
class Arrow:
    """One segment or datagram; ``arrived_at`` is None if it was lost.  Times in seconds, tones as in ``svg.TONES``."""

    sent_at: float
    arrived_at: float | None
    rightwards: bool
    label: str
    tone: str = "data"


@dataclass(frozen=True, slots=True)
class Note:
    """A decision of one host, written beside its line: "timeout after 1.0 s"."""

    at: float
    right: bool
    text: str
    tone: str = "wait"


def ladder(arrows: Sequence[Arrow], notes: Sequence[Note] = (), *, left: str, right: str, title: str = "") -> str:
    """Return an SVG document with a row for each arrival, decision and departure."""
    rows = _rows(arrows, notes)
    canvas = Canvas(_WIDTH, 90 + _ROW * len(rows), title or f"{left} to {right}")
    canvas.text(_LEFT, 40, left, anchor="middle", title=True)
    canvas.text(_RIGHT, 40, right, anchor="middle", title=True)
    if title:
        canvas.text(14, 20, title, title=True)
    bottom = 60 + _ROW * len(rows)
    for x in (_LEFT, _RIGHT):
        canvas.line(x, 50, x, bottom, kind="axis")
    place = {(what, index): 60 + _ROW * row for row, (_, what, index) in enumerate(rows)}
    told = None
    for row, (at, _, _) in enumerate(rows):
        if at != told:
            canvas.text(14, 64 + _ROW * row, f"{at:.4f} s")
        told = at
    for index, arrow in enumerate(arrows):
        _draw(canvas, arrow, place[_DEPARTURE, index], place.get((_ARRIVAL, index)))
    for index, note in enumerate(notes):
        x, anchor = (_RIGHT + 10, "start") if note.right else (_LEFT - 10, "end")
        text = note.text if len(note.text) <= _NOTE_WIDTH else note.text[: _NOTE_WIDTH - 1] + "…"
        canvas.text(x, place[_DECISION, index] + 4, text, anchor=anchor, tone=note.tone)
    return canvas.render()


def _rows(arrows: Sequence[Arrow], notes: Sequence[Note]) -> list[tuple[float, int, int]]:
    """Return time, kind and index of each row, in drawing order."""
    rows = [(arrow.sent_at, _DEPARTURE, index) for index, arrow in enumerate(arrows)]
    rows += [(arrow.arrived_at, _ARRIVAL, index) for index, arrow in enumerate(arrows) if arrow.arrived_at is not None]
    return sorted(rows + [(note.at, _DECISION, index) for index, note in enumerate(notes)])


def _draw(canvas: Canvas, arrow: Arrow, y1: float, arrival: float | None) -> None:
    start, end = (_LEFT, _RIGHT) if arrow.rightwards else (_RIGHT, _LEFT)
    if arrival is None:
        x, y2, tone = (start + end) / 2, y1 + _ROW / 2, "bad"
        for sign in (-1, 1):
            canvas.line(x - 5, y2 - 5 * sign, x + 5, y2 + 5 * sign, tone=tone, extra=' stroke-width="2"')
        label_x = (start + x) / 2
    else:
        x, y2, tone = end, arrival, arrow.tone
        back = -8 if arrow.rightwards else 8
        for sign in (-1, 1):
            canvas.line(x, y2, x + back, y2 + 4 * sign, tone=tone)
        label_x = start + (end - start) * 0.3  # near the sender: arrows that cross do so in the middle
    canvas.line(start, y1, x, y2, tone=tone)
    slope = Scale(start, x, y1, y2)
    canvas.text(label_x, slope(label_x) - 5, arrow.label, anchor="middle", tone=tone)


def ladder_text(arrows: Sequence[Arrow], notes: Sequence[Note] = (), *, left: str, right: str) -> str:
    """Return the ladder as text, one line per event; a decision precedes the segments that it caused."""
    lines = [f"{'':>10}  {left}{right:>{max(_TEXT_WIDTH - len(left), len(right) + 1)}}"]
    indent = " " * (_TEXT_WIDTH + 2)
    events = [(arrow.sent_at, 1, _arrow_text(arrow)) for arrow in arrows]
    events += [(note.at, 0, f"{indent if note.right else '* '}{note.text}") for note in notes]
    lines += [f"{at:>8.4f} s  {text}" for at, _, text in sorted(events, key=lambda event: event[:2])]
    return "\n".join(lines) + "\n"


def _arrow_text(arrow: Arrow) -> str:
    label = f" {arrow.label} "
    if arrow.arrived_at is None:
        shaft = label.center(_TEXT_WIDTH // 2, "─")
        return f"{shaft}✕ lost" if arrow.rightwards else f"{'lost ✕':>{_TEXT_WIDTH // 2}}{shaft}"
    took = f"  +{seconds(arrow.arrived_at - arrow.sent_at)}"
    shaft = label.center(_TEXT_WIDTH - 1, "─")
    return (f"{shaft}▶" if arrow.rightwards else f"◀{shaft}") + took
