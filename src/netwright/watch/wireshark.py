"""The verdicts of Wireshark 4.0 on a TCP segment (its ``tcp.analysis`` flags), rule by rule.

The rules are reproduced exactly, also where they guess wrong, so that results can be compared; ``exact.py`` says what
the sending TCP did.  Difference: ``retransmission`` excludes fast and spurious ones; tshark sets it on those too.
"""

from dataclasses import dataclass, field
from typing import Final

from netwright.watch.segment import ACK, FIN, RST, SYN, Segment

__all__ = ["Unacked", "WiresharkFlow", "WiresharkHalf"]

(
    RETRANSMISSION,
    FAST_RETRANSMISSION,
    SPURIOUS_RETRANSMISSION,
    OUT_OF_ORDER,
    LOST_SEGMENT,
    ACK_LOST_SEGMENT,
    DUPLICATE_ACK,
    ZERO_WINDOW,
    WINDOW_FULL,
    WINDOW_UPDATE,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    ZERO_WINDOW_PROBE,
    ZERO_WINDOW_PROBE_ACK,
    REUSED_PORTS,
) = (1 << bit for bit in range(15))
FAST_WITHIN: Final = 20_000_000  # ns after the last acknowledgment
UNKNOWN_RTT: Final = 3_000_000  # ns; limit of reordering while the handshake's round trip is unknown
UNACKED: Final = 4096  # unacknowledged segments of a direction; further ones get no round trip
_MASK: Final = 0xFFFFFFFF
_UNKNOWN, _NOT_OFFERED = -1, -2  # window scale
# Number of duplicates after an acknowledgment of data not captured; unsigned in Wireshark, so that it counts as many.
_BROKEN: Final = -1


def before(a: int, b: int) -> bool:
    """True if ``a`` precedes ``b`` modulo 2**32 (RFC 9293 §3.4)."""
    return (a - b) & _MASK >= 0x80000000


@dataclass(slots=True)
class Unacked:
    """A segment that is not acknowledged yet."""

    seq: int
    end: int
    at: int


@dataclass(slots=True)
class WiresharkHalf:
    """One direction; a sequence number of 0 means unset, as in Wireshark."""

    base: int | None = None
    next: int = 0
    expected: int = 0
    last_ack: int = 0
    last_flags: int = 0
    window: int = _MASK
    duplicates: int = 0
    shift: int = _UNKNOWN
    next_at: int = 0
    ack_at: int = 0
    unscaled: bool = False
    unacked: list[Unacked] = field(default_factory=list)


@dataclass(slots=True)
class WiresharkFlow:
    """State of a flow in mode "wireshark"."""

    ways: tuple[WiresharkHalf, WiresharkHalf] = field(default_factory=lambda: (WiresharkHalf(), WiresharkHalf()))
    client: int = 2  # direction of the SYN; 2 is unknown
    syn_at: int = -1
    initial_rtt: int = -1

    def reuses(self, s: Segment) -> tuple[bool, int]:
        """True if a SYN begins another connection on the same ports; also the flag that the SYN gets."""
        own = self.ways[s.direction]
        if own.base is None:
            return False, 0
        if own.base == s.seq:
            if not s.flags & ACK:
                own.next = own.expected
            return False, 0
        if s.flags & ACK:
            own.base = s.seq
            return False, REUSED_PORTS
        return True, REUSED_PORTS

    def judge(self, s: Segment, at: int, flags: int) -> tuple[int, int]:
        """Return the segment's flags and the round trip that its acknowledgment ends, in ns; -1 if it ends none."""
        own, peer = self.ways[s.direction], self.ways[1 - s.direction]
        if own.base is None:
            own.base = (s.seq if s.flags & SYN else s.seq - 1) & _MASK
        if peer.base is None and s.flags & ACK:
            peer.base = (s.ack - 1) & _MASK
        flags |= _window_and_acks(own, peer, s)
        if s.ack != own.last_ack:
            own.duplicates = 0
        if peer.expected and before(peer.expected, s.ack) and s.flags & ACK:
            flags |= _ack_of_unseen(peer)
        if (s.length or s.flags & (SYN | FIN)) and not flags & KEEP_ALIVE:
            flags |= self._repetition(own, peer, s, at)
        _advance(own, s, at, flags)
        own.window, own.last_ack, own.ack_at, own.last_flags = s.window, s.ack, at, flags
        rtt = _acknowledge(peer, s.ack, at)
        self._handshake(own, peer, s, at)
        return flags, rtt

    def _repetition(self, own: WiresharkHalf, peer: WiresharkHalf, s: Segment, at: int) -> int:
        end = (s.seq + s.length) & _MASK
        old = own.next != 0 and before(s.seq, own.next) and not (s.length > 1 and (own.next - 1) & _MASK == s.seq)
        if s.length and peer.last_ack and not before(peer.last_ack, end):
            return SPURIOUS_RETRANSMISSION
        if not old:
            return 0
        if (
            (peer.duplicates >= 2 or peer.duplicates == _BROKEN)
            and peer.last_ack == s.seq
            and 0 <= at - peer.ack_at < FAST_WITHIN
        ):
            return FAST_RETRANSMISSION
        marked = 1 if s.flags & (SYN | FIN) else 0
        within = self.initial_rtt if self.initial_rtt > 0 else UNKNOWN_RTT
        if 0 <= at - own.next_at < within and own.next != (end + marked) & _MASK:
            return OUT_OF_ORDER
        return RETRANSMISSION

    def _handshake(self, own: WiresharkHalf, peer: WiresharkHalf, s: Segment, at: int) -> None:
        if s.flags & SYN:
            self.client = 1 - s.direction if s.flags & ACK else s.direction
            if not s.flags & ACK:
                self.syn_at = at
            own.unscaled = True  # the window of a SYN is never scaled, RFC 7323 §2.2
            shift = _window_scale(s.options)
            own.shift = own.shift if shift is None else min(shift, 14)
            if own.shift == _UNKNOWN:
                own.shift = peer.shift = _NOT_OFFERED
            elif s.flags & ACK and peer.shift == _NOT_OFFERED:
                own.shift = _NOT_OFFERED
        elif s.flags & ACK:
            if self.syn_at >= 0 and self.initial_rtt < 0:
                self.initial_rtt = at - self.syn_at
            own.unscaled = False


def _window_and_acks(own: WiresharkHalf, peer: WiresharkHalf, s: Segment) -> int:
    """Flags for zero windows and their probes, keep-alives, full windows, window updates, duplicate ACKs and gaps."""
    if s.length == 1 and s.seq == own.next and peer.window == 0:
        return ZERO_WINDOW_PROBE
    flags, marked = 0, s.flags & (SYN | FIN | RST)
    if own.next and before(own.next, s.seq) and not s.flags & RST:
        flags |= LOST_SEGMENT
    if marked:
        return flags
    if s.window == 0:
        flags |= ZERO_WINDOW
    if s.length <= 1 and s.seq == (own.next - 1) & _MASK:
        flags |= KEEP_ALIVE
    if s.length and peer.shift != _UNKNOWN:
        shift = 0 if peer.unscaled or peer.shift == _NOT_OFFERED else peer.shift
        if (s.seq + s.length) & _MASK == (peer.last_ack + (peer.window << shift)) & _MASK:
            flags |= WINDOW_FULL
    if s.length == 0 and s.seq == own.next and s.ack == own.last_ack:
        flags |= _repeated_ack(own, peer, s)
    return flags


def _repeated_ack(own: WiresharkHalf, peer: WiresharkHalf, s: Segment) -> int:
    if s.window != own.window:
        return WINDOW_UPDATE if s.window else 0
    if s.window and peer.last_flags & KEEP_ALIVE:
        return KEEP_ALIVE_ACK
    if s.window == 0:
        return ZERO_WINDOW_PROBE_ACK if peer.last_flags & ZERO_WINDOW_PROBE else 0
    own.duplicates = 1 if own.duplicates == _BROKEN else own.duplicates + 1
    return DUPLICATE_ACK


def _ack_of_unseen(peer: WiresharkHalf) -> int:
    """Flags for an ACK beyond the data captured in order: segments were not captured, or are out of order."""
    if before(peer.expected, peer.next):
        peer.expected = peer.next
        return ACK_LOST_SEGMENT
    flags = ACK_LOST_SEGMENT if peer.duplicates == 0 else 0
    peer.duplicates = _BROKEN
    return flags


def _advance(own: WiresharkHalf, s: Segment, at: int, flags: int) -> None:
    marked = s.flags & (SYN | FIN)
    end = (s.seq + s.length + (1 if marked else 0)) & _MASK
    if (s.length or marked) and len(own.unacked) < UNACKED:
        own.unacked.append(Unacked(s.seq, end, at))
    if flags & ZERO_WINDOW_PROBE:
        return
    if before(own.next, end) or not own.next:
        own.next, own.next_at = end, at
    if s.seq == own.expected or not own.expected:
        own.expected = own.next


def _acknowledge(peer: WiresharkHalf, ack: int, at: int) -> int:
    """Remove acknowledged segments; return the time since the segment that ends exactly at ``ack``, else -1."""
    rtt, kept = -1, []
    for item in peer.unacked:
        if ack == item.end:
            rtt = at - item.at
            continue
        if before(item.seq, ack) and not before(item.end, ack):
            item.seq = ack
        elif not before(ack, item.end):
            continue
        kept.append(item)
    peer.unacked = kept
    return rtt


def _window_scale(options: bytes) -> int | None:
    """The shift count of RFC 7323 §2.2; None if the option is absent or cut."""
    at, shift = 0, None
    while at < len(options) and options[at]:
        if options[at] == 1:
            at += 1
            continue
        if at + 1 >= len(options) or options[at + 1] < 2:
            break
        if options[at] == 3 and at + 2 < len(options):
            shift = options[at + 2]
        at += options[at + 1]
    return shift
