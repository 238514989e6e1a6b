"""Streams, listeners and connects on asyncio: one set of verbs, a native engine where it can run, a portable one."""

from netwright.aio.adopting import Adopter, stream_pair
from netwright.aio.choice import engine
from netwright.aio.connect import connect
from netwright.aio.engine import Engine
from netwright.aio.explain import Knob, explain
from netwright.aio.listener import DrainReport, Listener
from netwright.aio.outcome import ShuttingDownError
from netwright.aio.sockets import BindError
from netwright.core.limits import STANDARD, UNLIMITED, Limits
from netwright.proto.stream import Stream

__all__ = [
    "STANDARD",
    "UNLIMITED",
    "BindError",
    "DrainReport",
    "Engine",
    "Knob",
    "Limits",
    "Listener",
    "ShuttingDownError",
    "Stream",
    "connect",
    "engine",
    "explain",
    "stream_pair",
]

Stream.shell = Adopter()
