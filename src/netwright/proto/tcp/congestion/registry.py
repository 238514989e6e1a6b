"""Congestion controls by name: the built-in ones, and those that a program registers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from netwright.core.errors import UsageError
from netwright.proto.tcp.congestion.bbr import Bbr
from netwright.proto.tcp.congestion.control import Control
from netwright.proto.tcp.congestion.cubic import Cubic
from netwright.proto.tcp.congestion.cubic_linux import CubicLinux
from netwright.proto.tcp.congestion.hystart import HyStart, HyStartPlus, SlowStart
from netwright.proto.tcp.congestion.reno import Reno

if TYPE_CHECKING:  # settings look names up here
    from netwright.proto.tcp.settings import Settings

__all__ = ["HYSTARTS", "Factory", "control_for", "control_names", "register"]

HYSTARTS = ("linux", "rfc9406", "off")

Factory: TypeAlias = Callable[["Settings"], Control]
_factories: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Make ``Settings(congestion=name)`` use the control that ``factory`` returns, a new one for each connection.

    Raises:
        UsageError: the name is taken.
    """
    if name in _factories:
        raise UsageError(f"congestion control {name!r} is registered already", advice="choose another name")
    _factories[name] = factory


def control_names() -> tuple[str, ...]:
    """All registered names, the built-in ones first."""
    return tuple(_factories)


def control_for(settings: "Settings") -> Control:
    """A new control, of the kind that ``settings.congestion`` names."""
    return _factories[settings.congestion](settings)


def _hystart(settings: "Settings") -> SlowStart | None:
    match settings.hystart:
        case "linux":
            return HyStart(paced=settings.pacing)
        case "rfc9406":
            return HyStartPlus()
        case _:
            return None


def _cubic(settings: "Settings") -> Control:
    return CubicLinux(_hystart(settings))


def _cubic_rfc9438(settings: "Settings") -> Control:
    return Cubic(_hystart(settings))


def _reno(settings: "Settings") -> Control:
    return Reno()


def _bbr(settings: "Settings") -> Control:
    return Bbr(settings.initial_window)


register("cubic", _cubic)
register("cubic-rfc9438", _cubic_rfc9438)
register("reno", _reno)
register("bbr", _bbr)
