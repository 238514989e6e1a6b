"""A record of a simulated run: every packet as each host saw it, with the reason why it was sent; as pcapng.

Wireshark shows the reasons as packet comments: "retransmit: 3 duplicate acknowledgements", "lost on the path".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from netwright.core.errors import UsageError
from netwright.core.moment import Moment
from netwright.proto.tcp.congestion.window import INFINITE
from netwright.proto.tcp.segment import Segment
from netwright.proto.tcp.sender import Sender
from netwright.sim.codec import Flow, serialize
from netwright.sim.recording import INBOUND, OUTBOUND, RAW, comments_of
from netwright.wire.blocks import Interface, Record
from netwright.wire.pcapng import PcapngWriter

__all__ = ["HOSTS", "Gauge", "Seen", "Trace", "write_pcapng"]

HOSTS = ("client", "server")
_FLOW = Flow(b"\x0a\0\0\x01", 40000, b"\x0a\0\0\x02", 80)


@dataclass(slots=True)
class Seen:
    """A packet at a host, in seconds; ``sent`` there, or else it arrived there.

    Attributes:
        reasons: the decisions that caused it; for a packet that arrived, the decisions that it caused.
        fate: what happened to it on the path; "" if it arrived unharmed.
        ident: number of the packet among those that its sender sent; its low 16 bits are IPv4's identification.
    """

    at: float
    host: int
    segment: Segment
    sent: bool
    ident: int
    reasons: list[Moment] = field(default_factory=list)
    fate: str = ""


@dataclass(frozen=True, slots=True)
class Gauge:
    """The state of a sender at an instant.

    ``cwnd``, ``ssthresh`` (None: infinite) and ``flight`` (RFC 6675's pipe: neither SACKed nor lost) are in segments,
    ``unsent`` is in bytes, ``srtt`` in seconds (0: no sample yet).
    """

    at: float
    host: int
    cwnd: int
    ssthresh: int | None
    flight: int
    unsent: int
    srtt: float


class Trace:
    """The first ``limit`` packets; ``lost`` counts those that came later.  A packet that arrives is seen twice.

    ``gauges``: the senders over time, as long as no packet was lost here.
    """

    def __init__(self, *, limit: int = 1_000_000) -> None:
        if limit < 1:
            raise UsageError(f"limit={limit}, 1 or more allowed")
        self.limit, self.lost = limit, 0
        self._seen: list[Seen] = []
        self._sent = [0, 0]
        self.gauges: list[Gauge] = []

    def __len__(self) -> int:
        return len(self._seen)

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._seen)

    def __repr__(self) -> str:
        return f"<Trace {len(self)} packets, {self.lost} lost>"

    def sent(self, at: float, host: int, segment: Segment, reasons: list[Moment]) -> Seen:
        """Record a packet that leaves ``host``; its fate may be set later."""
        self._sent[host] += 1
        return self._add(Seen(at, host, segment, True, self._sent[host], reasons))

    def arrived(self, at: float, host: int, segment: Segment, origin: Seen) -> None:
        """Record that a packet arrived at ``host``, perhaps marked on the way."""
        self._add(Seen(at, host, segment, False, origin.ident))

    def gauge(self, at: float, host: int, sender: Sender) -> None:
        """Record the state of a host's sender."""
        if not self.lost:
            threshold = None if sender.window.ssthresh == INFINITE else sender.window.ssthresh
            self.gauges.append(
                Gauge(at, host, sender.window.cwnd, threshold, sender.board.in_flight, sender.unsent, sender.rtt.srtt)
            )

    def explain(self, moments: list[Moment]) -> None:
        """Add decisions to the last packet that arrived: those that caused no segment."""
        if self._seen and not self.lost:
            self._seen[-1].reasons += moments

    def _add(self, seen: Seen) -> Seen:
        if len(self._seen) < self.limit:
            self._seen.append(seen)
        else:
            self.lost += 1
        return seen


def write_pcapng(trace: Trace, *, flow: Flow = _FLOW, hosts: Sequence[str] = HOSTS) -> Iterator[bytes]:
    """The pieces of a pcapng file: an interface for each of ``hosts``, and the packets in the order of time.

    ``flow`` names the way from the client to the server.

    Raises:
        UsageError: a host that is neither "client" nor "server".
    """
    if unknown := set(hosts) - set(HOSTS):
        raise UsageError(f"hosts: {', '.join(sorted(unknown))}, {' and '.join(HOSTS)} allowed")
    writer = PcapngWriter()
    missing = (f"{trace.lost} packets beyond the limit of {trace.limit} are not here",) if trace.lost else ()
    yield writer.section(comments=missing)
    interfaces = [Interface(RAW, name=name) for name in hosts]
    for interface in interfaces:
        yield writer.interface(interface)
    indices = {HOSTS.index(name): index for index, name in enumerate(hosts)}
    for seen in trace:
        index = indices.get(seen.host)
        if index is None:
            continue
        way = flow if seen.sent == (seen.host == 0) else flow.reversed()
        data = serialize(seen.segment, way, ident=seen.ident & 0xFFFF)
        comments = comments_of(seen.reasons, seen.fate)
        flags = OUTBOUND if seen.sent else INBOUND
        yield writer.record(
            Record(round(seen.at * 1e9), data, len(data), interfaces[index], comments, flags=flags), index
        )
