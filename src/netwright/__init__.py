"""netwright: build networked programs, run them, watch them, break them.

The names below are the front door; a module is imported when its first name is used (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.aio import BindError, DrainReport, Listener, ShuttingDownError, Stream, connect, stream_pair
    from netwright.core.address import InetAddress, UnixAddress, parse_address
    from netwright.core.errors import (
        ClosedError,
        ConnectError,
        DeadlineError,
        IncompleteError,
        LimitError,
        NetwrightError,
        ProtocolError,
        RefusedError,
        ResetError,
        TransportError,
        UsageError,
    )
    from netwright.core.limits import Limits
    from netwright.core.moment import Moment, Timeline
    from netwright.core.record import ConnectionRecord, Outcome, Recorder, Waiting
    from netwright.core.tuning import KeepAlive, Tuning
    from netwright.http import App, Request, Response
    from netwright.proto.framing import Delimited, Framing, LengthPrefixed, Lines, Struct, Varint
    from netwright.proto.stream import Credentials
    from netwright.run.service import Service
    from netwright.watch.capture import analyse

__version__ = "0.1.0.dev0"

__all__ = [
    "App",
    "BindError",
    "ClosedError",
    "ConnectError",
    "ConnectionRecord",
    "Credentials",
    "DeadlineError",
    "Delimited",
    "DrainReport",
    "Framing",
    "IncompleteError",
    "InetAddress",
    "KeepAlive",
    "LengthPrefixed",
    "LimitError",
    "Limits",
    "Lines",
    "Listener",
    "Moment",
    "NetwrightError",
    "Outcome",
    "ProtocolError",
    "Recorder",
    "RefusedError",
    "Request",
    "ResetError",
    "Response",
    "Service",
    "ShuttingDownError",
    "Stream",
    "Struct",
    "Timeline",
    "TransportError",
    "Tuning",
    "UnixAddress",
    "UsageError",
    "Varint",
    "Waiting",
    "analyse",
    "connect",
    "parse_address",
    "stream_pair",
]

_HOMES = {
    "aio": (
        "BindError",
        "DrainReport",
        "Listener",
        "ShuttingDownError",
        "Stream",
        "connect",
        "stream_pair",
    ),
    "core.address": (
        "InetAddress",
        "UnixAddress",
        "parse_address",
    ),
    "core.errors": (
        "ClosedError",
        "ConnectError",
        "DeadlineError",
        "IncompleteError",
        "LimitError",
        "NetwrightError",
        "ProtocolError",
        "RefusedError",
        "ResetError",
        "TransportError",
        "UsageError",
    ),
    "core.limits": ("Limits",),
    "core.moment": (
        "Moment",
        "Timeline",
    ),
    "core.record": (
        "ConnectionRecord",
        "Outcome",
        "Recorder",
        "Waiting",
    ),
    "core.tuning": (
        "KeepAlive",
        "Tuning",
    ),
    "http": (
        "App",
        "Request",
        "Response",
    ),
    "proto.framing": (
        "Delimited",
        "Framing",
        "LengthPrefixed",
        "Lines",
        "Struct",
        "Varint",
    ),
    "proto.stream": ("Credentials",),
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
