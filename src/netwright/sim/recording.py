"""A pcapng file of packets as they pass, with what is known about each as its comment.  No I/O of its own.

Wireshark shows the comments: "retransmit: 1:1449 for the 1. time, fast recovery", "lost: lost on the path".
"""

from collections.abc import Callable, Iterable

from netwright.core.moment import Moment
from netwright.wire.blocks import Interface, Record
from netwright.wire.pcapng import PcapngWriter

__all__ = ["INBOUND", "OUTBOUND", "RAW", "Recording", "comments_of"]

RAW = 101  # LINKTYPE_RAW: the packet begins with its IP header
INBOUND, OUTBOUND = 1, 2  # epb_flags, draft-ietf-opsawg-pcapng §4.3.1


def comments_of(reasons: Iterable[Moment], fate: str = "") -> tuple[str, ...]:
    """One line for each moment, then what became of the packet."""
    lines = [f"{moment.kind}: {moment.note}" if moment.note else str(moment.kind) for moment in reasons]
    return (*lines, fate) if fate else tuple(lines)


class Recording:
    """Writes a file of one interface; after ``limit`` bytes of packets the rest is only counted, in ``lost``.

    Args:
        write: gets the bytes of the file, piece by piece.
        epoch: seconds since 1970 at time 0 of the clock that ``packet`` is told.
    """

    def __init__(
        self, write: Callable[[bytes], object], *, name: str = "", epoch: float = 0.0, limit: int = 1 << 30
    ) -> None:
        self._write, self._epoch, self._room = write, epoch, limit
        self._writer, self._interface = PcapngWriter(), Interface(RAW, name=name)
        self.lost = 0
        write(self._writer.section() + self._writer.interface(self._interface))

    def packet(self, at: float, data: bytes, *, outbound: bool, reasons: Iterable[Moment] = (), fate: str = "") -> None:
        """One that was sent (``outbound``) or has arrived."""
        if self._room < len(data):
            self._room = 0  # a smaller one that still fits would leave a gap
            self.lost += 1
            return
        self._room -= len(data)
        flags, comments = OUTBOUND if outbound else INBOUND, comments_of(reasons, fate)
        at_ns = round((self._epoch + at) * 1e9)
        self._write(self._writer.record(Record(at_ns, data, len(data), self._interface, comments, flags=flags)))
