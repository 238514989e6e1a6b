"""Writes packets to a pcapng file as they pass, with the reasons for each as its comment.

Wireshark shows the comments: "retransmit: 1:1449, 1st retransmission, phase recovery", "lost: lost on the path".
"""

from collections.abc import Callable, Iterable

from netwright.core.moment import Moment
from netwright.wire.blocks import Interface, Record
from netwright.wire.pcapng import PcapngWriter

__all__ = ["INBOUND", "OUTBOUND", "RAW", "Recording", "comments_of"]

RAW = 101  # LINKTYPE_RAW: the packet begins with its IP header
INBOUND, OUTBOUND = 1, 2  # epb_flags, draft-ietf-opsawg-pcapng §4.3.1


def comments_of(reasons: Iterable[Moment], fate: str = "") -> tuple[str, ...]:
    """One line per moment, then the fate of the packet."""
    lines = [f"{moment.kind}: {moment.note}" if moment.note else str(moment.kind) for moment in reasons]
    return (*lines, fate) if fate else tuple(lines)


class Recording:
    """Writes a file of one interface; packets beyond ``limit`` bytes are only counted, in ``lost``.

    Args:
        write: called with the bytes of the file, piece by piece.
        epoch: seconds since 1970 at time 0 of the clock that ``packet`` uses.
    """

    def __init__(
        self, write: Callable[[bytes], object], *, name: str = "", epoch: float = 0.0, limit: int = 1 << 30
    ) -> None:
        self._write, self._epoch, self._room = write, epoch, limit
        self._writer, self._interface = PcapngWriter(), Interface(RAW, name=name)
        self.lost = 0
        write(self._writer.section() + self._writer.interface(self._interface))

    def packet(self, at: float, data: bytes, *, outbound: bool, reasons: Iterable[Moment] = (), fate: str = "") -> None:
        """Write a packet that was sent (``outbound``) or has arrived."""
        if self._room < len(data):
            self._room = 0  # a smaller one that still fits would leave a gap
            self.lost += 1
            return
        self._room -= len(data)
        flags, comments = OUTBOUND if outbound else INBOUND, comments_of(reasons, fate)
        at_ns = round((self._epoch + at) * 1e9)
        self._write(self._writer.record(Record(at_ns, data, len(data), self._interface, comments, flags=flags)))
