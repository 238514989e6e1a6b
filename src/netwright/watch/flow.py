"""A flow: both directions of one TCP connection as a capture shows it.  Values only, no I/O."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from netwright.core.address import InetAddress

__all__ = ["Flow", "Position", "State", "Way", "WayRow", "flow_of"]

ONE_WAY = 10  # packets of one direction alone
WayRow = tuple[int, int, int, int, int, int, int, int, bool, int, int, tuple[int, ...]]
FlowRow = tuple[
    int, tuple[str, int], tuple[str, int], int, int, tuple[int, int], tuple[int, int, int], int, tuple[WayRow, WayRow]
]


class Position(StrEnum):
    """Where the capture was taken, judged by whose answers came at once in the handshake."""

    CLIENT = "client"
    SERVER = "server"
    BOTH = "both"  # the connection never left the machine
    MIDDLE = "middle"
    UNKNOWN = "unknown"  # the handshake was not seen whole


class State(StrEnum):
    """How far the connection came in the capture (RFC 9293 §3.3.2, as a stranger sees it)."""

    UNANSWERED = "unanswered"  # SYN, and nothing came back
    REFUSED = "refused"  # SYN, answered by RST
    HALF_OPEN = "half-open"  # SYN and SYN/ACK, and no third segment
    OPEN = "open"
    HALF_CLOSED = "half-closed"  # one FIN
    CLOSED = "closed"  # both FINs
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Way:
    """One direction: what its sender sent, as far as the capture has it.

    Attributes:
        data: bytes of payload, those sent again included; ``again`` is the part sent again.
        rtt: (least, mean) of its data's round trips from the capture point and back, seconds; None without one.
        unseen: segments that the sender numbered and that never came by (mode "exact", IPv4 of Linux): a lower bound.
        resets: number of RST segments.
        counts: segments by verdict, zeros left out.
    """

    packets: int
    data_packets: int
    data: int
    again: int
    rtt: tuple[float, float] | None
    ttl: int
    fin: bool
    resets: int
    unseen: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Flow:
    """``forward`` is what ``client`` sent.  Without a SYN the lower port is taken for the server's: ``guessed``.

    Attributes:
        number: in order of first sight; ``columns`` refer to it.
        started_at, ended_at: first and last segment, seconds since the epoch.
        handshake: (SYN to SYN/ACK, SYN/ACK to ACK) in seconds, None if one of them was not seen.
        initial_rtt: SYN to ACK, seconds, as this mode measures it.
    """

    number: int
    client: InetAddress
    server: InetAddress
    guessed: bool
    state: State
    position: Position
    started_at: float
    ended_at: float
    handshake: tuple[float, float] | None
    initial_rtt: float | None
    forward: Way
    backward: Way

    @property
    def duration(self) -> float:
        """Seconds from the first to the last segment."""
        return self.ended_at - self.started_at

    @property
    def one_way(self) -> bool:
        """True if the capture has one direction only, and enough of it to say so: the other takes another path."""
        packets = (self.forward.packets, self.backward.packets)
        return min(packets) == 0 and max(packets) >= ONE_WAY and self.state is not State.UNANSWERED

    @property
    def retransmissions(self) -> int:
        """Of both directions."""
        return sum(way.counts.get("retransmission", 0) for way in (self.forward, self.backward))

    def __repr__(self) -> str:
        return (
            f"<Flow {self.number} {self.client} {self.server} {self.state.value}"
            f" out={self.forward.data} in={self.backward.data} again={self.retransmissions}>"
        )

    def as_dict(self) -> dict[str, Any]:
        """The flow as JSON values."""
        texts = {"client": str(self.client), "server": str(self.server)}
        return asdict(self) | texts | {"duration": self.duration, "one_way": self.one_way}


def flow_of(row: FlowRow, names: tuple[str, ...]) -> Flow:
    """A flow from an engine's row, the smaller endpoint's direction first; ``names`` are the mode's verdicts."""
    number, low, high, client, position, span, handshake, initial_rtt, ways = row
    guessed = client == 2
    if guessed:
        client = int(low[1] < high[1])  # the client's port is rarely the lower one
    ends = (low, high) if client == 0 else (high, low)
    syn, synack, established = handshake
    seen = min(syn, synack, established) >= 0
    return Flow(
        number=number,
        client=InetAddress(*ends[0]),
        server=InetAddress(*ends[1]),
        guessed=guessed,
        state=_state(syn >= 0 or synack >= 0, established >= 0, ways[client], ways[1 - client]),
        position=_position(position, client, seen=seen),
        started_at=span[0] / 1e9,
        ended_at=span[1] / 1e9,
        handshake=((synack - syn) / 1e9, (established - synack) / 1e9) if seen else None,
        initial_rtt=initial_rtt / 1e9 if initial_rtt >= 0 else None,
        forward=_way(ways[client], names),
        backward=_way(ways[1 - client], names),
    )


def _way(row: WayRow, names: tuple[str, ...]) -> Way:
    packets, data_packets, data, again, least, total, samples, ttl, fin, resets, unseen, counts = row
    return Way(
        packets=packets,
        data_packets=data_packets,
        data=data,
        again=again,
        rtt=(least / 1e9, total / samples / 1e9) if samples else None,
        ttl=ttl,
        fin=fin,
        resets=resets,
        unseen=unseen,
        counts={name: count for name, count in zip(names, counts, strict=False) if count},
    )


def _state(syn: bool, established: bool, client: WayRow, server: WayRow) -> State:
    resets, fins = client[9] + server[9], client[8] + server[8]
    if syn and not established and not server[0]:
        return State.UNANSWERED
    if resets:
        refused = syn and not established and server[9] and server[0] == server[9]
        return State.REFUSED if refused else State.RESET
    if fins:
        return State.CLOSED if fins == 2 else State.HALF_CLOSED
    return State.HALF_OPEN if syn and not established else State.OPEN


def _position(bits: int, client: int, *, seen: bool) -> Position:
    if bits & 3 == 3:
        return Position.BOTH
    if bits & 1 << client:
        return Position.CLIENT
    if bits & 2 >> client:
        return Position.SERVER
    return Position.MIDDLE if seen else Position.UNKNOWN
