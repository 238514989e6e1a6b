"""Happy Eyeballs v2 (RFC 8305): which address to try next, and when.

The caller looks names up and opens sockets; it tells what happened, does what the events say, and calls ``expire`` at
``deadline``.  Addresses are opaque and unequal.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

__all__ = ["Event", "Exhausted", "HappyEyeballs", "Start", "Stop", "Won"]

A = TypeVar("A")

ATTEMPT_DELAY = 0.25  # seconds, "Connection Attempt Delay", RFC 8305 §5; 0.1 to 2 recommended by §8
RESOLUTION_DELAY = 0.05  # seconds, RFC 8305 §3
PREFERRED, OTHER = 0, 1  # families: IPv6 and IPv4, RFC 8305 §4


@dataclass(frozen=True, slots=True)
class Start(Generic[A]):
    """Try this address."""

    address: A


@dataclass(frozen=True, slots=True)
class Stop(Generic[A]):
    """Another address won: close this one's socket."""

    address: A


@dataclass(frozen=True, slots=True)
class Won(Generic[A]):
    """Use this connection."""

    address: A


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Every address failed and no lookup is under way."""


Event: TypeAlias = Start[A] | Stop[A] | Won[A] | Exhausted


class HappyEyeballs(Generic[A]):
    """One race of connection attempts.

    Attributes:
        failures: what was tried and failed, with its cause, in the order of failing.
        deadline: when to call ``expire``; None if nothing is due.
    """

    def __init__(self, *, attempt_delay: float = ATTEMPT_DELAY, resolution_delay: float = RESOLUTION_DELAY) -> None:
        self.failures: list[tuple[A, Exception]] = []
        self._attempt_delay, self._resolution_delay = attempt_delay, resolution_delay
        self._awaited = {PREFERRED, OTHER}
        self._queues: tuple[deque[A], deque[A]] = (deque(), deque())
        self._known: set[A] = set()
        self._active: list[A] = []
        self._last = OTHER  # so that the preferred family is first
        self._not_before: float | None = None
        self._over = False

    def __repr__(self) -> str:
        waiting = sum(map(len, self._queues))
        return f"<HappyEyeballs {waiting} to try, {len(self._active)} under way, {len(self.failures)} failed>"

    @property
    def deadline(self) -> float | None:
        """See the class."""
        return self._not_before if any(self._queues) and not self._over else None

    def resolved(self, family: int, addresses: Iterable[A], now: float) -> list[Event[A]]:
        """A lookup of ``family`` is done; no addresses is an answer too.

        The other family's addresses wait a moment for the preferred one's (RFC 8305 §3).
        """
        self._awaited.discard(family)
        fresh = [address for address in dict.fromkeys(addresses) if address not in self._known]
        self._known.update(fresh)
        self._queues[family].extend(fresh)
        begun = self._active or self.failures
        if not begun:
            self._not_before = now + self._resolution_delay if fresh and PREFERRED in self._awaited else now
        return self._go_on(now)

    def failed(self, address: A, error: Exception, now: float) -> list[Event[A]]:
        """An attempt failed: the next one does not wait (RFC 8305 §5)."""
        if self._over:
            return []
        self._active.remove(address)
        self.failures.append((address, error))
        self._not_before = now
        return self._go_on(now)

    def connected(self, address: A, now: float) -> list[Event[A]]:
        """An attempt succeeded: the others are stopped."""
        if self._over:
            return [Stop(address)]
        self._over = True
        return [Won(address), *(Stop(other) for other in self._active if other != address)]

    def expire(self, now: float) -> list[Event[A]]:
        """The ``deadline`` came."""
        return self._go_on(now)

    def _go_on(self, now: float) -> list[Event[A]]:
        if self._over:
            return []
        if not any(self._queues):
            self._over = not (self._active or self._awaited)
            return [Exhausted()] if self._over else []
        if self._not_before is not None and now < self._not_before:
            return []
        # families take turns, RFC 8305 §4
        self._last = OTHER - self._last if self._queues[OTHER - self._last] else self._last
        address = self._queues[self._last].popleft()
        self._active.append(address)
        self._not_before = now + self._attempt_delay
        return [Start(address)]
