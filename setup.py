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
            [*paths, "--config-file="], group_name=_native.library(), opt_level="2", debug_level="0"
        )
    except (ImportError, SystemExit) as reason:  # the latter is how mypyc refuses a module
        sys.stderr.write(f"not compiled: {reason}\n")
        return []
    for extension in found:
        extension.optional = True
    return found


class Build(build_ext):
    """Compiles whole modules too, except in place: there the sources change every minute, and it takes a minute."""

    def finalize_options(self) -> None:
        """The distribution's extensions are read here."""
        if not (self.editable_mode or self.inplace) and has_compiler():
            self.distribution.ext_modules += compiled()
        super().finalize_options()

    def get_ext_fullpath(self, ext_name: str) -> str:
        """Compiled modules stand aside (``netwright._native.prefer_compiled``)."""
        usual = Path(super().get_ext_fullpath(ext_name))
        if not Path(SRC, *ext_name.split(".")).with_suffix(".py").exists():
            return str(usual)
        folder = Path(self.build_lib, *_native.library().split("."))
        return str(folder / usual.relative_to(Path(self.build_lib, "netwright")))


def has_compiler() -> bool:
    """True unless the compiler that Python was built with is certainly absent: then no kernel is tried."""
    words = (sysconfig.get_config_var("CC") or "").split()
    return not words or shutil.which(words[0]) is not None


setup(
    ext_modules=cythonize(extensions(), language_level=3, annotate=False) if has_compiler() else [],
    cmdclass={"build_ext": Build},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
