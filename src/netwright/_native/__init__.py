"""Which compiled kernels are on.  The one reader of NETWRIGHT_PURE.

A kernel ``netwright/a/_b.pyx`` has the names of ``netwright/a/b.py``; that module ends with::

    if enabled("netwright.a._b"):
        from netwright.a._b import name
"""

import importlib.util
import os
from collections.abc import Mapping

__all__ = ["PURE", "enabled", "kernels"]

PURE = os.environ.get("NETWRIGHT_PURE", "") not in ("", "0")
_asked: dict[str, bool] = {}


def enabled(name: str) -> bool:
    """True if the kernel ``name`` was built and NETWRIGHT_PURE does not forbid it."""
    _asked[name] = not PURE and importlib.util.find_spec(name) is not None
    return _asked[name]


def kernels() -> Mapping[str, bool]:
    """Every kernel that a loaded module asked for, and whether it is on."""
    return dict(_asked)
