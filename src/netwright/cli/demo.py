"""``netwright demo``: one transfer over a simulated path, and what TCP did about it, as text, picture or capture."""

import json
import math
import re
from collections import Counter
from pathlib import Path as File
from typing import Any

import click

from netwright.cli.problem import Problem, UnreachableProblem
from netwright.core.errors import UsageError
from netwright.core.moment import Kind
from netwright.proto.tcp.congestion.registry import control_names
from netwright.proto.tcp.settings import Settings
from netwright.sim.link import Path
from netwright.sim.pair import Pair, send_all
from netwright.sim.picture import page, text_ladder
from netwright.sim.trace import HOSTS, Trace, write_pcapng

__all__ = ["Number", "Setup", "command", "report", "simulate"]

_MAX_SIZE = 1 << 30  # bytes: a minute or so of simulation
_UNTIL = 3600.0  # virtual seconds


class Number(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3
    """A number with a unit: ``10M`` bits per second, ``20ms``, ``1%``, ``64k``."""

    def __init__(self, name: str, units: dict[str, float]) -> None:
        self.name, self._units = name, units

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """A number without a unit is in the first one."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z%]*)", str(value).strip())
        units = {unit.lower(): factor for unit, factor in self._units.items()}
        factor = units.get(match[2].lower()) if match else None
        if match is None or factor is None:
            named = ", ".join(unit for unit in self._units if unit)
            self.fail(f"{value!r} is not a {self.name}: a number, then one of {named} or nothing", param, ctx)
        return float(match[1]) * factor


_RATE = Number("rate", {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "bit/s": 1.0, "kbit/s": 1e3, "Mbit/s": 1e6})
_TIME = Number("time", {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6})
_SHARE = Number("probability", {"": 1.0, "%": 0.01})
_SIZE = Number(
    "size", {"": 1.0, "B": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "kB": 1e3, "MB": 1e6, "KiB": 1024, "MiB": 1048576}
)


class Setup:
    """A simulated transfer: the path, who sends how much, and what came of it."""

    def __init__(self, pair: Pair, trace: Trace, size: int) -> None:
        self.pair, self.trace, self.size = pair, trace, size
        self.done_at = 0.0

    def run(self) -> None:
        """To the end, TIME-WAIT aside, or for an hour of virtual time."""
        server = self.pair.server
        self.pair.run(until=_UNTIL, stop=lambda: server.received >= self.size)
        self.done_at = self.pair.now
        self.pair.run(until=min(_UNTIL, self.pair.now + 2.0))


def simulate(size: int, settings: Settings, there: Path, back: Path, seed: int) -> Setup:
    """Run it."""
    trace = Trace()
    pair = Pair(client=settings, there=there, back=back, seed=seed, trace=trace)
    pair.client.program = send_all(size)
    setup = Setup(pair, trace, size)
    setup.run()
    return setup


def report(setup: Setup) -> dict[str, Any]:
    """What a person asks first, as numbers."""
    pair, link = setup.pair, setup.pair.client.link
    sender = pair.client.endpoint.sender
    kinds = Counter(moment.kind for seen in setup.trace for moment in seen.reasons if seen.host == 0)
    return {
        "bytes": pair.server.received,
        "seconds": setup.done_at,
        "bits_per_second": pair.server.received * 8 / setup.done_at if setup.done_at else 0.0,
        "packets": pair.packets,
        "lost": link.counters.lost,
        "queue_full": link.counters.queue_full,
        "retransmitted": sender.retransmissions,
        "probes": kinds[Kind.PROBE],
        "undone": sender.recovery.undone,
        "srtt": sender.rtt.srtt,
        "cwnd": sender.window.cwnd,
        "state": pair.client.endpoint.state.value,
        "link": link.counters.as_dict(),
        "untraced": setup.trace.lost,
    }


def _summary(found: dict[str, Any]) -> str:
    lines = [
        f"{found['bytes']:,} bytes in {found['seconds']:.3f} virtual s: {found['bits_per_second'] / 1e6:.2f} Mbit/s",
        f"{found['packets']:,} packets; the path lost {found['lost']:,} and its full queue {found['queue_full']:,}",
        f"sent again: {found['retransmitted']:,}; probes: {found['probes']:,}; reductions undone: {found['undone']:,}",
        f"at the end: cwnd {found['cwnd']} segments, srtt {found['srtt'] * 1e3:.1f} ms, state {found['state']}",
    ]
    if found["untraced"]:
        lines.append(f"the trace was full: its last {found['untraced']:,} packets are in no ladder, story or capture")
    return "\n".join(lines)


def _story(setup: Setup, shown: int) -> list[str]:
    """The sender's decisions in the order of time."""
    told = [
        f"{moment.at:>9.4f} s  {moment.kind:<12} {moment.note}"
        for seen in setup.trace
        if seen.host == 0
        for moment in seen.reasons
        if moment.kind not in (Kind.LOST, Kind.HELD)
    ]
    hidden = len(told) - shown
    return told[:shown] + ([f"and {hidden:,} more decisions (--story)"] if hidden > 0 else [])


def _write(name: str, pieces: list[bytes]) -> None:
    try:
        File(name).write_bytes(b"".join(pieces))
    except OSError as error:
        raise UnreachableProblem(f"{name} cannot be written", why=error.strerror or str(error)) from error
    click.echo(f"written: {name}", err=True)


@click.command("demo")
@click.option("--size", type=_SIZE, default="1M", show_default=True, help="Bytes that the client sends.")
@click.option("--rate", type=_RATE, default="10M", show_default=True, help="Bits per second, each way; 0: unlimited.")
@click.option("--delay", type=_TIME, default="20ms", show_default=True, help="Seconds from one end to the other.")
@click.option("--loss", type=_SHARE, default="0.5%", show_default=True, help="Of packets towards the server.")
@click.option("--queue", type=_SIZE, default="64k", show_default=True, help="Bytes that wait in front of the rate.")
@click.option("--reorder", type=_SHARE, default="0", help="Of packets that later ones overtake.")
@click.option("--congestion", type=click.Choice(sorted(control_names())), default="cubic", show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of every random decision: the same seed, the same packets.")
@click.option("--ladder", default=24, show_default=True, type=click.IntRange(0), help="Packets to draw as a ladder.")
@click.option("--story", default=30, show_default=True, type=click.IntRange(0), help="Decisions of the sender to tell.")
@click.option("--pcap", type=click.Path(dir_okay=False), help="Write the client's capture, reasons as packet comments.")
@click.option("--picture", type=click.Path(dir_okay=False), help="Write one HTML page: window, sequence graph, ladder.")
@click.option("--json", "as_json", is_flag=True, help="The numbers as one JSON object.")
def command(**options: Any) -> None:
    """Send bytes over a simulated path and tell what TCP did: handshake, losses, retransmissions, teardown.

    Nothing leaves this process, and no real second passes while a virtual one does.  Open the capture in Wireshark:
    each packet has its reason as a comment.
    """
    if not 1 <= options["size"] <= _MAX_SIZE:
        raise Problem(f"--size {options['size']:g}: 1 to {_MAX_SIZE} bytes allowed")
    try:
        settings = Settings(congestion=options["congestion"])
        way = {"delay": options["delay"], "rate": options["rate"], "queue": math.ceil(options["queue"])}
        there = Path(**way, loss=options["loss"], reorder=options["reorder"])
        setup = simulate(int(options["size"]), settings, there, Path(**way), options["seed"])
    except UsageError as error:
        raise Problem(error.message, why=error.reference, fix=error.advice) from error
    found = report(setup)
    if options["pcap"]:
        _write(options["pcap"], list(write_pcapng(setup.trace, hosts=HOSTS[:1])))
    if options["picture"]:
        title = f"{found['bytes']:,} bytes by {options['congestion']}, seed {options['seed']}"
        _write(options["picture"], [page(setup.trace, title=title, summary=_summary(found)).encode()])
    if options["as_json"]:
        click.echo(json.dumps(found))
        return
    if options["ladder"]:
        last = options["ladder"] // 3
        click.echo(text_ladder(setup.trace, first=options["ladder"] - last, last=last))
    click.echo("\n".join([*_story(setup, options["story"]), "", _summary(found)]))
