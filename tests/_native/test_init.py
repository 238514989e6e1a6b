"""Which native code runs: extensions beside their sources, kernels, and neither with NETWRIGHT_PURE."""

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from netwright import _native

SUFFIX = EXTENSION_SUFFIXES[0]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a module that has an extension, one that has none, and a kernel."""
    (tmp_path / "sim").mkdir()
    for name in ("link.py", f"link{SUFFIX}", "pair.py", f"_kernel{SUFFIX}"):
        (tmp_path / "sim" / name).touch()
    monkeypatch.setattr(_native, "PURE", False)
    return tmp_path


def test_compiled_module_is_one_with_an_extension_beside_its_source(tree: Path) -> None:
    assert _native.compiled(tree) == ["netwright.sim.link"]


def test_no_module_is_compiled_where_pure_is_set(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "PURE", True)
    assert _native.compiled(tree) == []


def test_sources_finder_takes_the_source_and_leaves_the_rest(tree: Path) -> None:
    folder = [str(tree / "sim")]
    spec = _native.Sources.find_spec("netwright.sim.link", folder)
    assert spec is not None
    assert spec.origin == str(tree / "sim/link.py")
    assert _native.Sources.find_spec("netwright.sim._kernel", folder) is None
    assert _native.Sources.find_spec("other.link", folder) is None
    assert _native.Sources.find_spec("netwright", None) is None


@pytest.mark.real
def test_pure_imports_no_extension_of_ours() -> None:
    """Every module that has an extension beside it is imported; in an editable install there is none."""
    program = """
import sys
from importlib import import_module
from pathlib import Path
import netwright
root = Path(netwright.__path__[0])
for path in sorted(root.rglob("proto/tcp/**/[a-z]*.py")) + sorted(root.glob("sim/[a-z]*.py")):
    import_module(".".join(("netwright", *path.relative_to(root).with_suffix("").parts)))
import netwright.aio
print(sorted(n for n, m in sys.modules.items() if n.startswith("netwright") and not m.__file__.endswith(".py")))
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "NETWRIGHT_PURE": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    assert run.stdout.strip() == "[]"


def test_every_kernel_is_found_by_its_types_built_or_not(tmp_path: Path) -> None:
    (tmp_path / "wire").mkdir()
    for name in ("_checksum.pyi", "_other.pyx", "checksum.py"):
        (tmp_path / "wire" / name).touch()
    assert _native.every_kernel(tmp_path) == ["netwright.wire._checksum"]
    assert "netwright.aio._stream" in _native.every_kernel()
