"""Mode "exact": classify a segment as its sender's kernel would count it, or by what the network and the capture did.

The classification uses:

- the capture point: the end whose answers came at once in the handshake.  That end's segments cannot have been
  reordered before the capture, so each of them that repeats data was sent again;
- the order of sending: the IPv4 identification (RFC 6864), which Linux increments for each segment of a connection.  A
  larger one was sent later; an equal one was duplicated by the network.  Without it timestamps decide (RFC 7323 §3.2);
- the sender's state: the acknowledgments and SACK blocks that it has received, whether one of them released the segment
  ("clocked") or a timer did, and its loss recovery as in Linux (RFC 6675, RFC 8985, RFC 5682, RFC 6298).

Times are nanoseconds.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from netwright.watch.segment import ACK, FIN, RST, SYN, Segment

__all__ = ["ExactFlow", "ExactHalf", "Hole"]

(
    AGAIN,
    TIMEOUT,
    PROBE,
    FAST,
    SLOW_START,
    HANDSHAKE,
    REORDERED,
    NETWORK_DUPLICATE,
    MIRROR_DUPLICATE,
    SPURIOUS,
    NOT_CAPTURED,
    HOLE,
    DUPLICATE_ACK,
    ZERO_WINDOW,
    WINDOW_PROBE,
    KEEPALIVE,
    WINDOW_FULL,
    PARTIAL,
    REUSED_PORTS,
    DSACK,
) = (1 << bit for bit in range(20))
OPEN, RECOVERY, LOSS = 0, 1, 2  # states of a sender, as Linux names them
UNKNOWN, NEWER, LATE, TWICE = 0, 1, 2, 3  # sent after the newest segment, before it, or a second copy of one
CLOCKED: Final = 1_500_000  # a sender reacts to an acknowledgment within this, plus 2 % of the round trip
NEAR: Final = 500_000  # an answer within this came from the capture point
LOCAL: Final = 200_000  # a handshake within this never left the machine
MIN_RTO: Final = 200_000_000  # of Linux
HOLES: Final = 16  # missing ranges remembered for a direction
HEARD: Final = 8  # acknowledgments whose times are remembered
RESENT: Final = 8  # retransmissions remembered, to match a DSACK
_MASK: Final = 0xFFFFFFFF
IDENTS: Final = 256  # identifications remembered, the highest and those below it


def before(a: int, b: int) -> bool:
    """True if ``a`` precedes ``b`` modulo 2**32 (RFC 9293 §3.4)."""
    return (a - b) & _MASK >= 0x80000000


@dataclass(slots=True)
class Hole:
    """A range of sequence numbers that is missing in the capture so far, and when it was skipped."""

    start: int
    end: int
    at: int


@dataclass(slots=True)
class ExactHalf:
    """One direction: the sender's state, derived from the capture."""

    snd_max: int = 0  # end of the highest segment seen
    snd_una: int = 0  # highest acknowledgment heard
    sack_high: int = 0  # highest edge that the peer reported out of order
    high_seq: int = 0  # snd_max when recovery or loss began: it ends there
    loss_end: int = 0  # end of the segment that the timeout sent
    probe_high: int = 0  # snd_max at the tail loss probe
    window: int = 0  # offered, in bytes
    last_ack: int = 0
    last_seq: int = 0
    duplicates: int = 0
    isn: int | None = None
    top_stamp: int | None = None
    timed_end: int = 0
    state: int = OPEN
    shift: int | None = None
    started: bool = False
    sacks: bool = False
    heard: bool = False
    probed: bool = False
    lone: bool = False  # no retransmission since the timeout
    timing: bool = False
    window_probe: bool = False
    heard_window: bool = False
    closed: bool = False  # the last window offered was 0
    timed_at: int = 0
    srtt: int = 0
    rttvar: int = 0
    sent_at: int = 0  # when snd_max moved
    heard_at: int = 0  # last acknowledgment
    clocked_at: int = 0  # last retransmission that an acknowledgment released
    timer_at: int = 0  # when the retransmission timer was last set
    top_ident: int = 0
    idents: int = 0  # bit k: top_ident - k was seen
    good_steps: int = 0
    bad_steps: int = 0
    span: int = 0
    late: int = 0
    heard_times: deque[int] = field(default_factory=lambda: deque(maxlen=HEARD))
    again: deque[int] = field(default_factory=lambda: deque(maxlen=RESENT))
    holes: list[Hole] = field(default_factory=list)

    @property
    def unseen(self) -> int:
        """Lower bound of the segments that were sent and not captured."""
        return max(self.span - self.good_steps - self.late, 0)

    def order(self, s: Segment) -> int:
        """Order of sending by the identification (RFC 6864); UNKNOWN while the sender does not increment it."""
        if not s.ident:
            return UNKNOWN
        if not self.idents:
            self.top_ident, self.idents = s.ident, 1
            return UNKNOWN
        step = ((s.ident - self.top_ident + 0x8000) & 0xFFFF) - 0x8000
        usable = self.good_steps > 0 and self.bad_steps * 8 <= self.good_steps
        if 0 < step <= IDENTS:
            self.good_steps += 1
            self.span += step
            self.idents = (self.idents << step | 1) & (2**IDENTS - 1)
            self.top_ident = s.ident
            return NEWER if usable else UNKNOWN
        if step == 0:
            if s.seq == self.last_seq and s.ack == self.last_ack:
                return TWICE
            self.bad_steps += 1
            return UNKNOWN
        return self._older(s.ident, -step, usable=usable)

    def _older(self, ident: int, below: int, *, usable: bool) -> int:
        if 0 < below < IDENTS:
            if self.idents >> below & 1:
                return TWICE if usable else UNKNOWN
            self.idents |= 1 << below
            self.late += 1
            return LATE if usable else UNKNOWN
        self.bad_steps += 1
        self.top_ident, self.idents = ident, 1
        return UNKNOWN

    def sample(self, rtt: int) -> None:
        """Update srtt and rttvar with a round trip of data that was sent once (RFC 6298 §2.2, §2.3, §3)."""
        if not self.srtt:
            self.srtt, self.rttvar = rtt, rtt >> 1
            return
        off = rtt - self.srtt
        self.rttvar += (abs(off) - self.rttvar) >> 2
        self.srtt += off >> 3

    def jump(self, seq: int, at: int) -> None:
        """Record a hole up to ``seq``, where the next segment begins."""
        if len(self.holes) < HOLES:
            self.holes.append(Hole(self.snd_max, seq, at))
        self.snd_max = seq

    def advance(self, end: int, at: int) -> None:
        """Record new data up to ``end``."""
        if self.snd_una == self.snd_max:
            self.timer_at = at
        if not self.timing and self.state == OPEN:
            self.timing, self.timed_end, self.timed_at = True, end, at
        self.snd_max, self.sent_at, self.window_probe = end, at, False

    def fill(self, start: int, end: int) -> int | None:
        """Remove a range from the first hole that it touches; return when that hole was recorded, None without one."""
        for index, hole in enumerate(self.holes):
            if not (before(start, hole.end) and before(hole.start, end)):
                continue
            if before(hole.start, start):
                if before(end, hole.end) and len(self.holes) < HOLES:
                    self.holes.append(Hole(end, hole.end, hole.at))
                hole.end = start
            elif before(end, hole.end):
                hole.start = end
            else:
                last = self.holes.pop()
                if last is not hole:
                    self.holes[index] = last
            return hole.at
        return None

    def close_holes(self, ack: int) -> int:
        """Remove holes below ``ack``: that data was received but not captured."""
        flags, kept = 0, []
        for hole in self.holes:
            if before(hole.start, ack):
                flags = NOT_CAPTURED
                if not before(ack, hole.end):
                    continue
                hole.start = ack
            kept.append(hole)
        self.holes = kept
        return flags


@dataclass(slots=True)
class ExactFlow:
    """State of a flow in mode "exact"."""

    ways: tuple[ExactHalf, ExactHalf] = field(default_factory=lambda: (ExactHalf(), ExactHalf()))
    client: int = 2  # direction of the SYN; 2 is unknown
    position: int = 0  # bits 0 and 1: the sender of that direction is at the capture point; bit 2: judged
    syn_at: int = -1
    synack_at: int = -1
    established_at: int = -1
    initial_rtt: int = -1

    def here(self, direction: int) -> bool:
        """True if the sender of ``direction`` is at the capture point."""
        return bool(self.position >> direction & 1)

    def reuses(self, s: Segment) -> bool:
        """True for a SYN with another initial sequence number: a new connection (RFC 9293 §3.10.7.4, RFC 6191)."""
        own = self.ways[s.direction]
        return not s.flags & ACK and own.started and own.isn != s.seq

    def judge(self, s: Segment, at: int, flags: int) -> tuple[int, int]:
        """Return the segment's flags and the round trip that its acknowledgment ends, in ns; -1 if it ends none."""
        own, peer = self.ways[s.direction], self.ways[1 - s.direction]
        order = own.order(s)
        if order == TWICE:
            return flags | (MIRROR_DUPLICATE if self.here(s.direction) else NETWORK_DUPLICATE), -1
        stamp, blocks = _read_options(s.options)
        if order == UNKNOWN and stamp is not None and own.top_stamp is not None and before(stamp, own.top_stamp):
            order = LATE
        if s.flags & SYN:
            self._read_syn(own, s, at)
        elif self.established_at < 0 <= self.synack_at and s.flags & ACK and s.direction == self.client:
            self._read_position(at)
        rtt = -1
        if not s.flags & RST:
            if s.flags & ACK:
                more, rtt = _read_ack(own, peer, s, at, blocks)
                flags |= more
            flags |= _window_full(peer, s) | self._read_data(own, peer, s, at, order, stamp)
            if not (order == LATE and own.heard_window):
                flags |= _read_window(own, peer, s)
        if stamp is not None and (own.top_stamp is None or before(own.top_stamp, stamp)):
            own.top_stamp = stamp
        own.last_seq, own.last_ack = s.seq, s.ack
        return flags, rtt

    def _read_syn(self, own: ExactHalf, s: Segment, at: int) -> None:
        own.isn = s.seq
        for kind, value in _options(s.options):
            if kind == 3 and len(value) == 1:  # RFC 7323 §2.2
                own.shift = min(value[0], 14)
            elif kind == 4:  # RFC 2018 §2
                own.sacks = True
        if not s.flags & ACK:
            self.client, self.syn_at = s.direction, at
            return
        self.client, self.synack_at = 1 - s.direction, at
        if self.syn_at >= 0 and at - self.syn_at <= NEAR and self.established_at < 0:
            self.position |= 1 << s.direction

    def _read_position(self, at: int) -> None:
        """Locate the capture point at the third segment of the handshake: at the end that answered at once."""
        server, client = self.synack_at - self.syn_at, at - self.synack_at
        self.established_at, self.position = at, 4
        if self.syn_at < 0 or server < 0 or client < 0:
            return
        self.initial_rtt = server + client
        if self.initial_rtt <= LOCAL:
            self.position |= 3
        elif client < self.initial_rtt // 10:
            self.position |= 1 << self.client
        elif server < self.initial_rtt // 10:
            self.position |= 2 >> self.client

    def _read_data(self, own: ExactHalf, peer: ExactHalf, s: Segment, at: int, order: int, stamp: int | None) -> int:
        marked = s.flags & (SYN | FIN)
        end = (s.seq + s.length + (s.flags & SYN != 0) + (s.flags & FIN != 0)) & _MASK
        if not own.started:
            own.started, own.snd_una, own.snd_max, own.sack_high = True, s.seq, s.seq, s.seq
        probes = s.length <= 1 and not marked and order != LATE
        if probes and own.heard and s.seq == (own.snd_una - 1) & _MASK:
            return WINDOW_PROBE if peer.closed else KEEPALIVE  # RFC 9293 §3.8.4, §3.8.6.1
        if s.length == 1 and not marked and peer.closed and s.seq == own.snd_max:
            own.window_probe = True
            return WINDOW_PROBE
        flags = 0
        if before(own.snd_max, s.seq):
            flags = HOLE
            own.jump(s.seq, at)
        if end == s.seq or s.seq == own.snd_max:
            if end != s.seq:
                own.advance(end, at)
            return flags | (REORDERED if order == LATE and not self.here(s.direction) else 0)
        return flags | self._repeated(own, s, at, end, order, stamp)

    def _repeated(self, own: ExactHalf, s: Segment, at: int, end: int, order: int, stamp: int | None) -> int:
        flags = self._origin(own, s, at, end, order, stamp)
        if flags & AGAIN:
            flags |= self._resent(own, s, at, end)
        if before(own.snd_max, end):
            flags |= PARTIAL
            s.repeated = (own.snd_max - s.seq) & _MASK
            own.snd_max, own.sent_at = end, at
        return flags

    def _origin(self, own: ExactHalf, s: Segment, at: int, end: int, order: int, stamp: int | None) -> int:
        """AGAIN if the sender sent it again, otherwise REORDERED or NETWORK_DUPLICATE."""
        since = own.fill(s.seq, end)
        if self.here(s.direction) or order == NEWER:
            return AGAIN
        if order == LATE:
            return REORDERED
        if stamp is not None and own.top_stamp is not None and stamp != own.top_stamp:
            return AGAIN
        if s.flags & SYN:
            return AGAIN if at - own.sent_at >= MIN_RTO else NETWORK_DUPLICATE
        rtt = self._rtt(own, s.direction)
        wait = rtt - rtt // 10
        if since is not None:
            return AGAIN if at - since >= wait else REORDERED
        quick = at - own.sent_at < wait and own.duplicates < 3 and not before(s.seq, own.sack_high)
        return NETWORK_DUPLICATE if stamp is not None or quick else AGAIN

    def _resent(self, own: ExactHalf, s: Segment, at: int, end: int) -> int:
        why = self._cause(own, s, at, end)
        own.timing = own.lone = False  # Karn's rule, RFC 6298 §3
        if why == TIMEOUT:
            own.state, own.high_seq, own.loss_end, own.lone, own.probed = LOSS, own.snd_max, end, True, False
        elif why == PROBE:
            own.probed, own.probe_high = True, own.snd_max
        if s.seq == own.snd_una:
            own.timer_at = at
        own.again.append(s.seq)
        return why

    def _cause(self, own: ExactHalf, s: Segment, at: int, end: int) -> int:
        """The sender's mechanism that sent a segment again."""
        if s.flags & SYN:
            return HANDSHAKE
        above = before(s.seq, own.sack_high) and own.sack_high != own.snd_una
        here = self.here(s.direction)
        if self._clocked(own, s.direction, at):
            if own.state == LOSS:
                own.clocked_at = at
                return SLOW_START
            if above or own.duplicates >= 3 or own.state == RECOVERY or not here:
                own.clocked_at = at
                return _recover(own)
        if own.state == LOSS:
            return TIMEOUT if s.seq == own.snd_una else SLOW_START
        if (above or own.state == RECOVERY) and (s.seq != own.snd_una or at - own.timer_at < MIN_RTO):
            return _recover(own)  # RACK's reordering timer (RFC 8985 §6.2), or pacing
        if own.state == OPEN and not above and end == own.snd_max and own.sacks and not own.probed:
            return PROBE
        if not here and at - own.sent_at < MIN_RTO:
            return _recover(own)  # too soon for a timeout; the acknowledgments passed the capture elsewhere
        return TIMEOUT

    def _rtt(self, own: ExactHalf, direction: int) -> int:
        """Return the sender's round trip: from its data if the capture was taken there, else from the handshake."""
        if own.srtt and self.here(direction):
            return own.srtt
        return max(own.srtt, self.initial_rtt, 0)

    def _clocked(self, own: ExactHalf, direction: int, at: int) -> bool:
        """True if an acknowledgment, or a retransmission that one had released, came just before.

        Away from the sender the acknowledgment passed the capture one round trip to the sender earlier.
        """
        if at - own.clocked_at <= CLOCKED and own.heard:
            return True
        path = self._path(direction)
        if path is None:
            return own.heard and at - own.heard_at <= CLOCKED + self._rtt(own, direction) // 50
        return any(path - path // 8 <= at - then <= path + path // 4 + CLOCKED for then in own.heard_times)

    def _path(self, direction: int) -> int | None:
        """Round trip between the capture and the sender of ``direction``; None at the sender, or if unknown."""
        if self.here(direction) or self.initial_rtt < 0:
            return None
        client = self.established_at - self.synack_at
        return client if direction == self.client else self.initial_rtt - client


def _recover(own: ExactHalf) -> int:
    if own.state == OPEN:
        own.state, own.high_seq = RECOVERY, own.snd_max
    return FAST


def _window_full(peer: ExactHalf, s: Segment) -> int:
    marked = s.flags & (SYN | FIN | RST)
    full = (s.seq + s.length) & _MASK == (peer.last_ack + peer.window) & _MASK
    return WINDOW_FULL if s.length and peer.heard_window and not marked and full else 0


def _window(own: ExactHalf, peer: ExactHalf, s: Segment) -> int:
    """The window in bytes: scaled if both sides offered it, and never in a SYN (RFC 7323 §2.2)."""
    scaled = own.shift is not None and peer.shift is not None and not s.flags & SYN
    return s.window << (own.shift or 0 if scaled else 0)


def _read_window(own: ExactHalf, peer: ExactHalf, s: Segment) -> int:
    own.window = _window(own, peer, s)
    own.heard_window = bool(s.flags & ACK)
    own.closed = s.window == 0 and not s.flags & (SYN | FIN | RST)
    return ZERO_WINDOW if own.closed else 0


def _read_ack(own: ExactHalf, peer: ExactHalf, s: Segment, at: int, blocks: list[tuple[int, int]]) -> tuple[int, int]:
    """Apply an acknowledgment to the state of the data's sender; return flags and the round trip, -1 without one."""
    flags, rtt = 0, -1
    bare = s.length == 0 and not s.flags & (SYN | FIN)
    if not peer.started:
        peer.started, peer.snd_max, peer.snd_una, peer.sack_high = True, s.ack, s.ack, s.ack
    if before(peer.snd_max, s.ack):
        if not (peer.window_probe and s.ack == (peer.snd_max + 1) & _MASK):
            flags |= NOT_CAPTURED
        peer.snd_max, peer.sent_at = s.ack, at
    peer.window_probe = False
    flags |= _read_sack(peer, s, blocks)
    if before(peer.snd_una, s.ack):
        rtt = _timed(peer, s.ack, at)
        flags |= peer.close_holes(s.ack)
        _acknowledged(peer, s.ack, at)
    elif s.ack == peer.snd_una and bare:
        flags |= _repeated_ack(own, peer, s, dsack=bool(flags & DSACK), sacked=bool(blocks))
    peer.heard, peer.heard_at = True, at
    peer.heard_times.append(at)
    return flags, rtt


def _timed(peer: ExactHalf, ack: int, at: int) -> int:
    if not peer.timing or before(ack, peer.timed_end):
        return -1
    peer.timing = False
    if at < peer.timed_at:
        return -1
    peer.sample(at - peer.timed_at)
    return at - peer.timed_at


def _acknowledged(peer: ExactHalf, ack: int, at: int) -> None:
    if peer.state == LOSS and peer.lone and before(peer.loss_end, ack):
        peer.state = OPEN  # F-RTO (RFC 5682 §2): more is acknowledged than was sent again, nothing was lost
    if peer.state != OPEN and not before(ack, peer.high_seq):
        peer.state = OPEN
    if peer.probed and before(peer.probe_high, ack):
        peer.probed = False
    if before(peer.sack_high, ack):
        peer.sack_high = ack
    peer.snd_una, peer.duplicates, peer.timer_at = ack, 0, at


def _repeated_ack(own: ExactHalf, peer: ExactHalf, s: Segment, *, dsack: bool, sacked: bool) -> int:
    """RFC 5681 §2: nothing new is acknowledged while data is outstanding, and the window is the same."""
    if peer.snd_max == s.ack:
        peer.probed = peer.probed and not dsack
        return 0
    if peer.probed and s.ack == peer.probe_high:
        peer.probed = False
    if not sacked and (s.ack != own.last_ack or _window(own, peer, s) != own.window):
        return 0
    peer.duplicates += 1
    return DUPLICATE_ACK


def _read_sack(peer: ExactHalf, s: Segment, blocks: list[tuple[int, int]]) -> int:
    """RFC 2883 §4: a first block below the acknowledgment, or inside the second, reports data that came twice."""
    flags = 0
    for index, (start, end) in enumerate(blocks):
        if index == 0 and (
            not before(s.ack, end)
            or (len(blocks) > 1 and not before(start, blocks[1][0]) and not before(blocks[1][1], end))
        ):
            flags = DSACK | SPURIOUS if start in peer.again else DSACK
        elif before(peer.sack_high, end) and not before(peer.snd_max, end):
            original = before(peer.loss_end, end) and not before(peer.high_seq, end)
            if peer.state == LOSS and peer.lone and original:
                peer.state = OPEN  # F-RTO (RFC 5682 §3): data sent before the timeout arrives
            peer.sack_high = end
    return flags


def _options(raw: bytes) -> list[tuple[int, bytes]]:
    """Kind and value of each complete option (RFC 9293 §3.1), up to the first malformed one."""
    found, at = [], 0
    while at + 1 < len(raw) and raw[at]:
        if raw[at] == 1:
            at += 1
            continue
        size = raw[at + 1]
        if size < 2 or at + size > len(raw):
            break
        found.append((raw[at], raw[at + 2 : at + size]))
        at += size
    return found


def _read_options(raw: bytes) -> tuple[int | None, list[tuple[int, int]]]:
    """Timestamp value (RFC 7323 §3.2) and SACK blocks (RFC 2018 §3)."""
    stamp, blocks = None, list[tuple[int, int]]()
    for kind, value in _options(raw):
        if kind == 8 and len(value) == 8:
            stamp = int.from_bytes(value[:4], "big")
        elif kind == 5:
            edges = [int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value) // 8 * 8, 4)]
            blocks = list(zip(edges[::2], edges[1::2], strict=True))
    return stamp, blocks
