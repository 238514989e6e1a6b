"""A command's error about something that cannot be reached."""

from netwright.cli.problem import Code, Problem, UnreachableProblem


def test_exit_codes_tell_usage_from_reach() -> None:
    assert (Problem("x").exit_code, UnreachableProblem("x").exit_code) == (2, 3)
    assert UnreachableProblem("x").code == Code.UNREACHABLE
