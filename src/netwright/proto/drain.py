"""When a drain may end a connection: one rule for every engine.

A drain, before its deadline, never cuts what still moves in either direction.
"""

import math

from netwright.core.record import Waiting

__all__ = ["QUIET", "may_end_at"]

QUIET = 2.0  # seconds without a byte in either direction after which an unclear connection counts as between messages


def may_end_at(waiting: Waiting, *, busy: bool, begun: bool, answered: bool, beside: bool, moved_at: float) -> float:
    """Return the time from which a drain may end a connection whose reader waits; ``-inf`` is at once, ``inf`` never.

    Args:
        waiting: what the reader waits for.
        busy: bytes are queued, a send is under way, or a ``message()`` is open.
        begun: received bytes are buffered: the beginning of a message whose rest has not come.
        answered: the program has sent since its last read, or has read nothing yet.
        beside: bytes were sent while the reader waited: another task is sending, as in a relay.
        moved_at: when the last byte went in either direction.
    """
    if busy or waiting not in (Waiting.RECEIVE, Waiting.NEXT_REQUEST):
        return math.inf
    if not begun and (waiting is Waiting.NEXT_REQUEST or (answered and not beside)):
        return -math.inf
    return moved_at + QUIET
