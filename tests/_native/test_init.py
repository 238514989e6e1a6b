"""Which kernels are on, and when compiled modules take the place of their sources."""

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from netwright import _native


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one module that is compiled."""
    for name in ("_native", "sim"):
        (tmp_path / name).mkdir()
    (tmp_path / "sim/link.py").write_text("one = 1\n")
    monkeypatch.setattr(_native, "_PACKAGE", tmp_path)
    monkeypatch.setattr(_native, "COMPILED", ("sim/link.py",))
    monkeypatch.setattr(_native, "PURE", False)
    monkeypatch.setattr(_native, "_asked", {})
    monkeypatch.setattr(_native, "library", _native.library.__wrapped__)
    return tmp_path


def compile_all(tree: Path) -> str:
    """What the build leaves behind, without its contents; its folder's name."""
    name = _native.library().rpartition(".")[2]
    (tree / "_native" / f"{name}__mypyc{EXTENSION_SUFFIXES[0]}").touch()
    return name


def preferred() -> list[str]:
    """Where the modules of a package are looked for."""
    path = ["sim"]
    _native.prefer_compiled("netwright.sim", path)
    return path


def test_compiled_modules_come_before_their_sources(tree: Path) -> None:
    folder = tree / "_native" / compile_all(tree) / "sim"
    assert preferred() == [str(folder), "sim"]
    assert _native.kernels() == {"netwright.sim": True}


def test_sources_that_have_changed_are_not_replaced(tree: Path) -> None:
    compile_all(tree)
    (tree / "sim/link.py").write_text("one = 2\n")
    assert preferred() == ["sim"]
    assert _native.kernels() == {"netwright.sim": False}


def test_nothing_compiled_is_nothing_preferred(tree: Path) -> None:
    assert preferred() == ["sim"]


def test_pure_is_obeyed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_all(tree)
    monkeypatch.setattr(_native, "PURE", True)
    assert preferred() == ["sim"]


def test_every_module_that_is_compiled_exists() -> None:
    paths = _native.sources()
    assert {"endpoint.py", "cubic.py", "pair.py"} <= {path.name for path in paths}
    assert all(path.exists() for path in paths)
