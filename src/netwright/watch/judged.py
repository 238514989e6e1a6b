"""One TCP segment of a capture with the verdicts on it, as text and JSON show it."""

from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any, Final

from netwright.core.address import InetAddress
from netwright.watch.segment import ACK, SYN
from netwright.watch.verdicts import NAMES, Mode

__all__ = ["JudgedSegment", "SegmentReader", "SegmentRow"]

_FLAGS: Final = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE")  # RFC 9293 §3.1, RFC 9768 §2.1
_MODULUS: Final = 2**32
# frame, time, flow, verdict bits, round trip; source and target; seq, ack, length, TCP flags
SegmentRow = tuple[int, int, int, int, int, tuple[str, int], tuple[str, int], int, int, int, int]


@dataclass(frozen=True, slots=True)
class JudgedSegment:
    """A TCP segment and the verdicts on it.

    Attributes:
        frame: number of its packet in the file, from 1, as Wireshark counts; of a fragmented datagram the last one.
        at: seconds since the epoch.
        flow: number of its connection, as in ``Report.flows``.
        from_client: true if the client sent it; without a SYN the end with the lower port counts as the server.
        seq, ack: relative to the connection's first sequence numbers, as Wireshark shows them.
        raw_seq, raw_ack: as in the TCP header.
        length: bytes of data.
        flags: names of the TCP flags that are set.
        verdicts: names; empty for a segment with nothing unusual.
        rtt: round trip in seconds that its acknowledgment ends, or None.
    """

    frame: int
    at: float
    flow: int
    source: InetAddress
    target: InetAddress
    from_client: bool
    seq: int
    ack: int
    raw_seq: int
    raw_ack: int
    length: int
    flags: tuple[str, ...]
    verdicts: tuple[str, ...]
    rtt: float | None

    def as_dict(self) -> dict[str, Any]:
        """The segment as JSON values."""
        return asdict(self) | {"source": str(self.source), "target": str(self.target)}


@dataclass(slots=True)
class _Start:
    """How a connection began in the capture: its client and the sequence numbers that count as 0."""

    client: tuple[str, int]
    bases: dict[tuple[str, int], int]


class SegmentReader:
    """Turns an engine's rows into segments; remembers the start of at most ``max_flows`` connections."""

    def __init__(self, mode: Mode, *, max_flows: int) -> None:
        self._names, self._max_flows = NAMES[mode], max_flows
        self._starts: OrderedDict[int, _Start] = OrderedDict()  # least recently used first

    def read(self, row: SegmentRow) -> JudgedSegment:
        """The segment of one row."""
        frame, at, flow, verdicts, rtt, source, target, seq, ack, length, flags = row
        start = self._start(row)
        acked = (ack - start.bases[target]) % _MODULUS if flags & ACK else 0
        return JudgedSegment(
            frame=frame,
            at=at / 1e9,
            flow=flow,
            source=InetAddress(*source),
            target=InetAddress(*target),
            from_client=source == start.client,
            seq=(seq - start.bases[source]) % _MODULUS,
            ack=acked,
            raw_seq=seq,
            raw_ack=ack,
            length=length,
            flags=tuple(name for bit, name in enumerate(_FLAGS) if flags >> bit & 1),
            verdicts=tuple(name for bit, name in enumerate(self._names) if verdicts >> bit & 1),
            rtt=rtt / 1e9 if rtt >= 0 else None,
        )

    def _start(self, row: SegmentRow) -> _Start:
        flow, source, target, seq, ack, flags = row[2], row[5], row[6], row[7], row[8], row[10]
        start = self._starts.get(flow)
        if start is None:
            start = self._starts[flow] = _Start(_client(source, target, flags), {})
            if len(self._starts) > self._max_flows:
                self._starts.popitem(last=False)
        self._starts.move_to_end(flow)
        start.bases.setdefault(source, seq if flags & SYN else seq - 1)
        if flags & ACK:
            start.bases.setdefault(target, ack - 1)
        return start


def _client(source: tuple[str, int], target: tuple[str, int], flags: int) -> tuple[str, int]:
    """The sender of the SYN; without one the end with the higher port."""
    if flags & SYN:
        return target if flags & ACK else source
    return source if source[1] >= target[1] else target
