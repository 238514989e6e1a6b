"""``netwright explain CODE``: what an error code means."""

import difflib

import click

from netwright.cli.codes import PAGES
from netwright.cli.problem import Code, Problem

__all__ = ["command", "page"]


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain an error code: its cause, its evidence, its fix.  Without a code, list them all."""
    if code is None:
        width = max(map(len, PAGES))
        click.echo("\n".join(f"{each:<{width}}  {PAGES[each].title}" for each in PAGES))
        return
    wanted = code.upper() if code.upper().startswith("NW-") else f"NW-{code.upper()}"
    if wanted not in PAGES:
        near = difflib.get_close_matches(wanted, list(PAGES), n=1, cutoff=0.4)
        fix = f"netwright explain {near[0]}" if near else "netwright explain"
        raise Problem(f"no error code {code}", code=Code.USAGE, fix=fix)
    click.echo(page(Code(wanted)))


def page(code: Code) -> str:
    """The page of one code."""
    found = PAGES[code]
    parts = [("cause", found.cause), ("evidence", found.evidence), ("fix", found.fix)]
    return "\n".join([f"{code}: {found.title}", *(f"\n{label}\n  {text}" for label, text in parts)])
