"""Pictures of a simulated run: its ladder, its time-sequence graph, its window over time."""

from html import escape
from math import inf

from netwright.core.moment import Kind
from netwright.draw.curves import Curve, Mark, curves
from netwright.draw.ladder import Arrow, Note, ladder, ladder_text
from netwright.draw.sequence import Acknowledgement, Sent, time_sequence
from netwright.proto.tcp.recovery import Phase
from netwright.proto.tcp.segment import ACK, FIN, RST, SYN, Segment, flag_names
from netwright.sim.trace import HOSTS, Seen, Trace

__all__ = ["page", "rungs", "sequence_picture", "text_ladder", "window_picture"]

_TOLD = frozenset({Kind.STATE, Kind.RETRANSMIT, Kind.PROBE, Kind.CONGESTION, Kind.WINDOW, Kind.REFUSED, Kind.CLOSED})
_TONES = {Kind.RETRANSMIT: "bad", Kind.PROBE: "bad", Kind.REFUSED: "bad", Kind.CONGESTION: "wait"}
_MARKED = ((Phase.RECOVERY.value,), (Phase.LOSS.value,))  # phases whose begin is marked on the window's curve
_MARKS = 40  # more of them hide the curve
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:14px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1c2230}}
svg{{width:100%;height:auto}}pre{{white-space:pre-wrap}}</style>
<h1>{title}</h1>
<pre>{summary}</pre>
{pictures}
</html>
"""


def rungs(trace: Trace) -> tuple[list[Arrow], list[Note]]:
    """Arrows and notes of a ladder."""
    arrows: list[Arrow] = []
    notes: list[Note] = []
    arrivals = _arrivals(trace)
    for seen in trace:
        notes += [
            Note(moment.at, seen.host == 1, moment.note, _TONES.get(moment.kind, "wait"))
            for moment in seen.reasons
            if moment.kind in _TOLD
        ]
        if seen.sent:
            again = any(moment.kind in (Kind.RETRANSMIT, Kind.PROBE) for moment in seen.reasons)
            tone = "bad" if again else "data" if seen.segment.data else "control"
            at = arrivals.get((seen.host, seen.ident))
            arrows.append(Arrow(seen.at, at, seen.host == 0, label(seen.segment), tone))
    return arrows, notes


def _cut(arrows: list[Arrow], notes: list[Note], first: int, last: int) -> list[tuple[list[Arrow], list[Note]]]:
    """The first and the last arrows with their notes; one part if nothing lies between."""
    if len(arrows) <= first + last:
        return [(arrows, notes)]
    until, since = arrows[first - 1].sent_at if first else -1.0, arrows[-last].sent_at if last else inf
    parts = [
        (arrows[:first], [note for note in notes if note.at <= until]),
        (arrows[len(arrows) - last :], [note for note in notes if note.at >= since]),
    ]
    return [part for part in parts if part[0]]


def _arrivals(trace: Trace) -> dict[tuple[int, int], float]:
    """When the first copy of a packet arrived, by sender and number."""
    found: dict[tuple[int, int], float] = {}
    for seen in trace:
        if not seen.sent:
            found.setdefault((1 - seen.host, seen.ident), seen.at)
    return found


def label(segment: Segment) -> str:
    """Return an arrow's label: ``SYN``, ``1449:2897``, ``ACK 2897``, ``FIN 9000``."""
    special = segment.flags & (SYN | FIN | RST)
    parts = [flag_names(special | (segment.flags & ACK if special else 0))] if special else []
    if segment.data:
        parts.append(f"{segment.seq}:{segment.seq + len(segment.data)}")
    if segment.flags & ACK and not segment.data:
        parts.append(f"{'ack' if special else 'ACK'} {segment.ack}")
    if segment.sacks:
        parts.append("SACK " + " ".join(f"{start}:{end}" for start, end in segment.sacks))
    if segment.window == 0 and not segment.flags & RST:
        parts.append("window 0")
    return " ".join(parts)


def text_ladder(trace: Trace, *, first: int = 16, last: int = 8) -> str:
    """Return a ladder as text: the first packets and the last, which are the handshake and the teardown."""
    drawn, notes = rungs(trace)
    parts = _cut(drawn, notes, first, last)
    texts = [ladder_text(arrows, beside, left=HOSTS[0], right=HOSTS[1]) for arrows, beside in parts]
    hidden = len(drawn) - sum(len(arrows) for arrows, _ in parts)
    return f"{'':>12}… {hidden:,} packets …\n".join(texts)


def sequence_picture(trace: Trace, *, host: int = 0) -> str:
    """The time-sequence graph of what ``host`` sent, as its capture shows it: SVG."""
    sent: list[Sent] = []
    acks: list[Acknowledgement] = []
    scale = 0
    for seen in trace:
        segment = seen.segment
        if seen.host != host:
            continue
        if seen.sent:
            if segment.length:
                sent.append(Sent(seen.at, segment.seq, segment.seq + segment.length, _resent(seen)))
            continue
        if segment.syn is not None:
            scale = segment.syn.window_scale or 0
        if segment.flags & ACK:
            window = segment.window << (0 if segment.syn is not None else scale)
            acks.append(Acknowledgement(seen.at, segment.ack, segment.ack + window, segment.sacks))
    return time_sequence(sent, acks, title=f"what the {HOSTS[host]} sent")


def _resent(seen: Seen) -> str:
    kinds = {moment.kind for moment in seen.reasons}
    return "probe" if Kind.PROBE in kinds else "retransmission" if Kind.RETRANSMIT in kinds else ""


def window_picture(trace: Trace, *, host: int = 0) -> str:
    """Return an SVG of cwnd, ssthresh and flight of ``host`` over time, in segments, with marks at its decisions."""
    gauges = [gauge for gauge in trace.gauges if gauge.host == host]
    lines = [
        Curve("flight", [(gauge.at, gauge.flight) for gauge in gauges], "data"),
        Curve(
            "ssthresh",
            [(gauge.at, gauge.ssthresh) for gauge in gauges if gauge.ssthresh is not None],
            "wait",
            stepped=True,
        ),
        Curve("cwnd", [(gauge.at, gauge.cwnd) for gauge in gauges], "good", stepped=True),
    ]
    marks = [
        Mark(moment.at, str(moment.about[1]))
        for seen in trace
        if seen.host == host
        for moment in seen.reasons
        if moment.kind is Kind.CONGESTION and moment.about[1:] in _MARKED
    ]
    return curves(lines, unit="segments", title=f"the {HOSTS[host]}'s window", marks=marks[:_MARKS])


def page(trace: Trace, *, title: str, summary: str, first: int = 40, last: int = 16) -> str:
    """One HTML file without anything from elsewhere: summary, window, time-sequence graph, ladder."""
    ladders = [
        ladder(arrows, notes, left=HOSTS[0], right=HOSTS[1]) for arrows, notes in _cut(*rungs(trace), first, last)
    ]
    pictures = [window_picture(trace), sequence_picture(trace), *ladders]
    return _PAGE.format(title=escape(title), summary=escape(summary), pictures="\n".join(pictures))
