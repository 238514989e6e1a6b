"""Which native code runs.  The one reader of NETWRIGHT_PURE.

There are two kinds.  A kernel ``netwright/a/_b.pyx`` has the names of ``netwright/a/b.py``; that module ends with::

    if enabled("netwright.a._b"):
        from netwright.a._b import name

In wheels, mypyc compiles some modules as they are (``tool.netwright.compiled`` in pyproject.toml): an extension stands
beside each of these sources, and Python prefers it.  With NETWRIGHT_PURE=1 a finder takes the sources instead.
"""

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

__all__ = ["PURE", "compiled", "enabled", "every_kernel", "kernels"]

PURE = os.environ.get("NETWRIGHT_PURE", "") not in ("", "0")
_PACKAGE = Path(__file__).parent.parent
_asked: dict[str, bool] = {}


def enabled(name: str) -> bool:
    """Return True if the kernel ``name`` was built and NETWRIGHT_PURE does not forbid it."""
    _asked[name] = not PURE and importlib.util.find_spec(name) is not None
    return _asked[name]


def kernels() -> Mapping[str, bool]:
    """Return every kernel that a loaded module asked for, and whether it is on."""
    return dict(_asked)


def every_kernel(package: Path = _PACKAGE) -> list[str]:
    """Return the names of all kernels of the package, built or not: each has its types in a ``_*.pyi``."""
    found = (path.relative_to(package).with_suffix("").parts for path in package.rglob("_*.pyi"))
    return sorted(".".join(("netwright", *parts)) for parts in found)


def compiled(package: Path = _PACKAGE) -> list[str]:
    """Return the modules that have an extension beside their source and run as that: none if NETWRIGHT_PURE is set."""
    if PURE:
        return []
    sources = (
        path.with_name(f"{path.name.partition('.')[0]}.py") for path in package.rglob(f"*{EXTENSION_SUFFIXES[0]}")
    )
    return sorted(
        ".".join(("netwright", *path.relative_to(package).with_suffix("").parts)) for path in sources if path.exists()
    )


class Sources:
    """A finder (PEP 451) of netwright's modules that only sees sources."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the source's spec; None lets the usual finders look, for kernels and for all other packages."""
        if path is None or not name.startswith("netwright."):
            return None
        for folder in path:
            spec = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)
            if spec is not None and spec.loader is not None:
                return spec
        return None


if PURE and Sources not in sys.meta_path:
    sys.meta_path.insert(0, Sources)
