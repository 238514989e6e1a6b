"""The record of a connection: a summary of bounded size, always on, and moments for the connections that are watched.

A stream writes into its record directly; a recorder keeps all records of a process.  Every time is in seconds on the
recorder's clock (the engine's ``now``).  The record holds facts: who is to blame is decided from an outcome and an
errno, never from the words of a message.
"""

import errno as codes
from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from netwright._native import enabled
from netwright.core.address import Address
from netwright.core.moment import Fact, Kind, Moment, Timeline

__all__ = [
    "Attempt",
    "ConnectionRecord",
    "End",
    "Exchange",
    "ExchangeRecord",
    "Outcome",
    "Party",
    "Recorder",
    "Result",
    "Waiting",
]


class Outcome(StrEnum):
    """How a connection ended; OPEN until it has."""

    OPEN = "open"
    CLOSED = "closed"  # this side closed in order
    PEER_CLOSED = "peer-closed"  # the peer closed in order (FIN), and this side followed
    RESET = "reset"  # RST from the peer, or the kernel gave the connection up: ``End.errno`` tells them apart
    ABORTED = "aborted"  # this side sent RST
    DEADLINE = "deadline"  # a time that was set ran out
    LIMIT = "limit"  # a setting refused what the peer sent
    PROTOCOL_ERROR = "protocol-error"  # the peer broke a rule
    HANDLER_ERROR = "handler-error"  # the program's own code raised
    DRAINED = "drained"  # the service shut down
    CONNECT_FAILED = "connect-failed"  # nobody answered


class Party(StrEnum):
    """The party that acted, or has to act."""

    NOBODY = ""  # the connection is open
    YOU = "you"  # this program: its handlers, its settings
    PEER = "peer"  # the other program
    NETWORK = "network"  # the path between the two hosts
    KERNEL = "kernel"  # this host's operating system
    LOOKUP = "name lookup"  # the resolver


class End(NamedTuple):
    """The end of a connection.

    Attributes:
        who: the party that ended it.
        stage: where a deadline or limit struck ("first byte", "request head", "frame"), "" elsewhere.
        errno: the system's error number, 0 where no system call failed.
        text: one line for people; nothing reads it back.
    """

    outcome: Outcome
    who: Party
    stage: str = ""
    errno: int = 0
    text: str = ""


class Result(StrEnum):
    """The result of one connection attempt."""

    ANSWERED = "answered"
    FAILED = "failed"  # ``Attempt.errno`` says how
    ABANDONED = "abandoned"  # another address was faster, or the time ran out


class Attempt(NamedTuple):
    """One address that was tried; it ``began`` at this time on the recorder's clock and ``took`` so many seconds."""

    address: str
    result: Result
    errno: int
    began: float
    took: float


class Exchange(NamedTuple):
    """The values of an ``ExchangeRecord`` at one instant."""

    began: float
    handler: float
    answered: float
    subject: str
    status: int = 0
    note: str = ""

    @property
    def line(self) -> str:
        """One line for people: ``GET /slow → 200``."""
        status = f" → {self.status}" if self.status else ""
        return f"{self.subject}{status}{f' → {self.note}' if self.note else ''}"


class ExchangeRecord:
    """One message and its answer.  Times are 0.0 until they happen; a connection may have several open at once.

    Attributes:
        began: the message's head was complete.
        handler: the handler started.
        answered: the answer's head was sent.
        subject: what was asked ("GET /slow").
        status: the answer's status, 0 for protocols without one.
        note: what else happened to it ("peer gone").
    """

    __slots__ = ("answered", "began", "handler", "note", "status", "subject")

    def __init__(self, subject: str, began: float) -> None:
        self.subject, self.began = subject, began
        self.handler = self.answered = 0.0
        self.status, self.note = 0, ""

    def __repr__(self) -> str:
        return f"<Exchange {self.values().line}>"

    def values(self) -> Exchange:
        """Return the present values."""
        return Exchange(self.began, self.handler, self.answered, self.subject, self.status, self.note)


class Waiting(StrEnum):
    """The present wait of a connection; each has one party that must act."""

    HANDLER = "handler"  # the program: it neither reads nor writes
    RECEIVE = "peer to send"
    SEND = "peer to read"
    HEAD = "request head"
    BODY = "request body"
    NEXT_REQUEST = "next request"
    CONNECT = "peer to answer SYN"
    RESOLVE = "name lookup"
    CLOSE = "peer to close"
    NOTHING = ""


_OPEN, _IDLE, _CLOSE = Outcome.OPEN, Waiting.NEXT_REQUEST, Waiting.CLOSE
_HANDLER, _SEND, _NOTHING = Waiting.HANDLER, Waiting.SEND, Waiting.NOTHING  # Python 3.11 looks a member up in 0.3 µs


NO_EXCHANGES: deque[ExchangeRecord] = deque(maxlen=0)  # shared by records without one: it stays empty
EXCHANGES = 16  # the newest exchanges that a record keeps; an open one beyond them is forgotten
AGES = slice(44, 60)  # of struct tcp_info: four counters of milliseconds that grow while nothing happens


class ConnectionRecord:
    """One connection's summary; times are 0.0 until they happen.

    Attributes:
        number: unique in its recorder.
        role: "accepted" or "connected".
        transport: "tcp", "unix" or "pipe".
        service: what serves it ("http", "echo"); protocol: what is spoken ("http/1.1", "").
        waiting, waiting_since: what it waits for now; ``wait`` sets both.
        handler_time, send_waited, idle_waited, close_waited, receive_waited: seconds spent so far in Waiting.HANDLER,
            in SEND, in NEXT_REQUEST, in CLOSE, and in all others.  The wait that is on is not in them.
        ended: how it ended; its outcome is OPEN before.  ``outcome`` is the same as ``ended.outcome``.
        timeline: moments, None while nobody watches.
        messages: exchanges so far; exchanges: the newest EXCHANGES of them, the newest at the end.
        attempts: the addresses that were tried; resolved_at: the name was looked up.
        probe: asks the kernel, None where it cannot be asked; kernel: its last answer, struct tcp_info as bytes
            (``wire.tcp_info`` reads it), b"" before the first; kernel_at: when that was.
        version: grows with every change that a viewer may want to see.
    """

    __slots__ = (
        "attempts",
        "bytes_in",
        "bytes_out",
        "close_waited",
        "closed_at",
        "ended",
        "exchanges",
        "first_in_at",
        "first_out_at",
        "handler_time",
        "idle_waited",
        "kernel",
        "kernel_at",
        "last_in_at",
        "last_out_at",
        "local",
        "messages",
        "number",
        "opened_at",
        "peer",
        "probe",
        "protocol",
        "reads",
        "receive_waited",
        "resolved_at",
        "role",
        "send_waited",
        "service",
        "started_at",
        "timeline",
        "transport",
        "version",
        "waiting",
        "waiting_since",
        "writes",
    )

    def __init__(
        self, number: int, *, role: str, transport: str, local: Address | None, peer: Address | None, at: float
    ) -> None:
        self.number, self.role, self.transport, self.local, self.peer = number, role, transport, local, peer
        self.service = self.protocol = ""
        self.started_at = self.opened_at = self.waiting_since = at
        self.first_in_at = self.first_out_at = self.last_in_at = self.last_out_at = self.closed_at = 0.0
        self.resolved_at = self.kernel_at = 0.0
        self.attempts: tuple[Attempt, ...] = ()
        self.exchanges: deque[ExchangeRecord] = NO_EXCHANGES  # its own from the first one on: a deque takes 760 bytes
        self.ended = END_OF[Outcome.OPEN]
        self.kernel = b""
        self.probe: Callable[[], bytes] | None = None
        self.bytes_in = self.bytes_out = self.reads = self.writes = self.messages = self.version = 0
        self.receive_waited = self.idle_waited = self.close_waited = self.send_waited = self.handler_time = 0.0
        self.waiting = Waiting.HANDLER
        self.timeline: Timeline | None = None

    def __repr__(self) -> str:
        return (
            f"<Connection {self.number} {self.peer} {self.outcome.value} in={self.bytes_in} out={self.bytes_out}"
            f"{f' waits for {self.waiting.value}' if self.waiting else ''}>"
        )

    @property
    def outcome(self) -> Outcome:
        """How it ended, OPEN before."""
        return self.ended.outcome

    def received(self, size: int, at: float) -> None:
        """``size`` bytes came from the peer."""
        if not self.bytes_in:
            self.first_in_at = at
        self.bytes_in += size
        self.reads += 1
        self.last_in_at = at
        self.version += 1
        if self.timeline is not None:
            self.timeline.add(Moment(at, Kind.RECEIVED, size))

    def sent(self, size: int, at: float) -> None:
        """``size`` bytes went to the kernel."""
        if not self.bytes_out:
            self.first_out_at = at
        self.bytes_out += size
        self.writes += 1
        self.last_out_at = at
        self.version += 1
        if self.timeline is not None:
            self.timeline.add(Moment(at, Kind.SENT, size))

    def wait(self, waiting: Waiting, at: float) -> None:
        """Begin a wait for ``waiting``; the time of the previous wait is added to its account."""
        was = self.waiting
        if waiting is was:
            return
        if was is _HANDLER:
            self.handler_time += at - self.waiting_since
        else:
            self._account(at)
        self.waiting, self.waiting_since = waiting, at
        self.version += 1
        if self.timeline is not None:
            self.timeline.add(
                Moment(at, MOMENT_OF_WAIT.get(waiting, Kind.RECEIVE_WAIT), note=waiting.value, about=(waiting.value,))
            )

    def note(self, kind: Kind, at: float, *, size: int = 0, note: str = "", about: tuple[Fact, ...] = ()) -> None:
        """Keep a moment if the connection is watched."""
        self.version += 1
        if self.timeline is not None:
            self.timeline.add(Moment(at, kind, size, note, about))

    def exchange(self, subject: str, at: float) -> ExchangeRecord:
        """Begin the record of a message whose handler starts now; the caller enters the answer."""
        if self.exchanges is NO_EXCHANGES:
            self.exchanges = deque(maxlen=EXCHANGES)
        self.messages += 1
        self.version += 1
        begun = ExchangeRecord(subject, at)
        begun.handler = at
        self.exchanges.append(begun)
        return begun

    def end(
        self, outcome: Outcome, at: float, *, stage: str = "", errno: int = 0, text: str = "", who: Party | None = None
    ) -> None:
        """Record the end; only the first call counts.  The recorder's ``close`` follows.

        Args:
            who: the party that ended it, where more is known than ``blame`` can tell from the other arguments.
        """
        if self.ended.outcome is not _OPEN:
            return
        self.ended = end_of(outcome, stage, errno, text, who)
        if outcome in MOMENT_OF_END:
            self.note(MOMENT_OF_END[outcome], at, note=" ".join(filter(None, (stage, text))), about=self.ended[1:4])

    def _account(self, at: float) -> None:
        spent = at - self.waiting_since
        if self.waiting is _HANDLER:
            self.handler_time += spent
        elif self.waiting is _SEND:
            self.send_waited += spent
        elif self.waiting is _IDLE:
            self.idle_waited += spent
        elif self.waiting is _CLOSE:
            self.close_waited += spent
        elif self.waiting is not _NOTHING:
            self.receive_waited += spent

    def sample(self, at: float) -> None:
        """Read the kernel's state of the connection now, if the system has it."""
        if self.probe is None:
            return
        seen, self.kernel_at = self.probe(), at
        if seen[: AGES.start] != self.kernel[: AGES.start] or seen[AGES.stop :] != self.kernel[AGES.stop :]:
            self.version += 1
        self.kernel = seen

    def finish(self, at: float) -> None:
        """Read the kernel's state a last time and close the accounts; called once, by the recorder."""
        self.sample(at)
        self.probe = None
        self._account(at)
        self.waiting, self.waiting_since, self.closed_at = Waiting.NOTHING, at, at
        self.note(Kind.CLOSED, at, note=self.ended.outcome.value)

    def as_dict(self) -> dict[str, Any]:
        """The summary as JSON values; addresses as text, the timeline and the kernel's bytes left out."""
        values = {name: getattr(self, name) for name in FIELDS}
        values["exchanges"] = [exchange.values() for exchange in self.exchanges]
        values["kernel"] = {}
        values["local"] = str(self.local) if self.local is not None else ""
        values["peer"] = str(self.peer) if self.peer is not None else ""
        values["watched"] = self.timeline is not None
        return values


def blame(outcome: Outcome, stage: str, errno: int) -> Party:
    """Return the party that ended a connection, from facts alone."""
    if outcome in (Outcome.RESET, Outcome.CONNECT_FAILED):
        if stage == "resolve":
            return Party.LOOKUP
        return _BLAMED_FOR.get(errno, Party.PEER if outcome is Outcome.RESET else Party.NETWORK)
    return _ENDED_BY.get(outcome, Party.YOU)


@lru_cache(maxsize=64)
def end_of(outcome: Outcome, stage: str, errno: int, text: str, who: Party | None) -> End:
    """The End of a connection; connections that end alike share one, as a thousand that are reset do."""
    if not (stage or errno or text or who):
        return END_OF[outcome]
    return End(outcome, who or blame(outcome, stage, errno), stage, errno, text)


_ENDED_BY = {Outcome.OPEN: Party.NOBODY, Outcome.PEER_CLOSED: Party.PEER, Outcome.PROTOCOL_ERROR: Party.PEER}
_BLAMED_FOR = {  # where a system call failed: connect(2), recv(2), send(2); tcp(7), ip(7), unix(7)
    codes.ECONNRESET: Party.PEER,
    codes.ECONNABORTED: Party.PEER,
    codes.ECONNREFUSED: Party.PEER,
    codes.EPIPE: Party.PEER,  # Linux: RST behind the peer's FIN (tcp_reset); of a Unix socket: the peer closed it
    codes.ENOENT: Party.PEER,  # a Unix socket's path: nobody has bound it
    codes.ETIMEDOUT: Party.NETWORK,
    codes.EHOSTUNREACH: Party.NETWORK,
    codes.EHOSTDOWN: Party.NETWORK,
    codes.ENETUNREACH: Party.NETWORK,
    codes.ENETDOWN: Party.NETWORK,
    codes.ENETRESET: Party.NETWORK,
    codes.EPROTO: Party.NETWORK,  # ICMP: protocol problem (RFC 1122 §4.2.3.9)
    codes.ENOPROTOOPT: Party.NETWORK,  # ICMP: protocol unreachable
    codes.ENOBUFS: Party.KERNEL,
    codes.ENOMEM: Party.KERNEL,
    codes.EMFILE: Party.KERNEL,
    codes.ENFILE: Party.KERNEL,
    codes.EADDRNOTAVAIL: Party.KERNEL,  # no local port is free, or the local address is not this host's
    codes.EADDRINUSE: Party.KERNEL,
    codes.EPERM: Party.KERNEL,  # a local firewall
    codes.EACCES: Party.KERNEL,
}
END_OF = {outcome: End(outcome, blame(outcome, "", 0)) for outcome in Outcome}
FIELDS = tuple(name for name in ConnectionRecord.__slots__ if name not in ("kernel", "probe", "timeline"))
MOMENT_OF_WAIT = {Waiting.SEND: Kind.SEND_WAIT, Waiting.HANDLER: Kind.WAIT_OVER, Waiting.NOTHING: Kind.WAIT_OVER}
MOMENT_OF_END = {
    Outcome.RESET: Kind.RESET,
    Outcome.ABORTED: Kind.ABORT,
    Outcome.DEADLINE: Kind.DEADLINE,
    Outcome.LIMIT: Kind.LIMIT,
    Outcome.PROTOCOL_ERROR: Kind.ERROR,
    Outcome.HANDLER_ERROR: Kind.ERROR,
    Outcome.CONNECT_FAILED: Kind.ERROR,
}

if enabled("netwright.core._record"):
    from netwright.core._record import ConnectionRecord, ExchangeRecord


class Recorder:
    """All records of one process: the live ones, the last ``recent`` closed ones, and totals since the start.

    Args:
        recent: closed records to keep.
        moments: moments to keep of a watched connection.
        watch_all: keep moments of every connection, not only of those that ``watch`` names.
    """

    def __init__(self, *, recent: int = 1000, moments: int = 1000, watch_all: bool = False) -> None:
        self.live: dict[int, ConnectionRecord] = {}
        self.recent: deque[ConnectionRecord] = deque(maxlen=recent)
        self.totals: Counter[str] = Counter()
        self.watch_all = watch_all
        self._moments = moments
        self._numbers = 0
        self._on_close: list[Callable[[ConnectionRecord], None]] = []

    def __repr__(self) -> str:
        return f"<Recorder {len(self.live)} live, {self._numbers} in all>"

    def open(
        self, *, role: str, transport: str, local: Address | None, peer: Address | None, at: float
    ) -> ConnectionRecord:
        """Create the record of a new connection; ``close`` must follow."""
        self._numbers += 1
        record = ConnectionRecord(self._numbers, role=role, transport=transport, local=local, peer=peer, at=at)
        self.live[record.number] = record
        self.totals[role] += 1
        if self.watch_all:
            record.timeline = Timeline(self._moments)
        return record

    def close(self, record: ConnectionRecord, at: float) -> None:
        """Close the record of a connection that this process has given up.  Idempotent."""
        if self.live.pop(record.number, None) is None:
            return
        record.end(Outcome.CLOSED, at)
        record.finish(at)
        self.totals[record.outcome.value] += 1
        self.recent.append(record)
        for callback in self._on_close:
            callback(record)

    def watch(self, number: int) -> bool:
        """Keep moments of a live connection from now on; False if it is not live."""
        record = self.live.get(number)
        if record is None:
            return False
        if record.timeline is None:
            record.timeline = Timeline(self._moments)
        return True

    def unwatch(self, number: int) -> None:
        """Drop the moments of a connection, unless all are watched."""
        record = self.live.get(number)
        if record is not None and not self.watch_all:
            record.timeline = None

    def on_close(self, callback: Callable[[ConnectionRecord], None]) -> None:
        """Call ``callback`` with every record that closes; it must not raise."""
        self._on_close.append(callback)
