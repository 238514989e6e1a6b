"""The drain of a listener: the end of each connection, and the report afterwards."""

import logging
from dataclasses import dataclass, field

from netwright.proto.stream import Stream

__all__ = ["CLEAN_UP", "NAMED", "DrainReport", "begin_end"]

CLEAN_UP = 0.5  # seconds that a cancelled handler has to end; its connection is reset after a tenth of it
NAMED = 100  # connections that a drain names
_log = logging.getLogger("netwright")


@dataclass(frozen=True, slots=True)
class DrainReport:
    """The result of a drain.

    Attributes:
        idle: connections that were between messages, and were closed at once.
        finished: those that ended before the deadline.
        aborted: those that were reset at the deadline.
        cut: one line for each of ``aborted``, at most ``NAMED``.
    """

    idle: int = 0
    finished: int = 0
    aborted: int = 0
    cut: tuple[str, ...] = field(default=(), compare=False)

    def __add__(self, other: "DrainReport") -> "DrainReport":
        return DrainReport(
            self.idle + other.idle,
            self.finished + other.finished,
            self.aborted + other.aborted,
            (*self.cut, *other.cut)[:NAMED],
        )


def begin_end(stream: Stream) -> bool:
    """Begin a connection's end; True if it was between messages."""
    try:
        return stream.finish_messages()
    except Exception:  # the drain of all others goes on, and this one has until the deadline
        _log.exception("a drain could not end %r", stream)
        return False
