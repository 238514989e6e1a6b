"""The App of a user's file, and one message for whatever is wrong with it."""

import os
import re
import signal
import subprocess
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
    return str(raised.value)


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
    assert "2 services in" in said
    assert f"fix netwright serve {target}:one" in said


def test_none_says_how_to_make_one(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "x = 1"))
    assert "no App in " in said
    assert "app = App()" in said


def test_factory_that_is_never_called_is_named(tmp_path: Path) -> None:
    target = written(tmp_path, "def create_app():\n    return App()")
    assert f"fix netwright serve {target}:create_app" in problem(target)
    assert isinstance(find(f"{target}:create_app", App).app, App)


def test_subclass_that_is_never_made_is_named(tmp_path: Path) -> None:
    target = written(tmp_path, "class Mine(App):\n    pass")
    assert f"fix netwright serve {target}:Mine" in problem(target)
    assert type(find(f"{target}:Mine", App).app).__name__ == "Mine"


def test_wrong_name_is_answered_with_the_near_one(tmp_path: Path) -> None:
    target = written(tmp_path, "server = App()")
    said = problem(f"{target}:sever")
    assert "no sever in" in said
    assert f"netwright serve {target}:server" in said


def test_name_of_another_type_is_told(tmp_path: Path) -> None:
    assert "app_under_test.py is of type int" in problem(written(tmp_path, "x = 1") + ":x")


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
    assert "app_under_test.py: invalid syntax" in said
    assert "app_under_test.py:3" in said
    assert [line.strip() for line in said.splitlines()[2:4]] == ["x = = 1", "^"]
    caret, line = said.splitlines()[3], said.splitlines()[2]
    assert line[caret.index("^")] == "="


def test_missing_module_says_where_and_what_to_install(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "import missing_under_test.part"))
    assert "No module named 'missing_under_test'" in said
    assert "app_under_test.py:2" in said
    assert "-m pip install missing_under_test" in said


def test_what_is_installed_is_a_package_and_no_module_of_it(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "import click.missing_under_test"))
    assert "No module named 'click.missing_under_test'" in said
    assert re.search(r"-m pip install click$", said, re.MULTILINE)


def test_module_that_raises_says_where(tmp_path: Path) -> None:
    said = problem(written(tmp_path, "def f():\n    return {}['key']\nf()"))
    assert "raised while it was loaded: KeyError: 'key'" in said
    assert "app_under_test.py:3\n      return {}['key']" in said


def test_module_that_exits_says_so(tmp_path: Path) -> None:
    assert "ended the process" in problem(written(tmp_path, "raise SystemExit(3)"))


def test_file_that_is_not_python_is_told(tmp_path: Path) -> None:
    assert "not a Python file" in problem(written(tmp_path, "", "app.txt"))


# modules and factories


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``shop_under_test.web`` in the working directory; it imports its neighbour."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop_under_test").mkdir()
    written(tmp_path, "x = App()\ny = 1", "shop_under_test/stock.py")
    written(tmp_path, "from .stock import x as app\ndef make():\n    return App()\n", "shop_under_test/web.py")
    return tmp_path


@pytest.mark.parametrize(("target", "name"), [("", "app"), (":app", "app"), (":make", "make"), (":make()", "make")])
def test_module_is_found_by_its_dotted_name(package: Path, target: str, name: str) -> None:
    found = find(f"shop_under_test.web{target}", App)
    assert (found.name, found.path) == (name, package / "shop_under_test/web.py")
    assert isinstance(found.app, App)


def test_wrong_module_is_answered_with_the_near_one(package: Path) -> None:
    said = problem("shop_under_test.wbe:app")
    assert "no module shop_under_test.wbe  [NW-APP-NOT-FOUND]" in said
    assert "fix netwright serve shop_under_test.web:app" in said


def test_module_that_lacks_a_module_says_which(package: Path) -> None:
    written(package, "import missing_under_test", "shop_under_test/bad.py")
    assert "-m pip install missing_under_test" in problem("shop_under_test.bad")


def test_file_of_a_package_is_answered_with_its_module(package: Path) -> None:
    assert "name it as a module: netwright serve shop_under_test.web" in problem("shop_under_test/web.py")


def test_proposal_keeps_the_folder_and_quotes_it(tmp_path: Path) -> None:
    (tmp_path / "my apps").mkdir()
    target = written(tmp_path, "app = App()", "my apps/tour_under_test.py")
    assert f"fix netwright serve '{target}':app" in problem(f"{target}:ap")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def make():\n    return 1", "make() returned int"),
        ("async def make():\n    return App()", "make() is async"),
        ("def make():\n    return {}['key']", "raised KeyError: 'key'"),
        ("def make(x):\n    return App()", "raised TypeError"),
    ],
)
def test_function_that_makes_no_app_is_told(tmp_path: Path, text: str, said: str) -> None:
    assert said in problem(written(tmp_path, text) + ":make")


@pytest.mark.real
@pytest.mark.parametrize("target", ["nothing_like_it.py", "nothing_like_it:app", "examples_under_test/"])
def test_command_that_is_proposed_where_nothing_is_near_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.chdir(tmp_path)
    fix = problem(target).partition("fix ")[2]
    command = (
        fix.replace("netwright serve", f"{sys.executable} -m netwright serve") + " --bind 127.0.0.1:0 --no-console"
    )
    with subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, text=True, process_group=0) as process:
        assert process.stdout is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
