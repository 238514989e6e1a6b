"""The record of a connection: a summary of fixed size, always on, and moments for the connections that are watched.

A stream writes into its record directly, a recorder keeps all records of a process.  No I/O, no clock: every time is
an argument, in seconds on the recorder's clock (the engine's ``now``).
"""

from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from netwright._native import enabled
from netwright.core.address import Address
from netwright.core.moment import Kind, Moment, Timeline

__all__ = ["DID_NOT_READ", "ConnectionRecord", "Outcome", "Recorder", "Waiting"]


class Outcome(StrEnum):
    """How a connection ended, and by whom.  OPEN is the only one that changes."""

    OPEN = "open"
    CLOSED = "closed"  # this side closed in order
    PEER_CLOSED = "peer-closed"  # the peer closed in order (FIN), and this side followed
    RESET = "reset"  # RST from the peer; or the kernel gave it up, as ``detail`` says
    ABORTED = "aborted"  # this side sent RST
    DEADLINE = "deadline"  # a time that was set ran out
    LIMIT = "limit"  # a setting refused what the peer sent
    PROTOCOL_ERROR = "protocol-error"  # the peer broke a rule
    HANDLER_ERROR = "handler-error"  # the program's own code raised
    DRAINED = "drained"  # the service shut down
    CONNECT_FAILED = "connect-failed"  # nobody answered


class Waiting(StrEnum):
    """What a connection waits for now; each has one party that must act."""

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


_HANDLER, _SEND, _NOTHING = Waiting.HANDLER, Waiting.SEND, Waiting.NOTHING  # Python 3.11 looks a member up in 0.3 µs


DID_NOT_READ = "the peer did not read"  # begins the detail of a RESET that is neither an RST nor the path's
AGES = slice(44, 60)  # of struct tcp_info: four counters of milliseconds that grow while nothing happens


class ConnectionRecord:
    """One connection's summary; times are 0.0 until they happen.

    Attributes:
        number: unique in its recorder.
        role: "accepted" or "connected".
        transport: "tcp" or "unix".
        service: what serves it ("http", "echo"); protocol: what is spoken ("http/1.1", "").
        waiting, waiting_since: what it waits for now; ``wait`` sets both.
        receive_waited, send_waited, handler_time: seconds spent so far in Waiting.RECEIVE and its kin, in
            Waiting.SEND, and in Waiting.HANDLER.
        stage: where a deadline or limit struck ("first byte", "request head", "frame").
        detail: one line for people: the error's text.
        timeline: moments, None while nobody watches.
        subject: the last message in one line ("GET /slow → 200").
        attempts: addresses that were tried, a line each: "::1:80: refused after 0.0001 s, begun at 0.0300 s", the
            second time from ``started_at`` on; resolved_at: the name was looked up.
        probe: asks the kernel, None where it cannot be asked; kernel: its last answer, struct tcp_info as bytes
            (``wire.tcp_info`` reads it), b"" before the first; kernel_at: when that was.
        version: grows with every change that a viewer may want to see.
    """

    __slots__ = (
        "attempts",
        "bytes_in",
        "bytes_out",
        "closed_at",
        "detail",
        "first_in_at",
        "first_out_at",
        "handler_at",
        "handler_time",
        "kernel",
        "kernel_at",
        "last_in_at",
        "last_out_at",
        "local",
        "messages",
        "number",
        "opened_at",
        "outcome",
        "peer",
        "probe",
        "protocol",
        "reads",
        "receive_waited",
        "request_at",
        "resolved_at",
        "response_at",
        "role",
        "send_waited",
        "service",
        "stage",
        "started_at",
        "subject",
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
        self.service = self.protocol = self.subject = self.stage = self.detail = ""
        self.started_at = self.opened_at = self.waiting_since = at
        self.first_in_at = self.first_out_at = self.last_in_at = self.last_out_at = self.closed_at = 0.0
        self.request_at = self.handler_at = self.response_at = self.resolved_at = self.kernel_at = 0.0
        self.attempts: tuple[str, ...] = ()
        self.kernel = b""
        self.probe: Callable[[], bytes] | None = None
        self.bytes_in = self.bytes_out = self.reads = self.writes = self.messages = self.version = 0
        self.receive_waited = self.send_waited = self.handler_time = 0.0
        self.waiting = Waiting.HANDLER
        self.outcome = Outcome.OPEN
        self.timeline: Timeline | None = None

    def __repr__(self) -> str:
        return (
            f"<Connection {self.number} {self.peer} {self.outcome.value} in={self.bytes_in} out={self.bytes_out}"
            f"{f' waits for {self.waiting.value}' if self.waiting else ''}>"
        )

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
        """It waits for ``waiting`` from now on; the time of the wait before is added to its account."""
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
            self.timeline.add(Moment(at, MOMENT_OF_WAIT.get(waiting, Kind.RECEIVE_WAIT), note=waiting.value))

    def note(self, kind: Kind, at: float, *, size: int = 0, note: str = "") -> None:
        """Keep a moment, if somebody watches."""
        self.version += 1
        if self.timeline is not None:
            self.timeline.add(Moment(at, kind, size, note))

    def end(self, outcome: Outcome, at: float, *, stage: str = "", detail: str = "") -> None:
        """Name the end; the first call counts, later ones change nothing.  The recorder's ``close`` follows."""
        if self.outcome is not Outcome.OPEN:
            return
        self.outcome, self.stage, self.detail = outcome, stage, detail
        if outcome in MOMENT_OF_END:
            self.note(MOMENT_OF_END[outcome], at, note=" ".join(filter(None, (stage, detail))))

    def _account(self, at: float) -> None:
        spent = at - self.waiting_since
        if self.waiting is _HANDLER:
            self.handler_time += spent
        elif self.waiting is _SEND:
            self.send_waited += spent
        elif self.waiting is not _NOTHING:
            self.receive_waited += spent

    def sample(self, at: float) -> None:
        """Ask the kernel now, if it can be asked."""
        if self.probe is None:
            return
        seen, self.kernel_at = self.probe(), at
        if seen[: AGES.start] != self.kernel[: AGES.start] or seen[AGES.stop :] != self.kernel[AGES.stop :]:
            self.version += 1
        self.kernel = seen

    def finish(self, at: float) -> None:
        """Ask the kernel a last time, close the accounts; called once, by the recorder."""
        self.sample(at)
        self.probe = None
        self._account(at)
        self.waiting, self.waiting_since, self.closed_at = Waiting.NOTHING, at, at
        self.note(Kind.CLOSED, at, note=self.outcome.value)

    def as_dict(self) -> dict[str, Any]:
        """The summary as JSON values; addresses as text, the timeline and the kernel's bytes left out."""
        values = {name: getattr(self, name) for name in FIELDS}
        values["attempts"], values["kernel"] = list(self.attempts), {}
        values["local"] = str(self.local) if self.local is not None else ""
        values["peer"] = str(self.peer) if self.peer is not None else ""
        values["watched"] = self.timeline is not None
        return values


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
    from netwright.core._record import ConnectionRecord


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
        """A record for a new connection; ``close`` must follow."""
        self._numbers += 1
        record = ConnectionRecord(self._numbers, role=role, transport=transport, local=local, peer=peer, at=at)
        self.live[record.number] = record
        self.totals[role] += 1
        if self.watch_all:
            record.timeline = Timeline(self._moments)
        return record

    def close(self, record: ConnectionRecord, at: float) -> None:
        """The connection is gone from this process; a second call changes nothing."""
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
