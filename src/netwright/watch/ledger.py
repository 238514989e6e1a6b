"""Where a connection's time went: every second on one account, twice.

The program's ledger says whom the program waited for; its shares add up to the connection's age.  The kernel's ledger
says what held the sender back while there was something to send: the chronographs of struct tcp_info (Linux 4.10).
Both look at the same time from two sides: a kernel sends on while a program computes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from netwright.core.record import Outcome, Waiting
from netwright.proto.feed import Record

__all__ = ["Account", "Share", "kernel_ledger", "program_ledger"]


_CONNECTING = (Waiting.RESOLVE, Waiting.CONNECT)


class Account(StrEnum):
    """Who has to act, in a few words."""

    LOOKUP = "name lookup"
    CONNECT = "peer to answer SYN"
    RECEIVE = "peer to send"
    HANDLER = "handler"
    SEND = "peer to read"
    RECEIVER = "receiver's window"
    BUFFER = "send buffer"
    PATH = "path: congestion window"
    IDLE = "nothing to send"


@dataclass(frozen=True, slots=True)
class Share:
    """Seconds of one account."""

    account: Account
    seconds: float


def program_ledger(record: Record, now: float) -> list[Share]:
    """The shares of a record, those of the wait that is on now included; empty ones are left out.

    ``now`` is on the record's clock; a closed record's ledger does not depend on it.
    """
    end = record["closed_at"] or now
    running = max(end - record["waiting_since"], 0.0) if record["waiting"] else 0.0
    waiting = record["waiting"]
    handler = record["handler_time"] + (running if waiting == Waiting.HANDLER else 0.0)
    send = record["send_waited"] + (running if waiting == Waiting.SEND else 0.0)
    lookup = connect = 0.0
    if record["role"] == "connected":
        resolved = record["resolved_at"] or (end if waiting == Waiting.RESOLVE else record["started_at"])
        connecting = waiting in _CONNECTING or record["ended"].outcome is Outcome.CONNECT_FAILED
        opened = end if connecting else record["opened_at"]
        lookup, connect = resolved - record["started_at"], max(opened - resolved, 0.0)
    receive = end - record["started_at"] - lookup - connect - handler - send
    return _shares(
        (Account.LOOKUP, lookup),
        (Account.CONNECT, connect),
        (Account.RECEIVE, receive),
        (Account.HANDLER, handler),
        (Account.SEND, send),
    )


def kernel_ledger(kernel: Mapping[str, float], age: float) -> list[Share]:
    """What held the kernel's sender back in ``age`` seconds; [] where the kernel keeps no chronographs."""
    if "busy_time" not in kernel:
        return []
    busy, window, buffer = kernel["busy_time"], kernel["rwnd_limited"], kernel["sndbuf_limited"]
    return _shares(
        (Account.RECEIVER, window),
        (Account.BUFFER, buffer),
        (Account.PATH, busy - window - buffer),
        (Account.IDLE, age - busy),
    )


def _shares(*parts: tuple[Account, float]) -> list[Share]:
    return [Share(account, seconds) for account, seconds in parts if seconds > 1e-9]
