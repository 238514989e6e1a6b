"""The kernel's view of the console's connections: matched by their addresses, explained in sentences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from netwright.console.explain import Finding
from netwright.core.address import InetAddress
from netwright.proto.feed import Record
from netwright.wire.fields import address_text
from netwright.wire.inet_diag import DiagSocket
from netwright.wire.tcp_info import TcpState

__all__ = ["View", "by_addresses", "explain_kernel", "kernel_values", "recorded_values", "view_of"]

RETRANSMITTED = 0.01  # share of segments above which loss is worth saying


@dataclass(frozen=True, slots=True)
class View:
    """The kernel's values in a row: state, smoothed round trip (RFC 6298 §2) in seconds, segments, bytes.

    ``unread`` waits for the program, ``unsent`` for the peer's acknowledgement or window.
    """

    tcp: str
    rtt: float
    cwnd: int
    rtx: int
    unread: int
    unsent: int


def by_addresses(sockets: Iterable[DiagSocket]) -> dict[tuple[str, str], DiagSocket]:
    """Return sockets by local and peer address, in the text form of records."""
    return {
        (_text(entry.source, entry.source_port), _text(entry.destination, entry.destination_port)): entry
        for entry in sockets
    }


def _text(packed: bytes, port: int) -> str:
    return str(InetAddress(address_text(packed), port))


def view_of(told: Mapping[str, Any]) -> View:
    """Reduce ``kernel_values`` to a View; times have two digits, so that noise does not count as a change."""
    return View(
        told["state_name"],
        float(f"{told.get('rtt', 0.0):.2g}"),
        int(told.get("snd_cwnd", 0)),
        int(told.get("total_retrans", 0)),
        told.get("receive_queue", 0),
        told.get("send_queue", 0),
    )


def kernel_values(entry: DiagSocket) -> dict[str, Any]:
    """Return all values of inet_diag as JSON values: seconds, bytes, segments."""
    info = entry.info
    told: dict[str, Any] = info.as_dict() if info is not None else {}
    told |= {"state_name": _state(entry.state), "congestion": entry.congestion}
    return told | {"receive_queue": entry.receive_queue, "send_queue": entry.send_queue}


def recorded_values(record: Record) -> dict[str, Any]:
    """Return the same values from the record, where the worker read them; also for connections that have ended."""
    told = record["kernel"]
    return {**told, "state_name": _state(int(told["state"]))} if told else {}


def _state(number: int) -> str:
    return TcpState(number).name if number in TcpState.__members__.values() else str(number)


def explain_kernel(told: Mapping[str, Any]) -> list[Finding]:
    """Return findings from the kernel's view of a live connection: loss, a program that does not read or close.

    Of one that has ended nothing is said: its last view was taken in the middle of closing.
    """
    found = []
    if told.get("state_name") == TcpState.CLOSE_WAIT.name:
        text = "it sent FIN (CLOSE_WAIT); this side has not closed."
        found.append(Finding("The peer has finished", text, advice="the handler ends when its read gives b''"))
    if told.get("receive_queue"):
        text = f"{told['receive_queue']} bytes wait in the kernel."
        found.append(Finding("The program has not read", text, advice="it is busy, or waits for something else"))
    again, sent = told.get("total_retrans", 0), told.get("segs_out", 0)
    if again > RETRANSMITTED * sent:
        text = f"{again} segments{f' of {sent}' if sent else ''} were retransmitted."
        found.append(Finding("The path loses segments", text, advice=f"round trip {told['rtt'] * 1000:.1f} ms"))
    return found
