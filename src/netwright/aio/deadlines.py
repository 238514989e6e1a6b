"""Deadlines without a timer per operation: one timer an engine, which looks at the waits that are due.

A deadline further away than ``TICK`` strikes at most ``TICK`` late and costs one set insertion; a nearer one gets a
timer of its own and is exact.
"""

import asyncio
from collections.abc import Callable

__all__ = ["TICK", "Expiry", "Ticker"]

TICK = 0.25  # seconds


class Expiry:
    """A time at which ``strike`` is called with the time it is."""

    __slots__ = ("at", "strike", "timer")

    def __init__(self, at: float, strike: Callable[[float], None]) -> None:
        self.at, self.strike = at, strike
        self.timer: asyncio.TimerHandle | None = None


class Ticker:
    """The expiries of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._coarse: set[Expiry] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def __len__(self) -> int:
        return len(self._coarse)

    def __repr__(self) -> str:
        return f"<Ticker {len(self)} coarse>"

    def add(self, expiry: Expiry, now: float) -> None:
        """Watch ``expiry`` until ``discard`` or until it struck."""
        if expiry.at - now < TICK:
            expiry.timer = self._loop.call_at(expiry.at, self._strike, expiry)
            return
        self._coarse.add(expiry)
        if self._timer is None or expiry.at < self._due:
            self._schedule(expiry.at)

    def discard(self, expiry: Expiry) -> None:
        """Forget ``expiry``; the shared timer stays and finds nothing."""
        if expiry.timer is not None:
            expiry.timer.cancel()
            expiry.timer = None
        else:
            self._coarse.discard(expiry)

    def _schedule(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        due = [expiry for expiry in self._coarse if expiry.at <= now]
        self._coarse.difference_update(due)
        if self._coarse:
            self._schedule(max(min(expiry.at for expiry in self._coarse), now + TICK))
        for expiry in due:
            expiry.strike(now)

    def _strike(self, expiry: Expiry) -> None:
        expiry.timer = None
        expiry.strike(self._loop.time())
