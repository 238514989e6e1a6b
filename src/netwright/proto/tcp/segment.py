"""One TCP segment as a value (RFC 9293 §3.1), and arithmetic on sequence numbers.

Inside the endpoint sequence numbers and timestamps are unbounded: they grow and compare as integers do.  The wire has
32 bits: ``wrap`` cuts a segment that leaves, ``lift`` finds the number nearest to a known one for a segment that came.
Two endpoints of one process may hand each other segments as they are.
"""

from dataclasses import dataclass
from typing import Final

from netwright.proto.tcp.copying import Reduced, reduced

__all__ = [
    "ACK",
    "CE",
    "CWR",
    "ECE",
    "ECT",
    "FIN",
    "NOT_ECT",
    "PSH",
    "RST",
    "SYN",
    "TIMESTAMPS_SIZE",
    "URG",
    "Segment",
    "SynOptions",
    "flag_names",
    "lift",
    "nearest",
    "seq_before",
    "wrap",
]

FIN: Final = 1  # RFC 9293 §3.1
SYN: Final = 2
RST: Final = 4
PSH: Final = 8
ACK: Final = 16
URG: Final = 32
ECE: Final = 64  # RFC 3168 §6.1
CWR: Final = 128
NOT_ECT: Final = 0  # the ECN field of the IP header, RFC 3168 §5
ECT: Final = 2  # ECT(0)
CE: Final = 3

_NAMES = {SYN: "SYN", FIN: "FIN", RST: "RST", PSH: "PSH", ACK: "ACK", URG: "URG", ECE: "ECE", CWR: "CWR"}
_MODULUS: Final = 2**32
_HALF: Final = 2**31
_BASE_HEADER: Final = 20
TIMESTAMPS_SIZE: Final = 12  # 10 bytes and two NOPs, RFC 7323 appendix A
_SACK: Final = 4  # kind, length and two NOPs, RFC 2018 §3
_SACK_BLOCK: Final = 8  # two sequence numbers


@dataclass(frozen=True, slots=True)
class SynOptions:
    """The options of a SYN (RFC 9293 §3.2); None and False mean that an option is absent."""

    mss: int | None = None
    window_scale: int | None = None
    sack_permitted: bool = False

    def __reduce__(self) -> Reduced:
        return reduced(self)

    @property
    def size(self) -> int:
        """Bytes that the options take in the header, with padding."""
        return 4 * (self.mss is not None) + 4 * (self.window_scale is not None) + 4 * self.sack_permitted


class Segment:
    """A segment; do not change it once it is passed on.  Not a dataclass, because there is one per packet.

    Attributes:
        seq, ack: unbounded inside an endpoint, 32 bits on the wire; ack is 0 without the flag ACK.
        window: the field of the header, not scaled.
        timestamps: TSval and TSecr in milliseconds (RFC 7323 §3).
        sacks: ranges of bytes received beyond a hole, end excluded (RFC 2018 §3).
        ecn: the ECN field of the IP header around it (RFC 3168 §5).
    """

    __slots__ = ("ack", "data", "ecn", "flags", "sacks", "seq", "syn", "timestamps", "window")

    def __init__(
        self,
        seq: int,
        ack: int,
        flags: int,
        window: int,
        data: bytes = b"",
        timestamps: tuple[int, int] | None = None,
        sacks: tuple[tuple[int, int], ...] = (),
        syn: SynOptions | None = None,
        ecn: int = NOT_ECT,
    ) -> None:
        self.seq, self.ack, self.flags, self.window, self.data = seq, ack, flags, window, data
        self.timestamps, self.sacks, self.syn, self.ecn = timestamps, sacks, syn, ecn

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segment) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[object, ...]:
        head = (self.seq, self.ack, self.flags, self.window)
        return (*head, self.data, self.timestamps, self.sacks, self.syn, self.ecn)

    def __reduce__(self) -> tuple[type["Segment"], tuple[object, ...]]:
        return Segment, self._values()

    def __repr__(self) -> str:
        return f"<Segment {self}>"

    @property
    def length(self) -> int:
        """SEG.LEN: how many sequence numbers the segment occupies (RFC 9293 §3.4)."""
        return len(self.data) + (1 if self.flags & SYN else 0) + (1 if self.flags & FIN else 0)

    @property
    def size(self) -> int:
        """Bytes of the segment with its TCP header."""
        size = _BASE_HEADER + len(self.data)
        if self.timestamps is not None:
            size += TIMESTAMPS_SIZE
        if self.sacks:
            size += _SACK + _SACK_BLOCK * len(self.sacks)
        return size if self.syn is None else size + self.syn.size

    def altered(self, *, flags: int | None = None, ecn: int | None = None) -> "Segment":
        """Return a copy with other flags, or another ECN field."""
        flags, ecn = self.flags if flags is None else flags, self.ecn if ecn is None else ecn
        return Segment(self.seq, self.ack, flags, self.window, self.data, self.timestamps, self.sacks, self.syn, ecn)

    def __str__(self) -> str:
        text = f"{flag_names(self.flags)} {self.seq}:{self.seq + self.length}({len(self.data)})"
        if self.flags & ACK:
            text += f" ack {self.ack}"
        text += f" win {self.window}"
        return text + (f" sack {' '.join(f'{start}:{end}' for start, end in self.sacks)}" if self.sacks else "")


def flag_names(flags: int) -> str:
    """``SYN,ACK``, or ``-`` for none."""
    return ",".join(name for bit, name in _NAMES.items() if flags & bit) or "-"


def seq_before(a: int, b: int) -> bool:
    """True if the 32-bit number ``a`` precedes ``b`` (RFC 9293 §3.4)."""
    return 0 < (b - a) % _MODULUS < _HALF


def nearest(number: int, known: int) -> int:
    """The unbounded number with the 32 bits of ``number`` that is closest to ``known``."""
    distance = (number - known) % _MODULUS
    return known + (distance if distance < _HALF else distance - _MODULUS)


def wrap(segment: Segment) -> Segment:
    """Return the segment with 32-bit numbers."""
    stamps = segment.timestamps
    return Segment(
        segment.seq % _MODULUS,
        segment.ack % _MODULUS,
        segment.flags,
        segment.window,
        segment.data,
        None if stamps is None else (stamps[0] % _MODULUS, stamps[1] % _MODULUS),
        tuple((start % _MODULUS, end % _MODULUS) for start, end in segment.sacks),
        segment.syn,
        segment.ecn,
    )


def lift(segment: Segment, *, seq: int, ack: int, stamp: int, echo: int) -> Segment:
    """Return the segment with unbounded numbers; the arguments are known numbers close to those in it.

    Args:
        seq: of the peer's bytes, its RCV.NXT here.
        ack: of our bytes, SND.UNA.
        stamp: the peer's last timestamp.
        echo: a timestamp of ours.
    """
    stamps = segment.timestamps
    return Segment(
        nearest(segment.seq, seq),
        nearest(segment.ack, ack) if segment.flags & ACK else 0,
        segment.flags,
        segment.window,
        segment.data,
        None if stamps is None else (nearest(stamps[0], stamp), nearest(stamps[1], echo)),
        tuple((nearest(start, ack), nearest(end, ack)) for start, end in segment.sacks),
        segment.syn,
        segment.ecn,
    )
