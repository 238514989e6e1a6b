"""Pacing: segments spread over time instead of sent in bursts."""

from math import inf

__all__ = ["BURST", "Pacer"]

BURST = 0.001  # seconds' worth of segments that may leave at once; otherwise every segment needed a timer


class Pacer:
    """Decides when the next segment may leave.

    Attributes:
        at: when the rate allows the next segment.
        waiting: a segment is held back until then.
    """

    __slots__ = ("at", "enabled", "waiting")

    def __init__(self, enabled: bool) -> None:
        self.enabled, self.waiting = enabled, False
        self.at = -inf

    @property
    def deadline(self) -> float:
        """When to try again; infinite if no segment is held back."""
        return self.at if self.waiting else inf

    def holds(self, now: float) -> bool:
        """True if a segment must wait until ``at``; sets ``waiting``."""
        self.waiting = self.at - now >= BURST
        return self.waiting

    def sent(self, now: float, interval: float) -> None:
        """Record a segment; the rate is one per ``interval`` seconds."""
        self.at = max(self.at, now) + interval
