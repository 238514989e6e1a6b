"""Which compiled kernels are on.  The one reader of NETWRIGHT_PURE.

A kernel ``netwright/a/_b.pyx`` has the names of ``netwright/a/b.py``; that module ends with::

    if enabled("netwright.a._b"):
        from netwright.a._b import name

The modules of ``COMPILED`` are compiled as they are (mypyc), one library for all; a package that has some begins with::

    prefer_compiled(__name__, __path__)

The compiled modules have the same names and stand aside, in a folder that is named after the contents of the sources.
Where sources have changed since, nothing is found there, and Python runs the sources.
"""

import importlib.util
import os
from collections.abc import Mapping
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from zlib import crc32

__all__ = ["PURE", "enabled", "kernels", "library", "prefer_compiled", "sources"]

PURE = os.environ.get("NETWRIGHT_PURE", "") not in ("", "0")
COMPILED = ("proto/tcp", "proto/tcp/congestion", "sim/link.py", "sim/loss.py", "sim/pair.py")
_PACKAGE = Path(__file__).parent.parent
_asked: dict[str, bool] = {}


def enabled(name: str) -> bool:
    """True if the kernel ``name`` was built and NETWRIGHT_PURE does not forbid it."""
    _asked[name] = not PURE and importlib.util.find_spec(name) is not None
    return _asked[name]


def kernels() -> Mapping[str, bool]:
    """Every kernel that a loaded module asked for, and whether it is on."""
    return dict(_asked)


def sources() -> list[Path]:
    """The modules of ``COMPILED``, without the packages' own."""
    found: list[Path] = []
    for name in COMPILED:
        found += [_PACKAGE / name] if name.endswith(".py") else sorted((_PACKAGE / name).glob("[!_]*.py"))
    return found


@cache
def library() -> str:
    """The name of what they are compiled to, which changes with any of them."""
    digest = 0
    for path in sources():
        digest = crc32(path.read_bytes(), digest)
    return f"netwright._native.compiled_{digest:08x}"


def prefer_compiled(package: str, path: list[str]) -> None:
    """Let the compiled modules of ``package`` be found before their sources, if they were made of just these."""
    folder = _PACKAGE / "_native"
    _asked[package] = False
    if PURE or not any(folder.glob("compiled_*__mypyc*")):
        return
    name = library().rpartition(".")[2]
    if (folder / f"{name}__mypyc{EXTENSION_SUFFIXES[0]}").exists():
        path.insert(0, str(folder.joinpath(name, *package.split(".")[1:])))
        _asked[package] = True
