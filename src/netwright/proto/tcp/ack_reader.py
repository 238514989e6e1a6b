"""Reads the ACK, SACK blocks and timestamp echo of a segment: updates scoreboard, RACK and RTT, returns a report."""

from math import inf
from typing import Final

from netwright.core.moment import Kind
from netwright.proto.tcp.ack_report import AckReport
from netwright.proto.tcp.congestion.control import Control
from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.delivery import Delivery
from netwright.proto.tcp.events import Note
from netwright.proto.tcp.handshake import DEFAULT_MSS
from netwright.proto.tcp.peer_window import PeerWindow
from netwright.proto.tcp.recovery import Recovery
from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.scoreboard import Scoreboard, SentSegment
from netwright.proto.tcp.segment import ECE, Segment

__all__ = ["AckReader"]

_TICK: Final = 0.001  # seconds of a timestamp's unit, RFC 7323 §4.1


class AckReader:
    """The measurements that acknowledgements make, each once.

    Attributes:
        mss: bytes in a full segment.
        stamped: both sides agreed on timestamps; ecn: on ECN.
    """

    __slots__ = (
        "_board",
        "_control",
        "_delivery",
        "_needless",
        "_note",
        "_peer",
        "_recovery",
        "_rtt",
        "_stamp_offset",
        "_window",
        "ecn",
        "mss",
        "stamped",
    )

    def __init__(
        self,
        board: Scoreboard,
        recovery: Recovery,
        window: Window,
        rtt: RoundTrip,
        control: Control,
        *,
        peer: PeerWindow,
        delivery: Delivery | None,
        note: Note | None,
        stamp_offset: int,
    ) -> None:
        self._board, self._recovery, self._window, self._rtt, self._control = board, recovery, window, rtt, control
        self._peer, self._delivery, self._note, self._stamp_offset = peer, delivery, note, stamp_offset
        self.mss, self.stamped, self.ecn = DEFAULT_MSS, False, False
        self._needless = 0  # retransmissions that a D-SACK has reported

    def __repr__(self) -> str:
        return f"<AckReader mss={self.mss} stamped={self.stamped}>"

    def read(self, segment: Segment, snd_una: int, snd_nxt: int, now: float) -> AckReport:
        """Take the acknowledgement of an acceptable segment; ``snd_una`` and ``snd_nxt`` are those before it."""
        ack, board = segment.ack, self._board
        report = AckReport(ack if ack > snd_una else snd_una, snd_nxt, snd_una, board.in_flight)
        report.ece = self.ecn and segment.flags & ECE != 0
        report.echo = self._echo(segment)
        if ack > snd_una:
            self._acknowledge(ack, report, now)
        if segment.sacks and self._recovery.sack:
            self._sack(segment.sacks, report, now)
        return report

    def read_handshake(self, record: SentSegment, segment: Segment, snd_nxt: int, now: float) -> None:
        """The SYN ``record`` is acknowledged: the first measurement of the round trip, if it was sent only once."""
        echo = self._echo(segment)
        if not record.repeats:
            self._sample(now - record.sent_at, segment.ack, snd_nxt, now)
        elif record.first_sent_at - _TICK <= echo <= now:
            self._sample(now - echo, segment.ack, snd_nxt, now)
        else:
            self._rtt.syn_was_repeated()
        self._rtt.backoff = 0

    def _acknowledge(self, ack: int, report: AckReport, now: float) -> None:
        """Remove what ``ack`` covers from the scoreboard, and measure."""
        recovery = self._recovery
        gone = self._board.acknowledge(ack)
        first = last = None
        repeated = False
        high, least, rack = recovery.high_seq, self._rtt.minimum, recovery.rack
        for record in gone:
            if record.sacked:
                continue
            report.delivered += 1
            last = record
            if record.repeats:
                repeated = True
                rack.delivered(record, now, least, report.echo)
            elif first is None:
                first = record
        # Without SACK it is unknown which transmission arrived.
        report.original = first is not None and first.end <= high and (recovery.sack or not repeated)
        if self._delivery is not None:
            self._delivery.all_arrived(gone, now)
        if first is not None and first is not last and first.end < rack.highest:
            rack.delivered(first, now, least, report.echo)  # it was reordered, though later segments may be new
        if last is not None and not last.repeats:
            rack.delivered(last, now, least, report.echo)
        if first is not None and not repeated:
            report.rtt = self._sample(now - first.sent_at, ack, report.nxt, now)  # Karn, RFC 6298 §3
        elif gone and gone[0].first_sent_at - _TICK <= report.echo <= now:  # else the echo answers something else
            report.rtt = self._sample(now - report.echo, ack, report.nxt, now)  # RFC 7323 §4.1

    def _sack(self, sacks: tuple[tuple[int, int], ...], report: AckReport, now: float) -> None:
        """Read SACK blocks; the first is a D-SACK if it lies below the ACK or inside the second (RFC 2883 §4)."""
        first_start, first_end = sacks[0]
        una, nxt, board, recovery = report.una, report.nxt, self._board, self._recovery
        if first_end <= una or (len(sacks) > 1 and sacks[1][0] <= first_start and first_end <= sacks[1][1]):
            self._read_dsack(first_start, first_end, report)
        sampled: SentSegment | None = None
        for start, end in sacks:
            if not una <= start < end <= nxt:
                continue
            for record in board.sack(start, end):
                report.sacked += 1
                if not record.repeats:
                    sampled = sampled or record
                    report.original = report.original or record.end <= recovery.high_seq
                recovery.rack.delivered(record, now, self._rtt.minimum, report.echo)
                if self._delivery is not None:
                    self._delivery.arrived(record, now)
        report.delivered += report.sacked
        if sampled is not None and not report.advanced:
            report.rtt = self._sample(now - sampled.sent_at, una, nxt, now)

    def _read_dsack(self, start: int, end: int, report: AckReport) -> None:
        """A retransmission was needless.  As in Linux, no more are believed than there were retransmissions."""
        segments = -(-(end - start) // self.mss)
        if 0 < end - start <= self._peer.largest and self._needless + segments <= self._board.retransmissions:
            self._needless += segments
            report.dsack = end
            report.delivered += segments

    def _sample(self, seconds: float, ack: int, snd_nxt: int, now: float) -> float:
        window = self._window
        self._rtt.sample(seconds, now)
        self._rtt.backoff = 0  # RFC 6298 §5, end: only a measurement ends the back-off
        before = window.ssthresh
        self._control.sampled(window, seconds, ack, snd_nxt, now)
        if self._note is not None and before != window.ssthresh:
            self._note(Kind.CONGESTION, now, window.cwnd, f"slow start ends: round trips grow, {window!r}")
        return seconds

    def _echo(self, segment: Segment) -> float:
        """When the transmission that ``segment`` answers was sent, to the millisecond; infinite if unknown."""
        stamps = segment.timestamps
        if stamps is None or not self.stamped:
            return inf
        return (stamps[1] - self._stamp_offset) / 1000
