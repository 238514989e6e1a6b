"""The gate catches what it is there for: each fault is planted in a copy of the tree, and the tool names it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree("src", tmp_path / "src", ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__", "*.egg-info"))
    shutil.copy("pyproject.toml", tmp_path)
    for package in ("proto", "aio"):
        (tmp_path / "src/netwright" / package).mkdir(exist_ok=True)
        (tmp_path / "src/netwright" / package / "__init__.py").touch()
    return tmp_path


def gate(tree: Path, *command: str) -> tuple[int, str]:
    """Exit code and words of a tool; the package under test is the copy, not the installed one."""
    tool = str(Path(sys.executable).with_name(command[0]))
    run = subprocess.run(
        [tool, *command[1:]],
        cwd=tree,
        env={"PYTHONPATH": str(tree / "src"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def told(tree: Path, *command: str) -> str:
    """What a tool says that must fail."""
    code, words = gate(tree, *command)
    assert code != 0, words
    return words


def test_tree_without_a_fault_passes(copy: Path) -> None:
    code, words = gate(copy, "lint-imports")
    assert code == 0, words


def test_import_against_the_layers_is_named(copy: Path) -> None:
    (copy / "src/netwright/proto/planted.py").write_text('"""Planted."""\nimport netwright.aio\n')
    assert "netwright.proto is not allowed to import netwright.aio" in told(copy, "lint-imports")


def test_core_that_reads_a_clock_is_named(copy: Path) -> None:
    (copy / "src/netwright/core/planted.py").write_text('"""Planted."""\nimport time\n')
    assert "netwright.core.planted -> time" in told(copy, "lint-imports")


def test_proto_that_does_io_is_named(copy: Path) -> None:
    (copy / "src/netwright/proto/planted.py").write_text('"""Planted."""\nimport socket\n')
    assert "netwright.proto.planted -> socket" in told(copy, "lint-imports")


def test_type_error_is_named(copy: Path) -> None:
    planted = "src/netwright/core/planted.py"
    (copy / planted).write_text('"""Planted."""\n\n\ndef port() -> int:\n    """Wrong."""\n    return "80"\n')
    assert f"{planted}:6: error: Incompatible return value type" in told(copy, "mypy", planted)


def test_undeclared_package_is_named(copy: Path) -> None:
    (copy / "src/netwright/planted").mkdir()
    (copy / "src/netwright/planted/__init__.py").write_text('"""Planted."""\n')
    assert "netwright.planted" in told(copy, "lint-imports")
