"""A command's last words."""

from netwright.cli.problem import Problem, UnreachableProblem


def test_problem_says_each_part_on_its_line_and_indents_the_rest() -> None:
    problem = Problem("no file ap.py", where="/srv\n^", why="it is not there", fix="netwright serve app.py")
    assert problem.format_message().splitlines() == [
        "no file ap.py",
        "  at  /srv",
        "      ^",
        "  why it is not there",
        "  fix netwright serve app.py",
    ]


def test_exit_codes_tell_usage_from_reach() -> None:
    assert (Problem("x").exit_code, UnreachableProblem("x").exit_code) == (2, 3)
