"""Native kernels: every ``_x.pyx`` beside its ``x.py``; each may fail to build without failing the install."""

import os
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


setup(
    ext_modules=cythonize(extensions(), language_level=3, annotate=False),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
