"""The kernel's view of the console's connections: matched by their addresses, explained in sentences.  No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from netwright.console.explain import Finding
from netwright.core.address import InetAddress
from netwright.wire.fields import address_text
from netwright.wire.inet_diag import DiagSocket
from netwright.wire.tcp_info import TcpState

__all__ = ["View", "by_addresses", "explain_kernel", "kernel_values", "view_of"]

RETRANSMITTED = 0.01  # share of segments above which loss is worth saying
LIMITED = 0.1  # share of the time with something to send


@dataclass(frozen=True, slots=True)
class View:
    """What a row shows: the kernel's state, smoothed round trip (RFC 6298 §2) in seconds, segments, and bytes.

    ``unread`` waits for the program, ``unsent`` for the peer's acknowledgement or window.
    """

    tcp: str
    rtt: float
    cwnd: int
    rtx: int
    unread: int
    unsent: int


def by_addresses(sockets: Iterable[DiagSocket]) -> dict[tuple[str, str], DiagSocket]:
    """Sockets by local and peer address in the text form of records."""
    return {
        (_text(entry.source, entry.source_port), _text(entry.destination, entry.destination_port)): entry
        for entry in sockets
    }


def _text(packed: bytes, port: int) -> str:
    return str(InetAddress(address_text(packed), port))


def view_of(entry: DiagSocket) -> View:
    """Times to two digits: what does not change is not told again."""
    info = entry.info
    rtt = float(f"{info.rtt:.2g}") if info is not None else 0.0
    cwnd, rtx = (info.snd_cwnd, info.total_retrans) if info is not None else (0, 0)
    return View(_state(entry), rtt, cwnd, rtx, entry.receive_queue, entry.send_queue)


def _state(entry: DiagSocket) -> str:
    return TcpState(entry.state).name if entry.state in TcpState.__members__.values() else str(entry.state)


def kernel_values(entry: DiagSocket) -> dict[str, Any]:
    """Everything that the kernel told, as JSON values: seconds, bytes, segments."""
    info = entry.info
    told: dict[str, Any] = info.as_dict() if info is not None else {}
    told |= {"state_name": _state(entry), "congestion": entry.congestion}
    return told | {"receive_queue": entry.receive_queue, "send_queue": entry.send_queue}


def explain_kernel(entry: DiagSocket) -> list[Finding]:
    """What the kernel knows and the program cannot: loss, full windows, who does not read, who does not close."""
    found = []
    if entry.state == TcpState.CLOSE_WAIT:
        text = "it sent FIN (CLOSE_WAIT); this side has not closed."
        found.append(Finding("The peer has finished", text, advice="the handler ends when its read gives b''"))
    if entry.receive_queue:
        text = f"{entry.receive_queue} bytes wait in the kernel."
        found.append(Finding("The program has not read", text, advice="it is busy, or waits for something else"))
    info = entry.info
    if info is None:
        return found
    if info.total_retrans > RETRANSMITTED * (info.segs_out or 0):
        text = f"{info.total_retrans} of {info.segs_out or 'unknown'} segments were sent again."
        found.append(Finding("The path loses segments", text, advice=f"round trip {info.rtt * 1000:.1f} ms"))
    busy = info.busy_time or 0.0
    if busy and (info.rwnd_limited or 0.0) > LIMITED * busy:
        text = "with something to send, its window was full (RFC 9293 §3.8.6)."
        found.append(Finding("The peer reads slowly", text, info.rwnd_limited or 0.0))
    if busy and (info.sndbuf_limited or 0.0) > LIMITED * busy:
        text = "it was full while the path could take more."
        found.append(Finding("The send buffer is small", text, info.sndbuf_limited or 0.0))
    return found
