"""The build backend (PEP 517): setuptools, with requirements that depend on what is built and on what builds it.

Cython is needed where there is a C compiler, mypy (for mypyc) only for wheels: an editable install keeps its sources.
"""

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

from tools.compiler import CYTHON, MYPY, has_compiler

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

get_requires_for_build_sdist = build_meta.get_requires_for_build_sdist


def get_requires_for_build_editable(config_settings: dict[str, str | list[str]] | None = None) -> list[str]:
    """Kernels only."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *([CYTHON] if has_compiler() else [])]


def get_requires_for_build_wheel(config_settings: dict[str, str | list[str]] | None = None) -> list[str]:
    """Kernels, and the modules that mypyc compiles."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *([CYTHON, MYPY] if has_compiler() else [])]
