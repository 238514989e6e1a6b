"""Deadlines without a timer per operation: one timer an engine, which looks at all waits when the first may be due.

A wait registers its Expiry once and then only moves it: a number is stored, no timer is made.  A deadline further away
than ``TICK`` strikes at most ``TICK`` late; a nearer one gets a timer of its own and is exact.
"""

import asyncio
import math
import time
from collections.abc import Callable

from netwright.core.errors import UsageError

__all__ = ["TICK", "Expiry", "Ticker", "clock_of", "seconds_of"]

TICK = 0.25  # seconds


class Expiry:
    """A time at which ``strike`` is called with the time it is; ``math.inf`` is never; ``kept`` if a Ticker has it."""

    __slots__ = ("at", "kept", "strike", "timer")

    def __init__(self, strike: Callable[[float], None]) -> None:
        self.at, self.strike, self.kept = math.inf, strike, False
        self.timer: asyncio.TimerHandle | None = None


class Ticker:
    """The expiries of one loop.

    Attributes:
        due: when it looks at all of them; one that it has and that strikes later needs only its new ``at``.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._expiries: set[Expiry] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.due = math.inf
        self._turn_at: float | None = None

    def __len__(self) -> int:
        return len(self._expiries)

    def __repr__(self) -> str:
        return f"<Ticker {len(self)} expiries, looks at {self.due:.3f}>"

    def turn_at(self, at: float) -> float:
        """When the loop's turn began; ``at``, when the caller's part of it began, if nobody has asked before in it."""
        if self._turn_at is None:
            self._turn_at = at
            self._loop.call_soon(self._end_turn)
        return self._turn_at

    def _end_turn(self) -> None:
        self._turn_at = None

    def arm(self, expiry: Expiry, at: float, now: float) -> None:
        """Strike at ``at``, once, unless ``disarm`` comes first; ``forget`` must follow in the end."""
        if at - now < TICK:
            expiry.timer = self._loop.call_at(at, self._strike, expiry)
            return
        expiry.at, expiry.kept = at, True
        self._expiries.add(expiry)
        if at < self.due:
            self._look_at(at)

    def disarm(self, expiry: Expiry) -> None:
        """Do not strike; the shared timer stays and may find nothing."""
        expiry.at = math.inf
        if expiry.timer is not None:
            expiry.timer.cancel()
            expiry.timer = None

    def forget(self, expiry: Expiry) -> None:
        """Disarm for good."""
        self.disarm(expiry)
        expiry.kept = False
        self._expiries.discard(expiry)

    def _look_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.due, self._timer = due, self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self.due, self._timer = math.inf, None
        now = self._loop.time()
        due = [expiry for expiry in self._expiries if expiry.at <= now]
        for expiry in due:
            expiry.at = math.inf
        first = min((expiry.at for expiry in self._expiries), default=math.inf)
        if first < math.inf:
            self._look_at(max(first, now + TICK))
        for expiry in due:
            expiry.strike(now)

    def _strike(self, expiry: Expiry) -> None:
        expiry.timer = None
        expiry.strike(self._loop.time())


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """``loop.time``; the function below it where that is asyncio's own, which costs a call less."""
    stock = getattr(loop.time, "__func__", None) is asyncio.BaseEventLoop.time
    return time.monotonic if stock else loop.time


def seconds_of(name: str, value: object) -> float:
    """Return ``value`` as seconds.

    Raises:
        UsageError: it is not a number, or not a number (NaN).
    """
    if not isinstance(value, int | float) or math.isnan(value):
        raise UsageError(f"{name}={value!r}, a number of seconds or None allowed")
    return float(value)
