"""Keepalive: when a silent peer is probed, and when it is given up (RFC 9293 §3.8.4)."""

from enum import Enum
from math import inf

from netwright.core.tuning import KeepAlive

__all__ = ["Due", "KeepAliveTimer"]


class Due(Enum):
    """Actions for the endpoint."""

    NOTHING = "nothing"
    PROBE = "probe"
    GIVE_UP = "give up"


class KeepAliveTimer:
    """The keepalive timer of a connection.

    Attributes:
        at: when ``due`` must be called; infinite for never.
        probes: probes sent since the peer was last heard.
    """

    __slots__ = ("_settings", "at", "probes")

    def __init__(self) -> None:
        self._settings: KeepAlive | None = None
        self.at, self.probes = inf, 0

    def start(self, settings: KeepAlive | None, heard_at: float) -> None:
        """Start for a peer that was last heard at ``heard_at``; settings of None stop the timer."""
        self._settings, self.probes = settings, 0
        self.at = heard_at + settings.idle if settings is not None else inf

    def stop(self) -> None:
        """Stop the timer."""
        self.at = inf

    def due(self, now: float, heard_at: float, *, busy: bool, user_timeout: float | None = None) -> Due:
        """Decide what is due at ``at``, and set ``at`` anew.

        While ``busy`` (data is in flight or waits), the retransmission timer finds a dead peer.  A user timeout takes
        the place of the number of probes (RFC 5482 §4.2, Linux).
        """
        settings = self._settings
        assert settings is not None
        silent_at = heard_at + settings.idle
        if busy or now < silent_at:
            self.at = silent_at if now < silent_at else now + settings.idle
            return Due.NOTHING
        patience_is_over = now - heard_at >= user_timeout if user_timeout is not None else self.probes >= settings.count
        if self.probes and patience_is_over:
            return Due.GIVE_UP
        self.probes += 1
        self.at = now + settings.interval
        return Due.PROBE
