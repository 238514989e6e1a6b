"""The ledger of a connection: each second of its life under one cause, with the party that has to act.

The program's side says what it waited for.  While it waited for room to send, the chronographs of struct tcp_info
(Linux 4.10: busy_time, rwnd_limited, sndbuf_limited) say what held the kernel's sender back: the peer's window, the
send buffer, or data that was sent and not acknowledged.  A kernel also sends on while the program waits for the peer;
that time is taken from those waits.  How much of it fell into the handler's time is not known: the kernel's busy
seconds beyond the waits for room are divided in proportion to both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from netwright.core.record import Outcome, Party, Waiting
from netwright.proto.feed import Record

__all__ = ["PARTIES", "Cause", "Share", "ledger"]


class Cause(StrEnum):
    """The causes under which the ledger books time."""

    LOOKUP = "name lookup"
    CONNECT = "peer to answer SYN"
    RECEIVE = "peer to send"
    IDLE = "next request"
    HANDLER = "handler"
    SEND = "peer to read"
    BUFFER = "send buffer"
    UNACKNOWLEDGED = "unacknowledged (RTT or loss)"
    CLOSE = "peer to close"


PARTIES = {
    Cause.LOOKUP: Party.LOOKUP,
    Cause.CONNECT: Party.NETWORK,
    Cause.RECEIVE: Party.PEER,
    Cause.IDLE: Party.PEER,
    Cause.HANDLER: Party.YOU,
    Cause.SEND: Party.PEER,
    Cause.BUFFER: Party.KERNEL,
    Cause.UNACKNOWLEDGED: Party.NETWORK,
    Cause.CLOSE: Party.PEER,
}


@dataclass(frozen=True, slots=True)
class Share:
    """Seconds under one cause, and their share of the connection's age."""

    cause: Cause
    party: Party
    seconds: float
    share: float


def ledger(record: Record, now: float, kernel: Mapping[str, float] | None = None) -> list[Share]:
    """The shares of a connection's life, the largest first; they add up to its age, empty ones are left out.

    Args:
        now: on the record's clock; of a connection that has ended it has no effect.
        kernel: a newer view of struct tcp_info than the record's.
    """
    end = record["closed_at"] or now
    spent = _waits(record, end)
    _divide(spent, record["kernel"] if kernel is None else kernel)
    age = end - record["started_at"]
    shares = [
        Share(cause, PARTIES[cause], seconds, seconds / age) for cause, seconds in spent.items() if seconds > 1e-9
    ]
    return sorted(shares, key=lambda share: -share.seconds)


def _waits(record: Record, end: float) -> dict[Cause, float]:
    """Return the program's waits; the rest of the time it waited for the peer to send."""
    waiting = record["waiting"]
    running = max(end - record["waiting_since"], 0.0) if waiting else 0.0
    lookup = connect = 0.0
    if record["role"] == "connected":
        resolved = record["resolved_at"] or (end if waiting == Waiting.RESOLVE else record["started_at"])
        connecting = waiting in _CONNECTING or record["ended"].outcome is Outcome.CONNECT_FAILED
        opened = end if connecting else record["opened_at"]
        lookup, connect = resolved - record["started_at"], max(opened - resolved, 0.0)
    spent = {
        Cause.LOOKUP: lookup,
        Cause.CONNECT: connect,
        Cause.HANDLER: record["handler_time"] + (running if waiting == Waiting.HANDLER else 0.0),
        Cause.SEND: record["send_waited"] + (running if waiting == Waiting.SEND else 0.0),
        Cause.IDLE: record["idle_waited"] + (running if waiting == Waiting.NEXT_REQUEST else 0.0),
        Cause.CLOSE: record["close_waited"] + (running if waiting == Waiting.CLOSE else 0.0),
    }
    rest = end - record["started_at"] - sum(spent.values())
    return {**spent, Cause.RECEIVE: max(rest, 0.0), Cause.BUFFER: 0.0, Cause.UNACKNOWLEDGED: 0.0}


def _divide(spent: dict[Cause, float], kernel: Mapping[str, float]) -> None:
    """Move the seconds in which the kernel had data to send to the causes that held it back."""
    busy = kernel.get("busy_time", 0.0)
    if not busy:
        return
    window, buffer = kernel.get("rwnd_limited", 0.0), kernel.get("sndbuf_limited", 0.0)
    held = {Cause.SEND: window, Cause.BUFFER: buffer, Cause.UNACKNOWLEDGED: max(busy - window - buffer, 0.0)}
    seconds = spent[Cause.SEND]
    idle = sum(spent[cause] for cause in _FOR_PEER)
    beyond = max(busy - seconds, 0.0)
    if idle:
        moved = min(beyond * idle / (idle + spent[Cause.HANDLER]), idle)
        for cause in _FOR_PEER:
            spent[cause] -= moved * spent[cause] / idle
        seconds += moved
    spent[Cause.SEND] = 0.0
    all_held = sum(held.values())
    for cause, part in held.items():
        spent[cause] += seconds * part / all_held


_CONNECTING = (Waiting.RESOLVE, Waiting.CONNECT)
_FOR_PEER = (Cause.RECEIVE, Cause.IDLE, Cause.CLOSE)
