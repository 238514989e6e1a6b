"""Loss recovery: what an acknowledgement or a timeout means, and how much may be sent meanwhile.  No I/O, no clock.

The phases and their order of decisions are Linux's (net/ipv4/tcp_input.c, tcp_fastretrans_alert), the rules are those
of the RFCs: RACK finds losses (RFC 8985), NewReno does where the peer has no SACK (RFC 6582), proportional rate
reduction paces the repair (RFC 6937), F-RTO and Eifel take back what was spurious (RFC 5682, RFC 3522, RFC 4015).
"""

from enum import Enum
from math import inf
from typing import Final

from netwright.core.moment import Kind
from netwright.proto.tcp.congestion.control import Control
from netwright.proto.tcp.congestion.window import INFINITE, Window
from netwright.proto.tcp.events import Note
from netwright.proto.tcp.rack import DUPLICATES, Rack
from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.scoreboard import Scoreboard, Sent
from netwright.proto.tcp.settings import Settings

__all__ = ["DISORDER", "LOSS", "OPEN", "RECOVERY", "REDUCING", "News", "Phase", "Recovery"]

_TLP_DELACK: Final = 0.2  # WCDelAckT, RFC 8985 §7.2; Linux takes the least RTO
_TIMEOUT_SLACK: Final = 0.002  # seconds that the timers of RFC 8985 are later than computed, Linux TCP_TIMEOUT_MIN_US


class Phase(Enum):
    """Linux's names, in order of gravity."""

    OPEN = "open"
    DISORDER = "disorder"  # something is out of order; limited transmit (RFC 3042)
    REDUCING = "reducing"  # CWR: the network marked congestion, nothing is lost (RFC 3168 §6.1.2)
    RECOVERY = "recovery"  # fast recovery (RFC 5681 §3.2, RFC 6675 §5)
    LOSS = "loss"  # after a timeout (RFC 5681 §3.1)


OPEN: Final = Phase.OPEN  # asked about every segment, and an enum is slow to find its members
DISORDER: Final = Phase.DISORDER
REDUCING: Final = Phase.REDUCING
RECOVERY: Final = Phase.RECOVERY
LOSS: Final = Phase.LOSS


class News:
    """What one acknowledgement says.  No dataclass, for there is one an acknowledgement.

    Attributes:
        una, nxt: SND.UNA after it, SND.NXT.
        prior_una: SND.UNA before it; advanced: it has moved.
        prior_flight: segments in flight before it.
        delivered: segments that arrived, by ACK or SACK; sacked: of these, by SACK.
        dsack: end of bytes that the peer got twice, None for none.
        original: a segment that was sent once, before the timeout, arrived now.
        duplicate: nothing but the number that is known already (RFC 5681 §2).
        ece: the network marked congestion (RFC 3168 §6.1.2).
        echo: when the transmission that it answers left, infinite without timestamps.
        rtt: a round trip that it measured, 0.0 for none.
    """

    __slots__ = (
        "advanced",
        "delivered",
        "dsack",
        "duplicate",
        "ece",
        "echo",
        "nxt",
        "original",
        "prior_flight",
        "prior_una",
        "rtt",
        "sacked",
        "una",
    )

    def __init__(self, una: int, nxt: int, prior_una: int, prior_flight: int, *, delivered: int = 0) -> None:
        self.una, self.nxt, self.prior_una, self.prior_flight = una, nxt, prior_una, prior_flight
        self.advanced = una > prior_una
        self.delivered, self.sacked = delivered, 0
        self.dsack: int | None = None
        self.original = self.duplicate = self.ece = False
        self.echo, self.rtt = inf, 0.0


class Recovery:
    """Phases of one sender.

    Attributes:
        high_seq: SND.NXT when the phase began; it ends when that is acknowledged.
        sack: both sides agreed on SACK.
        reorder_at: when RACK looks again.
        probe_end: SND.NXT when a tail loss probe went, None while none is out.
        new_first: F-RTO sends new data before it repeats anything (RFC 5682 §3.1 step 2b).
        reductions: times that the window was reduced; each is told to an ECN receiver (RFC 3168 §6.1.2).
        fast, timeouts, probes, undone: counts for people.
    """

    __slots__ = (
        "_board",
        "_control",
        "_duplicates",
        "_frto",
        "_note",
        "_prior_ssthresh",
        "_probe_repeats",
        "_prr_delivered",
        "_prr_out",
        "_repeated_at",
        "_repeats_to_undo",
        "_rtt",
        "_settings",
        "_undo_from",
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
        self._prr_delivered = self._prr_out = 0
        self._prior_ssthresh = 0
        self._undo_from: int | None = None
        self._repeats_to_undo = -1
        self._repeated_at = inf
        self.fast = self.timeouts = self.probes = self.undone = self.reductions = 0

    def __repr__(self) -> str:
        return f"<Recovery {self.phase.value} {self.window!r} {self._board!r}>"

    @property
    def quiet(self) -> bool:
        """Nothing is known to be out of order, so that only a probe would find a lost tail (RFC 8985 §7.3)."""
        return self.phase is OPEN or self.phase is REDUCING

    # What the sender tells

    def sent(self) -> None:
        """A segment went, new or again (RFC 6937 §3, prr_out)."""
        if self.phase is RECOVERY or self.phase is REDUCING:
            self._prr_out += 1

    def resent(self, now: float) -> None:
        """A segment went again."""
        self.sent()
        self._repeats_to_undo = max(self._repeats_to_undo, 0) + 1
        self._repeated_at = min(self._repeated_at, now)

    def acknowledged(self, news: News, now: float) -> None:
        """Decide on loss, phase and window after an acknowledgement.  Marks of the scoreboard are up to date."""
        lost_before = self._board.lost
        self.new_first = False
        if not self.sack and news.advanced:
            self._forget_duplicates(news)
        if news.dsack is not None:
            self._count_needless(news)
        if self.probe_end is not None:
            self._judge_probe(news, now)
        if news.ece:
            self._prior_ssthresh = 0  # a mark is congestion, whatever is undone
        if self.phase is not OPEN:
            self._leave(news, now)
        if self.phase is RECOVERY:
            self._in_recovery(news, now)
        elif self.phase is LOSS:
            self._in_loss(news, now)
        else:
            self._in_order(news, now)
        if self.phase is RECOVERY or self.phase is REDUCING:
            self._reduce(news, self._board.lost > lost_before)

    def looked_again(self, snd_una: int, snd_nxt: int, now: float) -> None:
        """``reorder_at`` has come (RFC 8985 §6.2 step 5)."""
        self.reorder_at = inf
        flight = self._board.in_flight
        self._find_losses(now)
        if self._board.in_flight != flight and self.phase is not Phase.RECOVERY:
            self._enter_recovery(snd_una, snd_nxt, False, now)
            self._reduce(News(snd_una, snd_nxt, snd_una, flight, delivered=1), True)

    # Phases

    def _leave(self, news: News, now: float) -> None:
        """A phase ends when what was out at its start is acknowledged."""
        if news.una < self.high_seq:
            return
        if self.phase is Phase.REDUCING:
            if news.una > self.high_seq:  # CWR must reach the receiver first
                self._end_reduction(now)
                self._set(Phase.OPEN, now, "everything before the mark is acknowledged")
        elif self.phase is Phase.RECOVERY:
            self._duplicates = 0
            if not self._undo_if_spurious(news, now, "recovery", unmark=False):
                self._end_reduction(now)
                self.rack.recovered()
            if not self.sack and news.una == self.high_seq:
                return  # RFC 6582 §4.1: a late duplicate must not start another recovery
            self._set(Phase.OPEN, now, "everything before the loss is acknowledged")

    def _in_order(self, news: News, now: float) -> None:
        """Open, disorder, or reducing: has something been lost?"""
        board = self._board
        if not self.sack:
            self._count_duplicates(news)
        if self._undo_from is not None and self._needless_repeats():
            self._undo(now, "every repeat was needless (D-SACK)")
        if self.rack.advanced:
            self._find_losses(now)
        if not self.sack and self._duplicates >= DUPLICATES and board.first is not None and not board.lost:
            self._mark(board.first, now, "third duplicate acknowledgement")
        if board.lost:
            self._enter_recovery(news.una, news.nxt, news.ece, now)
            return
        if news.ece and self.phase is not REDUCING:
            self._enter_reducing(news, now)
        elif self.phase is not REDUCING:
            disorder = bool(board.sacked or board.repeated)
            if disorder is not (self.phase is DISORDER):
                self.high_seq = news.nxt
                reason = "a later segment has arrived" if disorder else "what was missing has arrived"
                self._set(DISORDER if disorder else OPEN, now, reason)

    def _in_recovery(self, news: News, now: float) -> None:
        board = self._board
        if not self.sack:
            if news.advanced:
                if board.first is not None and not board.first.resent:
                    self._mark(board.first, now, "partial acknowledgement (RFC 6582)")
            else:
                self._count_duplicates(news)
        elif news.advanced and self._undo_from is not None and self._answers_original(news):
            # RFC 4015: the first transmission was acknowledged after its repeat went: it was reordered, not lost.
            if board.resent:
                return
            self._undo(now, "the original had arrived (Eifel)", unmark=True)
            self._set(Phase.DISORDER if board.sacked else Phase.OPEN, now, "undone")
        if self._needless_repeats():
            self._undo(now, "every repeat was needless (D-SACK)")
            self._set(Phase.DISORDER if board.sacked else Phase.OPEN, now, "undone")
        if self.rack.advanced:
            self._find_losses(now)
        if self.phase is not Phase.RECOVERY and board.lost:
            self._enter_recovery(news.una, news.nxt, news.ece, now)

    def _in_loss(self, news: News, now: float) -> None:
        """After a timeout; F-RTO first (RFC 5682 §3.1, SACK-enhanced)."""
        recovered = news.una >= self.high_seq
        if news.advanced and self._undo_if_spurious(news, now, "timeout", unmark=True):
            self._after_undone_timeout(news, now)
        elif self._frto and news.original:  # step 3b
            self._undo(now, "timeout was spurious (F-RTO)", unmark=True)
            self._after_undone_timeout(news, now)
        elif self._frto and news.nxt > self.high_seq:
            self._frto = not (news.sacked or news.duplicate)  # step 3a: the loss was real
        elif self._frto and news.advanced and not recovered:
            self.high_seq = news.nxt
            self.new_first = True  # step 2b
        if recovered and self.phase is Phase.LOSS and (self.sack or news.una > self.high_seq):  # RFC 6582 §4.1
            self._duplicates = 0
            self._set(Phase.OPEN, now, "everything before the timeout is acknowledged")
        if self.rack.advanced:
            resent = self._board.resent
            self._find_losses(now)
            if self._board.lost and (self.phase is not Phase.LOSS or self._board.resent < resent):
                self._enter_recovery(news.una, news.nxt, news.ece, now)

    def _after_undone_timeout(self, news: News, now: float) -> None:
        self._frto = False
        self._set(Phase.DISORDER if self._board.sacked else Phase.OPEN, now, "undone")
        self.high_seq = news.nxt

    def _enter_recovery(self, snd_una: int, snd_nxt: int, ece: bool, now: float) -> None:
        if self.phase is not Phase.REDUCING:
            self._prior_ssthresh = 0 if ece else self._current_ssthresh()
            self._begin_reduction(snd_nxt, now)
        else:
            self._prior_ssthresh = 0
        self._arm_undo(snd_una)
        self.fast += 1
        self._set(Phase.RECOVERY, now, f"{self._board.lost} segments lost")

    def _enter_reducing(self, news: News, now: float) -> None:
        self._undo_from, self._prior_ssthresh = None, 0
        self._begin_reduction(news.nxt, now)
        self._set(Phase.REDUCING, now, "the network marked congestion (ECE)")

    def _begin_reduction(self, snd_nxt: int, now: float) -> None:
        self.high_seq, self.probe_end = snd_nxt, None
        self.window.prior_cwnd = self.window.cwnd
        self._prr_delivered = self._prr_out = 0
        self.reductions += 1
        self.window.ssthresh = self._control.reduced(self.window, now)

    def too_big(self, snd_nxt: int, now: float) -> None:
        """Segments were too big for the path: they go again, and nobody slows down (RFC 1191 §6.5)."""
        if self.phase is not LOSS:
            self.high_seq, self.probe_end, self.new_first = snd_nxt, None, False
            self.window.ssthresh = self._current_ssthresh()
            self._undo_from, self._prior_ssthresh, self._frto = None, 0, False
            self._set(LOSS, now, "segments were too big for the path")

    def timed_out(self, snd_una: int, snd_nxt: int, first_repeat: bool, now: float) -> None:
        """The retransmission timer ran out (RFC 5681 §3.1): everything is lost that was not just sent."""
        board = self._board
        self.timeouts += 1
        new = self.phase is not Phase.RECOVERY and self.phase is not Phase.LOSS
        fresh = self.phase is Phase.OPEN or self.phase is Phase.DISORDER or snd_una >= self.high_seq
        if fresh or (self.phase is Phase.LOSS and first_repeat):
            self._prior_ssthresh = self._current_ssthresh()
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
            board.forget_sacks()  # RFC 2018 §8: the peer lacks what it said it had
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

    def _mark(self, record: Sent, now: float, reason: str) -> None:
        self._board.mark_lost(record)
        self._limit_duplicates()
        if self._note is not None:
            self._note(Kind.LOST, now, len(record.data), f"{record.start}:{record.end} {reason}")

    def _count_duplicates(self, news: News) -> None:
        """Without SACK a duplicate says that one segment has left the network (RFC 5681 §3.2, RFC 6582)."""
        board = self._board
        if news.advanced:
            board.sacked = 0
        elif news.duplicate:
            self._duplicates += 1
            before, board.sacked = board.sacked, board.sacked + 1
            self._limit_duplicates()
            news.delivered += board.sacked - before

    def _forget_duplicates(self, news: News) -> None:
        """What is acknowledged now was counted, all but the first, when its duplicate came."""
        acknowledged, board = news.delivered, self._board
        news.delivered = max(acknowledged - board.sacked, 1)
        board.sacked = max(board.sacked - max(acknowledged - 1, 0), 0)
        self._limit_duplicates()
        self._duplicates = 0

    def _limit_duplicates(self) -> None:
        """At least one segment is missing, or there would be no duplicates (RFC 5681 §3.2)."""
        board = self._board
        board.sacked = max(min(board.sacked, board.out - max(board.lost, 1)), 0)

    # Proportional rate reduction, RFC 6937 §3.1

    def _reduce(self, news: News, lost: bool) -> None:
        window, board = self.window, self._board
        if news.delivered <= 0 or not window.prior_cwnd:
            return
        self._prr_delivered += news.delivered
        flight = board.in_flight
        spare = window.ssthresh - flight
        if spare < 0:
            share = window.ssthresh * self._prr_delivered + window.prior_cwnd - 1
            count = share // window.prior_cwnd - self._prr_out
        else:
            count = max(self._prr_delivered - self._prr_out, news.delivered)
            if news.advanced and not lost:
                count += 1  # slow start reduction bound
            count = min(spare, count)
        forced = not self._prr_out or (not self.sack and news.advanced)  # RFC 6582 §3.2 step 3: a partial one repeats
        window.cwnd = flight + max(count, 1 if forced else 0)

    def _end_reduction(self, now: float) -> None:
        self.window.cwnd, self.window.used_at = self.window.ssthresh, now

    # Taking back, RFC 3522, RFC 4015, RFC 2883

    def _current_ssthresh(self) -> int:
        if self.phase is Phase.RECOVERY or self.phase is Phase.REDUCING:
            return self.window.ssthresh
        return self.window.remembered

    def _arm_undo(self, snd_una: int) -> None:
        self._undo_from = snd_una
        needless = self._board.resent + (self.probe_end is not None and self._probe_repeats)
        self._repeats_to_undo = needless or -1
        self._repeated_at = inf

    def _count_needless(self, news: News) -> None:
        assert news.dsack is not None
        if self.rack.reordered and news.dsack != self.probe_end:  # a needless probe says nothing about reordering
            self.rack.widen(news.una, news.nxt)
        if self._undo_from is not None and self._undo_from < news.dsack <= news.nxt and self._repeats_to_undo > 0:
            self._repeats_to_undo -= 1

    def _needless_repeats(self) -> bool:
        return self._undo_from is not None and self._repeats_to_undo == 0

    def _answers_original(self, news: News) -> bool:
        """Eifel: the echoed timestamp is older than the first repeat (RFC 3522 §3.2)."""
        return self._repeated_at != inf and news.echo < self._repeated_at - 0.001

    def _undo_if_spurious(self, news: News, now: float, what: str, *, unmark: bool) -> bool:
        if self._undo_from is None or not (self._needless_repeats() or self._answers_original(news)):
            return False
        self._undo(now, f"{what} was spurious", unmark=unmark)
        return True

    def _undo(self, now: float, reason: str, *, unmark: bool = False) -> None:
        if unmark:
            self._board.unmark_lost()
        window = self.window
        window.used_at = now
        if self._prior_ssthresh:
            window.cwnd = max(window.cwnd, window.prior_cwnd)
            window.ssthresh = max(window.ssthresh, self._prior_ssthresh)
            self._control.undone(window)
        self._undo_from = None
        self.rack.advanced = True
        self.undone += 1
        if self._note is not None:
            self._note(Kind.CONGESTION, now, window.cwnd, f"undo: {reason}, cwnd {window.cwnd}")

    # Tail loss probe, RFC 8985 §7

    def probe_timeout(self, rto: float) -> float | None:
        """PTO, or None if the retransmission timer is due (RFC 8985 §7.2)."""
        srtt = self._rtt.srtt
        if self.probe_end is not None or not srtt or not self.sack:
            return None
        if not self._settings.tail_loss_probe or not (self.phase is OPEN or self.phase is REDUCING):
            return None
        timeout = 2 * srtt + (_TLP_DELACK if self._board.out == 1 else _TIMEOUT_SLACK)
        return timeout if timeout < rto else rto

    def probed(self, snd_nxt: int, *, repeat: bool) -> None:
        """A probe went."""
        self.probes += 1
        self.probe_end, self._probe_repeats = snd_nxt, repeat

    def _judge_probe(self, news: News, now: float) -> None:
        """RFC 8985 §7.4.2: did the probe repair a loss?"""
        assert self.probe_end is not None
        if news.una < self.probe_end:
            return
        end, self.probe_end = self.probe_end, None
        if not self._probe_repeats or news.dsack is not None:
            return
        if news.una > end:
            self._undo_from, self._prior_ssthresh = None, 0
            self._begin_reduction(news.nxt, now)
            self._end_reduction(now)
            self._set(Phase.OPEN, now, "the tail loss probe repaired a loss")
        elif news.advanced or news.sacked or not news.duplicate:
            self.probe_end = end

    def _set(self, phase: Phase, now: float, reason: str) -> None:
        if self._note is not None and phase is not self.phase:
            window = self.window
            threshold = "∞" if window.ssthresh == INFINITE else window.ssthresh
            text = f"{self.phase.value} → {phase.value}: {reason}, cwnd {window.cwnd}, ssthresh {threshold}"
            self._note(Kind.CONGESTION, now, window.cwnd, text, (self.phase.value, phase.value))
        self.phase = phase
