"""Test what mypyc compiles: build the package as a wheel has it, and run the tests of the compiled modules on that.

Arguments are pytest's; without any: the mirror tests of the compiled modules' packages, the twins and the drill suites.
The tree is kept: compilation only follows a change of the compiled sources.
"""

import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tools.compiler import has_compiler

SRC, TREE, STAMP = Path("src"), Path("build/installed"), Path("build/installed.stamp")
ALWAYS = ("tests/_native", "tests/twins", "tests/testing/drill")
PROBE = """
import sys
from netwright._native import compiled
missing = sorted(set(sys.argv[1:]) - set(compiled()))
assert not missing, f"not compiled: {', '.join(missing)}"
"""


def modules() -> dict[str, Path]:
    """Return the modules that mypyc compiles, as they are imported."""
    patterns = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["netwright"]["compiled"]
    paths = [path for pattern in patterns for path in sorted(SRC.glob(f"netwright/{pattern}"))]
    return {".".join(path.relative_to(SRC).with_suffix("").parts): path for path in paths}


def digest() -> str:
    """Return a digest of all that decides what the compiled parts are."""
    found = hashlib.sha256(sys.version.encode())
    kernels = [path for pattern in ("_*.pyx", "*.pxd") for path in SRC.rglob(pattern)]
    for path in (Path("setup.py"), Path("pyproject.toml"), *sorted(kernels), *modules().values()):
        found.update(f"{path}\0".encode() + path.read_bytes())
    return found.hexdigest()


def build() -> None:
    """Bring the tree up to date."""
    wanted = digest()
    same = STAMP.exists() and STAMP.read_text() == wanted
    command = [sys.executable, "setup.py", "-q", "build_py" if same else "build", "--build-lib", str(TREE)]
    STAMP.unlink(missing_ok=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    STAMP.write_text(wanted)


def tests() -> Iterator[str]:
    """Return the folders whose tests concern the compiled modules."""
    packages = {Path("tests", *path.relative_to(SRC / "netwright").parent.parts) for path in modules().values()}
    outermost = [path for path in packages if not packages & set(path.parents)]
    yield from sorted({*map(str, outermost), *(path for path in ALWAYS if Path(path).exists())})


def main() -> int:
    """Return 0 if every module is compiled and its tests pass."""
    if not has_compiler():
        sys.stdout.write("installed: no C compiler, so wheels hold no compiled modules here\n")
        return 0
    build()
    environment = {**os.environ, "PYTHONPATH": str(TREE.resolve())}
    if subprocess.run([sys.executable, "-c", PROBE, *modules()], env=environment, check=False).returncode:
        return 1
    chosen = sys.argv[1:] or ["-q", "-n", "2", "-m", "not truth", *tests()]
    return subprocess.run([sys.executable, "-m", "pytest", *chosen], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
