"""Builds the segments that leave an endpoint: adds acknowledgement, window, timestamps and SACK blocks."""

from typing import Final

from netwright.proto.tcp.handshake import Agreement, offer
from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, ECE, NOT_ECT, RST, SYN, TIMESTAMPS_SIZE, Segment, SynOptions
from netwright.proto.tcp.settings import Settings

__all__ = ["SegmentWriter"]

_MAX_FIELD: Final = 65535  # of the window field
_OPTION_SPACE: Final = 40  # bytes of options in a header, RFC 9293 §3.1
_LEAST_ROOM: Final = 512  # bytes: Linux's least path MTU of 552 (net.ipv4.route.min_pmtu) less both headers
_LEAST_SACK: Final = 12  # bytes of a SACK option with one block, RFC 2018 §3


class SegmentWriter:
    """Collects segments until ``take``.

    Attributes:
        receiver: supplies acknowledgement number, window and SACK blocks.
        stamped: segments carry timestamps.
        mss: bytes of data in a full segment, options that every segment has excluded.
    """

    __slots__ = ("_option_space", "_output", "_settings", "_stamp_offset", "_syn_options", "mss", "receiver", "stamped")

    def __init__(self, settings: Settings, receiver: Receiver, mss: int, stamp_offset: int) -> None:
        self._settings, self.receiver, self.mss, self._stamp_offset = settings, receiver, mss, stamp_offset
        self.stamped, self._option_space = settings.timestamps, _OPTION_SPACE
        self._syn_options = offer(settings)
        self._output: list[Segment] = []

    def __repr__(self) -> str:
        return f"<SegmentWriter {len(self._output)} segments, mss={self.mss}>"

    @property
    def pending(self) -> int:
        """Number of segments that ``take`` would return."""
        return len(self._output)

    def take(self) -> list[Segment]:
        """All segments since the last call, in order."""
        output, self._output = self._output, []
        return output

    def agreed(self, agreement: Agreement, syn_options: SynOptions, receiver: Receiver) -> None:
        """Apply what the handshake agreed on; ``syn_options`` are those of a SYN,ACK."""
        self.receiver, self._syn_options, self.mss = receiver, syn_options, agreement.mss
        self.stamped = agreement.timestamps
        self._option_space = _OPTION_SPACE - (TIMESTAMPS_SIZE if agreement.timestamps else 0)

    def mss_for(self, room: int) -> int:
        """Return the data bytes of a segment whose data and options take ``room`` bytes; never tiny."""
        return max(room, _LEAST_ROOM) - (TIMESTAMPS_SIZE if self.stamped else 0)

    def sack_size(self) -> int:
        """Bytes of the SACK option of the next segment."""
        return self.receiver.sack_size(self._option_space)

    def emit(self, flags: int, seq: int, data: bytes, now: float, ecn: int) -> None:
        """Add a segment; this is the sender's ``Emit``."""
        if flags & SYN:
            return self._emit_syn(flags, seq, now)
        receiver = self.receiver
        stamps = (int(now * 1000) + self._stamp_offset, receiver.ts_recent) if self.stamped else None
        sacks: tuple[tuple[int, int], ...] = ()
        if receiver.has_blocks:
            space = min(self._option_space, self.mss - len(data))
            if space >= _LEAST_SACK:
                sacks = receiver.blocks((space - 4) // 8)
        if receiver.ece:
            flags |= ECE  # RFC 3168 §6.1.3
        if data and now - receiver.last_data_at < self._settings.delayed_ack:
            receiver.interactive = True  # answers carry acknowledgements
        self._output.append(Segment(seq, receiver.rcv_nxt, flags, receiver.advertise(), data, stamps, sacks, None, ecn))
        receiver.acknowledged()
        return None

    def acknowledge(self, snd_nxt: int, now: float) -> None:
        """Add a bare ACK."""
        self.emit(ACK, snd_nxt, b"", now, NOT_ECT)

    def reset(self, snd_nxt: int, now: float) -> None:
        """Add a RST for the peer; it carries timestamps too (RFC 7323 §3.2)."""
        ack, stamps = self.receiver.rcv_nxt, self._stamps(now)
        self._output.append(Segment(snd_nxt, ack, RST | ACK, 0, b"", stamps))

    def refuse(self, seq: int) -> None:
        """Add a RST at ``seq``, the acknowledgement number of a segment that belongs to no connection (§3.10.7.1)."""
        self._output.append(Segment(seq, 0, RST, 0))

    def add(self, segment: Segment) -> None:
        """Add a finished segment."""
        self._output.append(segment)

    def _emit_syn(self, flags: int, seq: int, now: float) -> None:
        window = min(self._settings.receive_buffer, _MAX_FIELD)  # never scaled, RFC 7323 §2.2
        ack = self.receiver.rcv_nxt if flags & ACK else 0
        self._output.append(Segment(seq, ack, flags, window, b"", self._stamps(now), (), self._syn_options))

    def _stamps(self, now: float) -> tuple[int, int] | None:
        """TSval and TSecr (RFC 7323 §3.2)."""
        return (int(now * 1000) + self._stamp_offset, self.receiver.ts_recent) if self.stamped else None
