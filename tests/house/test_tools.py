"""The checkers catch what they are there for: one planted fault each."""

from pathlib import Path

import pytest
from tools import budgets, extras, mirror, pyx_layers


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_bytes(Path("pyproject.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src/netwright/proto").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("package", "line", "told"),
    [
        ("proto", "from netwright.aio.stream cimport Stream", "imports point down"),
        ("proto", "import netwright.run", "imports point down"),
        ("core", "    import socket, time", "does no I/O"),
    ],
)
def test_kernel_that_breaks_a_layer_is_caught(elsewhere: Path, package: str, line: str, told: str) -> None:
    (elsewhere / "src/netwright" / package).mkdir(exist_ok=True)
    (elsewhere / "src/netwright" / package / "_x.pyx").write_text(f"cimport cython\n{line}\n")
    assert any(told in problem for problem in pyx_layers.problems())


def test_kernel_that_imports_down_is_fine(elsewhere: Path) -> None:
    (elsewhere / "src/netwright/proto/_x.pyx").write_text("from netwright.core.errors import ProtocolError\n")
    assert not list(pyx_layers.problems())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('import_module("netwright.run.service")', "imports point down"),
        ('importlib.import_module("netwright.proto.b")', "a circle"),
        ("from netwright import Stream", "front door"),
    ],
)
def test_import_that_hides_from_import_linter_is_caught(elsewhere: Path, line: str, told: str) -> None:
    (elsewhere / "src/netwright/proto/a.py").write_text(f"def late() -> None:\n    {line}\n")
    (elsewhere / "src/netwright/proto/b.py").write_text("from netwright.proto import c\n")
    (elsewhere / "src/netwright/proto/c.py").write_text("from netwright.proto.a import late\n")
    assert [told in problem for problem in pyx_layers.problems()] == [True]


def test_import_by_name_that_points_down_is_fine(elsewhere: Path) -> None:
    (elsewhere / "src/netwright/proto/a.py").write_text('import_module("netwright.core.errors")\n')
    (elsewhere / "src/netwright/__init__.py").write_text('import_module("netwright.proto.a")\n')
    assert not list(pyx_layers.problems())


def test_module_without_test_and_test_without_module_are_caught(elsewhere: Path) -> None:
    (elsewhere / "src/netwright/proto/a.py").touch()
    (elsewhere / "tests/proto").mkdir()
    (elsewhere / "tests/proto/test_b.py").touch()
    assert [problem.split(" has no ")[0] for problem in mirror.problems()] == [
        "src/netwright/proto/a.py",
        "tests/proto/test_b.py",
    ]


def test_kernel_without_twin_is_caught(elsewhere: Path) -> None:
    (elsewhere / "src/netwright/proto/_x.pyx").touch()
    assert len(list(mirror.problems())) == 3


def test_long_file_long_function_and_suppressions_are_caught(elsewhere: Path) -> None:
    body = "def long() -> None:\n" + "    x = 1  # noqa: F841\n" * 601
    (elsewhere / "src/netwright/proto/a.py").write_text(body)
    told = "\n".join(budgets.problems())
    assert "602 lines: split it" in told
    assert "long: 602 lines, 60 allowed" in told
    assert "suppressions per 1,000 lines" in told


@pytest.mark.parametrize(
    ("name", "first", "fine"),
    [
        ("a.py", '"""One responsibility: the table of RFC 9293 states."""', True),
        ("a.py", '"""A table.\n\nOne responsibility: the table\nof RFC 9293 states."""', True),
        ("a.py", '"""One responsibility: yes."""', False),
        ("a.py", "# One responsibility: the table of RFC 9293 states.", False),
        ("a.js", "// One responsibility: draws the table of connections.", True),
        ("a.js", "const a = 1;\n\n// One responsibility: draws the table of connections.", False),
    ],
)
def test_long_file_must_say_why_it_is_one(elsewhere: Path, name: str, first: str, fine: bool) -> None:
    path = elsewhere / "src/netwright/proto" / name
    path.write_text(first + "\n" * (600 - first.count("\n")))
    assert not list(budgets.problems())
    path.write_text(first + "\n" * (601 - first.count("\n")))
    assert len(list(budgets.problems())) == (not fine)


@pytest.mark.parametrize(("code", "count"), [("x = [1]  # fmt: skip", 1), ("# fmt: off", 1), ('x = "# fmt: skip"', 0)])
def test_code_that_the_formatter_may_not_touch_is_caught(elsewhere: Path, code: str, count: int) -> None:
    (elsewhere / "tests/a.py").write_text(f"{code}\n")
    assert len(list(budgets.problems())) == count


def test_extra_inside_an_extra_is_followed() -> None:
    dev = list(extras.requirements("dev"))
    assert set(extras.requirements("capture")) < set(dev)
    assert not any(line.startswith("netwright") for line in dev)
