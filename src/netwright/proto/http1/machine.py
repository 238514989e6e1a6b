"""Base of both ends of an HTTP/1.1 connection: reading heads and bodies, writing bodies.

A machine reads one message, reports ``End`` and keeps the rest unread until ``next_message``: an answer may turn the
connection into something else (RFC 9110 §7.8), so bytes after a message are not HTTP until then.

A wait for the peer begins with ``wait``, which the caller calls when it finds nothing to read, and ends with the next
``receive`` or with ``pause``.  ``wait`` and ``deadline`` say when it must end, ``expire`` what happens then.
"""

from collections.abc import Iterable

from netwright.core.errors import IncompleteError, LimitError, NetwrightError, ProtocolError, UsageError
from netwright.proto.http1.body import NEVER_IN_TRAILERS, Body
from netwright.proto.http1.events import End, Event, Refused
from netwright.proto.http1.fields import format_fields
from netwright.proto.http1.head import Section
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.state import Reading, Step, Writing, step
from netwright.proto.http1.status import SlowPeerError, status_for

__all__ = ["Machine"]

# An enum's attribute costs 0.1 µs a time on Python 3.11, so the members and the usual steps of the table have names.
_HEAD, _BODY, _DONE, _SWITCHED, _CLOSED = Reading
_UNWRITTEN, _CONTENT, _WRITTEN, _ = Writing
_NEXT_READING, _NEXT_WRITING = step(_DONE, Step.NEXT), step(_WRITTEN, Step.NEXT)
_CR = 13


class Machine:
    """Base of ``ServerMachine`` and ``ClientMachine``; ``now`` is in seconds on one clock of the caller's choice."""

    _section: Section
    _stages = ("next message", "message head", "message body")
    _skips = False  # one CRLF before a start line is no fault: some clients end a body with it (RFC 9112 §2.2)

    def __init__(self, limits: HttpLimits, now: float) -> None:
        self.limits = limits
        self.reading = _HEAD
        self.writing = _UNWRITTEN
        self._rest = b""
        self._body: Body | None = None
        self._began = now  # of the head; of the first one, the connection's
        self._head_began = False
        self._may_skip = self._skips
        self._first = True
        self._idle_since: float | None = None
        self._patience = limits.next_request  # seconds from ``_idle_since`` to the first byte of a head
        self._waits_since: float | None = None  # for content
        self._waited = self._allowed = 0.0  # seconds for this body
        self._chunked = False  # what this side sends
        self._left: int | None = None  # bytes of content that this side still owes; None: as many as it likes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} reads {self.reading.name}, writes {self.writing.name}, {len(self._rest)} kept>"

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take what the peer sent, report what it means.

        A fault is the last event, ``Refused``; nothing is raised.  Bytes after the end of the message are kept.
        """
        if self._waits_since is not None:
            self.pause(now)
        if self._rest:
            data = self._rest + data
        events: list[Event] = []
        at = 0
        try:
            if self.reading is _HEAD and data:
                at = self._read_heads(data, now, events)
            if self.reading is _BODY and at < len(data):
                at = self._read_body(data, at, events)
        except (ProtocolError, LimitError) as error:
            events.append(self._refuse(error))
        self._rest = b"" if self.reading is _CLOSED else data[at:]
        return events

    def receive_eof(self, now: float) -> list[Event]:
        """The peer ended its direction: nothing between messages, a fault inside of one (RFC 9112 §8)."""
        del now
        if self.reading is _BODY or (self.reading is _HEAD and self._head_began):
            place = self.reading.value
            error = IncompleteError(f"connection ended in a {place}", partial=self._rest, reference="RFC 9112 §8")
            return [self._refuse(error)]
        if self.reading is not _SWITCHED:
            self.reading = step(self.reading, Step.FIN)
        return []

    # time

    def wait(self, now: float) -> float | None:
        """Begin to wait for the peer, return the deadline; a wait that is on goes on."""
        if self.reading is _BODY:
            if self._waits_since is None:
                self._waits_since = now
        elif not self._head_began and not self._first:
            if self._idle_since is None:
                self._idle_since = now
            return self._idle_since + self._patience
        return self.deadline(now)

    def pause(self, now: float) -> None:
        """End a wait for content in which nothing came; until the next ``wait`` the peer's time does not run."""
        if self._waits_since is not None:
            self._waited += max(0.0, now - self._waits_since)
            self._waits_since = None

    def deadline(self, now: float) -> float | None:
        """Return when the wait that is on must end, or one that began ``now``; None: nothing is awaited."""
        if self.reading is _BODY:
            since = now if self._waits_since is None else self._waits_since
            return since + max(0.0, self._allowed - self._waited)
        if self.reading is not _HEAD:
            return None
        if self._head_began or self._first:  # the first head of a connection is timed from its beginning
            return self._began + self.limits.head_timeout
        return (now if self._idle_since is None else self._idle_since) + self._patience

    def expire(self, now: float) -> list[Event]:
        """Report what a deadline means that passed: ``Refused`` inside of a message, nothing between two."""
        limits, stage = self.limits, self.stage
        if self.reading is _BODY:
            self.pause(now)
            return [self._refuse(SlowPeerError(stage, self._waited, self._allowed, "body_grace, body_rate"))]
        if self.reading is _HEAD and self._head_began:
            return [self._refuse(SlowPeerError(stage, now - self._began, limits.head_timeout, "head_timeout"))]
        if self.reading is not _SWITCHED:
            self.reading = step(self.reading, Step.FIN)
        return []

    @property
    def stage(self) -> str:
        """The part of a message that the peer has to send next, in the words of ``HttpLimits``."""
        if self.reading is _BODY:
            return self._stages[2]
        if self._head_began:
            return self._stages[1]
        return "first byte" if self._first else self._stages[0]

    @property
    def has_rest(self) -> bool:
        """True if bytes came that were not read yet: ``receive`` b"" after ``next_message``."""
        return bool(self._rest)

    def take_rest(self) -> bytes:
        """Bytes that came after the message: the first of the protocol to which the connection was switched."""
        rest, self._rest = self._rest, b""
        return rest

    def send_data(self, data: bytes) -> bytes:
        """Content as it goes out.

        Raises:
            UsageError: no head was sent, or this is more than its length.
        """
        if self.writing is not _CONTENT:
            step(self.writing, Step.DATA)
        if self._left is not None:
            if len(data) > self._left:
                raise UsageError(f"{len(data)} bytes of content, {self._left} left of Content-Length")
            self._left -= len(data)
            return data
        if not self._chunked or not data:
            return data
        return b"%x\r\n%b\r\n" % (len(data), data)

    def send_end(self, trailers: Iterable[tuple[str, str]] = ()) -> bytes:
        """End the message; trailers go out only with chunked content (RFC 9110 §6.5).

        Raises:
            UsageError: content is missing, or a trailer says how the message is read (RFC 9110 §6.5.1).
        """
        following = step(self.writing, Step.END)
        if self._left:
            raise UsageError(f"content ends {self._left} bytes before its Content-Length", reference="RFC 9112 §6.3")
        pairs = tuple(trailers)
        if forbidden := sorted(NEVER_IN_TRAILERS.intersection(name.lower() for name, _ in pairs)):
            raise UsageError(f"{forbidden[0]} in a trailer section", reference="RFC 9110 §6.5.1")
        block = format_fields(pairs)
        self.writing = following
        return b"0\r\n%b\r\n" % block if self._chunked else b""

    def _start_body(self, body: Body) -> None:
        self._body, self._waited, self._allowed = body, 0.0, self.limits.body_grace
        self.reading = step(self.reading, Step.HEAD)

    def _read_heads(self, data: bytes, now: float, events: list[Event]) -> int:
        """Heads until a final one; the place after it."""
        at = 0
        while self.reading is _HEAD and at < len(data):
            if not self._head_began:
                if self._may_skip and data[at] == _CR and data[at + 1 : at + 2] in (b"", b"\n"):
                    if at + 1 == len(data):
                        return at
                    self._may_skip = False
                    at += 2
                    continue
                self._begin_head(now)
            end = self._section.find_end(data, at)
            if end < 0:
                return at
            self._read_head(data[data.index(b"\r\n", at) + 2 : end - 2], events)
            self._section.reset()
            self._head_began = self._first = False
            at = end
        return at

    def _begin_head(self, now: float) -> None:
        self._head_began = True
        if not self._first:
            self._began = now

    def _subject(self) -> str:
        """Return "GET /path" of the message, "" before it is known."""
        return ""

    def _read_head(self, block: bytes, events: list[Event]) -> None:
        """Report the head with these field lines and set ``reading`` to what follows."""
        raise NotImplementedError

    def _read_body(self, data: bytes, at: int, events: list[Event]) -> int:
        assert self._body is not None
        stop = self._body.read(data, at, events)
        self._allowed += (stop - at) / self.limits.body_rate
        if events and type(events[-1]) is End:
            self._finish_body()
        return stop

    def _finish_body(self) -> None:
        self.reading, self._body = step(self.reading, Step.END), None

    def _refuse(self, error: NetwrightError) -> Refused:
        if self.reading is not _CLOSED:
            self.reading = step(self.reading, Step.REFUSAL)
        self._body = None
        return Refused(error, status_for(error), self._subject())

    def _next(self) -> None:
        """Both directions are done with this message."""
        if self.reading is not _DONE or self.writing is not _WRITTEN:
            raise UsageError(f"next message while {self!r}")
        self.reading, self.writing = _NEXT_READING, _NEXT_WRITING
        self._may_skip, self._idle_since = self._skips, None
