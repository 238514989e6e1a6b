"""``netwright watch FILE``: what a capture holds, connection by connection, as text or as JSON."""

import json

import click

from netwright.cli.problem import Problem, UnreachableProblem
from netwright.core.errors import ProtocolError, TransportError, UsageError
from netwright.watch.capture import Report, analyse
from netwright.watch.flow import Flow
from netwright.watch.verdicts import Mode

__all__ = ["command", "describe"]

_SHOWN = 20  # flows of a listing, those with most retransmissions first


@click.command("watch")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--mode",
    type=click.Choice(["exact", "wireshark"]),
    default="exact",
    show_default=True,
    help="Whose verdicts: the sending kernel's, or Wireshark's.",
)
@click.option("--flows", default=_SHOWN, show_default=True, type=click.IntRange(0), help="Connections to list.")
@click.option(
    "--max-flows", default=65536, show_default=True, type=click.IntRange(1), help="Connections to keep in memory."
)
@click.option("--json", "as_json", is_flag=True, help="The whole report as one JSON object.")
def command(file: str, mode: Mode, flows: int, max_flows: int, as_json: bool) -> None:
    """Judge every TCP segment of a capture: pcap or pcapng, plain, gzip or zstd.

    Exit code 0 if the file was read to its end, 1 if it is damaged: what came before is judged.
    """
    try:
        report = analyse(file, mode, max_flows=max_flows)
    except TransportError as error:
        raise UnreachableProblem(str(error)) from error
    except (ProtocolError, UsageError) as error:
        raise Problem(error.message, why=error.reference, fix=error.advice) from error
    click.echo(json.dumps(report.as_dict()) if as_json else describe(report, flows))
    click.get_current_context().exit(1 if report.damage else 0)


def describe(report: Report, shown: int) -> str:
    """Totals, then the connections with most retransmissions."""
    seconds = report.ended_at - report.started_at
    lines = [
        f"{report.packets:,} packets, {report.segments:,} of TCP, {report.opened:,} connections in {seconds:.3f} s",
        f"{report.data:,} bytes of data, {report.again:,} of them again",
        "",
    ]
    lines += [f"  {name.replace('_', ' '):<24} {count:>10,}" for name, count in report.totals.items()]
    if report.mirrored:
        lines += ["", "every packet is there twice: the capture's source mirrors both ways of a port"]
    if report.evicted:
        lines += ["", f"{report.evicted:,} connections had to leave memory before the end: --max-flows keeps more"]
    if report.damage:
        lines += ["", f"damaged: {report.damage}; what came before is judged"]
    if shown and report.flows:
        lines += ["", *_listing(report.flows, shown)]
    return "\n".join(lines)


def _listing(flows: list[Flow], shown: int) -> list[str]:
    ranked = sorted(flows, key=lambda flow: (-flow.retransmissions, flow.number))[:shown]
    width = max(len(_ends(flow)) for flow in ranked)
    head = f"{'connection':<{width}}  {'state':<11} {'seconds':>9} {'rtt ms':>8} {'out':>11} {'in':>11} {'again':>6}"
    lines = [f"{head}  taken at"]
    for flow in ranked:
        rtt = f"{flow.initial_rtt * 1e3:.3f}" if flow.initial_rtt is not None else ""
        lines.append(
            f"{_ends(flow):<{width}}  {flow.state.value:<11} {flow.duration:>9.3f} {rtt:>8} {flow.forward.data:>11,} "
            f"{flow.backward.data:>11,} {flow.retransmissions or '':>6}  {flow.position.value}"
        )
    hidden = len(flows) - len(ranked)
    return lines + ([f"and {hidden:,} more (--flows)"] if hidden else [])


def _ends(flow: Flow) -> str:
    return f"{flow.client} → {flow.server}"
