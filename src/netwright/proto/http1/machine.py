"""Base of both ends of an HTTP/1.1 connection: reading heads and bodies, writing bodies.

A machine reads one message, reports ``End`` and keeps the rest unread until ``next_message``: an answer may turn the
connection into something else (RFC 9110 §7.8), so bytes after a message are not HTTP until then.
"""

from enum import Enum

from netwright.core.errors import IncompleteError, LimitError, NetwrightError, ProtocolError, UsageError
from netwright.proto.http1.body import Body
from netwright.proto.http1.events import End, Event, Refused
from netwright.proto.http1.fields import format_fields
from netwright.proto.http1.head import Section
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.status import status_for

__all__ = ["Machine", "Reading", "Writing"]


class Reading(Enum):
    """What the next byte from the peer belongs to."""

    HEAD = "head"
    BODY = "body"
    DONE = "nothing until next_message"
    CLOSED = "nothing: the peer ended its direction, or was refused"


class Writing(Enum):
    """What this side may send next."""

    HEAD = "head"
    BODY = "body"
    DONE = "nothing until next_message"


_UNWRITTEN, _WRITTEN = Writing.HEAD, Writing.DONE
_HEAD, _BODY, _DONE, _CLOSED = Reading  # an enum's attribute costs 0.1 µs a time on Python 3.11


class Machine:
    """Base of ``ServerMachine`` and ``ClientMachine``; ``now`` is in seconds on one clock of the caller's choice."""

    _section: Section

    def __init__(self, limits: HttpLimits, now: float) -> None:
        self.limits = limits
        self.reading = _HEAD
        self.writing = Writing.HEAD
        self._rest = b""
        self._body: Body | None = None
        self._head_deadline: float | None = now + limits.head_timeout
        self._idle_deadline: float | None = None
        self._head_began = False
        self._patience = 0.0  # seconds that may still be waited for this body
        self._waits_since: float | None = None
        self._chunked = False  # what this side sends
        self._left: int | None = None  # bytes of content that this side still owes; None: as many as it likes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} reads {self.reading.name}, writes {self.writing.name}, {len(self._rest)} kept>"

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take what the peer sent, report what it means.

        A fault is the last event, ``Refused``; nothing is raised.  Bytes after the end of the message are kept.
        """
        if self._waits_since is not None:
            self._patience -= now - self._waits_since
            self._waits_since = None
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
        if self.reading is _DONE or (self.reading is _HEAD and not self._head_began):
            self.reading = _CLOSED
        elif self.reading is not _CLOSED:
            place = self.reading.value
            error = IncompleteError(f"connection ended in a {place}", partial=self._rest, reference="RFC 9112 §8")
            return [self._refuse(error)]
        return []

    def deadline(self, now: float) -> float | None:
        """When a wait for the peer that begins ``now`` must end; None: wait for ever."""
        if self.reading is _BODY:
            self._waits_since = now
            return now + max(0.0, self._patience)
        if self.reading is not _HEAD:
            return None
        return self._head_deadline if self._head_began or self._idle_deadline is None else self._idle_deadline

    @property
    def stage(self) -> str:
        """What a wait for the peer waits for."""
        if self.reading is _BODY:
            return f"{self._name} body"
        if self._head_began:
            return f"{self._name} head"
        return "first byte" if self._idle_deadline is None else f"next {self._name}"

    _name = "message"

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
        if self.writing is not Writing.BODY:
            raise UsageError(f"content where {self.writing.value} belongs", advice="send a head first")
        if self._left is not None:
            if len(data) > self._left:
                raise UsageError(f"{len(data)} bytes of content, {self._left} left of Content-Length")
            self._left -= len(data)
            return data
        if not self._chunked or not data:
            return data
        return b"%x\r\n%b\r\n" % (len(data), data)

    def send_end(self, trailers: tuple[tuple[str, str], ...] = ()) -> bytes:
        """End the message; trailers go out only with chunked content (RFC 9110 §6.5).

        Raises:
            UsageError: content is missing.
        """
        if self.writing is not Writing.BODY:
            raise UsageError(f"end where {self.writing.value} belongs")
        if self._left:
            raise UsageError(f"content ends {self._left} bytes before its Content-Length")
        self.writing = Writing.DONE
        return b"0\r\n%b\r\n" % format_fields(trailers) if self._chunked else b""

    def _start_body(self, body: Body) -> None:
        self._body, self._patience = body, self.limits.body_grace
        self.reading = _BODY

    def _read_heads(self, data: bytes, now: float, events: list[Event]) -> int:
        """Heads until a final one; the place after it."""
        if not self._head_began:
            self._begin_head(now)
        at = 0
        while self.reading is _HEAD:
            start = self._skip_empty_line(data, at)
            end = self._section.find_end(data, start)
            if end < 0:
                return at
            self._read_head(data[data.find(b"\r\n", start) + 2 : end - 2], events)
            self._section.reset()
            at = end
        self._head_began = False
        return at

    def _begin_head(self, now: float) -> None:
        if self._idle_deadline is not None:
            self._head_deadline = now + self.limits.head_timeout
        self._head_began = True

    def _subject(self) -> str:
        """What the message is about, as far as it is known."""
        return ""

    def _skip_empty_line(self, data: bytes, at: int) -> int:
        return at

    def _read_head(self, block: bytes, events: list[Event]) -> None:
        """Report the head with these field lines and set ``reading`` to what follows."""
        raise NotImplementedError

    def _read_body(self, data: bytes, at: int, events: list[Event]) -> int:
        assert self._body is not None
        stop = self._body.read(data, at, events)
        self._patience += (stop - at) / self.limits.body_rate
        if events and type(events[-1]) is End:
            self._finish_reading()
        return stop

    def _finish_reading(self) -> None:
        self.reading, self._body = _DONE, None

    def _refuse(self, error: NetwrightError) -> Refused:
        self.reading, self._body = _CLOSED, None
        return Refused(error, status_for(error), self._subject())

    def _next(self, now: float) -> None:
        """Both directions are done with this message."""
        if self.reading is not _DONE or self.writing is not _WRITTEN:
            raise UsageError(f"next message while {self!r}")
        self.reading, self.writing = _HEAD, _UNWRITTEN
        self._head_began = False
        self._idle_deadline = now + self.limits.next_request
