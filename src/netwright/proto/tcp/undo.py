"""Evidence that a reduction of the window was spurious, so that it can be undone (RFC 3522, RFC 4015, RFC 2883)."""

from math import inf
from typing import Final

__all__ = ["Undo"]

_TICK: Final = 0.001  # seconds of a timestamp's unit


class Undo:
    """Collects evidence about the retransmissions since the last reduction.

    There are two kinds.  Eifel: an acknowledgement echoes a timestamp older than the first retransmission, so the
    original arrived.  D-SACK: the peer reported every retransmission as a duplicate.

    Attributes:
        armed_at: SND.UNA at the reduction; None if there is nothing to undo.
        prior_ssthresh: ssthresh to restore; 0 if it must stay, because the network marked congestion meanwhile.
    """

    __slots__ = ("_pending", "_repeated_at", "armed_at", "prior_ssthresh")

    def __init__(self) -> None:
        self.armed_at: int | None = None
        self.prior_ssthresh = 0
        self._pending = -1  # retransmissions that no D-SACK has reported yet; -1: there was none
        self._repeated_at = inf  # when the first of them was sent

    def arm(self, snd_una: int, resent: int) -> None:
        """Begin after a reduction; ``resent`` retransmissions are in flight already."""
        self.armed_at = snd_una
        self._pending = resent or -1
        self._repeated_at = inf

    def disarm(self) -> None:
        """Nothing of the last reduction is to be undone."""
        self.armed_at, self.prior_ssthresh = None, 0

    def resent(self, now: float) -> None:
        """Count a retransmission."""
        self._pending = max(self._pending, 0) + 1
        self._repeated_at = min(self._repeated_at, now)

    def take_dsack(self, end: int, snd_nxt: int) -> None:
        """A D-SACK ends at ``end``: one retransmission was needless, if it belongs to this reduction."""
        if self.armed_at is not None and self.armed_at < end <= snd_nxt and self._pending > 0:
            self._pending -= 1

    def all_needless(self) -> bool:
        """True if D-SACKs have reported every retransmission."""
        return self.armed_at is not None and self._pending == 0

    def answers_original(self, echo: float) -> bool:
        """True if the echoed timestamp is older than the first retransmission (RFC 3522 §3.2)."""
        return self._repeated_at != inf and echo < self._repeated_at - _TICK

    def is_spurious(self, echo: float) -> bool:
        """True by either kind of evidence."""
        return self.armed_at is not None and (self.all_needless() or self.answers_original(echo))
