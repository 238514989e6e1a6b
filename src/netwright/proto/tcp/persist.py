"""When a closed window is probed (RFC 9293 §3.8.6.1)."""

from math import inf

from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.settings import Settings

__all__ = ["Persist"]


class Persist:
    """The back-off between probes, while the peer's window has no room for data that waits.

    Attributes:
        since: when the window was found closed; infinite while it is open.
        unanswered: probes sent since the peer was last heard.
    """

    __slots__ = ("_backoff", "_most", "_probed_at", "_rtt", "since", "unanswered")

    def __init__(self, settings: Settings, rtt: RoundTrip) -> None:
        self._most, self._rtt = settings.rto_max, rtt
        self._backoff, self.since, self.unanswered, self._probed_at = 0, inf, 0, -inf

    def __repr__(self) -> str:
        return f"<Persist since={self.since} probes={self._backoff}>"

    def begin(self, now: float) -> None:
        """The window is closed, now or still."""
        self.since = min(self.since, now)

    def end(self) -> None:
        """The window is open: the next time that it closes, the back-off begins anew."""
        self._backoff, self.since, self.unanswered = 0, inf, 0

    def back_off(self, heard_at: float, now: float) -> None:
        """A probe is due; the peer was last heard at ``heard_at``."""
        self._backoff += 1
        self.unanswered = 1 if heard_at >= self._probed_at else self.unanswered + 1
        self._probed_at = now

    def next_at(self, user_timeout: float | None, now: float) -> float:
        """When the next probe is due, or the user timeout expires (RFC 5482)."""
        at = now + min(self._rtt.rto * (1 << min(self._backoff, 16)), self._most)
        return at if user_timeout is None else max(min(at, self.since + user_timeout), now)

    def is_over(self, user_timeout: float | None, now: float) -> bool:
        """True if the window has been closed for the user timeout."""
        return user_timeout is not None and now >= self.since + user_timeout
