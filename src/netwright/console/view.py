"""A record as viewers see it: one row with times of day, a state in one word, a note in one line.  No I/O."""

from typing import TypedDict

from netwright.console.kernel import View, recorded_values, view_of
from netwright.core.record import Outcome, Waiting
from netwright.proto.feed import Record
from netwright.watch.ledger import Account, kernel_ledger

__all__ = ["LOST", "Row", "bound", "row_of"]

LOST = "lost"  # state of a connection whose worker died: nobody saw its end
BUSY = 0.5  # share of the time from which on the kernel's account says more than the program's
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

    ``handling``, ``sending`` and ``receiving`` are seconds without the wait that is on; ``held`` is the kernel's
    largest account where it had something to send for half the time.
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
    handling: float
    sending: float
    receiving: float
    held: str
    tcp: str
    rtt: float
    cwnd: int
    rtx: int
    unread: int
    unsent: int


def row_of(record: Record, worker: int, offset: float, known: Row | None = None) -> Row:
    """``offset`` turns the worker's clock into the time of day; ``known`` is the row before, with the kernel's view."""
    state = _state(record)
    kernel = _kernel(record, known)
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
        "subject": record["exchanges"][-1].line if record["exchanges"] else "",
        "note": record["ended"].text or record["ended"].stage,
        "handling": round(record["handler_time"], 3),
        "sending": round(record["send_waited"], 3),
        "receiving": round(_receiving(record), 3),
        "held": _held(record),
        "tcp": kernel.tcp,
        "rtt": kernel.rtt,
        "cwnd": kernel.cwnd,
        "rtx": kernel.rtx,
        "unread": kernel.unread,
        "unsent": kernel.unsent,
    }


def bound(row: Row, now: float) -> str:
    """What took the largest share of its life: a connection as fast as it can be is bound by something, too."""
    if row["held"]:
        return row["held"]
    running = max(0.0, now - row["waiting_since"]) if row["waiting"] else 0.0
    spent = {Account.HANDLER: row["handling"], Account.SEND: row["sending"], Account.RECEIVE: row["receiving"]}
    spent[_ACCOUNT_OF.get(row["waiting"], Account.RECEIVE)] += running
    most = max(spent, key=lambda account: spent[account])
    return most.value if spent[most] else ""


_ACCOUNT_OF: dict[str, Account] = {Waiting.HANDLER: Account.HANDLER, Waiting.SEND: Account.SEND}


def _receiving(record: Record) -> float:
    """The handshake of our own connect is nobody's silence."""
    opening = record["opened_at"] - record["started_at"] if record["role"] == "connected" else 0.0
    return max(0.0, record["receive_waited"] - opening)


def _held(record: Record) -> str:
    age = record["kernel_at"] - record["opened_at"]
    if record["kernel"].get("busy_time", 0.0) <= max(0.0, BUSY * age):
        return ""
    shares = [share for share in kernel_ledger(record["kernel"], age) if share.account is not Account.IDLE]
    return max(shares, key=lambda share: share.seconds).account.value if shares else ""


def _kernel(record: Record, known: Row | None) -> View:
    """The worker's own question is the newest answer; of the queues only inet_diag knows."""
    queues = (known["unread"], known["unsent"]) if known is not None and not record["closed_at"] else (0, 0)
    if record["kernel"]:
        view = view_of(recorded_values(record))
        return View(view.tcp, view.rtt, view.cwnd, view.rtx, *queues)
    if known is not None:
        return View(known["tcp"], known["rtt"], known["cwnd"], known["rtx"], *queues)
    return View("", 0.0, 0, 0, 0, 0)


def _state(record: Record) -> str:
    outcome = record["ended"].outcome
    if outcome is not Outcome.OPEN:
        return outcome.value
    if record["waiting"] in _CONNECTING:
        return "connecting"
    return "closing" if record["waiting"] == Waiting.CLOSE else "open"
