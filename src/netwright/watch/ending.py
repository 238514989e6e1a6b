"""Who ended a connection, and how: the outcome of its record in few words.  No I/O."""

from dataclasses import dataclass, replace

from netwright.core.record import DID_NOT_READ, Outcome
from netwright.proto.feed import Record

__all__ = ["Ending", "ending"]


@dataclass(frozen=True, slots=True)
class Ending:
    """``who`` acted: "peer", "this side", "program" (its own code) or "path"; both are "" while it is open."""

    who: str
    how: str


def ending(record: Record) -> Ending:
    """The end that the record names; what a deadline or limit has as its name is part of ``how``."""
    found = _ENDINGS[Outcome(record["outcome"])]
    if found.how == "RST" and record["detail"].startswith(DID_NOT_READ):
        return Ending("peer", record["detail"].removeprefix("the peer "))
    if found.how == "RST" and any(word in record["detail"] for word in _PATH):
        return Ending("path", record["detail"])
    if record["stage"] and found.who:
        return replace(found, how=f"{found.how}: {record['stage']}")
    return found


_PATH = ("timed out", "unreachable", "No route")  # the system's words where no RST came: ETIMEDOUT and its kin
_ENDINGS = {
    Outcome.OPEN: Ending("", ""),
    Outcome.CLOSED: Ending("this side", "FIN"),
    Outcome.PEER_CLOSED: Ending("peer", "FIN"),
    Outcome.RESET: Ending("peer", "RST"),
    Outcome.ABORTED: Ending("this side", "RST"),
    Outcome.DEADLINE: Ending("this side", "deadline"),
    Outcome.LIMIT: Ending("this side", "limit"),
    Outcome.PROTOCOL_ERROR: Ending("peer", "broke the protocol"),
    Outcome.HANDLER_ERROR: Ending("program", "its handler raised"),
    Outcome.DRAINED: Ending("this side", "service shut down"),
    Outcome.CONNECT_FAILED: Ending("path", "no address answered"),
}
