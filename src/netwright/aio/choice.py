"""The choice of a loop's engine: native on Linux with a real operating system underneath, else portable."""

import asyncio
import os
import socket

from netwright._native import enabled
from netwright.aio.engine import Engine
from netwright.aio.portable import PortableEngine
from netwright.core.errors import UsageError

__all__ = ["adopt", "engine"]

_KERNELS = (
    "netwright.core._record",
    "netwright.aio._native",
    "netwright.aio._sockets",
    "netwright.aio._pipe",
    "netwright.aio._stream",
)
_ENGINE = "netwright engine"  # the loop's attribute, so that an engine lives as long as its loop


def engine() -> Engine:
    """The engine of the running loop; NETWRIGHT_ENGINE ("portable", "native") decides at a loop's first use."""
    loop = asyncio.get_running_loop()
    found: Engine | None = vars(loop).get(_ENGINE)
    if found is None:
        found = vars(loop)[_ENGINE] = _choose(loop, os.environ.get("NETWRIGHT_ENGINE", ""))
    return found


def adopt(loop: asyncio.AbstractEventLoop, made: Engine) -> None:
    """Set the engine of ``loop`` before its first use."""
    vars(loop)[_ENGINE] = made


def _choose(loop: asyncio.AbstractEventLoop, wanted: str) -> Engine:
    if wanted not in ("", "portable", "native"):
        raise UsageError(f"NETWRIGHT_ENGINE={wanted}, portable or native allowed")
    built = all(list(map(enabled, _KERNELS)))  # each is asked: ``doctor`` lists them
    native = wanted != "portable" and built and _system_is_real()
    if wanted == "native" and not built:
        raise UsageError("NETWRIGHT_ENGINE=native, and the native engine is not built or NETWRIGHT_PURE is set")
    if native:
        from netwright.aio.native import NativeEngine  # the module needs what may not be built

        return NativeEngine(loop)
    return PortableEngine(loop)


def _system_is_real() -> bool:
    """False where a simulation stands in for the operating system: system calls would go past it."""
    return socket.socket.__module__ == "socket"
