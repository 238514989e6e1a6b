"""Native kernels: every ``_x.pyx`` beside its ``x.py``; each may fail to build without failing the install."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

SRC = Path("src")
FLAGS = ["-O2", "-g0", "-fno-strict-aliasing", "-Wno-unused-function"]


def extensions() -> list[Extension]:
    """One optional extension a ``.pyx`` file."""
    return [
        Extension(
            ".".join(path.relative_to(SRC).with_suffix("").parts), [str(path)], optional=True, extra_compile_args=FLAGS
        )
        for path in sorted(SRC.rglob("_*.pyx"))
    ]


class BuildKernels(build_ext):
    """A compiler that is not there is a kernel that does not build, and no more."""

    def build_extension(self, ext: Extension) -> None:
        """Build one kernel; ``optional`` turns a CompileError into a warning, but not an OSError."""
        try:
            super().build_extension(ext)
        except OSError as error:
            raise CompileError(f"no compiler: {error}") from error


setup(
    cmdclass={"build_ext": BuildKernels},
    ext_modules=cythonize(extensions(), language_level=3, annotate=False),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
