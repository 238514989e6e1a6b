"""A flow: both directions of one TCP connection, as a capture shows it."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from netwright.core.address import InetAddress

__all__ = ["Flow", "Position", "State", "Way", "WayRow", "flow_of"]

ONE_WAY = 10  # packets of one direction, none of the other: the capture sees one direction only
_RETRANSMISSIONS = ("retransmission", "fast_retransmission", "spurious_retransmission")  # exclude each other
WayRow = tuple[int, int, int, int, int, int, int, int, bool, int, int, tuple[int, ...]]
FlowRow = tuple[
    int, tuple[str, int], tuple[str, int], int, int, tuple[int, int], tuple[int, int, int], int, tuple[WayRow, WayRow]
]


class Position(StrEnum):
    """Where the capture was taken: at the end that answered at once in the handshake."""

    CLIENT = "client"
    SERVER = "server"
    BOTH = "both"  # the connection never left the machine
    MIDDLE = "middle"
    UNKNOWN = "unknown"  # the handshake was not seen whole


class State(StrEnum):
    """How far the connection came within the capture."""

    UNANSWERED = "unanswered"  # SYN, and nothing came back
    REFUSED = "refused"  # SYN, answered by RST
    HALF_OPEN = "half-open"  # SYN and SYN/ACK, and no third segment
    OPEN = "open"
    HALF_CLOSED = "half-closed"  # one FIN
    CLOSED = "closed"  # both FINs
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of a flow.

    Attributes:
        packets, data_packets: number of segments, and of those with data.
        data: bytes of payload, retransmitted ones included; ``again`` is the retransmitted part.
        rtt: (minimum, mean) round trip from the capture point to the receiver and back, seconds; None if not measured.
        ttl: TTL or hop limit of the last packet.
        fin: true if a FIN was captured.
        resets: number of RST segments.
        unseen: lower bound of segments that were sent and not captured, from gaps in the IP identification (mode
            "exact", IPv4 from Linux).
        counts: segments by verdict; verdicts that did not occur are left out.
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
    """One TCP connection.

    Attributes:
        number: counts from 0 in order of the first segment; ``Columns.flow`` and ``JudgedSegment.flow`` refer to it.
        guessed: true if no SYN was captured; the end with the lower port then counts as the server.
        started_at, ended_at: time of the first segment and latest time of a segment, seconds since the epoch.
        handshake: (SYN to SYN/ACK, SYN/ACK to ACK) in seconds; None unless all three were captured.
        initial_rtt: round trip of the handshake in seconds, SYN to the client's ACK; None if not measured.
        forward, backward: what the client sent, and what the server sent.
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
        """Seconds from ``started_at`` to ``ended_at``."""
        return self.ended_at - self.started_at

    @property
    def one_way(self) -> bool:
        """True if at least 10 packets of one direction were captured and none of the other: it takes another path."""
        packets = (self.forward.packets, self.backward.packets)
        return min(packets) == 0 and max(packets) >= ONE_WAY and self.state is not State.UNANSWERED

    @property
    def retransmissions(self) -> int:
        """Number of retransmitted segments, both directions together."""
        return sum(way.counts.get(name, 0) for way in (self.forward, self.backward) for name in _RETRANSMISSIONS)

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
    """The flow that an engine's row describes; ``names`` are the verdicts of its mode.

    A row has the direction that the smaller endpoint sends first.
    """
    number, low, high, client, position, span, handshake, initial_rtt, ways = row
    guessed = client == 2
    if guessed:
        client = int(low[1] < high[1])  # a server's port is usually the lower one
    ends = (low, high) if client == 0 else (high, low)
    syn, synack, established = handshake
    seen = min(syn, synack, established) >= 0
    return Flow(
        number=number,
        client=InetAddress(*ends[0]),
        server=InetAddress(*ends[1]),
        guessed=guessed,
        state=_state(
            ways[client], ways[1 - client], syn=syn >= 0 or synack >= 0, third=established >= 0 or initial_rtt >= 0
        ),
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


def _state(client: WayRow, server: WayRow, *, syn: bool, third: bool) -> State:
    """``third``: the third segment of the handshake was seen; a reset that answers a SYN looks the same."""
    established = third and server[0] > server[9]
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
