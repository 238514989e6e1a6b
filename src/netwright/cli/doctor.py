"""``netwright doctor``: the checks as a table or as JSON.  Exit code 1 if something is missing that has a cost."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict

import click

import netwright
from netwright.cli.checks import Check, Grade, run_checks

__all__ = ["command", "table"]

_LOOK = {
    Grade.GOOD: ("✓", "green"),
    Grade.MISSING: ("✗", "red"),
    Grade.OFF: ("○", "yellow"),
    Grade.ELSEWHERE: ("·", None),
}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Check this machine and interpreter, and say what each missing feature costs.

    Exit code 0 if nothing is missing, 1 if something is.  All of it is optional.
    """
    checks = run_checks()
    if as_json:
        click.echo(
            json.dumps({"schema": 1, "system": _system(), "checks": [asdict(check) for check in checks]}, indent=1)
        )
    else:
        click.echo(table(checks))
    context.exit(any(check.grade is Grade.MISSING for check in checks))


def _system() -> str:
    return f"netwright {netwright.__version__} on {platform.system()} {platform.release()} {platform.machine()}"


def table(checks: Sequence[Check]) -> str:
    """Groups with one line a check; what a missing one costs, and its fix, below it."""
    lines = [_system()]
    width = max((len(check.name) for check in checks), default=0)
    group = ""
    for check in checks:
        if check.group != group:
            lines += ["", click.style(check.group, bold=True)]
            group = check.group
        mark, colour = _LOOK[check.grade]
        lines.append(f"  {click.style(mark, fg=colour)} {check.name:<{width}}  {check.seen}")
        lines += [f"    {'':<{width}}  {click.style(text, dim=True)}" for text in _advice(check)]
    missing = sum(check.grade is Grade.MISSING for check in checks)
    return "\n".join([*lines, "", f"{missing} missing of {len(checks)}" if missing else "nothing is missing"])


def _advice(check: Check) -> list[str]:
    return [text for text in (check.cost, f"fix: {check.fix}" if check.fix else "") if text]
