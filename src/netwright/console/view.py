"""A record as viewers see it: one row with times of day, a state in one word, a note in one line.  No I/O."""

from typing import TypedDict

from netwright.core.record import Outcome, Waiting
from netwright.proto.feed import Record

__all__ = ["LOST", "Row", "row_of"]

LOST = "lost"  # state of a connection whose worker died: nobody saw its end
_CONNECTING = frozenset({Waiting.CONNECT, Waiting.RESOLVE})
_TONES = {
    "connecting": "warn",
    "closing": "warn",
    Outcome.CLOSED: "quiet",
    Outcome.PEER_CLOSED: "quiet",
    Outcome.DRAINED: "quiet",
    Outcome.RESET: "warn",
    Outcome.ABORTED: "warn",
    Outcome.DEADLINE: "warn",
    Outcome.LIMIT: "warn",
    Outcome.PROTOCOL_ERROR: "bad",
    Outcome.HANDLER_ERROR: "bad",
    Outcome.CONNECT_FAILED: "bad",
    LOST: "bad",
}


class Row(TypedDict):
    """Times are seconds since 1970, 0 for never; ``note`` says why it ended.

    From ``tcp`` on it is the kernel's view, see ``kernel.View``; "" and 0 where nobody looked.
    """

    id: str
    worker: int
    number: int
    role: str
    peer: str
    local: str
    service: str
    protocol: str
    state: str
    tone: str
    opened: float
    closed: float
    bytes_in: int
    bytes_out: int
    messages: int
    waiting: str
    waiting_since: float
    subject: str
    note: str
    tcp: str
    rtt: float
    cwnd: int
    rtx: int
    unread: int
    unsent: int


def row_of(record: Record, worker: int, offset: float, known: Row | None = None) -> Row:
    """``offset`` turns the worker's clock into the time of day; ``known`` is the row before, with the kernel's view."""
    state = _state(record)
    return {
        "id": f"{worker}.{record['number']}",
        "worker": worker,
        "number": record["number"],
        "role": record["role"],
        "peer": record["peer"] or "unknown",
        "local": record["local"],
        "service": record["service"],
        "protocol": record["protocol"] or record["transport"],
        "state": state,
        "tone": _TONES.get(state, ""),
        "opened": round(record["started_at"] + offset, 6),
        "closed": round(record["closed_at"] + offset, 6) if record["closed_at"] else 0.0,
        "bytes_in": record["bytes_in"],
        "bytes_out": record["bytes_out"],
        "messages": record["messages"],
        "waiting": record["waiting"],
        "waiting_since": round(record["waiting_since"] + offset, 6),
        "subject": record["subject"],
        "note": record["detail"] or record["stage"],
        "tcp": known["tcp"] if known else "",
        "rtt": known["rtt"] if known else 0.0,
        "cwnd": known["cwnd"] if known else 0,
        "rtx": known["rtx"] if known else 0,
        "unread": known["unread"] if known and not record["closed_at"] else 0,
        "unsent": known["unsent"] if known and not record["closed_at"] else 0,
    }


def _state(record: Record) -> str:
    if record["outcome"] != Outcome.OPEN:
        return str(record["outcome"])
    if record["waiting"] in _CONNECTING:
        return "connecting"
    return "closing" if record["waiting"] == Waiting.CLOSE else "open"
