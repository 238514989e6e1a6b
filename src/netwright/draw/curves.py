"""Curves over time on one axis: cwnd, ssthresh, bytes in flight, smoothed RTT, queue."""

from collections.abc import Sequence
from dataclasses import dataclass

from netwright.core.errors import UsageError
from netwright.draw.svg import Canvas, Labels, Scale, figure, seconds, ticks

__all__ = ["HEIGHT", "PLOT", "WIDTH", "Curve", "Mark", "curves", "frame"]

WIDTH, HEIGHT = 960.0, 340.0
PLOT = (70.0, 40.0, 940.0, 300.0)  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Curve:
    """A line: ``points`` are (seconds, value) in order of time; ``stepped`` holds each value until the next."""

    name: str
    points: Sequence[tuple[float, float]]
    tone: str = "data"
    stepped: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at an instant, with a word: "RTO", "window 0"."""

    at: float
    text: str
    tone: str = "bad"


def frame(canvas: Canvas, across: Scale, up: Scale, unit: str) -> None:
    """Draw the grid, the tick labels and the unit."""
    left, top, right, bottom = PLOT
    for value in ticks(up.low, up.high, 5):
        canvas.line(left, up(value), right, up(value), kind="grid")
        canvas.text(left - 8, up(value) + 4, figure(value), anchor="end")
    for value in ticks(across.low, across.high, 8):
        canvas.line(across(value), top, across(value), bottom, kind="grid")
        canvas.text(across(value), bottom + 18, seconds(value), anchor="middle")
    canvas.text(left - 8, top - 12, unit, anchor="end")


def curves(lines: Sequence[Curve], *, unit: str, title: str, marks: Sequence[Mark] = ()) -> str:
    """Return an SVG document; the value axis starts at 0.

    Raises:
        UsageError: no curve has a point.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        raise UsageError("curves without a point: nothing to draw")
    times = [at for at, _ in points] + [mark.at for mark in marks]
    left, top, right, bottom = PLOT
    across = Scale(min(times), max(times), left, right)
    up = Scale(min(0.0, *(value for _, value in points)), max(value for _, value in points) * 1.05 or 1.0, bottom, top)
    canvas = Canvas(WIDTH, HEIGHT, title)
    canvas.text(left, 20, title, title=True)
    frame(canvas, across, up, unit)
    labels = Labels()
    for mark in sorted(marks, key=lambda each: each.at):
        canvas.line(across(mark.at), top, across(mark.at), bottom, tone=mark.tone, extra=' stroke-dasharray="3 3"')
        if labels.has_room(across(mark.at) + 4, mark.text):
            canvas.text(across(mark.at) + 4, top + 10, mark.text, tone=mark.tone)
    x = right
    for line in reversed(lines):
        canvas.polyline([(across(at), up(value)) for at, value in _steps(line)], tone=line.tone)
        canvas.text(x, 20, line.name, anchor="end", tone=line.tone)
        x -= 9 * len(line.name) + 16
    return canvas.render()


def _steps(line: Curve) -> list[tuple[float, float]]:
    if not line.stepped:
        return list(line.points)
    corners: list[tuple[float, float]] = []
    for at, value in line.points:
        if corners:
            corners.append((at, corners[-1][1]))
        corners.append((at, value))
    return corners
