"""Every bound of a listener and of its connections, and the effect of each."""

import math
from dataclasses import dataclass, fields

from netwright.core.errors import UsageError

__all__ = ["STANDARD", "UNLIMITED", "Limits", "check_drain"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, counts, bytes and rates; None (0 for counts and rates) switches a bound off.

    A time that runs out raises DeadlineError in the handler, with the stage's name; a handler that lets it pass loses
    its connection, with outcome DEADLINE.  ``lifetime`` alone does not raise: it aborts the connection.

    Attributes:
        first_byte: stage "first byte": nothing has arrived, and for this long nothing was sent.
        idle: stage "idle": the connection is between messages, and nothing moved in either direction.
        frame: stage "frame": from the first byte of a frame, a line or a ``message()`` to its end; no byte renews it.
        send: stage "send": bytes are queued, and the kernel accepted fewer than 64 KiB in this time.  Where posts
            are queued, no verb waits that could raise: the connection ends, and its reader gets the error.
        outbox: bytes that ``post`` queues for a peer that does not read; one more ends that connection.
        lifetime: stage "lifetime": the connection's age.
        close: a close that has not flushed by then aborts.
        max_connections: at this many, further ones wait in the kernel's queue.
        max_per_host: one more from the same host is reset at once and counted; Unix peers are one host.
        accept_rate: connections per second; more wait in the kernel's queue.
    """

    first_byte: float | None = 10.0
    idle: float | None = 300.0
    frame: float | None = 30.0
    send: float | None = 30.0
    lifetime: float | None = None
    close: float = 2.0
    outbox: int = 256 * 1024
    max_connections: int = 10_000
    max_per_host: int = 0
    accept_rate: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no bound.

        Raises:
            UsageError: a value is negative, NaN or of the wrong type.
        """
        for bound in fields(self):
            value = getattr(self, bound.name)
            if value is not None and (not _is_number(value) or not value >= 0):  # NaN neither
                raise UsageError(f"{bound.name}={value!r}, 0 or more allowed")
        for name in ("outbox", "max_connections", "max_per_host"):
            if not isinstance(getattr(self, name), int):
                raise UsageError(f"{name}={getattr(self, name)!r}, an integer of 0 or more allowed")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_drain(timeout: object) -> None:
    """Refuse a drain without an end.

    Raises:
        UsageError: ``timeout`` is negative, infinite or not a number.
    """
    if not isinstance(timeout, int | float) or not 0 <= timeout < math.inf:
        raise UsageError(f"drain for {timeout} s, 0 or more and finite allowed")


STANDARD = Limits()
UNLIMITED = Limits(first_byte=None, idle=None, frame=None, send=None, max_connections=0)
