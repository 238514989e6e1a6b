"""netwright: build networked programs, run them, watch them, break them.

The names below are the front door; a module is imported when its first name is used (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.aio import DrainReport, Limits, Listener, Stream, connect
    from netwright.core.address import InetAddress, UnixAddress, parse_address
    from netwright.core.errors import (
        ConnectError,
        DeadlineError,
        LimitError,
        NetwrightError,
        ProtocolError,
        ResetError,
        TransportError,
        UsageError,
    )
    from netwright.core.moment import Moment, Timeline
    from netwright.core.record import ConnectionRecord, Recorder
    from netwright.core.tuning import Tuning
    from netwright.http import App, Request, Response
    from netwright.run.service import Service
    from netwright.watch.capture import analyse

__version__ = "0.1.0.dev0"

__all__ = [
    "App",
    "ConnectError",
    "ConnectionRecord",
    "DeadlineError",
    "DrainReport",
    "InetAddress",
    "LimitError",
    "Limits",
    "Listener",
    "Moment",
    "NetwrightError",
    "ProtocolError",
    "Recorder",
    "Request",
    "ResetError",
    "Response",
    "Service",
    "Stream",
    "Timeline",
    "TransportError",
    "Tuning",
    "UnixAddress",
    "UsageError",
    "analyse",
    "connect",
    "parse_address",
]

_HOMES = {
    "aio": ("DrainReport", "Limits", "Listener", "Stream", "connect"),
    "core.address": ("InetAddress", "UnixAddress", "parse_address"),
    "core.errors": (
        "ConnectError",
        "DeadlineError",
        "LimitError",
        "NetwrightError",
        "ProtocolError",
        "ResetError",
        "TransportError",
        "UsageError",
    ),
    "core.moment": ("Moment", "Timeline"),
    "core.record": ("ConnectionRecord", "Recorder"),
    "core.tuning": ("Tuning",),
    "http": ("App", "Request", "Response"),
    "run.service": ("Service",),
    "watch.capture": ("analyse",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # or a type checker would take every name

    def __getattr__(name: str) -> object:
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module 'netwright' has no attribute {name!r}")
        return getattr(import_module(f"netwright.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
