"""The time-sequence graph (Shepard 1991, tcptrace): segments, ACKs and window of the peer; retransmissions in red."""

from collections.abc import Sequence
from dataclasses import dataclass

from netwright.core.errors import UsageError
from netwright.draw.curves import HEIGHT, PLOT, WIDTH, frame
from netwright.draw.svg import Canvas, Labels, Scale

__all__ = ["Acknowledgement", "Sent", "time_sequence"]


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes ``seq`` to ``end`` (relative) sent at ``at``; ``resent`` labels a retransmission, "" is new data."""

    at: float
    seq: int
    end: int
    resent: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An ACK: bytes before ``ack`` arrived, and ``sacks`` (RFC 2018); ``right_edge`` is the window's end."""

    at: float
    ack: int
    right_edge: int
    sacks: tuple[tuple[int, int], ...] = ()


def time_sequence(sent: Sequence[Sent], acks: Sequence[Acknowledgement], *, title: str) -> str:
    """Return an SVG document of one direction.

    Raises:
        UsageError: nothing was sent.
    """
    if not sent:
        raise UsageError("time-sequence graph without a segment: nothing to draw")
    times = [segment.at for segment in sent] + [ack.at for ack in acks]
    left, top, right, bottom = PLOT
    across = Scale(min(times), max(times), left, right)
    low, high = min(segment.seq for segment in sent), max(segment.end for segment in sent)
    up = Scale(low, high + (high - low) * 0.05, bottom, top)
    canvas = Canvas(WIDTH, HEIGHT, title)
    canvas.text(left, 20, title, title=True)
    frame(canvas, across, up, "bytes")
    canvas.polyline([(across(ack.at), up(min(ack.right_edge, up.high))) for ack in acks], tone="wait")
    canvas.polyline([(across(ack.at), up(max(ack.ack, low))) for ack in acks], tone="good")
    for ack in acks:
        for start, end in ack.sacks:
            canvas.line(across(ack.at), up(start), across(ack.at), up(end), tone="control")
    labels = Labels()
    for segment in sent:
        x, tone = across(segment.at), "bad" if segment.resent else "data"
        canvas.line(x, up(segment.seq), x, up(segment.end), tone=tone, extra=' stroke-width="2"')
        if segment.resent and labels.has_room(x + 3, segment.resent):
            canvas.text(x + 3, up(segment.end) + 10, segment.resent, tone="bad")
    for index, (words, tone) in enumerate(
        (("segments", "data"), ("retransmitted", "bad"), ("ACK", "good"), ("window", "wait"))
    ):
        canvas.text(right - 360 + 108 * index, 20, words, tone=tone)
    return canvas.render()
