"""What a command says when it cannot go on: what, where, why, and what to do about it."""

from typing import IO, Any

import click

__all__ = ["Problem", "UnreachableProblem"]


class Problem(click.ClickException):
    """The command, a file or a setting is wrong; every part but ``what`` may be empty."""

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.why, self.fix = what, where, why, fix

    def format_message(self) -> str:
        """One line a part."""
        parts = [("", self.what), ("  at  ", self.where), ("  why ", self.why), ("  fix ", self.fix)]
        indented = [label + text.replace("\n", "\n      ") for label, text in parts if text]
        return "\n".join(indented)

    def show(self, file: IO[Any] | None = None) -> None:
        """On stderr: stdout is for data."""
        click.echo(f"netwright: {self.format_message()}", file=file, err=file is None)


class UnreachableProblem(Problem):
    """Something cannot be reached, taken or read: a port, a permission."""

    exit_code = 3
