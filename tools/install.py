"""``make run`` and ``make dev``: an environment with netwright in it.  ``python3 -m tools.install FOLDER [EXTRA]``.

A folder in which an installation was interrupted is made anew.  Standard library only.
"""

import fcntl
import os
import sys
import tomllib
from pathlib import Path

from tools.compiler import CYTHON, has_compiler
from tools.extras import requirements
from tools.steps import Step, run_all

SRC, BUILT = Path("src"), Path("build/editable")
PIP = ("-m", "pip", "--disable-pip-version-check", "install", "-q")


def kernels() -> list[Path]:
    """Return the sources of the native kernels."""
    return sorted(SRC.rglob("_*.pyx"))


def built() -> float:
    """Return which part of the kernels is built."""
    paths = kernels()
    done = [path for path in paths if _newest(path) > path.stat().st_mtime]
    return len(done) / len(paths)


def _newest(kernel: Path) -> float:
    made = BUILT.glob(f"{kernel.relative_to(SRC).with_suffix('')}.*.so")
    return max((path.stat().st_mtime for path in made), default=0.0)


def steps(folder: Path, *, create: bool) -> list[Step]:
    """Return what makes a folder in which ``netwright`` runs; ``create`` begins with an empty one."""
    python = str(folder / "bin/python")
    project = tomllib.loads(Path("pyproject.toml").read_text())
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    compiles = has_compiler()
    what = f"compiling {len(kernels())} kernels" if compiles else "no C compiler: portable, slower"
    return [
        *([Step(f"creating {folder}", [sys.executable, "-m", "venv", "--clear", str(folder)])] if create else []),
        Step("fetching what netwright and its build need", [python, *PIP, *needed, *([CYTHON] if compiles else [])]),
        Step(
            f"installing netwright ({what})",
            [python, *PIP, "--no-build-isolation", "--no-deps", "-e", "."],
            built if compiles else None,
        ),
    ]


def main(folder: Path, extra: str = "") -> int:
    """Return 0 if the folder is ready."""
    lock = os.open("pyproject.toml", os.O_RDONLY)  # held until this process ends: two makes take turns
    fcntl.flock(lock, fcntl.LOCK_EX)
    unfinished = Path("build", f"{folder.name}.unfinished")
    create = unfinished.exists() or not (folder / "bin/python").exists()
    todo = steps(folder, create=create) if create or not extra else []
    if extra:
        todo.append(
            Step(f"fetching what the extra {extra!r} needs", [str(folder / "bin/python"), *PIP, *requirements(extra)])
        )
    unfinished.parent.mkdir(exist_ok=True)
    unfinished.touch()
    if code := run_all(todo):
        return code
    unfinished.unlink()
    if has_compiler() and built() < 1:
        sys.stdout.write(
            "Some kernels could not be compiled, so their Python twins run, slower. "
            f"See why: {folder}/bin/python setup.py build_ext --inplace\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3]))
