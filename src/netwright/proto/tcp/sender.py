"""The sending half of an endpoint: which segments may be sent, when, and when to send them again (RFC 9293 §3.8).

One responsibility: choose the next segment of one direction, and the time of the next timer.  What an acknowledgement
measures (``ack_reader``), what is lost (``recovery``, ``rack``) and the size of the window (``congestion``) are modules
beside it.

The send buffer has two parts: the scoreboard holds segments in flight with their bytes, ``_unsent`` bytes never sent.
"""

from math import inf

from netwright.core.moment import Kind
from netwright.proto.tcp.ack_reader import AckReader
from netwright.proto.tcp.ack_report import AckReport
from netwright.proto.tcp.congestion.control import PathSample
from netwright.proto.tcp.congestion.registry import control_for
from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.delivery import Delivery
from netwright.proto.tcp.events import Emit, End, Note
from netwright.proto.tcp.handshake import DEFAULT_MSS, Agreement
from netwright.proto.tcp.nagle import reason_to_wait
from netwright.proto.tcp.pacing import Pacer
from netwright.proto.tcp.peer_window import PeerWindow
from netwright.proto.tcp.persist import Persist
from netwright.proto.tcp.rack import DUPLICATES
from netwright.proto.tcp.recovery import LOSS, OPEN, RECOVERY, REDUCING, Recovery
from netwright.proto.tcp.rtt import OFF, PERSIST, PROBE, RETRANSMIT, RoundTrip, Timer
from netwright.proto.tcp.scoreboard import Scoreboard, SentSegment
from netwright.proto.tcp.segment import ACK, CWR, ECE, ECT, FIN, NOT_ECT, PSH, SYN, Segment, nearest
from netwright.proto.tcp.settings import Settings

__all__ = ["Sender"]

_SYN_AFTER_RESET = 0.008  # seconds, Linux TCP_TIMEOUT_MIN


class Sender:
    """Sends one direction of a connection; variables are named as in RFC 9293 §3.3.1.

    Attributes:
        peer: the peer's window; ``peer.size`` is SND.WND in bytes.
        mss: bytes of data in a full segment; ``options``: how many of them SACK blocks take.
        fin_at: sequence number of our FIN; -1 until it is sent.
        handshaking: the SYN is not acknowledged yet; data waits.
        nodelay, corked, limit, user_timeout: TCP_NODELAY, TCP_CORK, SO_SNDBUF, TCP_USER_TIMEOUT.
        refused: ``send`` took fewer bytes than it got, and WRITABLE has not followed yet.
        timer, timer_at: which timer runs, and when it expires; infinite for never.
        control: the congestion control; ``delivery`` measures the delivery rate if the control is model-based.
    """

    __slots__ = (
        "_acks",
        "_emit",
        "_fin_wanted",
        "_first_number",
        "_heard_at",
        "_last_sent_at",
        "_measured",
        "_note",
        "_persist",
        "_reported_reductions",
        "_segment_limit",
        "_settings",
        "_small_end",
        "_stalled_at",
        "_syn_flags",
        "_syn_timeouts",
        "_unsent",
        "board",
        "control",
        "corked",
        "delivery",
        "ecn",
        "fin_at",
        "handshaking",
        "limit",
        "mss",
        "nodelay",
        "options",
        "pacer",
        "peer",
        "recovery",
        "refused",
        "rtt",
        "scale",
        "snd_nxt",
        "snd_una",
        "timer",
        "timer_at",
        "user_timeout",
        "window",
    )

    def __init__(self, settings: Settings, iss: int, emit: Emit, note: Note | None, stamp_offset: int) -> None:
        self._settings, self._emit, self._note = settings, emit, note
        self.snd_una = self.snd_nxt = iss
        self.peer = PeerWindow()
        self.mss, self.scale, self.ecn = DEFAULT_MSS, 0, False
        self._segment_limit, self.options, self._first_number = self.mss, 0, iss + 1
        self.limit, self._unsent, self.refused = settings.send_buffer, bytearray(), False
        self._fin_wanted, self.fin_at = False, -1
        self._small_end = iss  # end of the last segment that was not full (Minshall's variant of Nagle)
        self.nodelay, self.corked, self.user_timeout = settings.nodelay, False, settings.user_timeout
        self.rtt, self.board, self.window = RoundTrip(settings), Scoreboard(), Window(settings.initial_window)
        self.control = control_for(settings)
        self.delivery = Delivery() if self.control.is_model_based() else None
        self.pacer = Pacer(settings.pacing or self.delivery is not None)
        self._measured = self.delivery is not None or self.pacer.enabled
        self.recovery = Recovery(settings, self.board, self.window, self.control, self.rtt, note)
        self._acks = AckReader(
            self.board,
            self.recovery,
            self.window,
            self.rtt,
            self.control,
            peer=self.peer,
            delivery=self.delivery,
            note=note,
            stamp_offset=stamp_offset,
        )
        self.timer, self.timer_at, self._persist = OFF, inf, Persist(settings, self.rtt)
        self._last_sent_at = self._heard_at = -inf
        self._stalled_at = inf  # when a segment timed out for the first time since the last new acknowledgement
        self._reported_reductions = 0  # reductions that CWR has reported to the peer
        self.handshaking, self._syn_flags, self._syn_timeouts = True, SYN, 0

    def __repr__(self) -> str:
        return f"<Sender una={self.snd_una} nxt={self.snd_nxt} wnd={self.peer.size} unsent={len(self._unsent)}>"

    @property
    def retransmissions(self) -> int:
        """Segments sent again since the connection began."""
        return self.board.retransmissions

    @property
    def unsent(self) -> int:
        """Bytes in the send buffer that were never sent."""
        return len(self._unsent)

    @property
    def finishing(self) -> bool:
        """True once ``finish`` was called."""
        return self._fin_wanted

    @property
    def space(self) -> int:
        """Free bytes in the send buffer."""
        return max(self.limit - len(self._unsent) - (self.snd_nxt - self.snd_una), 0)

    def deadline(self) -> float:
        """When ``expire`` is due; infinite for never.  Not a property, because properties are called more slowly."""
        at = self.timer_at
        if self.recovery.reorder_at < at:
            at = self.recovery.reorder_at
        return min(at, self.pacer.at) if self.pacer.waiting else at

    # The user

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Copy into the send buffer as much as there is room for; return the number of bytes."""
        space = self.space
        if len(data) > space:
            self.refused = True
            data = memoryview(data)[:space]
        self._unsent += data
        return len(data)

    def finish(self) -> None:
        """Send FIN after everything in the buffer."""
        self._fin_wanted = True

    def squeeze(self, options: int) -> None:
        """Options take ``options`` bytes from the data of a full segment (RFC 9293 §3.7.1)."""
        self.options = options
        self._segment_limit = self.peer.segment_limit(self.mss - options)

    def took_space(self) -> bool:
        """True once, when ``send`` has refused bytes and a third of the buffer is free again (as in Linux)."""
        if self.refused and 3 * self.space >= self.limit:
            self.refused = False
            return True
        return False

    # The handshake

    def open(self, flags: int, now: float) -> None:
        """Send SYN or SYN,ACK."""
        answered_before = self._syn_flags & ACK
        self._syn_flags = flags
        iss = self.snd_una
        self.snd_nxt = iss + 1
        if self.board.out:  # a SYN was sent and one arrived: send a SYN,ACK (simultaneous open)
            self._repeat(self._first(), now)
            if answered_before:
                self._arm(RETRANSMIT, now + self.rtt.timeout)  # the SYN came again (Linux tcp_check_req)
            return
        self.board.add(SentSegment(iss, iss + 1, b"", flags, now))
        self._emit(flags, iss, b"", now, NOT_ECT)
        self._syn_flags = flags & ~CWR if flags & ACK else SYN  # a retransmitted SYN requests no ECN, RFC 3168 §6.1.1.1
        self._arm(RETRANSMIT, now + self.rtt.timeout)

    def hasten_syn(self, now: float) -> None:
        """The peer had an old connection, which our RST ends: repeat the SYN soon (Linux, RFC 9293 §3.5.1)."""
        if not self._syn_timeouts:
            self._arm(RETRANSMIT, now + _SYN_AFTER_RESET)

    def agreed(self, agreement: Agreement) -> None:
        """Apply what the handshake agreed on."""
        acks = self._acks
        self.mss = self._segment_limit = acks.mss = agreement.mss
        self.scale = agreement.send_scale
        self.ecn = acks.ecn = agreement.ecn
        acks.stamped = agreement.timestamps
        self.recovery.sack = agreement.sack

    def has_in_flight(self, seq: int) -> bool:
        """True if the byte with the 32-bit number ``seq`` is in flight (RFC 5927 §4.1)."""
        return self.snd_una <= nearest(seq, self.snd_una) < self.snd_nxt

    def limit_mss(self, mss: int, now: float) -> None:
        """Send no more than ``mss`` bytes of data in a segment from now on.

        Larger segments in flight are cut to that size and sent again at once, without reducing the window (RFC 1191
        §6.5, Linux tcp_simple_retransmit).
        """
        self.mss = self._acks.mss = mss
        self.squeeze(self.options)
        pieces = self.board.cut(mss)
        for piece in pieces:
            self.board.mark_lost(piece)
        if pieces:
            self.recovery.too_big(self.snd_nxt, now)
            self.output(now)

    def opened(self, segment: Segment, now: float) -> None:
        """The SYN is acknowledged.  The window field of a SYN is not scaled (RFC 7323 §2.2)."""
        self.handshaking = False
        record = self._first()
        self.board.acknowledge(segment.ack)
        self.snd_una = self._small_end = segment.ack
        self._acks.read_handshake(record, segment, self.snd_nxt, now)
        if record.repeats > 1:
            self.window.cwnd = 1  # RFC 5681 §3.1; after one lost SYN cwnd stays, as RFC 6928 §2 allows and Linux does
        self.timer, self.timer_at, self._stalled_at = OFF, inf, inf
        self.take_window(segment, segment.window if segment.flags & SYN else segment.window << self.scale, now)

    # Acknowledgements

    def acknowledge(self, segment: Segment, now: float) -> bool:
        """Take the ACK of an acceptable segment; False if it acknowledges data never sent, or is far too old.

        RFC 9293 §3.10.7.4, fifth check, with the bounds of RFC 5961 §5.2.
        """
        ack, una, board = segment.ack, self.snd_una, self.board
        if ack > self.snd_nxt or (ack < una and ack < una - min(self.peer.largest, una - self._first_number)):
            return False
        self._heard_at = now
        updated = ack >= una and self.take_window(segment, segment.window << self.scale, now)
        if not board.out and not segment.sacks:  # a D-SACK may still report a needless retransmission
            return True
        if ack <= una and (segment.data or updated) and not segment.sacks and not segment.flags & ECE:
            return True  # it carries no information about segments in flight
        report = self._acks.read(segment, una, self.snd_nxt, now)
        if ack > una:
            self.snd_una = ack
            self._stalled_at = inf
        report.duplicate = ack == una and not (segment.data or updated or segment.flags & FIN)
        recovery, lost = self.recovery, board.lost
        recovery.acknowledged(report, now)
        if self.delivery is not None:
            self._steer(self.delivery, report, max(board.lost - lost, 0), now)
        elif report.delivered and self._may_grow(report, now):
            self.control.acked(self.window, report.delivered, now, self.rtt.minimum if self.rtt.srtt else 0.0)
        if report.advanced or (self.timer is PROBE and not recovery.quiet):
            self._restart_timer(now)
        return True

    def _may_grow(self, report: AckReport, now: float) -> bool:
        """True if the window may grow: no reduction is under way, and the window was full.

        SACK blocks beyond a hole count only where reordering is known to be wider than three segments (Linux).
        """
        phase = self.recovery.phase
        if phase is RECOVERY or phase is REDUCING:
            return False
        if not report.advanced and self.recovery.rack.widest <= DUPLICATES * self.mss:
            return False
        self.window.used_at = now
        return self.window.may_grow

    def _steer(self, delivery: Delivery, report: AckReport, lost: int, now: float) -> None:
        """Let a model-based control set the window."""
        phase, control = self.recovery.phase, self.control
        path = PathSample(
            report.delivered, delivery.delivered, lost, report.prior_flight, self.board.in_flight, report.rtt
        )
        recovering = phase is RECOVERY or phase is LOSS
        before = control.phase()
        control.steer(self.window, delivery.sample(self.rtt.minimum), path, recovering=recovering, now=now)
        if self._note is not None and before != control.phase():
            self._note(Kind.CONGESTION, now, self.window.cwnd, f"{before} → {control.phase()}: {control!r}")

    def take_window(self, segment: Segment, window: int, now: float) -> bool:
        """Update the peer's window, which is scaled already; True if it changed."""
        if not window and self.timer is PERSIST:
            # The probe was answered (Linux tcp_ack_probe).
            self.timer_at = self._persist.next_at(self.user_timeout, now)
        was_closed = self.peer.size == 0 < self.peer.largest
        if not self.peer.update(segment.seq, segment.ack, window):
            return False
        self._segment_limit = self.peer.segment_limit(self.mss - self.options)
        if self._note is not None and (was_closed or not window):
            self._note(Kind.WINDOW, now, window, "the peer's window opens" if window else "the peer's window is closed")
        if window and self.timer is PERSIST:
            self._arm(OFF, inf)
            self._persist.end()
        return True

    # Output

    def output(self, now: float) -> None:
        """Send what the windows allow: lost segments first, then new ones (RFC 6675 §5)."""
        if self.handshaking:
            return
        recovery, board = self.recovery, self.board
        if board.lost and not recovery.new_first:
            self._repeat_lost(now)
        if self._unsent or (self._fin_wanted and self.fin_at < 0):
            self._send_new(now)
        if recovery.new_first and self.snd_nxt <= recovery.high_seq:
            recovery.new_first = False  # RFC 5682 §3.1 step 2b: no new data could be sent
            self._repeat_lost(now)
        if not board.out and self.timer is OFF and (self._unsent or (self._fin_wanted and self.fin_at < 0)):
            self._persist.begin(now)
            self._arm(PERSIST, self._persist.next_at(self.user_timeout, now))

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
                self._restart_timer(now)  # the timer belongs to the first segment (RFC 6298 §5, Linux)

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
        """Send new segments while allowed; True if the congestion window is what stopped it."""
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
            self._transmit(0, 1, now)  # cwnd limits data; a FIN alone has none (RFC 5681 §2)
        return True

    def _holds_back(self, size: int, available: int, room: int, now: float) -> bool:
        """True if a small segment must wait: for the window (RFC 9293 §3.8.6.2.1) or for more data (Nagle, §3.7.4)."""
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

    def _measure(self, record: SentSegment, now: float) -> None:
        """A record is sent: note it for the delivery rate, and for pacing."""
        srtt = self.rtt.srtt
        if self.delivery is not None:
            self.delivery.sent(record, self.board.out, now)
        if self.pacer.enabled and srtt:
            self.pacer.sent(now, self.control.interval(self.window, srtt))

    def _transmit(self, size: int, room: int, now: float) -> None:
        """Send the next ``size`` bytes, with FIN if they are the last ones before it."""
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
        record = SentSegment(start, end, data, flags, now)
        if self._measured:
            self._measure(record, now)
        self.board.add(record)
        self.snd_nxt = end
        if self.recovery.phase is not OPEN:
            self.recovery.sent()
        self._last_sent_at = now
        ecn = NOT_ECT
        if self.ecn and size:
            ecn = ECT
            if self._reported_reductions != self.recovery.reductions:
                self._reported_reductions = self.recovery.reductions
                flags |= CWR  # RFC 3168 §6.1.2: on the first new data after the reduction
        self._emit(flags, start, data, now, ecn)

    def _repeat(self, record: SentSegment, now: float, *, probe: bool = False) -> None:
        """Retransmit a record, never with ECT (RFC 3168 §6.1.5)."""
        if self._measured:
            self._measure(record, now)
        self.board.resend(record, now, probe=probe)
        self._last_sent_at = now
        if not probe:
            self.recovery.resent(now)
        if self._note is not None:
            times, phase = _ordinal(record.repeats), self.recovery.phase.value
            reason = f"{record.start}:{record.end}, {times} retransmission, phase {phase}"
            self._note(Kind.RETRANSMIT, now, len(record.data), reason)
        flags = self._syn_flags if record.flags & SYN else record.flags
        self._emit(flags, record.start, record.data, now, NOT_ECT)

    def _after_idle(self, now: float) -> None:
        """The program sends after nothing was in flight: restart cwnd if it was idle for an RTO (RFC 5681 §4.1)."""
        idle = now - self._last_sent_at
        self.control.resumed(idle)
        if self.delivery is None and self._settings.slow_start_after_idle and idle > self.rtt.rto:
            before = self.window.cwnd
            self.window.restart(idle, self.rtt.rto, now)
            if self._note is not None and before != self.window.cwnd:
                self._note(Kind.CONGESTION, now, self.window.cwnd, f"idle for {idle:.3f} s, cwnd {self.window.cwnd}")
        self._last_sent_at = now  # this idle time is accounted for, even if the window holds the data back

    def _first(self) -> SentSegment:
        record = self.board.first
        assert record is not None
        return record

    # Timers

    def stop(self) -> None:
        """Stop all timers."""
        self._arm(OFF, inf)
        self.recovery.reorder_at, self.pacer.waiting = inf, False

    def _arm(self, timer: Timer, at: float) -> None:
        self.timer, self.timer_at = timer, at

    def _restart_timer(self, now: float) -> None:
        """Start the retransmission timer (RFC 6298 §5.1 to 5.3), or the tail loss probe's before it (RFC 8985 §7.2)."""
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
        """Do what is due; returns why the connection ends, if it does."""
        if self.recovery.reorder_at <= now:
            self.recovery.reordering_timed_out(self.snd_una, self.snd_nxt, now)
            self.output(now)
        if self.pacer.waiting and self.pacer.at <= now:
            self.pacer.waiting = False
            self.output(now)
        if self.timer_at > now:
            return None
        if self.timer is RETRANSMIT:
            return self._timed_out(now)
        if self.timer is PERSIST:
            return self._probe_window(now)
        self._send_probe(now)  # the only other timer that expires
        return None

    def _timed_out(self, now: float) -> End | None:
        """The retransmission timer expired (RFC 6298 §5.4 to 5.6)."""
        first = self._first()
        limit = self.user_timeout
        if limit is not None and now >= first.first_sent_at + limit:  # rounds as the timer did
            return End.USER_TIMEOUT
        if self.handshaking:
            return self._syn_timed_out(first, now)
        first_repeat = self._stalled_at == inf
        if first_repeat:
            self._stalled_at = now
        elif not self.peer.size and now - self._heard_at <= 2 * self._settings.rto_max:
            # The window closed with data in flight, but the peer answers (SHLD-17, Linux tcp_rtx_probe0_timed_out).
            self._stalled_at = now
        elif now - self._stalled_at >= self.rtt.patience(self._settings.retries):
            return End.TIMED_OUT
        self.recovery.timed_out(self.snd_una, self.snd_nxt, first_repeat, now)
        self.rtt.back_off()
        self._repeat_lost(now)
        self._restart_timer(now)
        return None

    def _syn_timed_out(self, record: SentSegment, now: float) -> End | None:
        opening = not self._syn_flags & ACK
        settings = self._settings
        if self._syn_timeouts >= (settings.syn_retries if opening else settings.synack_retries):
            return End.NO_ANSWER
        self._syn_timeouts += 1  # a SYN,ACK that answers a repeated SYN is none (Linux)
        self._repeat(record, now)
        if not (opening and self._syn_timeouts <= settings.syn_linear_timeouts):
            self.rtt.back_off()
        self._restart_timer(now)
        return None

    def _send_probe(self, now: float) -> None:
        """Send a tail loss probe: new data if the peer has room, else the last segment again (RFC 8985 §7.3)."""
        room = self.snd_una + self.peer.size - self.snd_nxt
        size = min(len(self._unsent), self._segment_limit, room)
        if self._note is not None:
            self._note(
                Kind.PROBE,
                now,
                max(size, 0),
                f"no acknowledgement for two round trips of {self.rtt.srtt:.4f} s: the tail may be lost",
            )
        if size > 0:
            self._transmit(size, room, now)
        else:
            last = self.board.last
            assert last is not None
            self._repeat(last, now, probe=True)
        self.recovery.probed(self.snd_nxt, repeat=size <= 0)
        self._restart_timer(now)

    def _probe_window(self, now: float) -> End | None:
        """Nothing is in flight, and the window has no room, or too little, for data that waits (RFC 9293 §3.8.6.1)."""
        if self._persist.is_over(self.user_timeout, now):
            return End.USER_TIMEOUT
        self._persist.back_off(self._heard_at, now)
        if self._persist.unanswered > self._settings.retries:
            return End.TIMED_OUT  # the peer is gone, not just busy (Linux tcp_probe_timer, RFC 9293 §3.8.3)
        room = self.peer.size
        if room > 0:  # the override timeout of RFC 9293 §3.8.6.2.1, and of a cork
            self._arm(OFF, inf)
            self._persist.end()
            self._transmit(min(len(self._unsent), self._segment_limit, room), room, now)
            self._restart_timer(now)
            return None
        if self._note is not None:
            self._note(Kind.PROBE, now, 0, f"window closed for {now - self._persist.since:.3f} s")
        self._emit(ACK, self.snd_una - 1, b"", now, NOT_ECT)  # outside the peer's window, so the peer answers (Linux)
        self._arm(PERSIST, self._persist.next_at(self.user_timeout, now))
        return None


def _ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``11th``."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
