"""``netwright demo``: one transfer over a simulated path, shown as text, picture or capture."""

import json
import math
import re
from collections import Counter
from pathlib import Path as File
from typing import Any

import click

from netwright.cli.problem import Code, Problem, UnreachableProblem
from netwright.core.errors import UsageError
from netwright.core.moment import Kind
from netwright.proto.tcp.congestion.registry import control_names
from netwright.proto.tcp.events import End
from netwright.proto.tcp.settings import Settings
from netwright.run.problem import FOUND
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
        """Parse a number and its unit."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z%/]*)", str(value).strip())
        units = {unit.lower(): factor for unit, factor in self._units.items()}
        factor = units.get(match[2].lower()) if match else None
        if match is None or factor is None:
            named = ", ".join(unit for unit in self._units if unit)
            self.fail(f"{value!r} is not a {self.name}: a number, then one of {named} or nothing", param, ctx)
        return float(match[1]) * factor


_RATE = Number(
    "rate", {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "bit/s": 1.0, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9}
)
_TIME = Number("time", {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6})
_SHARE = Number("probability", {"": 1.0, "%": 0.01})
_SIZE = Number(
    "size", {"": 1.0, "B": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "kB": 1e3, "MB": 1e6, "KiB": 1024, "MiB": 1048576}
)


class Setup:
    """A simulated transfer of ``size`` bytes; ``done_at`` is when the last one arrived, in virtual seconds."""

    def __init__(self, pair: Pair, trace: Trace, size: int) -> None:
        self.pair, self.trace, self.size = pair, trace, size
        self.done_at = 0.0

    def run(self) -> None:
        """Run until the transfer is done and both sides have closed, or for an hour of virtual time."""
        server = self.pair.server
        self.pair.run(until=_UNTIL, stop=lambda: server.received >= self.size)
        self.done_at = self.pair.now
        self.pair.run(until=min(_UNTIL, self.pair.now + 2.0))


def simulate(size: int, settings: Settings, there: Path, back: Path, seed: int) -> Setup:
    """Simulate a transfer from client to server."""
    trace = Trace()
    pair = Pair(client=settings, there=there, back=back, seed=seed, trace=trace)
    pair.client.program = send_all(size)
    setup = Setup(pair, trace, size)
    setup.run()
    return setup


def report(setup: Setup) -> dict[str, Any]:
    """Return the result as numbers."""
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
        "end": pair.client.endpoint.end.value,
        "link": link.counters.as_dict(),
        "untraced": setup.trace.lost,
    }


def _summary(found: dict[str, Any]) -> str:
    lines = [
        _throughput(found),
        f"{found['packets']:,} packets sent; {found['lost']:,} lost on the path, {found['queue_full']:,} dropped by the"
        " full queue",
        f"{found['retransmitted']:,} segments retransmitted, {found['probes']:,} probes, {found['undone']:,} reductions"
        " of the window undone",
        f"at the end: cwnd {found['cwnd']} segments, round trip {found['srtt'] * 1e3:.1f} ms, state {found['state']}",
    ]
    if found["untraced"]:
        lines.append(f"the trace was full: its last {found['untraced']:,} packets are in no ladder, story or capture")
    return "\n".join(lines)


def _throughput(found: dict[str, Any]) -> str:
    delivered = f"{found['bytes']:,} bytes delivered"
    if found["bytes"] and not found["seconds"]:
        return f"{delivered} in no virtual time: the path has neither --delay nor --rate, so there is no throughput"
    return f"{delivered} in {found['seconds']:.3f} virtual seconds: {found['bits_per_second'] / 1e6:.2f} Mbit/s"


def _failure(setup: Setup) -> Problem | None:
    """Return why not all bytes arrived; None if they did."""
    received, client = setup.pair.server.received, setup.pair.client.endpoint
    if received >= setup.size:
        return None
    ended = client.end is not End.OPEN
    why = f"the client's connection ended: {client.end.value}" if ended else f"{_UNTIL:,.0f} virtual seconds are over"
    what = f"{received:,} of {setup.size:,} bytes arrived"
    return Problem(what, why=why, fix="lower --loss, or raise --rate", code=Code.INPUT, exit_code=FOUND)


def _story(setup: Setup, shown: int) -> list[str]:
    """Return the sender's decisions in order of time."""
    decisions = [
        f"{moment.at:>9.4f} s  {moment.kind:<12} {moment.note}"
        for seen in setup.trace
        if seen.host == 0
        for moment in seen.reasons
        if moment.kind not in (Kind.LOST, Kind.HELD)
    ]
    hidden = len(decisions) - shown
    return decisions[:shown] + ([f"and {hidden:,} more decisions (--story)"] if hidden > 0 else [])


def _write(name: str, pieces: list[bytes]) -> None:
    try:
        File(name).write_bytes(b"".join(pieces))
    except OSError as error:
        raise UnreachableProblem(f"{name} cannot be written", why=error.strerror or str(error)) from error
    click.echo(f"wrote {name}", err=True)


@click.command("demo")
@click.option("--size", type=_SIZE, default="1M", show_default=True, help="Bytes to send.")
@click.option("--rate", type=_RATE, default="10M", show_default=True, help="Bits per second each way; 0: unlimited.")
@click.option("--delay", type=_TIME, default="20ms", show_default=True, help="Seconds from one host to the other.")
@click.option("--loss", type=_SHARE, default="0.5%", show_default=True, help="Share of packets to the server lost.")
@click.option(
    "--queue",
    type=_SIZE,
    default="64k",
    show_default=True,
    help="Bytes that may wait for the rate; 0: unlimited.",
)
@click.option("--reorder", type=_SHARE, default="0", help="Share of packets to the server overtaken by later ones.")
@click.option(
    "--congestion",
    type=click.Choice(sorted(control_names())),
    default="cubic",
    show_default=True,
    help="Congestion control.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same packets.")
@click.option("--ladder", default=24, show_default=True, type=click.IntRange(0), help="Packets in the ladder diagram.")
@click.option("--story", default=30, show_default=True, type=click.IntRange(0), help="Sender's decisions to print.")
@click.option(
    "--pcap",
    type=click.Path(dir_okay=False),
    help="Write a capture, reasons as packet comments.",
)
@click.option("--picture", type=click.Path(dir_okay=False), help="Write a page: window, sequence graph, ladder.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def command(**options: Any) -> None:
    """Transfer bytes over a simulated path and explain what TCP did: handshake, losses, retransmissions, close.

    Time is virtual and nothing is sent to a network.  Open the capture in Wireshark: each packet has a comment with
    the reason why it was sent.  Exits with 1 if not all bytes arrive.
    """
    if not 1 <= options["size"] <= _MAX_SIZE or options["size"] % 1:
        raise Problem(f"--size {options['size']:g}: whole numbers from 1 to {_MAX_SIZE} bytes allowed")
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
        title = f"{found['bytes']:,} bytes with {options['congestion']}, seed {options['seed']}"
        _write(options["picture"], [page(setup.trace, title=title, summary=_summary(found)).encode()])
    if options["as_json"]:
        click.echo(json.dumps(found))
    else:
        _print(setup, found, options["ladder"], options["story"])
    failure = _failure(setup)
    if failure is not None:
        raise failure


def _print(setup: Setup, found: dict[str, Any], packets: int, decisions: int) -> None:
    if packets:
        last = packets // 3
        click.echo(text_ladder(setup.trace, first=packets - last, last=last))
    click.echo("\n".join([*_story(setup, decisions), "", _summary(found)]))
