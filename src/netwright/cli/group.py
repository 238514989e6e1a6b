"""The commands by name; each module is imported when its command is called, so that ``--help`` stays quick."""

import difflib
from collections.abc import Sequence
from importlib import import_module

import click

__all__ = ["COMMANDS", "LazyGroup", "netwright"]

COMMANDS = {  # name: what it does, where it is
    "serve": ("Serve an App: HTTP, its TCP ports, and the console.", "netwright.cli.serve"),
    "top": ("The console's table of connections in the terminal.", "netwright.cli.top"),
    "watch": ("What a capture holds: connections, and a verdict on every TCP segment.", "netwright.cli.watch"),
    "demo": ("A transfer over a simulated path: what TCP did, and why.", "netwright.cli.demo"),
    "doctor": ("What this machine and interpreter give, and what each missing thing costs.", "netwright.cli.doctor"),
}


class LazyGroup(click.Group):
    """Imports a command's module when it is called; its command is named ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: the main job first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if there is no such one."""
        if cmd_name not in COMMANDS:
            return None
        found = import_module(COMMANDS[cmd_name][1]).command
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A wrong name is answered with the nearest right one."""
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if name.endswith(".py"):
            raise click.UsageError(f"no command {name!r}; did you mean: netwright serve {name}", ctx)
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean: netwright {near[0]}" if near else f"there are: {', '.join(COMMANDS)}"
        raise click.UsageError(f"no command {name!r}; {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line each, from the table: nothing is imported."""
        lines: Sequence[tuple[str, str]] = [(name, what) for name, (what, _) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(lines)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="netwright", message="netwright %(version)s")
def netwright() -> None:
    """Build networked programs, run them, watch them, break them."""
