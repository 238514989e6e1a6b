"""Native kernels: every ``_x.pyx`` beside its ``x.py``; each may fail to build without failing the install."""

import os
import shutil
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

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


def has_compiler() -> bool:
    """True unless the compiler that Python was built with is certainly absent: then no kernel is tried."""
    words = (sysconfig.get_config_var("CC") or "").split()
    return not words or shutil.which(words[0]) is not None


setup(
    ext_modules=cythonize(extensions(), language_level=3, annotate=False) if has_compiler() else [],
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
