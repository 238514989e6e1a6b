"""The App of a user's file, and one message for whatever is wrong with it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright.cli.finder import find
from netwright.cli.problem import Problem


class App:
    """Stands for the real one; users' files of these tests take it from ``builtins_app``."""


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def written(directory: Path, text: str, name: str = "app_under_test.py") -> str:
    path = directory / name
    path.write_text(f"from {__name__} import App\n{text}\n")
    return str(path)


def problem(target: str) -> str:
    with pytest.raises(Problem) as raised:
        find(target, App)
    assert raised.value.exit_code == 2
    return raised.value.format_message()


def test_attribute_app_wins(tmp_path: Path) -> None:
    found = find(written(tmp_path, "other = App()\napp = App()"), App)
    assert found.name == "app"


def test_only_one_is_found_whatever_its_name(tmp_path: Path) -> None:
    found = find(written(tmp_path, "web = App()\nalias = web"), App)
    assert (found.name in ("web", "alias"), type(found.app)) == (True, App)


def test_named_one_is_found(tmp_path: Path) -> None:
    assert find(written(tmp_path, "one = App()\ntwo = App()") + ":two", App).name == "two"


def test_neighbour_modules_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "neighbour_under_test.py").write_text("x = 1\n")
    assert find(written(tmp_path, "import neighbour_under_test\napp = App()"), App).name == "app"


def test_two_are_named_and_one_proposed(tmp_path: Path) -> None:
    target = written(tmp_path, "one = App()\ntwo = App()")
    said = problem(target)
    assert "2 Apps in app_under_test.py: one, two" in said
    assert f"fix netwright serve {target}:one" in said


def test_none_says_how_to_make_one(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "x = 1"))
    assert "no App in app_under_test.py" in said
    assert "app = App()" in said


def test_factory_that_is_never_called_is_named(tmp_path: Path) -> None:
    assert "fix app = create_app()" in problem(written(tmp_path, "def create_app():\n    return App()"))


def test_subclass_that_is_never_made_is_named(tmp_path: Path) -> None:
    assert "fix app = Mine()" in problem(written(tmp_path, "class Mine(App):\n    pass"))


def test_wrong_name_is_answered_with_the_near_one(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "server = App()") + ":sever")
    assert "has no sever" in said
    assert "app_under_test.py:server" in said


def test_name_of_another_type_is_told(tmp_path: Path) -> None:
    assert "x in app_under_test.py is a int" in problem(written(tmp_path, "x = 1") + ":x")


def test_missing_file_is_answered_with_the_near_one(tmp_path: Path) -> None:
    written(tmp_path, "app = App()", "server.py")
    said = problem(str(tmp_path / "sever.py"))
    assert "no file" in said
    assert str(tmp_path / "server.py") in said


def test_directory_is_answered_with_the_file_in_it(tmp_path: Path) -> None:
    written(tmp_path, "app = App()", "main.py")
    assert "main.py" in problem(str(tmp_path))


def test_syntax_error_shows_line_and_caret(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "if True:\n    x = = 1"))
    assert "syntax error in app_under_test.py: invalid syntax" in said
    assert "app_under_test.py:3" in said
    assert [line.strip() for line in said.splitlines()[2:4]] == ["x = = 1", "^"]
    caret, line = said.splitlines()[3], said.splitlines()[2]
    assert line[caret.index("^")] == "="


def test_missing_module_says_where_and_what_to_install(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "import missing_under_test.part"))
    assert "No module named 'missing_under_test'" in said
    assert "app_under_test.py:2" in said
    assert "-m pip install missing_under_test" in said


def test_module_that_raises_says_where(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "def f():\n    return {}['key']\nf()"))
    assert "raised while it was loaded: KeyError: 'key'" in said
    assert "app_under_test.py:3\n      return {}['key']" in said


def test_module_that_exits_says_so(tmp_path: Path) -> None:
    assert "ended the process" in problem(written(tmp_path, "raise SystemExit(3)"))


def test_file_that_is_not_python_is_told(tmp_path: Path) -> None:
    assert "not a Python file" in problem(written(tmp_path, "", "app.txt"))
