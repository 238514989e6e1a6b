"""Who ended a connection, and how: the end of its record in few words."""

import errno
import os
from dataclasses import dataclass

from netwright.core.record import End, Outcome, Party

__all__ = ["Ending", "ending"]


@dataclass(frozen=True, slots=True)
class Ending:
    """``who`` acted, and ``how``; both are "" while the connection is open."""

    who: Party
    how: str


def ending(ended: End) -> Ending:
    """The party that ended a connection, and how, with the stage where a deadline or limit struck."""
    how = _HOW[ended.outcome]
    if ended.outcome is Outcome.RESET:
        how = _BROKEN.get(ended.errno) or os.strerror(ended.errno)
        if ended.errno == errno.ETIMEDOUT and ended.who is Party.PEER:
            how = "did not read"
    elif ended.outcome is Outcome.CONNECT_FAILED and ended.errno:
        how = f"{how}: {os.strerror(ended.errno)}"
    return Ending(ended.who, f"{how}: {ended.stage}" if ended.stage else how)


_BROKEN = {0: "RST", errno.ECONNRESET: "RST", errno.ECONNABORTED: "RST", errno.EPIPE: "RST after its FIN"}
_HOW = {
    Outcome.OPEN: "",
    Outcome.CLOSED: "FIN",
    Outcome.PEER_CLOSED: "FIN",
    Outcome.RESET: "RST",
    Outcome.ABORTED: "RST",
    Outcome.DEADLINE: "deadline",
    Outcome.LIMIT: "limit",
    Outcome.PROTOCOL_ERROR: "broke the protocol",
    Outcome.HANDLER_ERROR: "handler raised",
    Outcome.DRAINED: "service shut down",
    Outcome.CONNECT_FAILED: "connect failed",
}
