"""``netwright watch FILE``: the connections of a capture, and a verdict on every TCP segment, as text or as JSON."""

import io
import json
import os
import stat
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from netwright.cli.problem import Problem, UnreachableProblem
from netwright.core.errors import ProtocolError, TransportError, UsageError
from netwright.core.units import size
from netwright.watch.capture import Capture, Report, open_capture
from netwright.watch.flow import Flow
from netwright.watch.judged import JudgedSegment
from netwright.watch.verdicts import MEANINGS, Mode

__all__ = ["EXAMPLES", "command", "describe", "segment_lines"]

WIDTH: Final = 80  # columns of the text; addresses and file names may be longer
_LEAST: Final = 60  # columns of the narrowest terminal that the text is fitted to
_SHOWN: Final = 20  # connections listed, those with most retransmissions first
_SILENT: Final = 1.0  # seconds before the progress bar appears
_REDRAW: Final = 0.25  # seconds between two drawings of it
_BAR: Final = 40  # columns
LINK_TYPES: Final = {  # that are often captured and that the engine cannot read
    51: "PPPoE",
    105: "802.11",
    107: "Frame Relay",
    109: "OpenBSD enc",
    127: "802.11 radiotap",
    189: "USB",
    195: "802.15.4",
    201: "Bluetooth",
    220: "USB",
    227: "CAN bus",
    242: "IP over InfiniBand",
}

EXAMPLES = """
  netwright watch trace.pcap
  netwright watch --segments --flow 0 trace.pcap
  netwright watch --json trace.pcapng.gz
  tcpdump -i eth0 -w - tcp | netwright watch --segments -
"""


@click.command(
    "watch",
    epilog=f"\b\nExamples:\n{EXAMPLES.strip(chr(10))}\n\n\b\n"
    "Exit code: 0 the whole file was judged; 1 it is damaged, or packets have a\n"
    "link type that cannot be read; 2 wrong arguments, or no capture file; 3 the\n"
    "file cannot be read, or the output not written; 130 Ctrl-C.",
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--mode",
    type=click.Choice(["exact", "wireshark"]),
    default="exact",
    show_default=True,
    help="exact: what the sending kernel did.  wireshark: what Wireshark says.",
)
@click.option("--segments", is_flag=True, help="List every TCP segment with its verdict.")
@click.option("--flow", type=click.IntRange(0), metavar="N", help="With --segments: of connection N only.")
@click.option("--flows", default=_SHOWN, show_default=True, type=click.IntRange(0), help="Connections to list.")
@click.option(
    "--max-flows", default=65536, show_default=True, type=click.IntRange(1, 1 << 24), help="Connections kept in memory."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --segments one object a line.")
def command(file: str, mode: Mode, segments: bool, flow: int | None, flows: int, max_flows: int, as_json: bool) -> None:
    """Judge the TCP segments of a capture file; - is standard input.

    Reads pcap and pcapng; plain, gzip or zstd.
    """
    if flow is not None and not segments:
        raise click.UsageError("--flow N needs --segments")
    with _problems(), _open(file) as capture:
        if segments:
            _write_segments(capture, mode, max_flows, flow, as_json=as_json)
            report = capture.report
        else:
            with _progress(capture, file) as progress:
                report = capture.analyse(mode, max_flows=max_flows, progress=progress)
        _write([json.dumps(report.as_dict()) if as_json else describe(report, flows, _width())])
    click.get_current_context().exit(1 if report.damage or report.unreadable else 0)


@contextmanager
def _problems() -> Iterator[None]:
    """Print errors in the form of the command line, and exit with the code of their kind."""
    try:
        yield
    except TransportError as error:
        raise UnreachableProblem(str(error)) from error
    except (ProtocolError, UsageError) as error:
        raise Problem(error.message, why=error.reference, fix=error.advice) from error
    except KeyboardInterrupt:
        click.echo("netwright: stopped before the end of the capture", err=True)
        click.get_current_context().exit(130)


def _open(file: str) -> Capture:
    if file != "-":
        return open_capture(file)
    if sys.stdin.isatty():
        raise Problem("standard input is a terminal", fix="tcpdump -w - | netwright watch -, or name a file")
    stream = sys.stdin.buffer
    assert isinstance(stream, io.BufferedIOBase)
    capture = open_capture(stream)
    capture.name = "standard input"
    return capture


# output


def _write(lines: Iterable[str]) -> None:
    """Write lines to stdout, if there are any."""
    text = "".join(f"{line}\n" for line in lines)
    if text:
        click.echo(text, nl=False)


@contextmanager
def _progress(capture: Capture, file: str) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr while a long file is read, if stderr is a terminal and the file's size is known."""
    size = os.stat(file).st_size if file != "-" and stat.S_ISREG(os.stat(file).st_mode) else 0
    if not size or not sys.stderr.isatty():
        yield None
        return
    started = drawn = time.monotonic()

    def draw(taken: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - started >= _SILENT and now - drawn >= _REDRAW:
            drawn = now
            sys.stderr.write(bar(taken, size))
            sys.stderr.flush()

    try:
        yield draw
    finally:
        if drawn != started:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def bar(taken: int, size: int) -> str:
    """Return the progress bar as text that overwrites the previous one."""
    share = min(taken / size, 1.0)
    done = int(share * _BAR)
    return f"\r[{'#' * done}{'.' * (_BAR - done)}] {share:4.0%} of {size / 1e6:,.0f} MB\x1b[K"


# segments


def _write_segments(capture: Capture, mode: Mode, max_flows: int, flow: int | None, *, as_json: bool) -> None:
    start: float | None = None
    for batch in capture.segments(mode, max_flows=max_flows):
        if batch and start is None:
            start = batch[0].at
            if not as_json:
                _write([_HEAD])
        shown = [segment for segment in batch if flow in (None, segment.flow)]
        if as_json:
            _write(json.dumps(segment.as_dict()) for segment in shown)
        else:
            _write(line for segment in shown for line in segment_lines(segment, start or 0.0))
    if not as_json and start is not None:
        _write([""])


_HEAD = f"{'frame':>7} {'seconds':>12} {'conn':>5}   {'flags':<6} {'seq':>10} {'len':>6}  verdict"
_INDENT = _HEAD.index("verdict")


def segment_lines(segment: JudgedSegment, start: float) -> list[str]:
    """Return a segment's lines: frame, seconds since ``start``, connection, direction, flags, numbers, verdicts."""
    arrow = "→" if segment.from_client else "←"
    flags = "".join(name[0] for name in segment.flags[:6])
    head = f"{segment.frame:>7} {segment.at - start:>12.6f} {segment.flow:>5} {arrow} {flags:<6} {segment.seq:>10} "
    words = ", ".join(name.replace("_", " ") for name in segment.verdicts) or "ordinary"
    first, *rest = textwrap.wrap(words, WIDTH - _INDENT)
    return [f"{head}{segment.length:>6}  {first}", *(" " * _INDENT + line for line in rest)]


# the report


def _width() -> int:
    """Return the columns of the text: WIDTH, or those of a narrower terminal."""
    columns = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else 0
    return min(WIDTH, columns) if columns >= _LEAST else WIDTH


def describe(report: Report, shown: int, width: int = WIDTH) -> str:
    """Sums, what could not be judged, then the connections with most retransmissions."""
    seconds = report.ended_at - report.started_at
    lines = textwrap.wrap(
        f"{_count(report.packets, 'packet')} in {seconds:.3f} s, {report.segments:,} of them TCP, "
        f"{_count(report.opened, 'connection')}",
        width,
    )
    lines.append(f"{_count(report.data, 'byte')} of data, {report.again:,} of them sent again")
    if report.totals:
        lines.append("")
    meanings = MEANINGS[report.mode]
    for name, count in report.totals.items():
        head = f"{count:>10,}  {name.replace('_', ' '):<24} "
        lines += textwrap.wrap(meanings[name], width, initial_indent=head, subsequent_indent=" " * len(head))
    lines += [line for note in _notes(report) for line in ("", *textwrap.wrap(note, width))]
    if shown and report.flows:
        lines += ["", *_listing(report.flows, shown, width)]
    return "\n".join(lines)


def _notes(report: Report) -> Iterator[str]:
    if report.mirrored:
        yield "Packets were captured twice: the source of this capture mirrors both directions of a port."
    if report.evicted:
        yield f"{_count(report.evicted, 'connection')} had to leave memory before the end; raise --max-flows."
    for link, packets in report.unreadable.items():
        name = f" ({LINK_TYPES[link]})" if link in LINK_TYPES else ""
        yield f"Not judged: {_count(packets, 'packet')} of link type {link}{name}, which cannot be read."
    if report.damage:
        yield f"Damaged: {report.damage}.  Everything before was judged."


def _listing(flows: list[Flow], shown: int, width: int) -> Iterator[str]:
    ranked = sorted(flows, key=lambda flow: (-flow.retransmissions, flow.number))[:shown]
    for flow in ranked:
        yield from _connection(flow, width)
    if hidden := len(flows) - len(ranked):
        yield f"and {hidden:,} more (--flows N lists more)"


def _connection(flow: Flow, width: int) -> Iterator[str]:
    """Return the addresses and state of a connection, then its numbers: two lines unless the addresses are long."""
    head, tail = (
        f"#{flow.number}  {flow.client} → {flow.server}",
        f"{flow.state.value}, captured at: {flow.position.value}",
    )
    if len(head) + 2 + len(tail) <= width:
        yield f"{head}  {tail}"
    elif len(head) <= width < WIDTH:
        yield from (head, f"    {tail}")
    else:
        yield from (f"#{flow.number}  {flow.client}", f"    → {flow.server}", f"    {tail}")
    rtt = f"  rtt {flow.initial_rtt * 1e3:.3f} ms" if flow.initial_rtt is not None else ""
    again = f"  {_count(flow.retransmissions, 'retransmission')}" if flow.retransmissions else ""
    line = f"    {flow.duration:.3f} s{rtt}  sent {size(flow.forward.data)}  received {size(flow.backward.data)}"
    yield from [line + again] if len(line + again) <= width else [line, f"  {again}"]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
