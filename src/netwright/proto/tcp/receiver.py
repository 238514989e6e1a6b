"""The receiving half: reassembly, the window, and when to acknowledge (RFC 9293 §3.8.6)."""

from bisect import bisect_right
from math import inf
from typing import Final

from netwright.proto.tcp.segment import CE, CWR, FIN, SYN, Segment
from netwright.proto.tcp.settings import Settings

__all__ = ["Receiver"]

_MAX_FIELD: Final = 65535  # of the window field
_MAX_BLOCKS: Final = 4  # SACK blocks that fit a header without other options, RFC 2018 §3
_LEAST_FULL: Final = 536  # bytes of a segment that may count as full, RFC 9293 §3.7.1
_PAWS_IDLE: Final = 24 * 86400.0  # a timestamp is not believed after that silence, RFC 7323 §5.5


class _Island:
    """Contiguous bytes beyond a hole."""

    __slots__ = ("data", "start")

    def __init__(self, start: int, data: bytes) -> None:
        self.start, self.data = start, bytearray(data)

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class Receiver:
    """Puts the peer's segments in order.

    Attributes:
        rcv_nxt: next byte expected; ``rcv_edge``: end of the advertised window, which never moves back.
        buffer: bytes in order that are not read yet.
        fin_at: sequence number of the peer's FIN; None until it is known.  ``finished``: everything before it arrived.
        ack_now: an acknowledgement must be sent at once; ``ack_at``: when a delayed one is due.
        has_blocks: the next acknowledgement carries SACK blocks.
        last_ack_sent: Last.ACK.sent of RFC 7323 §4.3.
        ece: a congestion mark arrived; ECE is sent until the peer answers with CWR (RFC 3168 §6.1.3).
    """

    __slots__ = (
        "_duplicate",
        "_edge_step",
        "_full",
        "_islands",
        "_largest",
        "_limit",
        "_quick",
        "_recent",
        "_settings",
        "_starts",
        "_unacked",
        "ack_at",
        "ack_now",
        "buffer",
        "ece",
        "fin_at",
        "finished",
        "has_blocks",
        "heard_at",
        "interactive",
        "last_ack_sent",
        "last_data_at",
        "mss",
        "rcv_edge",
        "rcv_nxt",
        "sack",
        "scale",
        "ts_recent",
        "ts_recent_at",
    )

    def __init__(self, settings: Settings, irs: int, now: float) -> None:
        """``irs`` is the sequence number of the peer's SYN."""
        self._settings = settings
        self._limit = settings.receive_buffer
        self.rcv_nxt = self.last_ack_sent = irs + 1
        self.rcv_edge = self.rcv_nxt + min(self._limit, _MAX_FIELD)
        self.buffer = bytearray()
        self.fin_at: int | None = None
        self.finished = False
        self._islands: list[_Island] = []
        self._starts: list[int] = []
        self._recent: list[_Island] = []
        self._duplicate: tuple[int, int] | None = None
        self.has_blocks = False
        self._largest = self.rcv_edge - self.rcv_nxt  # window that was ever advertised
        self.mss = settings.mss
        self.agreed(scale=0, sack=False)
        self.ts_recent, self.ts_recent_at = 0, now
        self.ack_now, self.ack_at = False, inf
        self._unacked, self._full = 0, _LEAST_FULL
        self._quick, self.interactive = settings.quick_acks, False
        self.heard_at, self.last_data_at = now, -inf
        self.ece = False

    def __repr__(self) -> str:
        return f"<Receiver nxt={self.rcv_nxt} wnd={self.window} unread={len(self.buffer)} holes={len(self._islands)}>"

    def agreed(self, *, scale: int, sack: bool) -> None:
        """Apply what the handshake agreed on; before it nothing is scaled (RFC 7323 §2.2)."""
        self.scale, self.sack = scale, sack
        self._edge_step = max(min(self.mss, self._limit // 2), 1 << scale)  # RFC 9293 §3.8.6.2.2

    @property
    def window(self) -> int:
        """RCV.WND: bytes beyond rcv_nxt that the peer may send."""
        return self.rcv_edge - self.rcv_nxt

    @property
    def has_holes(self) -> bool:
        """True while bytes beyond a hole are kept."""
        return bool(self._islands)

    # Segments that arrive

    def acceptable(self, segment: Segment) -> bool:
        """True if part of the segment is in the window: the four cases of RFC 9293 §3.10.7.4, first check."""
        seq, length = segment.seq, len(segment.data)
        if segment.flags & (SYN | FIN):
            length = segment.length
        nxt, edge = self.rcv_nxt, self.rcv_edge
        if length == 0:
            return nxt <= seq < edge or seq == nxt
        return nxt < edge and seq < edge and seq + length > nxt

    def holds(self, seq: int) -> bool:
        """True if that sequence number is in the window."""
        return self.rcv_nxt <= seq < self.rcv_edge

    def is_replay(self, segment: Segment, now: float) -> bool:
        """True if the segment's timestamp is old: PAWS (RFC 7323 §5.3 R1)."""
        stamps = segment.timestamps
        return stamps is not None and stamps[0] < self.ts_recent and now - self.ts_recent_at < _PAWS_IDLE

    def stamp(self, segment: Segment, now: float) -> None:
        """Store the timestamp to echo: that of the segment at the left edge, not of a later one (RFC 7323 §4.3)."""
        stamps = segment.timestamps
        if stamps is not None and stamps[0] >= self.ts_recent and segment.seq <= self.last_ack_sent:
            self.ts_recent, self.ts_recent_at = stamps[0], now

    def receive(self, seq: int, data: bytes, now: float) -> bool:
        """Take the data of an acceptable segment; True if ``buffer`` has grown."""
        nxt = self.rcv_nxt
        end = seq + len(data)
        limit = self.rcv_edge if self.fin_at is None or self.fin_at > self.rcv_edge else self.fin_at
        if end > limit:  # RFC 9293 §3.10.7.4: trim to the window
            data, end = data[: max(limit - seq, 0)], limit
        self.last_data_at = now
        if seq > nxt:
            if data:
                self._keep(seq, data)
            self.ack_now = True  # RFC 5681 §4.2: a gap is acknowledged at once
            return False
        if seq < nxt:
            if seq < end:
                self.duplicated(seq, min(end, nxt))
            data = data[nxt - seq :]
        if not data:
            return False
        self.buffer += data
        self.rcv_nxt = nxt + len(data)
        if self._islands:
            self.ack_now = True  # RFC 5681 §4.2: so is a segment that fills a gap
            self._join()
        self._count(len(data), now)
        return True

    def duplicated(self, start: int, end: int) -> None:
        """Bytes arrived twice: acknowledge at once, with a D-SACK of the first such range (RFC 2883 §4, §4.2)."""
        self.ack_now = True
        if self.sack and self._duplicate is None:
            self._duplicate, self.has_blocks = (start, end), True

    def learn_fin(self, seq: int) -> None:
        """The peer's FIN is at ``seq``; a later, different FIN is ignored."""
        if self.fin_at is None and seq >= self.rcv_nxt:
            self.fin_at = seq
            if seq > self.rcv_nxt and not (self._islands and self._islands[-1].end == seq):
                self._keep(seq, b"")

    def take_fin(self) -> bool:
        """True once, when everything before the peer's FIN has arrived; the FIN is acknowledged, too."""
        if self.finished or self.fin_at is None or self.rcv_nxt < self.fin_at:
            return False
        self.finished = True
        self.rcv_nxt = max(self.rcv_nxt, self.fin_at + 1)  # a broken peer may have sent data beyond its FIN
        self.rcv_edge = max(self.rcv_edge, self.rcv_nxt)
        self.ack_now = True
        return True

    def mark(self, segment: Segment) -> None:
        """Note a congestion mark of the network, or the peer's answer to our echo (RFC 3168 §6.1.3)."""
        if segment.flags & CWR:
            self.ece = False
        if segment.ecn == CE:
            self.ece = True

    def _keep(self, seq: int, data: bytes) -> None:
        """Store bytes beyond a hole; bytes that are stored already stay."""
        islands, starts = self._islands, self._starts
        index = bisect_right(starts, seq) - 1
        if index >= 0 and islands[index].end >= seq:
            island = islands[index]
            overlap = island.end - seq
            if overlap:
                self.duplicated(seq, min(seq + len(data), island.end))
            if overlap < len(data):
                island.data += data[overlap:]
        elif len(islands) >= self._settings.reassembly_limit:
            return  # not acknowledged, so the peer retransmits
        else:
            index += 1
            island = _Island(seq, data)
            islands.insert(index, island)
            starts.insert(index, seq)
        while index + 1 < len(islands) and starts[index + 1] <= island.end:
            following = islands.pop(index + 1)
            del starts[index + 1]
            if following in self._recent:
                self._recent.remove(following)
            if island.end > following.start:
                self.duplicated(following.start, min(island.end, following.end))
            island.data += following.data[island.end - following.start :]
        if island in self._recent:
            self._recent.remove(island)
        self._recent.insert(0, island)
        del self._recent[_MAX_BLOCKS:]
        self.has_blocks = True

    def _join(self) -> None:
        """Move stored bytes that are in order now to ``buffer``."""
        while self._islands and self._starts[0] <= self.rcv_nxt:
            island = self._islands.pop(0)
            del self._starts[0]
            if island in self._recent:
                self._recent.remove(island)
            if island.start < self.rcv_nxt:
                self.duplicated(island.start, min(island.end, self.rcv_nxt))
            if island.end > self.rcv_nxt:
                self.buffer += island.data[self.rcv_nxt - island.start :]
                self.rcv_nxt = island.end
        self.has_blocks = bool(self._recent) or self._duplicate is not None

    # Acknowledgement and window

    def _count(self, size: int, now: float) -> None:
        """Acknowledge every second full segment at once, others after a delay (RFC 9293 §3.8.6.3)."""
        if size > self._full:
            self._full = max(self._full, min(size, self.mss))
        self._unacked += size
        if self._unacked > self._full or (self._quick > 0 and not self.interactive):
            self.ack_now = True
        elif self.ack_at == inf:
            self.ack_at = now + self._settings.delayed_ack

    def acknowledged(self) -> None:
        """An acknowledgement was sent: none is due."""
        self.last_ack_sent = self.rcv_nxt
        if self._unacked:
            self._unacked = 0
            if self._quick:
                self._quick -= 1
        self.ack_now, self.ack_at = False, inf

    def blocks(self, room: int) -> tuple[tuple[int, int], ...]:
        """Up to ``room`` SACK blocks for the next segment: D-SACK first, then the newest (RFC 2883, RFC 2018)."""
        if not self.sack:
            return ()
        fin_at = self.fin_at  # it takes a number, too
        blocks = [(island.start, island.end + (island.end == fin_at)) for island in self._recent]
        if self._duplicate is not None:
            blocks.insert(0, self._duplicate)
            self._duplicate, self.has_blocks = None, bool(self._recent)
        return tuple(blocks[:room])

    def sack_size(self, space: int) -> int:
        """Bytes of the next segment's SACK option, where options may take ``space`` bytes (RFC 2018 §3)."""
        count = len(self._recent) + (self._duplicate is not None) if self.sack else 0
        return 4 + 8 * min(count, (space - 4) // 8) if count else 0

    def advertise(self) -> int:
        """Return the window field of the next segment, and move ``rcv_edge``.

        The edge never moves back (RFC 9293 §3.8.6), and forward only by a full segment or half the buffer: no silly
        windows (§3.8.6.2.2).
        """
        nxt = self.rcv_nxt
        window = self.rcv_edge - nxt
        space = self._limit - len(self.buffer)
        if space - window >= self._edge_step:
            field = space >> self.scale
        else:
            field = -(-window >> self.scale)  # rounded up, so that the edge does not move back, if there is room
            if field << self.scale > space:
                field = window >> self.scale  # RFC 7323 §2.4: data in flight is accepted nevertheless
        if field > _MAX_FIELD:
            field = _MAX_FIELD
            self.open_beyond()
        edge = nxt + (field << self.scale)
        if edge > self.rcv_edge:
            self.rcv_edge = edge
        if edge - nxt > self._largest:
            self._largest = edge - nxt
        return field

    def open_beyond(self) -> None:
        """With ``Policy.take_beyond_field``, accept all that the buffer has room for."""
        if self._settings.policy.take_beyond_field:
            self.rcv_edge = max(self.rcv_edge, self.rcv_nxt + self._limit - len(self.buffer))

    def close_beyond(self) -> None:
        """Accept no more than the window field could announce; for TIME-WAIT."""
        self.rcv_edge = min(self.rcv_edge, self.rcv_nxt + (_MAX_FIELD << self.scale))

    def read(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes in order; set ``ack_now`` if the window has opened enough for an update."""
        if limit >= len(self.buffer):
            data = bytes(self.buffer)
            self.buffer.clear()
        else:
            data = bytes(self.buffer[:limit])
            del self.buffer[:limit]
        window = self.rcv_edge - self.rcv_nxt
        opened = self._limit - len(self.buffer)
        if opened >= 2 * window and data and not self.finished:
            opened = min(opened, self._largest)
            if opened >= 2 * window and opened - window >= self._edge_step:
                # RFC 9293 §3.8.6.2.2; only if it doubles, as in Linux, or every read would send a segment.
                self.ack_now = True
        return data
