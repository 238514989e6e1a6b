"""SVG as text: a canvas that collects elements, a scale from values to pixels, round tick values, labels of numbers."""

from collections.abc import Sequence
from math import ceil, floor, inf, log10
from xml.sax.saxutils import escape, quoteattr

__all__ = ["TONES", "Canvas", "Labels", "Scale", "figure", "seconds", "ticks"]

TONES = {  # the console's colours; each is readable on the dark and on the light ground
    "plain": "#8b93a7",
    "data": "#58a6ff",
    "good": "#3fb98a",
    "wait": "#d9a441",
    "bad": "#e5534b",
    "control": "#9d7cd8",
}
_STYLE = (
    "text{font:12px ui-monospace,monospace;fill:#8b93a7}.title{font-weight:600}"
    ".grid{stroke:#8b93a7;stroke-opacity:.18}.axis{stroke:#8b93a7;stroke-opacity:.6}"
)


_CHARACTER = 7.3  # pixels of a character of that font


class Scale:
    """A linear map from values to pixels; an empty range maps to the middle."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) * (self.end - self.start) / (self.high - self.low)


def ticks(low: float, high: float, count: int) -> list[float]:
    """About ``count`` round values (1, 2 or 5 times a power of ten) from ``low`` to ``high``."""
    if high <= low:
        return [low]
    raw = (high - low) / max(count, 1)
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = ceil(low / step - 1e-9)
    return [number * step for number in range(first, floor(high / step + 1e-9) + 1)]


def seconds(value: float) -> str:
    """A duration for people: ``1.25 s``, ``84 ms``, ``120 µs``."""
    size = abs(value)
    if size >= 1 or size == 0:
        return f"{value:.4g} s"
    return f"{value * 1e3:.3g} ms" if size >= 1e-3 else f"{value * 1e6:.3g} µs"


def figure(value: float) -> str:
    """A number for an axis: ``250``, ``1.5 k``, ``2 M``, ``3 G``."""
    for factor, prefix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:.4g}{prefix}"
    return f"{value:.4g}"


class Labels:
    """Keeps labels along an axis from overlapping: the first of a cluster is written, the others are left out."""

    def __init__(self) -> None:
        self._end = -inf

    def has_room(self, x: float, words: str) -> bool:
        """True if a label that begins at ``x`` is right of the last one that had room."""
        if x < self._end:
            return False
        self._end = x + _CHARACTER * (len(words) + 1)
        return True


class Canvas:
    """Collects elements in drawing order; ``render`` returns a complete document."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, tone: str = "", kind: str = "", extra: str = ""
    ) -> None:
        """Add a straight line in a tone, or of a class of the style sheet (``kind``)."""
        look = f'class="{kind}"' if kind else f'stroke="{TONES[tone or "plain"]}"'
        self._parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {look}{extra}/>')

    def polyline(self, points: Sequence[tuple[float, float]], *, tone: str) -> None:
        """Add a curve."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{path}" fill="none" stroke="{TONES[tone]}" stroke-width="1.4"/>')

    def rect(
        self, x: float, y: float, width: float, height: float, *, tone: str, opacity: float = 1.0, tip: str = ""
    ) -> None:
        """Add a filled box; ``tip`` is shown under the pointer."""
        inside = f"<title>{escape(tip)}</title>" if tip else ""
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" rx="1.5" '
            f'fill="{TONES[tone]}" fill-opacity="{opacity}">{inside}</rect>'
        )

    def text(
        self, x: float, y: float, words: str, *, anchor: str = "start", tone: str = "", title: bool = False
    ) -> None:
        """Add words at a point; ``anchor`` is start, middle or end."""
        look = f' fill={quoteattr(TONES[tone])} style="fill:{TONES[tone]}"' if tone else ""
        kind = ' class="title"' if title else ""
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}{look}>{escape(words)}</text>')

    def render(self) -> str:
        """Return the SVG document."""
        body = "\n".join(self._parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:.0f} {self.height:.0f}" '
            f'width="{self.width:.0f}" height="{self.height:.0f}" role="img" aria-label={quoteattr(self.title)}>\n'
            f"<style>{_STYLE}</style>\n{body}\n</svg>\n"
        )
