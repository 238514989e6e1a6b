"""Congestion controls by name.  No I/O, no clock."""

from netwright.proto.tcp.congestion.bbr import Bbr
from netwright.proto.tcp.congestion.control import Control
from netwright.proto.tcp.congestion.cubic import Cubic
from netwright.proto.tcp.congestion.cubic_linux import CubicLinux
from netwright.proto.tcp.congestion.hystart import HyStart, HyStartPlus, SlowStart
from netwright.proto.tcp.congestion.reno import Reno
from netwright.proto.tcp.settings import Settings

__all__ = ["control_for"]


def control_for(settings: Settings) -> Control:
    """The control that ``settings.congestion`` names; settings know no other name."""
    match settings.congestion:
        case "bbr":
            return Bbr(settings.initial_window)
        case "reno":
            return Reno()
        case "cubic-rfc9438":
            return Cubic(_hystart(settings))
        case _:
            return CubicLinux(_hystart(settings))


def _hystart(settings: Settings) -> SlowStart | None:
    match settings.hystart:
        case "linux":
            return HyStart(paced=settings.pacing)
        case "rfc9406":
            return HyStartPlus()
        case _:
            return None
