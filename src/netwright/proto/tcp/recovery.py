"""Loss recovery: finds losses from acknowledgements and timeouts, and reduces the congestion window.

Phases and the order of decisions are Linux's (net/ipv4/tcp_input.c, tcp_fastretrans_alert).  The rules are those of the
RFCs: RACK finds losses (RFC 8985), or NewReno where the peer has no SACK (RFC 6582); proportional rate reduction paces
the repair (RFC 6937); F-RTO, Eifel and D-SACK undo a reduction that was spurious (RFC 5682, RFC 3522, RFC 2883).
"""

from enum import Enum
from math import inf
from typing import Final

from netwright.core.moment import Kind
from netwright.proto.tcp.ack_report import AckReport
from netwright.proto.tcp.congestion.control import Control
from netwright.proto.tcp.congestion.window import INFINITE, Window
from netwright.proto.tcp.events import Note
from netwright.proto.tcp.rack import DUPLICATES, Rack
from netwright.proto.tcp.rate_reduction import RateReduction
from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.scoreboard import Scoreboard, SentSegment
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.undo import Undo

__all__ = ["DISORDER", "LOSS", "OPEN", "RECOVERY", "REDUCING", "Phase", "Recovery"]

_TLP_DELACK: Final = 0.2  # WCDelAckT, RFC 8985 §7.2; Linux takes the least RTO
_TIMEOUT_SLACK: Final = 0.002  # seconds added to the timers of RFC 8985, Linux TCP_TIMEOUT_MIN_US


class Phase(Enum):
    """Linux's states, in order of severity."""

    OPEN = "open"
    DISORDER = "disorder"  # segments arrived out of order; limited transmit (RFC 3042)
    REDUCING = "reducing"  # CWR: the network marked congestion, no segment is lost (RFC 3168 §6.1.2)
    RECOVERY = "recovery"  # fast recovery (RFC 5681 §3.2, RFC 6675 §5)
    LOSS = "loss"  # after a timeout (RFC 5681 §3.1)


OPEN: Final = Phase.OPEN  # module constants: looking up an enum's member is slow, and every segment does
DISORDER: Final = Phase.DISORDER
REDUCING: Final = Phase.REDUCING
RECOVERY: Final = Phase.RECOVERY
LOSS: Final = Phase.LOSS


class Recovery:
    """Loss recovery of one sender.

    Attributes:
        phase: the current phase.
        high_seq: SND.NXT when the phase began; the phase ends when it is acknowledged.
        sack: both sides agreed on SACK.
        reorder_at: when RACK's reordering timer expires; infinite for never.
        probe_end: SND.NXT when a tail loss probe was sent; None while no probe is in flight.
        new_first: F-RTO sends new data before any retransmission (RFC 5682 §3.1 step 2b).
        reductions: reductions of the window; with ECN, CWR reports each to the peer (RFC 3168 §6.1.2).
        fast, timeouts, probes, undone: counts of fast recoveries, timeouts, tail loss probes, undone reductions.
    """

    __slots__ = (
        "_board",
        "_control",
        "_duplicates",
        "_frto",
        "_note",
        "_probe_repeats",
        "_reduction",
        "_rtt",
        "_settings",
        "_undo",
        "fast",
        "high_seq",
        "new_first",
        "phase",
        "probe_end",
        "probes",
        "rack",
        "reductions",
        "reorder_at",
        "sack",
        "timeouts",
        "undone",
        "window",
    )

    def __init__(
        self, settings: Settings, board: Scoreboard, window: Window, control: Control, rtt: RoundTrip, note: Note | None
    ) -> None:
        self._settings, self._board, self._control, self._rtt, self._note = settings, board, control, rtt, note
        self.window, self.rack = window, Rack()
        self.phase = Phase.OPEN
        self.sack = False
        self.high_seq = 0
        self.reorder_at = inf
        self.probe_end: int | None = None
        self._probe_repeats = False
        self._duplicates = 0
        self._frto = self.new_first = False
        self._reduction, self._undo = RateReduction(), Undo()
        self.fast = self.timeouts = self.probes = self.undone = self.reductions = 0

    def __repr__(self) -> str:
        return f"<Recovery {self.phase.value} {self.window!r} {self._board!r}>"

    @property
    def quiet(self) -> bool:
        """True if nothing is out of order, so that only a probe finds a lost tail (RFC 8985 §7.3)."""
        return self.phase is OPEN or self.phase is REDUCING

    # Reports of the sender

    def sent(self) -> None:
        """A segment was sent, new or again."""
        if self.phase is RECOVERY or self.phase is REDUCING:
            self._reduction.sent()

    def resent(self, now: float) -> None:
        """A segment was retransmitted."""
        self.sent()
        self._undo.resent(now)

    def acknowledged(self, report: AckReport, now: float) -> None:
        """Find losses, and update phase and window, after an acknowledgement.  The scoreboard is updated already."""
        lost_before = self._board.lost
        self.new_first = False
        if not self.sack and report.advanced:
            self._forget_duplicates(report)
        if report.dsack is not None:
            self._count_needless(report)
        if self.probe_end is not None:
            self._judge_probe(report, now)
        if report.ece:
            self._undo.prior_ssthresh = 0  # a mark is congestion, whatever else is undone
        if self.phase is not OPEN:
            self._leave(report, now)
        if self.phase is RECOVERY:
            self._in_recovery(report, now)
        elif self.phase is LOSS:
            self._in_loss(report, now)
        else:
            self._in_order(report, now)
        if self.phase is RECOVERY or self.phase is REDUCING:
            self._reduce(report, self._board.lost > lost_before)

    def reordering_timed_out(self, snd_una: int, snd_nxt: int, now: float) -> None:
        """The reordering timer expired (RFC 8985 §6.2 step 5)."""
        self.reorder_at = inf
        flight = self._board.in_flight
        self._find_losses(now)
        if self._board.in_flight != flight and self.phase is not Phase.RECOVERY:
            self._enter_recovery(snd_una, snd_nxt, False, now)
            self._reduce(AckReport(snd_una, snd_nxt, snd_una, flight, delivered=1), True)

    # Phases

    def _leave(self, report: AckReport, now: float) -> None:
        """End the phase if everything sent before it began is acknowledged."""
        if report.una < self.high_seq:
            return
        if self.phase is Phase.REDUCING:
            if report.una > self.high_seq:  # CWR must reach the receiver first
                self._end_reduction(now)
                self._set(Phase.OPEN, now, "everything before the mark is acknowledged")
        elif self.phase is Phase.RECOVERY:
            self._duplicates = 0
            if not self._undo_if_spurious(report, now, "recovery", unmark=False):
                self._end_reduction(now)
                self.rack.recovered()
            if not self.sack and report.una == self.high_seq:
                return  # RFC 6582 §4.1: a late duplicate must not start another recovery
            self._set(Phase.OPEN, now, "everything before the loss is acknowledged")

    def _in_order(self, report: AckReport, now: float) -> None:
        """OPEN, DISORDER or REDUCING: look for losses."""
        board = self._board
        if not self.sack:
            self._count_duplicates(report)
        if self._undo.all_needless():
            self._restore(now, "every retransmission was needless (D-SACK)")
        if self.rack.advanced:
            self._find_losses(now)
        if not self.sack and self._duplicates >= DUPLICATES and board.first is not None and not board.lost:
            self._mark(board.first, now, "third duplicate acknowledgement")
        if board.lost:
            self._enter_recovery(report.una, report.nxt, report.ece, now)
            return
        if report.ece and self.phase is not REDUCING:
            self._enter_reducing(report, now)
        elif self.phase is not REDUCING:
            disorder = bool(board.sacked or board.repeated)
            if disorder is not (self.phase is DISORDER):
                self.high_seq = report.nxt
                reason = "a later segment has arrived" if disorder else "what was missing has arrived"
                self._set(DISORDER if disorder else OPEN, now, reason)

    def _in_recovery(self, report: AckReport, now: float) -> None:
        board = self._board
        if not self.sack:
            if report.advanced:
                if board.first is not None and not board.first.resent:
                    self._mark(board.first, now, "partial acknowledgement (RFC 6582)")
            else:
                self._count_duplicates(report)
        elif report.advanced and self._undo.armed_at is not None and self._undo.answers_original(report.echo):
            # RFC 4015: the original was acknowledged after its retransmission: it was reordered, not lost.
            if board.resent:
                return
            self._restore(now, "the original had arrived (Eifel)", unmark=True)
            self._set(Phase.DISORDER if board.sacked else Phase.OPEN, now, "undone")
        if self._undo.all_needless():
            self._restore(now, "every retransmission was needless (D-SACK)")
            self._set(Phase.DISORDER if board.sacked else Phase.OPEN, now, "undone")
        if self.rack.advanced:
            self._find_losses(now)
        if self.phase is not Phase.RECOVERY and board.lost:
            self._enter_recovery(report.una, report.nxt, report.ece, now)

    def _in_loss(self, report: AckReport, now: float) -> None:
        """LOSS: F-RTO first (RFC 5682 §3.1, SACK-enhanced)."""
        recovered = report.una >= self.high_seq
        if report.advanced and self._undo_if_spurious(report, now, "timeout", unmark=True):
            self._after_undone_timeout(report, now)
        elif self._frto and report.original:  # step 3b
            self._restore(now, "timeout was spurious (F-RTO)", unmark=True)
            self._after_undone_timeout(report, now)
        elif self._frto and report.nxt > self.high_seq:
            self._frto = not (report.sacked or report.duplicate)  # step 3a: the loss was real
        elif self._frto and report.advanced and not recovered:
            self.high_seq = report.nxt
            self.new_first = True  # step 2b
        if recovered and self.phase is Phase.LOSS and (self.sack or report.una > self.high_seq):  # RFC 6582 §4.1
            self._duplicates = 0
            self._set(Phase.OPEN, now, "everything before the timeout is acknowledged")
        if self.rack.advanced:
            resent = self._board.resent
            self._find_losses(now)
            if self._board.lost and (self.phase is not Phase.LOSS or self._board.resent < resent):
                self._enter_recovery(report.una, report.nxt, report.ece, now)

    def _after_undone_timeout(self, report: AckReport, now: float) -> None:
        self._frto = False
        self._set(Phase.DISORDER if self._board.sacked else Phase.OPEN, now, "undone")
        self.high_seq = report.nxt

    def _enter_recovery(self, snd_una: int, snd_nxt: int, ece: bool, now: float) -> None:
        if self.phase is not Phase.REDUCING:
            self._undo.prior_ssthresh = 0 if ece else self._current_ssthresh()
            self._begin_reduction(snd_nxt, now)
        else:
            self._undo.prior_ssthresh = 0
        self._arm_undo(snd_una)
        self.fast += 1
        lost = self._board.lost
        self._set(Phase.RECOVERY, now, f"{lost} segment{'' if lost == 1 else 's'} lost")

    def _enter_reducing(self, report: AckReport, now: float) -> None:
        self._undo.disarm()
        self._begin_reduction(report.nxt, now)
        self._set(Phase.REDUCING, now, "the network marked congestion (ECE)")

    def _begin_reduction(self, snd_nxt: int, now: float) -> None:
        self.high_seq, self.probe_end = snd_nxt, None
        self.window.prior_cwnd = self.window.cwnd
        self._reduction.begin()
        self.reductions += 1
        self.window.ssthresh = self._control.reduced(self.window, now)

    def too_big(self, snd_nxt: int, now: float) -> None:
        """Segments were too big for the path: enter LOSS without reducing the window (RFC 1191 §6.5)."""
        if self.phase is not LOSS:
            self.high_seq, self.probe_end, self.new_first = snd_nxt, None, False
            self.window.ssthresh = self._current_ssthresh()
            self._undo.disarm()
            self._frto = False
            self._set(LOSS, now, "segments were too big for the path")

    def timed_out(self, snd_una: int, snd_nxt: int, first_repeat: bool, now: float) -> None:
        """The retransmission timer expired: everything that was not just sent counts as lost (RFC 5681 §3.1)."""
        board = self._board
        self.timeouts += 1
        new = self.phase is not Phase.RECOVERY and self.phase is not Phase.LOSS
        fresh = self.phase is Phase.OPEN or self.phase is Phase.DISORDER or snd_una >= self.high_seq
        if fresh or (self.phase is Phase.LOSS and first_repeat):
            self._undo.prior_ssthresh = self._current_ssthresh()
            self.window.prior_cwnd = self.window.cwnd
            self.reductions += 1
            self.window.ssthresh = self._control.reduced(self.window, now)
            self._control.timed_out(self.window, now)
            self._arm_undo(snd_una)
        self._mark_for_timeout(now)
        self.window.cwnd, self.window.used_at = board.in_flight + 1, now
        self._frto = self._settings.frto and (new or not first_repeat)
        self.high_seq, self.probe_end, self.new_first = snd_nxt, None, False
        self._duplicates, self.reorder_at = 0, inf
        self._set(Phase.LOSS, now, f"timeout after {self._rtt.timeout:.3f} s")

    def _mark_for_timeout(self, now: float) -> None:
        board, rack = self._board, self.rack
        if not self.sack:
            board.sacked = 0
        first = board.first
        if first is not None and first.sacked:
            board.forget_sacks()  # RFC 2018 §8: the peer has dropped data that it had SACKed
        for record in board.outstanding():
            young = self.sack and record is not first and record.sent_at + rack.rtt > now  # RFC 8985 §6.3
            if not record.sacked and not young and (record.resent or not record.lost):
                board.mark_lost(record)

    # Losses

    def _find_losses(self, now: float) -> None:
        if not self.sack:
            self.rack.advanced = False
            return
        board, rack = self._board, self.rack
        recovering = self.phase is RECOVERY or self.phase is LOSS
        allowed = rack.window(self._rtt, board.sacked, recovering)
        lost, wait = rack.detect(board, allowed, now)
        self.reorder_at = now + wait + _TIMEOUT_SLACK if wait > 0.0 else inf
        if self._note is not None:
            for record in lost:
                reason = f"{record.start}:{record.end} sent {now - record.sent_at:.4f} s ago, a later one has arrived"
                self._note(Kind.LOST, now, len(record.data), reason)

    def _mark(self, record: SentSegment, now: float, reason: str) -> None:
        self._board.mark_lost(record)
        self._limit_duplicates()
        if self._note is not None:
            self._note(Kind.LOST, now, len(record.data), f"{record.start}:{record.end} {reason}")

    def _count_duplicates(self, report: AckReport) -> None:
        """Without SACK, a duplicate ACK says that one segment has arrived (RFC 5681 §3.2, RFC 6582)."""
        board = self._board
        if report.advanced:
            board.sacked = 0
        elif report.duplicate:
            self._duplicates += 1
            before, board.sacked = board.sacked, board.sacked + 1
            self._limit_duplicates()
            report.delivered += board.sacked - before

    def _forget_duplicates(self, report: AckReport) -> None:
        """Subtract segments that were counted when their duplicate ACKs arrived, all but the first."""
        acknowledged, board = report.delivered, self._board
        report.delivered = max(acknowledged - board.sacked, 1)
        board.sacked = max(board.sacked - max(acknowledged - 1, 0), 0)
        self._limit_duplicates()
        self._duplicates = 0

    def _limit_duplicates(self) -> None:
        """At least one segment is missing, or there would be no duplicate ACKs (RFC 5681 §3.2)."""
        board = self._board
        board.sacked = max(min(board.sacked, board.out - max(board.lost, 1)), 0)

    def _reduce(self, report: AckReport, lost: bool) -> None:
        self._reduction.update(self.window, report, self._board.in_flight, lost=lost, sack=self.sack)

    def _end_reduction(self, now: float) -> None:
        self.window.cwnd, self.window.used_at = self.window.ssthresh, now

    # Undoing a reduction, RFC 3522, RFC 4015, RFC 2883

    def _current_ssthresh(self) -> int:
        if self.phase is Phase.RECOVERY or self.phase is Phase.REDUCING:
            return self.window.ssthresh
        return self.window.remembered

    def _arm_undo(self, snd_una: int) -> None:
        self._undo.arm(snd_una, self._board.resent + (self.probe_end is not None and self._probe_repeats))

    def _count_needless(self, report: AckReport) -> None:
        assert report.dsack is not None
        if self.rack.reordered and report.dsack != self.probe_end:  # a needless probe is not a sign of reordering
            self.rack.widen(report.una, report.nxt)
        self._undo.take_dsack(report.dsack, report.nxt)

    def _undo_if_spurious(self, report: AckReport, now: float, what: str, *, unmark: bool) -> bool:
        if not self._undo.is_spurious(report.echo):
            return False
        self._restore(now, f"{what} was spurious", unmark=unmark)
        return True

    def _restore(self, now: float, reason: str, *, unmark: bool = False) -> None:
        if unmark:
            self._board.unmark_lost()
        window = self.window
        window.used_at = now
        if self._undo.prior_ssthresh:
            window.cwnd = max(window.cwnd, window.prior_cwnd)
            window.ssthresh = max(window.ssthresh, self._undo.prior_ssthresh)
            self._control.undone(window)
        self._undo.armed_at = None
        self.rack.advanced = True
        self.undone += 1
        if self._note is not None:
            self._note(Kind.CONGESTION, now, window.cwnd, f"undo: {reason}, cwnd {window.cwnd}")

    # Tail loss probe, RFC 8985 §7

    def probe_timeout(self, rto: float) -> float | None:
        """Seconds until a tail loss probe; None if the retransmission timer is to run instead (RFC 8985 §7.2)."""
        srtt = self._rtt.srtt
        if self.probe_end is not None or not srtt or not self.sack:
            return None
        if not self._settings.tail_loss_probe or not (self.phase is OPEN or self.phase is REDUCING):
            return None
        timeout = 2 * srtt + (_TLP_DELACK if self._board.out == 1 else _TIMEOUT_SLACK)
        return timeout if timeout < rto else rto

    def probed(self, snd_nxt: int, *, repeat: bool) -> None:
        """A tail loss probe was sent; ``repeat`` if it is a retransmission."""
        self.probes += 1
        self.probe_end, self._probe_repeats = snd_nxt, repeat

    def _judge_probe(self, report: AckReport, now: float) -> None:
        """If the probe repaired a loss, reduce the window as for any loss (RFC 8985 §7.4.2)."""
        assert self.probe_end is not None
        if report.una < self.probe_end:
            return
        end, self.probe_end = self.probe_end, None
        if not self._probe_repeats or report.dsack is not None:
            return
        if report.una > end:
            self._undo.disarm()
            self._begin_reduction(report.nxt, now)
            self._end_reduction(now)
            self._set(Phase.OPEN, now, "the tail loss probe repaired a loss")
        elif report.advanced or report.sacked or not report.duplicate:
            self.probe_end = end

    def _set(self, phase: Phase, now: float, reason: str) -> None:
        if self._note is not None and phase is not self.phase:
            window = self.window
            threshold = "∞" if window.ssthresh == INFINITE else window.ssthresh
            text = f"{self.phase.value} → {phase.value}: {reason}, cwnd {window.cwnd}, ssthresh {threshold}"
            self._note(Kind.CONGESTION, now, window.cwnd, text, (self.phase.value, phase.value))
        self.phase = phase
