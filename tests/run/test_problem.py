"""A program's last words."""

from netwright.run.problem import Code, Problem


def test_problem_says_each_part_on_its_line_and_indents_the_rest() -> None:
    problem = Problem("no file ap.py", where="/srv\n^", why="it is not there", fix="netwright serve app.py")
    assert str(problem).splitlines() == [
        "no file ap.py  [NW-INPUT]",
        "  at  /srv",
        "      ^",
        "  why it is not there",
        "  fix netwright serve app.py",
    ]
    assert problem.line() == "no file ap.py: it is not there; netwright serve app.py [NW-INPUT]"


def test_what_a_file_or_an_error_holds_cannot_steer_the_terminal() -> None:
    problem = Problem("raised: x\x1b[2J\nnetwright: all is well", where="a\rb", code=Code.APP_LOAD)
    assert str(problem).splitlines() == [
        "raised: x\\x1b[2J  [NW-APP-LOAD]",
        "      netwright: all is well",
        "  at  a\\rb",
    ]
