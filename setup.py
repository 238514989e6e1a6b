"""Native kernels: every ``_x.pyx`` beside its ``x.py``, and the modules that mypyc compiles as they are.

Each may fail to build without failing the install.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SRC = Path("src")
FLAGS = ["-O2", "-g0", "-fno-strict-aliasing", "-Wno-unused-function"]
sys.path.insert(0, str(SRC.resolve()))

from netwright import _native  # noqa: E402  # it knows which modules are compiled, and how the result is called


def extensions() -> list[Extension]:
    """One optional extension a ``.pyx`` file."""
    return [
        Extension(
            ".".join(path.relative_to(SRC).with_suffix("").parts), [str(path)], optional=True, extra_compile_args=FLAGS
        )
        for path in sorted(SRC.rglob("_*.pyx"))
    ]


def compiled() -> list[Extension]:
    """A small optional extension for every module that is compiled as it is, and the library that they share."""
    paths = [str(path.relative_to(Path.cwd())) for path in _native.sources()]
    try:
        from mypyc.build import mypycify  # where it is absent, nothing is lost but speed

        found: list[Extension] = mypycify(
            [*paths, "--config-file=", "--follow-imports=silent", "--ignore-missing-imports"],
            group_name=_native.library(),
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


class Build(build_ext):
    """Compiled modules stand aside (``netwright._native.prefer_compiled``), and only the newest are kept."""

    def run(self) -> None:
        """What was compiled of other sources goes first."""
        for path in Path(self.build_lib, "netwright", "_native").glob("compiled_*"):
            if not path.name.startswith(_native.library().rpartition(".")[2]):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        super().run()

    def get_ext_fullpath(self, ext_name: str) -> str:
        """Where the result goes."""
        usual = Path(super().get_ext_fullpath(ext_name))
        if not Path(SRC, *ext_name.split(".")).with_suffix(".py").exists():
            return str(usual)
        folder = Path(self.build_lib, *_native.library().split("."))
        return str(folder / usual.relative_to(Path(self.build_lib, "netwright")))


def has_compiler() -> bool:
    """True unless the compiler that Python was built with is certainly absent: then no kernel is tried."""
    words = (sysconfig.get_config_var("CC") or "").split()
    return not words or shutil.which(words[0]) is not None


def wanted() -> list[Extension]:
    """None without a compiler; whole modules only for good: in an editable install the sources change every minute."""
    if not has_compiler():
        return []
    for_good = "bdist_wheel" in sys.argv or ("build_ext" in sys.argv and "--inplace" not in sys.argv)
    return cythonize(extensions(), language_level=3, annotate=False) + (compiled() if for_good else [])


setup(
    ext_modules=wanted(),
    cmdclass={"build_ext": Build},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
