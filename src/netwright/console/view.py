"""A record as viewers see it: one row with times of day, a state in one word, a note in one line."""

from typing import TypedDict

from netwright.console.kernel import View, recorded_values, view_of
from netwright.core.record import Outcome, Waiting
from netwright.proto.feed import Record
from netwright.watch.ledger import ledger
from netwright.wire.tcp_info import TcpState

__all__ = ["LOST", "Row", "bound", "row_of", "state_of", "tone_of"]

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

    ``state`` is the kernel's state of a live connection where that is not ESTABLISHED ("CLOSE_WAIT").
    ``bound_by`` is the cause of the largest share of its life; from ``bound_at`` on, if that is not 0, the wait that is
    on will be the largest: ``bound_then``.
    From ``tcp`` on it is the kernel's view, see ``kernel.View``; "" and 0 where nobody looked, "" once it has ended.
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
    bound_by: str
    bound_at: float
    bound_then: str
    tcp: str
    rtt: float
    cwnd: int
    rtx: int
    unread: int
    unsent: int


def row_of(record: Record, worker: int, offset: float, known: Row | None = None) -> Row:
    """``offset`` turns the worker's clock into the time of day; ``known`` is the row before, with the kernel's view."""
    kernel = _kernel(record, known)
    state = state_of(record, kernel.tcp)
    bound_by, bound_at, bound_then = _bound(record)
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
        "tone": tone_of(state),
        "opened": round(record["started_at"] + offset, 6),
        "closed": round(record["closed_at"] + offset, 6) if record["closed_at"] else 0.0,
        "bytes_in": record["bytes_in"],
        "bytes_out": record["bytes_out"],
        "messages": record["messages"],
        "waiting": record["waiting"],
        "waiting_since": round(record["waiting_since"] + offset, 6),
        "subject": record["exchanges"][-1].line if record["exchanges"] else "",
        "note": record["ended"].text or record["ended"].stage,
        "bound_by": bound_by,
        "bound_at": round(bound_at + offset, 6) if bound_then else 0.0,
        "bound_then": bound_then,
        "tcp": kernel.tcp,
        "rtt": kernel.rtt,
        "cwnd": kernel.cwnd,
        "rtx": kernel.rtx,
        "unread": kernel.unread,
        "unsent": kernel.unsent,
    }


def tone_of(state: str) -> str:
    """Return a state's tone on the page: "", "quiet", "warn" or "bad"; the kernel's transient states are "warn"."""
    return _TONES.get(state, "" if state == "open" else "warn")


def bound(row: Row, now: float) -> str:
    """Return the ledger's largest cause."""
    return row["bound_then"] if row["bound_at"] and now >= row["bound_at"] else row["bound_by"]


def _bound(record: Record) -> tuple[str, float, str]:
    """Return the largest cause, when another one will pass it, and that one: so a waiting row is sent only once."""
    since = record["closed_at"] or record["waiting_since"]
    before = ledger(record, since) if since > record["started_at"] else []
    most = before[0].cause.value if before else ""
    if not record["waiting"]:
        return most, 0.0, ""
    then = ledger(record, since + 1e9)[0].cause
    if not before:
        return then.value, 0.0, ""
    lead = before[0].seconds - sum(share.seconds for share in before if share.cause is then)
    return (most, 0.0, "") if then == most else (most, since + lead, then.value)


def _kernel(record: Record, known: Row | None) -> View:
    """Merge both views of the kernel: the worker's values are newer, but only inet_diag has the queues."""
    queues = (known["unread"], known["unsent"]) if known is not None and not record["closed_at"] else (0, 0)
    over = record["closed_at"] > 0
    if record["kernel"]:
        view = view_of(recorded_values(record))
        return View("" if over else view.tcp, view.rtt, view.cwnd, view.rtx, *queues)
    if known is not None:
        return View("" if over else known["tcp"], known["rtt"], known["cwnd"], known["rtx"], *queues)
    return View("", 0.0, 0, 0, 0, 0)


def state_of(record: Record, tcp: str) -> str:
    """The state in one word: an outcome, or what the program does, or the kernel's state where that says more."""
    outcome = record["ended"].outcome
    if outcome is not Outcome.OPEN:
        return outcome.value
    if record["waiting"] in _CONNECTING:
        return "connecting"
    if tcp not in ("", TcpState.ESTABLISHED.name):
        return tcp
    return "closing" if record["waiting"] == Waiting.CLOSE else "open"
