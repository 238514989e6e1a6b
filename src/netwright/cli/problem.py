"""``run.problem`` as an exception that click prints when a command cannot go on."""

from typing import IO, Any

import click

from netwright.run.problem import UNREACHABLE, Code
from netwright.run.problem import Problem as RunProblem

__all__ = ["Code", "Problem", "UnreachableProblem"]


class Problem(RunProblem, click.ClickException):
    """A ``run.problem.Problem`` that click prints."""

    def format_message(self) -> str:
        """Return one line a part."""
        return str(self)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print on stderr: stdout is for data."""
        click.echo(f"netwright: {self}", file=file, err=file is None)


class UnreachableProblem(Problem):
    """Something cannot be reached, taken, read or written: a port, a file, a permission."""

    def __init__(
        self, what: str, *, code: Code = Code.UNREACHABLE, where: str = "", why: str = "", fix: str = ""
    ) -> None:
        super().__init__(what, code=code, where=where, why=why, fix=fix, exit_code=UNREACHABLE)
