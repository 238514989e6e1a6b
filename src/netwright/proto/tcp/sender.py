"""The sending half: what may go now, and what an acknowledgement sets free (RFC 9293 §3.8).  No I/O, no clock.

The scoreboard holds what is in flight with its bytes, ``_unsent`` what is not; both together are the send buffer.
"""

from math import inf
from typing import Final

from netwright.core.moment import Kind
from netwright.proto.tcp.congestion.bbr import Bbr, Path
from netwright.proto.tcp.congestion.choice import control_for
from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.delivery import Delivery
from netwright.proto.tcp.events import Emit, End, Note
from netwright.proto.tcp.handshake import DEFAULT_MSS, Agreement
from netwright.proto.tcp.nagle import reason_to_wait
from netwright.proto.tcp.pacing import Pacer, interval
from netwright.proto.tcp.peer_window import PeerWindow
from netwright.proto.tcp.rack import DUPLICATES
from netwright.proto.tcp.recovery import LOSS, OPEN, RECOVERY, REDUCING, News, Recovery
from netwright.proto.tcp.rtt import OFF, PERSIST, PROBE, RETRANSMIT, RoundTrip, Timer
from netwright.proto.tcp.scoreboard import Scoreboard, Sent
from netwright.proto.tcp.segment import ACK, CWR, ECE, ECT, FIN, NOT_ECT, PSH, SYN, Segment
from netwright.proto.tcp.settings import Settings

__all__ = ["Sender"]

_TICK: Final = 0.001  # seconds of a timestamp's unit, RFC 7323 §4.1


class Sender:
    """Variables as in RFC 9293 §3.3.1.

    Attributes:
        peer: its ``size`` is SND.WND in bytes, with SND.WL1 and SND.WL2.
        mss: bytes of data in a full segment; ``options`` are those that SACK blocks take of it.
        fin_at: sequence number of our FIN once it was sent.
        handshaking: only the SYN is out; data waits.
        nodelay, corked, limit, user_timeout: TCP_NODELAY, TCP_CORK, SO_SNDBUF, TCP_USER_TIMEOUT.
        refused: ``send`` took less than all, and the user was not told of new space.
        timer, timer_at: what is due when, infinite for never.
        bbr, delivery: only with that congestion control; ``control`` is it.
        repeats: segments that were sent again.
    """

    __slots__ = (
        "_emit", "_fin_wanted", "_first_number", "_last_sent_at", "_measured", "_needless", "_note",
        "_persist_backoff", "_persist_since", "_segment_limit", "_settings", "_small_end", "_stalled_at",
        "_stamp_offset", "_stamped", "_syn_flags", "_told_reductions", "_unsent", "bbr", "board", "control", "corked",
        "delivery", "ecn", "fin_at", "handshaking", "limit", "mss", "nodelay", "options", "pacer", "peer", "recovery",
        "refused",
        "repeats", "rtt", "scale", "snd_nxt", "snd_una", "timer", "timer_at", "user_timeout", "window",
    )  # fmt: skip

    def __init__(self, settings: Settings, iss: int, emit: Emit, note: Note | None, stamp_offset: int) -> None:
        self._settings, self._emit, self._note, self._stamp_offset = settings, emit, note, stamp_offset
        self.snd_una = self.snd_nxt = iss
        self.peer = PeerWindow()
        self.mss, self.scale, self.ecn, self._stamped = DEFAULT_MSS, 0, False, False
        self._segment_limit, self.options, self._first_number = self.mss, 0, iss + 1
        self.limit, self._unsent, self.refused = settings.send_buffer, bytearray(), False
        self._fin_wanted, self.fin_at, self._small_end = False, -1, iss
        self.nodelay, self.corked, self.user_timeout = settings.nodelay, False, settings.user_timeout
        self.rtt, self.board, self.window = RoundTrip(settings), Scoreboard(), Window(settings)
        self.control = control_for(settings)
        self.bbr = self.control if isinstance(self.control, Bbr) else None
        self.delivery = Delivery() if self.bbr is not None else None
        self.pacer = Pacer(settings.pacing or self.bbr is not None)
        self._measured = self.delivery is not None or self.pacer.enabled
        self.recovery = Recovery(settings, self.board, self.window, self.control, self.rtt, note)
        self.timer, self.timer_at = OFF, inf
        self._persist_backoff, self._persist_since = 0, inf
        self._last_sent_at, self._stalled_at = -inf, inf
        self._told_reductions = self.repeats = self._needless = 0
        self.handshaking, self._syn_flags = True, SYN

    def __repr__(self) -> str:
        return f"<Sender una={self.snd_una} nxt={self.snd_nxt} wnd={self.peer.size} unsent={len(self._unsent)}>"

    @property
    def unsent(self) -> int:
        """Bytes that never went."""
        return len(self._unsent)

    @property
    def finishing(self) -> bool:
        """FIN was asked for."""
        return self._fin_wanted

    @property
    def space(self) -> int:
        """Bytes that ``send`` takes now."""
        return max(self.limit - len(self._unsent) - (self.snd_nxt - self.snd_una), 0)

    def deadline(self) -> float:
        """When ``expire`` is due, infinite for never.  No property: those are called slower."""
        at = self.timer_at
        if self.recovery.reorder_at < at:
            at = self.recovery.reorder_at
        return min(at, self.pacer.at) if self.pacer.waiting else at

    # The user

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Take what there is room for; how many bytes that was."""
        space = self.space
        if len(data) > space:
            self.refused = True
            data = memoryview(data)[:space]
        self._unsent += data
        return len(data)

    def finish(self) -> None:
        """After what is in the buffer comes FIN."""
        self._fin_wanted = True

    def squeeze(self, options: int) -> None:
        """Options of ``options`` bytes leave less of a segment for data (RFC 9293 §3.7.1)."""
        self.options = options
        self._segment_limit = self.peer.segment_limit(self.mss - options)

    def took_space(self) -> bool:
        """True once after ``send`` ``refused`` bytes and a third of the buffer is free again (as Linux does)."""
        if self.refused and 3 * self.space >= self.limit:
            self.refused = False
            return True
        return False

    # The handshake

    def open(self, flags: int, now: float) -> None:
        """Send SYN or SYN,ACK."""
        self._syn_flags = flags
        iss = self.snd_una
        self.snd_nxt = iss + 1
        if self.board.out:  # SYN was sent, a SYN came: now it is a SYN,ACK (simultaneous open)
            self._repeat(self._first(), now)
            return
        self.board.add(Sent(iss, iss + 1, b"", flags, now))
        self._emit(flags, iss, b"", now, NOT_ECT)
        self._syn_flags = flags & ~CWR if flags & ACK else SYN  # a repeat does not ask for ECN, RFC 3168 §6.1.1.1
        self._arm(RETRANSMIT, now + self.rtt.timeout)

    def agreed(self, agreement: Agreement) -> None:
        """What the handshake settled."""
        self.mss = self._segment_limit = agreement.mss
        self.scale, self.ecn, self._stamped = agreement.send_scale, agreement.ecn, agreement.timestamps
        self.recovery.sack = agreement.sack

    def bound(self, mss: int) -> None:
        """No segment has more than ``mss`` bytes of data from now on."""
        self.mss = mss
        self.squeeze(self.options)

    def opened(self, segment: Segment, now: float) -> None:
        """The SYN is acknowledged; its window field is not scaled (RFC 7323 §2.2)."""
        self.handshaking = False
        record = self._first()
        self.board.acknowledge(segment.ack)
        self.snd_una = self._small_end = segment.ack
        echo = self._echo(segment)
        if not record.repeats:
            self._sample(now - record.sent_at, segment.ack, now)
        elif record.first_sent_at - _TICK <= echo <= now:
            self._sample(now - echo, segment.ack, now)
        else:
            self.rtt.syn_was_repeated()
        self.rtt.backoff = 0
        if record.repeats > 1:
            self.window.cwnd = 1  # RFC 5681 §3.1; one lost SYN is forgiven, RFC 6928 §2 allows and Linux does
        self.timer, self.timer_at, self._stalled_at = OFF, inf, inf
        self.take_window(segment, segment.window if segment.flags & SYN else segment.window << self.scale, now)

    # Acknowledgements

    def acknowledge(self, segment: Segment, now: float) -> bool:
        """Take the ACK of an acceptable segment; False if it is for what was never sent, or far too old.

        RFC 9293 §3.10.7.4, fifth check, with the bounds of RFC 5961 §5.2.
        """
        ack, una, board = segment.ack, self.snd_una, self.board
        if ack > self.snd_nxt or (ack < una and ack < una - min(self.peer.largest, una - self._first_number)):
            return False
        updated = ack >= una and self.take_window(segment, segment.window << self.scale, now)
        if not board.out and not segment.sacks:  # a D-SACK may still tell that a repeat was needless
            return True
        if ack <= una and (segment.data or updated) and not segment.sacks and not segment.flags & ECE:
            return True  # it says nothing about what is in flight
        news = News(ack if ack > una else una, self.snd_nxt, una, board.in_flight)
        news.ece = self.ecn and segment.flags & ECE != 0
        news.echo = self._echo(segment)
        if ack > una:
            self._advance(ack, news, now)
        if segment.sacks and self.recovery.sack:
            self._selective(segment.sacks, news, now)
        news.duplicate = ack == una and not (segment.data or updated or segment.flags & FIN)
        recovery, lost = self.recovery, board.lost
        recovery.acknowledged(news, now)
        if self.bbr is not None:
            self._steer(news, max(board.lost - lost, 0), now)
        elif news.delivered and self._may_grow(news, now):
            self.control.acked(self.window, news.delivered, now, self.rtt.minimum if self.rtt.srtt else 0.0)
        if news.advanced or (self.timer is PROBE and not recovery.quiet):
            self._restart_timer(now)
        return True

    def _may_grow(self, news: News, now: float) -> bool:
        """Outside of a reduction, if the window is used; an acknowledgement shows that it is not idle (Linux).

        Where reordering is known to be wider than three segments, blocks beyond a hole count as well (Linux).
        """
        phase = self.recovery.phase
        if phase is RECOVERY or phase is REDUCING:
            return False
        if not news.advanced and self.recovery.rack.widest <= DUPLICATES * self.mss:
            return False
        self.window.used_at = now
        return self.window.may_grow

    def _steer(self, news: News, lost: int, now: float) -> None:
        assert self.bbr is not None
        assert self.delivery is not None
        total, phase = self.delivery.delivered, self.recovery.phase
        path = Path(news.delivered, total, lost, news.prior_flight, self.board.in_flight, news.rtt)
        recovering = phase is RECOVERY or phase is LOSS
        mode = self.bbr.mode
        self.bbr.steer(self.window, self.delivery.sample(self.rtt.minimum), path, recovering=recovering, now=now)
        if self._note is not None and mode is not self.bbr.mode:
            self._note(Kind.CONGESTION, now, self.window.cwnd, f"{mode.value} → {self.bbr.mode.value}: {self.bbr!r}")

    def _advance(self, ack: int, news: News, now: float) -> None:
        """The left edge moves."""
        board, recovery = self.board, self.recovery
        gone = board.acknowledge(ack)
        self.snd_una = ack
        self._stalled_at = inf
        first = last = None
        repeated = False
        high, least, rack = recovery.high_seq, self.rtt.minimum, recovery.rack
        for record in gone:
            if record.sacked:
                continue
            news.delivered += 1
            last = record
            if record.repeats:
                repeated = True
                rack.delivered(record, now, least, news.echo)
            elif first is None:
                first = record
        # without SACK nobody knows which transmission arrived
        news.original = first is not None and first.end <= high and (recovery.sack or not repeated)
        if self.delivery is not None:
            self.delivery.all_arrived(gone, now)
        if first is not None and first is not last and first.end < rack.highest:
            rack.delivered(first, now, least, news.echo)  # it was reordered, though what comes last may be news
        if last is not None and not last.repeats:
            rack.delivered(last, now, least, news.echo)
        if first is not None and not repeated:
            news.rtt = self._sample(now - first.sent_at, ack, now)  # Karn, RFC 6298 §3
        elif gone and gone[0].first_sent_at - _TICK <= news.echo <= now:  # else it answers something else
            news.rtt = self._sample(now - news.echo, ack, now)  # RFC 7323 §4.1

    def _selective(self, sacks: tuple[tuple[int, int], ...], news: News, now: float) -> None:
        """SACK blocks; the first may be a duplicate's (RFC 2883 §4: below the ACK, or inside the second)."""
        first_start, first_end = sacks[0]
        una, nxt, board, recovery = self.snd_una, self.snd_nxt, self.board, self.recovery
        if first_end <= una or (len(sacks) > 1 and sacks[1][0] <= first_start and first_end <= sacks[1][1]):
            self._came_twice(first_start, first_end, news)
        sampled: Sent | None = None
        for start, end in sacks:
            if not una <= start < end <= nxt:
                continue
            for record in board.sack(start, end):
                news.sacked += 1
                if not record.repeats:
                    sampled = sampled or record
                    news.original = news.original or record.end <= recovery.high_seq
                recovery.rack.delivered(record, now, self.rtt.minimum, news.echo)
                if self.delivery is not None:
                    self.delivery.arrived(record, now)
        news.delivered += news.sacked
        if sampled is not None and not news.advanced:
            news.rtt = self._sample(now - sampled.sent_at, news.una, now)

    def _came_twice(self, start: int, end: int, news: News) -> None:
        """A D-SACK: a repeat was delivered, needless as it was; believed for as many as there were (Linux)."""
        segments = -(-(end - start) // self.mss)
        if 0 < end - start <= self.peer.largest and self._needless + segments <= self.repeats:
            self._needless += segments
            news.dsack = end
            news.delivered += segments

    def _sample(self, seconds: float, ack: int, now: float) -> float:
        self.rtt.sample(seconds, now)
        self.rtt.backoff = 0  # RFC 6298 §5, end: only a measurement ends the back-off
        before = self.window.ssthresh
        self.control.sampled(self.window, seconds, ack, self.snd_nxt, now)
        if self._note is not None and before != self.window.ssthresh:
            self._note(Kind.CONGESTION, now, self.window.cwnd, f"slow start ends: round trips grow, {self.window!r}")
        return seconds

    def _echo(self, segment: Segment) -> float:
        """When the transmission that this answers left, to the millisecond."""
        stamps = segment.timestamps
        if stamps is None or not self._stamped:
            return inf
        return (stamps[1] - self._stamp_offset) / 1000

    def take_window(self, segment: Segment, window: int, now: float) -> bool:
        """The peer's window, already scaled; True if it changed."""
        if not window and self.timer is PERSIST:
            self.timer_at = self._persist_at(now)  # the probe was answered: wait anew (Linux tcp_ack_probe)
        was_closed = self.peer.size == 0 < self.peer.largest
        if not self.peer.update(segment.seq, segment.ack, window):
            return False
        self._segment_limit = self.peer.segment_limit(self.mss - self.options)
        if self._note is not None and (was_closed or not window):
            self._note(Kind.WINDOW, now, window, "the peer's window opens" if window else "the peer's window is closed")
        if window and self.timer is PERSIST:
            self._arm(OFF, inf)
            self._persist_backoff, self._persist_since = 0, inf
        return True

    # Output

    def output(self, now: float) -> None:
        """Send what the windows allow: first what was lost, then what is new (RFC 6675 §5)."""
        if self.handshaking:
            return
        recovery, board = self.recovery, self.board
        if board.lost and not recovery.new_first:
            self._repeat_lost(now)
        if self._unsent or (self._fin_wanted and self.fin_at < 0):
            self._send_new(now)
        if recovery.new_first and self.snd_nxt <= recovery.high_seq:
            recovery.new_first = False  # RFC 5682 §3.1 step 2b: nothing new could go
            self._repeat_lost(now)
        if not board.out and self.timer is OFF and (self._unsent or (self._fin_wanted and self.fin_at < 0)):
            self._persist_since = min(self._persist_since, now)
            self._arm(PERSIST, self._persist_at(now))

    def _repeat_lost(self, now: float) -> None:
        board, window = self.board, self.window
        while board.in_flight < window.cwnd:
            record = board.next_lost()
            if record is None or record.start >= self.snd_una + max(self.peer.size, 1):
                return
            if self.pacer.enabled and self.pacer.holds(now):
                return
            self._repeat(record, now)
            if record.start == self.snd_una:
                self._restart_timer(now)  # the timer is the first segment's (RFC 6298 §5, Linux)

    def _send_new(self, now: float) -> None:
        board, window = self.board, self.window
        if not board.out and self._last_sent_at > 0:
            self._after_idle(now)
        started = self.snd_nxt
        full = self._fill(now)
        if self.snd_nxt != started:
            if self.timer is not RETRANSMIT:
                self._restart_timer(now)
        elif not full:
            return
        window.used(board.out, full, self.snd_una, self.snd_nxt, now)
        if self.delivery is not None:
            if not full and not self._unsent:
                self.delivery.limit(board.in_flight)
        elif self._settings.slow_start_after_idle and self.recovery.phase is OPEN:
            window.decay_unused(self.rtt.rto, now)

    def _fill(self, now: float) -> bool:
        """Send new segments up to a limit; True if the congestion window was that."""
        unsent, pacer = self._unsent, self.pacer
        edge = self.snd_una + self.peer.size
        quota = self.window.cwnd - self.board.in_flight
        while quota > 0:
            available = len(unsent)
            room = edge - self.snd_nxt
            size = self._segment_limit
            if available < size or room < size:
                size = min(available, room)
                if self._holds_back(size, available, room, now):
                    return False
            if pacer.enabled and pacer.holds(now):
                if self._note is not None:
                    self._note(Kind.HELD, now, available, f"pace: {available} bytes wait {pacer.at - now:.4f} s")
                return False
            self._transmit(size, room, now)
            quota -= 1
            if self.fin_at >= 0:
                return quota <= 0
        if not unsent and self._fin_wanted and self.snd_nxt < edge:
            self._transmit(0, 1, now)  # FIN alone has no data that cwnd could count (RFC 5681 §2)
        return True

    def _holds_back(self, size: int, available: int, room: int, now: float) -> bool:
        """A small segment waits: for the window (RFC 9293 §3.8.6.2.1), or for company (Nagle, §3.7.4)."""
        if not available:
            return not self._fin_wanted or self.fin_at >= 0 or room <= 0
        reason = reason_to_wait(
            size,
            available,
            largest_window=self.peer.largest,
            finishing=self._fin_wanted,
            corked=self.corked,
            nodelay=self.nodelay,
            small_out=self._small_end > self.snd_una,
        )
        if reason and self._note is not None:
            self._note(Kind.HELD, now, available, f"{reason}: {available} bytes wait, window has {room}")
        return reason != ""

    def _count(self, record: Sent, now: float) -> None:
        """A record goes: the delivery rate and the pace want to know."""
        srtt = self.rtt.srtt
        if self.delivery is not None:
            self.delivery.sent(record, self.board.out, now)
        if self.pacer.enabled and srtt:
            self.pacer.sent(now, interval(self.window, srtt) if self.bbr is None else self.bbr.interval(srtt))

    def _transmit(self, size: int, room: int, now: float) -> None:
        """The next ``size`` bytes go, with FIN if they are the last and it is wanted."""
        unsent, start = self._unsent, self.snd_nxt
        data = bytes(unsent[:size])
        del unsent[:size]
        end, flags = start + size, ACK
        if not unsent:
            if size:
                flags |= PSH
            if self._fin_wanted and size < room:
                self.fin_at = end
                end += 1
                flags |= FIN
        if size < self._segment_limit:
            self._small_end = end
        record = Sent(start, end, data, flags, now)
        if self._measured:
            self._count(record, now)
        self.board.add(record)
        self.snd_nxt = end
        if self.recovery.phase is not OPEN:
            self.recovery.sent()
        self._last_sent_at = now
        ecn = NOT_ECT
        if self.ecn and size:
            ecn = ECT
            if self._told_reductions != self.recovery.reductions:
                self._told_reductions = self.recovery.reductions
                flags |= CWR  # RFC 3168 §6.1.2: on the first new data after the reduction
        self._emit(flags, start, data, now, ecn)

    def _repeat(self, record: Sent, now: float, *, probe: bool = False) -> None:
        """Send a record again, never with ECT (RFC 3168 §6.1.5)."""
        if self._measured:
            self._count(record, now)
        self.board.resend(record, now, probe=probe)
        self.repeats += 1
        self._last_sent_at = now
        if not probe:
            self.recovery.resent(now)
        if self._note is not None:
            reason = f"{record.start}:{record.end} for the {record.repeats}. time, {self.recovery.phase.value}"
            self._note(Kind.RETRANSMIT, now, len(record.data), reason)
        flags = self._syn_flags if record.flags & SYN else record.flags
        self._emit(flags, record.start, record.data, now, NOT_ECT)

    def _after_idle(self, now: float) -> None:
        """Nothing is in flight and the program sends again (RFC 5681 §4.1)."""
        idle = now - self._last_sent_at
        self.control.resumed(idle)
        if self.bbr is None and self._settings.slow_start_after_idle and idle > self.rtt.rto:
            before = self.window.cwnd
            self.window.restart(idle, self.rtt.rto, now)
            if self._note is not None and before != self.window.cwnd:
                self._note(Kind.CONGESTION, now, self.window.cwnd, f"idle for {idle:.3f} s, cwnd {self.window.cwnd}")
        self._last_sent_at = now  # this silence is accounted for, even if the window holds the data back

    def _first(self) -> Sent:
        record = self.board.first
        assert record is not None
        return record

    # Timers

    def stop(self) -> None:
        """The connection is gone, or nothing of ours is in flight any more."""
        self._arm(OFF, inf)
        self.recovery.reorder_at, self.pacer.waiting = inf, False

    def _arm(self, timer: Timer, at: float) -> None:
        self.timer, self.timer_at = timer, at

    def _restart_timer(self, now: float) -> None:
        """RFC 6298 §5.1 to 5.3, or the tail loss probe before it (RFC 8985 §7.2)."""
        if not self.board.out:
            self.timer, self.timer_at = OFF, inf
            return
        rto = self.rtt.timeout if self.rtt.backoff else self.rtt.rto
        probe = self.recovery.probe_timeout(rto) if not self.rtt.backoff else None
        if probe is not None:
            self.timer, self.timer_at = PROBE, now + probe
            return
        at = now + rto
        if self.user_timeout is not None:
            at = max(min(at, self._first().first_sent_at + self.user_timeout), now)
        self.timer, self.timer_at = RETRANSMIT, at

    def expire(self, now: float) -> End | None:
        """Do what is due; why the connection is at its end, if it is."""
        if self.recovery.reorder_at <= now:
            self.recovery.looked_again(self.snd_una, self.snd_nxt, now)
            self.output(now)
        if self.pacer.waiting and self.pacer.at <= now:
            self.pacer.waiting = False
            self.output(now)
        if self.timer_at > now:
            return None
        if self.timer is RETRANSMIT:
            return self._timed_out(now)
        if self.timer is PERSIST:
            return self._persist(now)
        self._send_probe(now)  # the only other one that is ever due
        return None

    def _timed_out(self, now: float) -> End | None:
        """RFC 6298 §5.4 to 5.6."""
        first = self._first()
        limit = self.user_timeout
        if limit is not None and now >= first.first_sent_at + limit:  # rounded as the timer was
            return End.USER_TIMEOUT
        if self.handshaking:
            return self._syn_timed_out(first, now)
        first_repeat = self._stalled_at == inf
        if first_repeat:
            self._stalled_at = now
        elif now - self._stalled_at >= self.rtt.patience(self._settings.retries):
            return End.TIMED_OUT
        self.recovery.timed_out(self.snd_una, self.snd_nxt, first_repeat, now)
        self.rtt.back_off()
        self._repeat_lost(now)
        self._restart_timer(now)
        return None

    def _syn_timed_out(self, record: Sent, now: float) -> End | None:
        opening = not self._syn_flags & ACK
        settings = self._settings
        if record.repeats >= (settings.syn_retries if opening else settings.synack_retries):
            return End.NO_ANSWER
        self._repeat(record, now)
        if not (opening and record.repeats <= settings.syn_linear_timeouts):
            self.rtt.back_off()
        self._restart_timer(now)
        return None

    def _send_probe(self, now: float) -> None:
        """RFC 8985 §7.3: new data if there is some and the peer has room, else the last segment again."""
        room = self.snd_una + self.peer.size - self.snd_nxt
        size = min(len(self._unsent), self._segment_limit, room)
        if self._note is not None:
            self._note(Kind.PROBE, now, max(size, 0), f"no acknowledgement in {self.rtt.srtt:.4f} s twice: tail lost?")
        if size > 0:
            self._transmit(size, room, now)
        else:
            last = self.board.last
            assert last is not None
            self._repeat(last, now, probe=True)
        self.recovery.probed(self.snd_nxt, repeat=size <= 0)
        self._restart_timer(now)

    def _persist_at(self, now: float) -> float:
        at = now + min(self.rtt.rto * (1 << min(self._persist_backoff, 16)), self._settings.rto_max)
        return at if self.user_timeout is None else max(min(at, self._persist_since + self.user_timeout), now)

    def _persist(self, now: float) -> End | None:
        """Nothing is in flight, data waits, and the window has no room or too little (RFC 9293 §3.8.6.1)."""
        if self.user_timeout is not None and now >= self._persist_since + self.user_timeout:
            return End.USER_TIMEOUT
        self._persist_backoff += 1
        room = self.peer.size
        if room > 0:  # the override timeout of RFC 9293 §3.8.6.2.1, and of a cork
            self._arm(OFF, inf)
            self._persist_backoff, self._persist_since = 0, inf
            self._transmit(min(len(self._unsent), self._segment_limit, room), room, now)
            self._restart_timer(now)
            return None
        if self._note is not None:
            self._note(Kind.PROBE, now, 0, f"window closed for {now - self._persist_since:.3f} s")
        self._emit(ACK, self.snd_una - 1, b"", now, NOT_ECT)  # not acceptable, so it is answered (Linux)
        self._arm(PERSIST, self._persist_at(now))
        return None
