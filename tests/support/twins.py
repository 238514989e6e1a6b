"""A second copy of a module in which no kernel is on, to hold beside the native one."""

import importlib.util
from types import ModuleType
from unittest.mock import patch

from netwright import _native


def pure(name: str) -> ModuleType:
    """The module ``name`` executed again with NETWRIGHT_PURE in force; ``sys.modules`` stays as it is."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with patch.object(_native, "PURE", True), patch.dict("netwright._native._asked"):
        spec.loader.exec_module(module)
    return module
