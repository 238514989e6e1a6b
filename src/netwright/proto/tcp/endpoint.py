"""One end of a TCP connection as a state machine (RFC 9293).

One responsibility: change the state of one connection by a call, a segment or a timer, as RFC 9293 §3.10 says.  The
halves (``sender``, ``receiver``) and the decisions that need no state of their own (``handshake``, ``outside``,
``time_wait``) are modules beside it.

Three things drive it:

- the user: ``connect``, ``send``, ``read``, ``send_eof``, ``close``, ``abort``, ``set_nodelay`` and other options;
- the network: ``receive`` takes a segment and returns a list of events;
- time: ``expire`` is due at ``deadline`` (None: never).  Any call may change the deadline.

After each of these calls, ``take_segments`` returns the segments to send, in order.  A segment that the caller drops
is retransmitted, as if the network had lost it.  ``now`` is in seconds, on any clock that does not go backwards.
Sequence numbers are unbounded (see segment.py): code that talks to a wire applies ``Endpoint.lift`` to segments that
arrive and ``segment.wrap`` to segments that leave.

``listener.Listener`` creates passive endpoints.  A SYN that ends a connection in TIME-WAIT (``End.REPLACED``) must be
passed on to the listener.  ``watch`` receives a Moment, with the reason, for every decision.
"""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Final

from netwright.core.errors import ClosedError, UsageError
from netwright.core.moment import Kind, Moment
from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.events import End, Event, error_of, note_for
from netwright.proto.tcp.handshake import DEFAULT_MSS, Agreement, agree, answer_options, ecn_flags, refusal
from netwright.proto.tcp.keepalive import Due, KeepAliveTimer
from netwright.proto.tcp.outside import Challenges, Outside, judge_outside
from netwright.proto.tcp.receiver import Receiver
from netwright.proto.tcp.segment import ACK, ECE, FIN, NOT_ECT, RST, SYN, Segment, SynOptions, lift
from netwright.proto.tcp.segment_writer import SegmentWriter
from netwright.proto.tcp.sender import Sender
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import (
    CLOSED,
    ESTABLISHED,
    SYN_RECEIVED,
    SYN_SENT,
    SYNCHRONIZED,
    TAKES_DATA,
    State,
    Step,
    step,
)
from netwright.proto.tcp.time_wait import Answer, judge

__all__ = ["Endpoint"]

_SENDS: Final = (ESTABLISHED, State.CLOSE_WAIT, SYN_SENT, SYN_RECEIVED)


class Endpoint:
    """One connection, from CLOSED to CLOSED.

    Args:
        settings: limits and timeouts.
        iss: initial sequence number; the caller draws it, so that others cannot guess it (RFC 6528).
        stamp_offset: added to the milliseconds of ``now`` for timestamps; random like ``iss`` (RFC 7323 §7.1).
        watch: receives every Moment; None costs nothing.

    Attributes:
        state: the connection's state; ``end``: why it is CLOSED.
        sender, receiver: the two halves, for inspection (cwnd, srtt, window).
    """

    __slots__ = (
        "_challenges",
        "_early",
        "_events",
        "_keepalive",
        "_life_at",
        "_note",
        "_orphan",
        "_stamp_offset",
        "_stamps",
        "_started_at",
        "_writer",
        "agreement",
        "end",
        "receiver",
        "sender",
        "settings",
        "state",
    )

    def __init__(
        self,
        settings: Settings,
        *,
        iss: int,
        stamp_offset: int = 0,
        watch: Callable[[Moment], None] | None = None,
    ) -> None:
        self.settings = settings
        self.state = State.CLOSED
        self.end = End.OPEN
        self.agreement = Agreement()
        self._note = note_for(watch)
        self._stamp_offset, self._stamps = stamp_offset, settings.timestamps
        self.receiver = Receiver(settings, -1, 0.0)
        self._writer = SegmentWriter(settings, self.receiver, DEFAULT_MSS, stamp_offset)
        self.sender = Sender(settings, iss, self._writer.emit, self._note, stamp_offset)
        self._events: list[Event] = []
        self._orphan = False  # close was called: nobody will read
        self._life_at, self._keepalive = inf, KeepAliveTimer()
        self._challenges = Challenges(settings.challenge_interval)
        self._early: Segment | None = None  # data of the SYN of a simultaneous open
        self._started_at = 0.0

    @classmethod
    def accept(
        cls,
        settings: Settings,
        syn: Segment,
        *,
        iss: int,
        now: float,
        stamp_offset: int = 0,
        watch: Callable[[Moment], None] | None = None,
    ) -> "Endpoint":
        """Create a passive endpoint that answers ``syn`` (RFC 9293 §3.10.7.2)."""
        endpoint = cls(settings, iss=iss, stamp_offset=stamp_offset, watch=watch)
        endpoint._started_at = now
        endpoint.state = step(CLOSED, Step.LISTEN)  # no decision of this moment: the listener was there before
        endpoint._take_syn(syn, now)
        endpoint._move(Step.SYN, now)
        endpoint._answer_syn(now)
        return endpoint

    def __repr__(self) -> str:
        sender, receiver = self.sender, self.receiver
        return (
            f"<Endpoint {self.state.value} una={sender.snd_una} nxt={sender.snd_nxt} unsent={sender.unsent}"
            f" rcv={receiver.rcv_nxt} unread={len(receiver.buffer)} cwnd={sender.window.cwnd}>"
        )

    # Queries

    @property
    def deadline(self) -> float | None:
        """When ``expire`` is due; None for never."""
        at = self.sender.deadline()
        if self.receiver.ack_at < at:
            at = self.receiver.ack_at
        if self._life_at < at:
            at = self._life_at
        if self._keepalive.at < at:
            at = self._keepalive.at
        return at if at != inf else None

    @property
    def readable(self) -> int:
        """Bytes that ``read`` can return now."""
        return len(self.receiver.buffer)

    @property
    def writable(self) -> int:
        """Bytes that ``send`` accepts now; 0 once this side has closed."""
        return self.sender.space if self._may_send else 0

    @property
    def at_eof(self) -> bool:
        """True if the peer has closed its direction and everything is read."""
        return self.receiver.finished and not self.receiver.buffer

    @property
    def _may_send(self) -> bool:
        return self.state in _SENDS and not self.sender.finishing

    @property
    def pending(self) -> int:
        """Number of segments that ``take_segments`` would return; a Moment reported now is about the next one."""
        return self._writer.pending

    def take_segments(self) -> list[Segment]:
        """The segments to send, in order; each is returned once."""
        return self._writer.take()

    def lift(self, segment: Segment) -> Segment:
        """Give a segment from the wire unbounded numbers, those nearest to this connection's."""
        fresh = self.state in (State.CLOSED, State.LISTEN, State.SYN_SENT)
        return lift(
            segment,
            seq=segment.seq if fresh else self.receiver.rcv_nxt,
            ack=self.sender.snd_una,
            stamp=segment.timestamps[0] if fresh and segment.timestamps else self.receiver.ts_recent,
            echo=self._stamp_offset + int(self.receiver.heard_at * 1000),
        )

    # Calls of the user

    def connect(self, now: float) -> None:
        """Open actively (RFC 9293 §3.10.1); the event CONNECTED or CLOSED follows."""
        if self.end is not End.OPEN:
            raise UsageError(
                f"connect on a connection that has ended: {self.end.value}", advice="create a new Endpoint"
            )
        self._started_at = self.receiver.heard_at = now
        self._move(Step.CONNECT, now)
        self.sender.open(SYN | ecn_flags(self.settings), now)

    def send(self, data: bytes | bytearray | memoryview, now: float) -> int:
        """Copy bytes into the send buffer; return how many fitted.  If not all did, the event WRITABLE follows.

        Raises:
            ClosedError: this side has closed, or was never opened.
            ResetError, DeadlineError, ConnectError: the connection has ended in that way.
        """
        if not self._may_send:
            raise error_of(self.end, now - self._started_at) or ClosedError(
                f"send in state {self.state.value}: this direction is not open"
            )
        taken = self.sender.send(data)
        if taken:
            self._make_room_for_sacks()
            self.sender.output(now)
        return taken

    def read(self, limit: int, now: float) -> bytes:
        """Return up to ``limit`` received bytes; b"" if there are none.  ``at_eof`` is true if none will follow."""
        data = self.receiver.read(limit)
        if self.receiver.ack_now and self.state in TAKES_DATA:
            self._acknowledge(now)
        return data

    def send_eof(self, now: float) -> None:
        """Close this direction: FIN follows the buffered bytes (RFC 9293 §3.10.4).  Reading goes on."""
        if self.sender.finishing or self.state in (State.CLOSED, State.LISTEN):
            return
        self.sender.finish()
        if self.state in (ESTABLISHED, State.CLOSE_WAIT):
            self._move(Step.CLOSE, now)
            self.sender.output(now)

    def close(self, now: float) -> list[Event]:
        """Close both directions; the connection exists until the peer has closed too, or a timeout expires.

        If received data is unread, the peer gets a RST, so that it does not take the data for read (RFC 2525 §2.17).
        """
        self._orphan = True
        if self.state is State.SYN_SENT:
            self._finish(End.CLOSED, now)
        elif self.state in SYNCHRONIZED and self.receiver.buffer and self.state is not State.TIME_WAIT:
            self._reset(End.UNREAD, now)
        else:
            self.send_eof(now)
            if self.state is State.FIN_WAIT_2:
                self._life_at = min(self._life_at, now + self.settings.fin_timeout)  # close may be called again
        return self._take_events()

    def abort(self, now: float) -> list[Event]:
        """End the connection at once with RST (RFC 9293 §3.10.5), as SO_LINGER with 0 does."""
        if self.state is State.SYN_SENT:
            self._finish(End.ABORTED, now)
        elif self.state not in (State.CLOSED, State.LISTEN):
            self._reset(End.ABORTED, now)
        return self._take_events()

    def set_nodelay(self, on: bool, now: float) -> None:
        """TCP_NODELAY: send small segments at once.  Those that waited are sent now, even while corked."""
        self.sender.nodelay = on
        corked, self.sender.corked = self.sender.corked, self.sender.corked and not on
        self._push(now)
        self.sender.corked = corked

    def set_cork(self, on: bool, now: float) -> None:
        """TCP_CORK: send full segments only; a partial one waits at most 0.2 s if nothing is in flight."""
        self.sender.corked = on
        if not on:
            self._push(now)

    def set_keepalive(self, keepalive: KeepAlive | None) -> None:
        """SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT, on an existing connection."""
        self.settings = replace(self.settings, keepalive=keepalive)
        live = self.state in SYNCHRONIZED and self.state is not State.TIME_WAIT
        self._keepalive.start(keepalive if live else None, self.receiver.heard_at)

    def set_user_timeout(self, seconds: float | None) -> None:
        """TCP_USER_TIMEOUT (RFC 5482 §4); examined when the next timer expires, and data in flight counts."""
        self.settings = replace(self.settings, user_timeout=seconds)
        self.sender.user_timeout = seconds

    def set_send_buffer(self, size: int) -> None:
        """SO_SNDBUF; buffered bytes stay."""
        self.settings = replace(self.settings, send_buffer=size)
        self.sender.limit = size

    def _push(self, now: float) -> None:
        if self.state in SYNCHRONIZED:
            self.sender.output(now)

    # Segments of the peer

    def receive(self, segment: Segment, now: float) -> list[Event]:
        """Process a segment (RFC 9293 §3.10.7)."""
        state = self.state
        if state is ESTABLISHED:
            self._in_connection(segment, now)
        elif state is SYN_SENT:
            self._in_syn_sent(segment, now)
        elif state is State.TIME_WAIT:
            self._in_time_wait(segment, now)
        elif state is CLOSED or state is State.LISTEN:
            answer = refusal(segment)
            if answer is not None:
                self._writer.add(answer)
        else:
            self._in_connection(segment, now)
        return self._take_events()

    def reduce_mss(self, room: int, quoted: int, now: float) -> bool:
        """A router dropped a segment as too big (RFC 1191 §6.4, RFC 8201 §4): send smaller ones.

        Args:
            room: the next hop's MTU less the headers of IP and TCP; less than 512 counts as 512, because a forged
                message could otherwise make segments tiny.
            quoted: 32-bit sequence number of the dropped segment.

        Returns:
            True if segments are smaller now; False if the message changes nothing, or quotes nothing in flight.
        """
        sender, mss = self.sender, self._writer.mss_for(room)
        if self.state not in SYNCHRONIZED or mss >= sender.mss or not sender.has_in_flight(quoted):
            return False
        self._writer.mss = mss
        sender.limit_mss(mss, now)
        return True

    def _in_syn_sent(self, segment: Segment, now: float) -> None:
        """SYN-SENT (RFC 9293 §3.10.7.3)."""
        flags, sender = segment.flags, self.sender
        if flags & ACK and not sender.snd_una < segment.ack <= sender.snd_nxt:
            if not flags & RST:
                self._writer.refuse(segment.ack)
            if self.settings.policy.repeat_syn_soon:
                sender.hasten_syn(now)
            return self._refuse(segment, "acknowledges data that was never sent", now)
        if flags & RST:
            if flags & ACK:
                self._finish(End.REFUSED, now)
            return None
        if not flags & SYN:
            return self._refuse(segment, "has no SYN", now)
        if flags & FIN and self.settings.policy.drop_syn_fin and not flags & ACK:
            return self._refuse(segment, "SYN with FIN", now)
        self._take_syn(segment, now)
        self.receiver.open_beyond()
        if not flags & ACK:  # simultaneous open, RFC 9293 §3.5 figure 8
            self._early = segment if segment.data else None
            self._move(Step.SYN, now)
            self._answer_syn(now)
            return None
        sender.opened(segment, now)
        self._established(Step.SYN_ACK, now)
        if segment.data or flags & FIN:
            self._text(segment.seq + 1, segment, now)
        self.receiver.ack_now = True
        self._flush(now)
        return None

    def _in_time_wait(self, segment: Segment, now: float) -> None:
        """TIME-WAIT (RFC 9293 §3.10.7.4, eighth check, and RFC 6191)."""
        answer = judge(segment, self.receiver, self.settings.policy, stamped=self._stamps, now=now)
        if answer in (Answer.END, Answer.REPLACE):
            return self._finish(End.CLOSED if answer is Answer.END else End.REPLACED, now)
        if answer is Answer.RESET:
            return self._reset(End.RESET, now)
        if answer in (Answer.WAIT, Answer.ACKNOWLEDGE_AND_WAIT):
            self._life_at = now + self.settings.time_wait
        if answer in (Answer.ACKNOWLEDGE, Answer.ACKNOWLEDGE_AND_WAIT):
            self._challenge(segment, "in TIME-WAIT", now)
        return None

    def _take_syn(self, syn: Segment, now: float) -> None:
        """Take the peer's options, window and initial sequence number from its SYN."""
        self.agreement = agreement = agree(self.settings, syn)
        self._stamps = agreement.timestamps
        receiver = self.receiver = Receiver(self.settings, syn.seq, now)
        receiver.agreed(scale=agreement.receive_scale, sack=agreement.sack)
        if agreement.timestamps and syn.timestamps is not None:
            receiver.ts_recent = syn.timestamps[0]
        self._writer.agreed(agreement, answer_options(self.settings, agreement, syn.syn or SynOptions()), receiver)
        self.sender.agreed(agreement)
        self.sender.take_window(syn, syn.window, now)

    def _answer_syn(self, now: float) -> None:
        self.sender.open(SYN | ACK | (ECE if self.agreement.ecn else 0), now)

    def _established(self, how: Step, now: float) -> None:
        self._move(how, now)
        self._events.append(Event.CONNECTED)
        self._keepalive.start(self.settings.keepalive, now)
        self.receiver.open_beyond()
        if self.sender.finishing:
            self._move(Step.CLOSE, now)  # close was called before
        early, self._early = self._early, None
        if early is not None:  # RFC 9293 §3.10.7.3: queued until ESTABLISHED
            self._text(early.seq + 1, early.altered(flags=ACK), now)

    def _in_connection(self, segment: Segment, now: float) -> None:
        """Synchronized states: the first four checks of RFC 9293 §3.10.7.4, and PAWS (RFC 7323 §5.3)."""
        receiver = self.receiver
        if not segment.flags & RST:  # a RST that is dropped must not keep a dead connection alive
            receiver.heard_at, self._keepalive.probes = now, 0
        stamps = segment.timestamps if self._stamps else None
        if stamps and stamps[0] < receiver.ts_recent and not segment.flags & RST and receiver.is_replay(segment, now):
            self._challenge(segment, "timestamp is old (PAWS)", now)
        elif not receiver.acceptable(segment):
            self._unacceptable(segment, now)
        elif segment.flags & (RST | SYN | ACK) != ACK:
            self._control(segment, now)
        elif self._acknowledged(segment, now):
            if (segment.data or segment.flags & FIN) and self.state in TAKES_DATA:
                self._text(segment.seq, segment, now)
            if self.state is not CLOSED:
                self._flush(now)

    def _acknowledged(self, segment: Segment, now: float) -> bool:
        """The fifth check, of the ACK field; False if the segment is refused or has ended the connection."""
        sender = self.sender
        if self.state is SYN_RECEIVED:
            if not self._complete(segment, now):
                return False
        elif not sender.acknowledge(segment, now):
            self._challenge(segment, "acknowledges data that was never sent, or long ago", now, in_window=True)
            return False
        if self._stamps:
            self.receiver.stamp(segment, now)
        if self.agreement.ecn:
            self.receiver.mark(segment)
        if sender.snd_una > sender.fin_at >= 0:
            self._fin_acknowledged(now)
        return self.state is not CLOSED

    def _control(self, segment: Segment, now: float) -> None:
        """RST, SYN, or no ACK, in the window (RFC 9293 §3.10.7.4, checks 2 to 5; RFC 5961 §3.2, §4.2)."""
        if segment.flags & RST:
            if segment.seq != self.receiver.rcv_nxt and self.settings.policy.strict_rst:
                return self._challenge(segment, "RST in the window, but not at RCV.NXT", now)
            end = End.REFUSED if self.state is State.SYN_RECEIVED else End.RESET
            return self._finish(end, now)
        if segment.flags & SYN:
            if not self.settings.policy.strict_syn and self.receiver.holds(segment.seq):
                return self._reset(End.RESET, now)
            return self._challenge(segment, "SYN in a connection", now)
        return self._refuse(segment, "has no ACK", now)

    def _unacceptable(self, segment: Segment, now: float) -> None:
        """Answer a segment that failed the first check (RFC 9293 §3.10.7.4): a SYN again, or a copy with a new ACK."""
        receiver, sender = self.receiver, self.sender
        if self.state is SYN_RECEIVED and segment.flags & SYN and segment.seq == receiver.rcv_nxt - 1:
            return self._syn_again(segment, now)
        answer = judge_outside(segment, receiver, self.settings.policy)
        if answer is Outside.RESET:
            return self._finish(End.RESET, now)
        if answer is Outside.DROP:
            return self._refuse(segment, "RST, or no ACK, outside the window", now)
        if answer is Outside.TAKE_ACK and self._stamps:
            receiver.stamp(segment, now)  # RFC 7323 §4.3: echo the copy's timestamp, not that of the lost ACK's segment
        if answer is Outside.TAKE_ACK and self.state in SYNCHRONIZED and sender.acknowledge(segment, now):
            if sender.snd_una > sender.fin_at >= 0:
                self._fin_acknowledged(now)
            if self.state is CLOSED:
                return None
            sender.output(now)
        return self._challenge(segment, f"outside the window {receiver.rcv_nxt}:{receiver.rcv_edge}", now)

    def _syn_again(self, segment: Segment, now: float) -> None:
        """SYN-RECEIVED: the peer repeated its SYN, or sent the SYN,ACK of a simultaneous open (RFC 9293 §3.5)."""
        if not segment.flags & ACK:
            self._answer_syn(now)
        elif segment.ack == self.sender.snd_nxt:
            self.sender.opened(segment, now)
            self._established(Step.ACK_OF_SYN, now)
            self.receiver.ack_now = True
            if self.state is not CLOSED:
                self._flush(now)

    def _complete(self, segment: Segment, now: float) -> bool:
        """SYN-RECEIVED: complete the handshake by the ACK of our SYN,ACK (RFC 9293 §3.10.7.4, fifth check)."""
        if not self.sender.snd_una < segment.ack <= self.sender.snd_nxt:
            self._writer.refuse(segment.ack)
            self._refuse(segment, "acknowledges data that was never sent", now)
            return False
        self.sender.opened(segment, now)
        self._established(Step.ACK_OF_SYN, now)
        return True

    def _fin_acknowledged(self, now: float) -> None:
        """Everything that this side sent is acknowledged (RFC 9293 §3.10.7.4, fifth check)."""
        if self.state not in (State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK):
            return
        state = self._move(Step.ACK_OF_FIN, now)
        if state is State.TIME_WAIT:
            self._wait(now)
        elif state is State.CLOSED:
            self._gone(End.CLOSED, now)
        elif self._orphan:
            self._life_at = now + self.settings.fin_timeout

    def _text(self, seq: int, segment: Segment, now: float) -> None:
        """Take data and FIN (RFC 9293 §3.10.7.4, seventh and eighth check)."""
        receiver, data = self.receiver, segment.data
        if data:
            if self._orphan and seq + len(data) > receiver.rcv_nxt:
                self._writer.refuse(segment.ack)  # nobody will read it (RFC 9293 §3.10.7.1)
                return self._finish(End.UNREAD, now)
            if receiver.receive(seq, data, now):
                self._events.append(Event.READABLE)
        if segment.flags & FIN and seq + len(data) <= receiver.rcv_edge:
            receiver.ack_now = True
            receiver.learn_fin(seq + len(data))
        if receiver.fin_at is not None and receiver.take_fin():
            if self._note is not None:
                self._note(Kind.FIN_RECEIVED, now, 0, "")
            self._events.append(Event.PEER_CLOSED)
            state = self._move(Step.FIN, now)
            if state is State.TIME_WAIT:
                self._wait(now)
            elif state is State.CLOSING and self.settings.policy.repeat_fin:
                self._writer.emit(FIN | ACK, self.sender.fin_at, b"", now, NOT_ECT)
        return None

    # Output

    def _flush(self, now: float) -> None:
        """Send what the windows allow, and an acknowledgement if one is due and no data carried it."""
        receiver, sender = self.receiver, self.sender
        if sender.options or (receiver.ack_now and receiver.has_blocks):
            self._make_room_for_sacks()
        sender.output(now)
        if receiver.ack_now:
            self._acknowledge(now)
        if sender.refused and sender.took_space():
            self._events.append(Event.WRITABLE)

    def _make_room_for_sacks(self) -> None:
        """SACK blocks take bytes from the data of a full segment (RFC 2018 §3)."""
        if self.receiver.has_blocks or self.sender.options:
            self.sender.squeeze(self._writer.sack_size())

    def _acknowledge(self, now: float) -> None:
        self._writer.acknowledge(self.sender.snd_nxt, now)

    def _challenge(self, segment: Segment, reason: str, now: float, *, in_window: bool = False) -> None:
        """Refuse a segment and acknowledge what is expected, at a limited rate (RFC 5961 §7)."""
        self._refuse(segment, reason, now)
        if self._challenges.allow(segment, now, in_window=in_window):
            self._acknowledge(now)

    def _reset(self, end: End, now: float) -> None:
        """Send RST, and end the connection."""
        self._writer.reset(self.sender.snd_nxt, now)
        self._finish(end, now)

    # Time

    def expire(self, now: float) -> list[Event]:
        """Do what is due at ``now``; does nothing if nothing is due."""
        if self.sender.deadline() <= now:
            end = self.sender.expire(now)
            if end is not None:
                self._finish(end, now)
        if self.receiver.ack_at <= now:
            self.receiver.interactive = False
            self._acknowledge(now)
        if self._keepalive.at <= now:
            self._keep_alive(now)
        if self._life_at <= now:
            self._finish(End.CLOSED, now)
        return self._take_events()

    def _keep_alive(self, now: float) -> None:
        busy = bool(self.sender.board.out or self.sender.unsent)
        due = self._keepalive.due(now, self.receiver.heard_at, busy=busy, user_timeout=self.settings.user_timeout)
        if due is Due.GIVE_UP:
            self._reset(End.SILENT, now)
        elif due is Due.PROBE:
            if self._note is not None:
                self._note(Kind.PROBE, now, 0, f"keepalive: peer silent for {now - self.receiver.heard_at:.3f} s")
            self._writer.emit(ACK, self.sender.snd_una - 1, b"", now, NOT_ECT)

    def _wait(self, now: float) -> None:
        """Stay in TIME-WAIT for twice the maximum segment lifetime (RFC 9293 §3.6.1)."""
        self.sender.stop()
        self._keepalive.stop()
        self.receiver.close_beyond()
        self._life_at = now + self.settings.time_wait

    # State

    def _move(self, what: Step, now: float) -> State:
        before, self.state = self.state, step(self.state, what)
        if self._note is not None:
            about = (before.value, self.state.value, what.value)
            self._note(Kind.STATE, now, 0, f"{before.value} → {self.state.value}: {what.value}", about)
        return self.state

    def _finish(self, end: End, now: float) -> None:
        if self.state is State.CLOSED:
            return
        closed_early = self.state is State.SYN_SENT and end is End.CLOSED
        self._move(Step.CLOSE if closed_early else Step.END, now)
        self._gone(end, now)

    def _gone(self, end: End, now: float) -> None:
        """The state is CLOSED: stop all timers, and report why."""
        self.end = end
        self._life_at = self.receiver.ack_at = inf
        self._keepalive.stop()
        self.sender.stop()
        self._events.append(Event.CLOSED)
        if self._note is not None:
            self._note(Kind.CLOSED, now, 0, end.value)

    def _take_events(self) -> list[Event]:
        events = self._events
        if events:
            self._events = []
        return events

    def _refuse(self, segment: Segment, reason: str, now: float) -> None:
        if self._note is not None:
            self._note(Kind.REFUSED, now, len(segment.data), f"{segment}: {reason}")
