"""The commands by name, and the one place that turns an error into a message and an exit code.

A command's module is imported when the command is called, so that ``--help`` stays quick.
"""

import difflib
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

import netwright as package
from netwright.cli.examples import EXAMPLES
from netwright.run.problem import INTERRUPTED, UNREACHABLE, USAGE, Code, Problem

__all__ = ["COMMANDS", "EXIT_CODES", "CommandGroup", "netwright"]

COMMANDS = {  # name: what it does, the module that holds it
    "serve": ("Serve an App or a Service: HTTP, TCP ports, and the console.", "netwright.cli.serve"),
    "top": ("Show the console's table of connections in the terminal.", "netwright.cli.top"),
    "watch": ("Report the connections in a capture file and how its TCP segments fared.", "netwright.cli.watch"),
    "demo": ("Transfer bytes over a simulated path and explain what TCP did.", "netwright.cli.demo"),
    "doctor": ("Check this machine and interpreter; say what a missing feature costs.", "netwright.cli.doctor"),
    "explain": ("Explain an error code.", "netwright.cli.explain"),
    "completion": ("Print the completion script for a shell.", "netwright.cli.completion"),
}
EXIT_CODES = (
    "Exit codes: 0 done; 1 a finding or a failed check; 2 wrong usage or input; "
    "3 unreachable or not permitted; 130 Ctrl-C."
)


class CommandGroup(click.Group):
    """Imports a command's module when it is called; the module's attribute ``command`` is the command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table: the main job first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command and return it with its examples; None if it does not exist."""
        if cmd_name not in COMMANDS:
            return None
        found = import_module(COMMANDS[cmd_name][1]).command
        assert isinstance(found, click.Command)
        if cmd_name in EXAMPLES:
            found.epilog = "\b\n" + "\n".join(["Examples:", *(f"  {line}" for line in EXAMPLES[cmd_name])])
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown name propose the nearest known one."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if name.endswith(".py"):
            raise click.UsageError(f"no command {name!r}; did you mean: netwright serve {name}", ctx)
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean: netwright {near[0]}" if near else f"there are: {', '.join(COMMANDS)}"
        raise click.UsageError(f"no command {name!r}; {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one line for each command from the table, without importing any."""
        lines: Sequence[tuple[str, str]] = [(name, what) for name, (what, _) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(lines)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments: this is where --help and --version print."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except OSError as error:
            raise SystemExit(_output_failed(error)) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a standard output that cannot be written ends it."""
        try:
            return super().invoke(ctx)
        except OSError as error:  # here and not in main: click would end with 1 at EPIPE
            ctx.exit(_output_failed(error))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; end the process with its exit code, unless ``standalone_mode`` is off."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, False, **extra)
        except click.Abort:  # Ctrl-C
            code = INTERRUPTED
        except Problem as problem:
            click.echo(f"netwright: {problem}", err=True)
            code = problem.exit_code
        except click.ClickException as error:
            _show(error)
            code = USAGE
        sys.exit(code if isinstance(code, int) else 0)


def _show(error: click.ClickException) -> None:
    """Print a usage error as click does, with its code."""
    context = getattr(error, "ctx", None)
    if context is not None:
        click.echo(f"{context.get_usage()}\nnetwright {context.info_name} --help has the options.", err=True)
    click.echo(f"netwright: {error.format_message()}  [{Code.USAGE}]", err=True)


def _output_failed(error: OSError) -> int:
    """Report that stdout cannot be written, unless its reader has gone (``| head``); return the exit code."""
    if error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EIO) or error.filename is not None:
        raise error
    with open(os.devnull, "wb") as nowhere:  # what is still buffered would fail again at the end
        os.dup2(nowhere.fileno(), 1)
    if error.errno == errno.EPIPE:
        return 0
    problem = Problem("output cannot be written", code=Code.OUTPUT, why=os.strerror(error.errno))
    click.echo(f"netwright: {problem}", err=True)
    return UNREACHABLE


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog=EXIT_CODES,
)
@click.version_option(package.__version__, message="netwright %(version)s")
def netwright() -> None:
    """Build networked programs, run them, watch them, break them."""
