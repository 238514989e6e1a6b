"""The parts of a drill script as values.  Sequence and acknowledgement numbers are relative to the initial ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import EllipsisType
from typing import TypeAlias

__all__ = [
    "Action",
    "Argument",
    "Call",
    "Code",
    "Event",
    "Names",
    "Option",
    "Packet",
    "Script",
    "Shell",
    "Time",
    "When",
]


class Time(Enum):
    """The origin of an event's time."""

    ABSOLUTE = "absolute"  # the script's start
    RELATIVE = "relative"  # the event before
    ANY = "any"  # `*`: any time


@dataclass(frozen=True, slots=True)
class When:
    """``start`` in seconds; ``end``, where the script gives a range, counts from the same origin."""

    kind: Time
    start: float = 0.0
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Symbols joined with ``|``, a symbol alone, or a call like ``htons(8080)``: left to the runner."""

    text: str


# ``...`` stands for any value, a mapping for ``{a = 1}``, a list for ``[1]``
Argument: TypeAlias = "int | str | Names | EllipsisType | list[Argument] | Mapping[str, Argument]"


@dataclass(frozen=True, slots=True)
class Call:
    """A system call, what it returns, and the errno's name where that is -1; ``result`` None: any."""

    name: str
    arguments: tuple[Argument, ...]
    result: int | None
    errno: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One TCP option: name in the script's spelling ("mss", "sackOK", "TS") and its numbers, or text."""

    name: str
    values: tuple[int, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Packet:
    """A segment to inject (``inbound``) or to expect.  ``options`` None: any (``<...>``)."""

    inbound: bool
    flags: str
    seq: int
    end: int
    size: int
    ack: int | None = None
    window: int | None = None
    urgent: int | None = None
    options: tuple[Option, ...] | None = ()
    ecn: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """A command between backquotes; a runner reads settings from it and never runs it."""

    command: str


@dataclass(frozen=True, slots=True)
class Code:
    """Python between ``%{`` and ``}%``: assertions over tcp_info."""

    text: str


Action: TypeAlias = Call | Packet | Shell | Code


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the script."""

    line: int
    when: When
    action: Action


@dataclass(frozen=True, slots=True)
class Script:
    """Events in order, and the ``--name=value`` options in front."""

    events: tuple[Event, ...]
    options: Mapping[str, str]
