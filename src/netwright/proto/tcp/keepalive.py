"""Probing a silent peer (RFC 9293 §3.8.4): when, how often, and when to give up.  No I/O, no clock."""

from enum import Enum
from math import inf

from netwright.core.tuning import KeepAlive

__all__ = ["Due", "KeepAliveTimer"]


class Due(Enum):
    """What the timer asks for."""

    NOTHING = "nothing"
    PROBE = "probe"
    GIVE_UP = "give up"


class KeepAliveTimer:
    """``at`` is when ``due`` wants to be asked, infinite for never; ``probes`` went without an answer."""

    __slots__ = ("_settings", "at", "probes")

    def __init__(self) -> None:
        self._settings: KeepAlive | None = None
        self.at, self.probes = inf, 0

    def start(self, settings: KeepAlive | None, heard_at: float) -> None:
        """Watch a connection whose peer was last heard at ``heard_at``; None stops."""
        self._settings, self.probes = settings, 0
        self.at = heard_at + settings.idle if settings is not None else inf

    def stop(self) -> None:
        """No more."""
        self.at = inf

    def due(self, now: float, heard_at: float, *, busy: bool) -> Due:
        """Ask at ``at``; while ``busy`` (data is in flight) the retransmission timer looks after the peer."""
        settings = self._settings
        assert settings is not None
        silent_at = heard_at + settings.idle
        if busy or now < silent_at:
            self.at = silent_at if now < silent_at else now + settings.idle
            return Due.NOTHING
        if self.probes >= settings.count:
            return Due.GIVE_UP
        self.probes += 1
        self.at = now + settings.interval
        return Due.PROBE
