"""``netwright completion SHELL``: the script that completes commands and options."""

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]

_NW = {
    "bash": "complete -o nosort -F _netwright_completion nw",
    "zsh": "compdef _netwright_completion nw",
    "fish": "complete --no-files --command nw --arguments '(_netwright_completion)'",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_NW)))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of netwright and nw for a shell.

    Add the first example to ~/.bashrc or, with zsh in place of bash, to ~/.zshrc; the second one, with its output in
    a file, to ~/.config/fish/completions/netwright.fish.
    """
    found = get_completion_class(shell)
    assert found is not None
    group = context.find_root().command
    click.echo(found(group, {}, "netwright", "_NETWRIGHT_COMPLETE").source())
    click.echo(_NW[shell])
