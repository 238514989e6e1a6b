"""What pyproject.toml cannot say: the compiled parts.

Every ``_x.pyx`` beside its ``x.py`` is a kernel.  In wheels, mypyc also compiles the modules that ``compiled`` of
``[tool.netwright]`` matches; each becomes an extension beside its source.  Every extension is optional: one that cannot
be built leaves the Python code in charge.
"""

import os
import sys
import tomllib
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from tools.compiler import has_compiler

ROOT, SRC = Path(__file__).parent, Path("src")
FLAGS = ["-O2", "-g0", "-fno-strict-aliasing", "-Wno-unused-function", "-Wno-sign-compare"]
UNFINISHED = Path("build/unfinished")  # stands while a build runs
INTERRUPTED = UNFINISHED.exists()  # what it left may be newer than its source, and cut
LIBRARY = "netwright._native.compiled"  # mypyc puts the code of all modules into one library


def kernels() -> list[Extension]:
    """One extension a ``.pyx`` file; the C goes to ``build``."""
    from Cython.Build import cythonize

    found = [
        Extension(
            ".".join(path.relative_to(SRC).with_suffix("").parts), [str(path)], optional=True, extra_compile_args=FLAGS
        )
        for path in sorted(SRC.rglob("_*.pyx"), key=lambda path: -path.stat().st_size)  # the longest compilation first
    ]
    UNFINISHED.parent.mkdir(exist_ok=True)
    UNFINISHED.touch()
    made: list[Extension] = cythonize(found, language_level=3, build_dir="build/cython", force=INTERRUPTED)
    return made


def compiled_paths() -> list[str]:
    """Return the modules for mypyc.

    Raises:
        SystemExit: a pattern matches no module any more.
    """
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["netwright"]["compiled"]
    found = {pattern: sorted(SRC.glob(f"netwright/{pattern}")) for pattern in patterns}
    if idle := [pattern for pattern, paths in found.items() if not paths]:
        raise SystemExit(f"pyproject.toml, tool.netwright.compiled: no module matches {', '.join(idle)}")
    return [str(path) for paths in found.values() for path in paths]


def compiled() -> list[Extension]:
    """One extension for each module that mypyc compiles, and the library that they share."""
    paths = compiled_paths()
    try:
        from mypyc.build import mypycify

        found: list[Extension] = mypycify(
            [*paths, "--config-file=", "--follow-imports=silent", "--ignore-missing-imports"],
            group_name=LIBRARY,
            target_dir="build/mypyc",
            opt_level="2",
            debug_level="0",
        )
    except (ImportError, SystemExit) as reason:  # the latter is how mypyc refuses a module
        sys.stderr.write(f"not compiled: {reason}\n")
        return []
    for extension in found:
        extension.optional = True
    return found


def wanted() -> list[Extension]:
    """Nothing without a compiler and for metadata or an sdist; mypyc's only where the sources stay as they are."""
    if not has_compiler() or {"egg_info", "dist_info", "sdist", "build_py"} & set(sys.argv):
        return []
    stays = "editable_wheel" not in sys.argv and "--inplace" not in sys.argv
    return kernels() + (compiled() if stays else [])


class Extensions(build_ext):
    """After an interrupted build, build everything again."""

    def run(self) -> None:
        """Build; what was begun is then finished."""
        self.force = self.force or INTERRUPTED
        if self.editable_mode:
            self.build_lib = "build/editable"  # setuptools takes a new folder each time, and builds all again
        super().run()
        UNFINISHED.unlink(missing_ok=True)


class Everything(build):
    """Remove what an earlier build left in ``build/lib``: a wheel would hold modules that have no source any more."""

    def run(self) -> None:
        """Build, then keep only the outputs."""
        super().run()
        commands = [self.get_finalized_command(name) for name in self.get_sub_commands()]
        made = {Path(path).resolve() for command in commands for path in command.get_outputs()}
        for path in Path(self.build_lib).rglob("*"):
            if path.is_file() and path.resolve() not in made:
                path.unlink()


setup(
    ext_modules=wanted(),
    cmdclass={"build": Everything, "build_ext": Extensions},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
