"""The server's end of an HTTP/1.1 connection (RFC 9112): requests in, responses out."""

import re
from collections.abc import Iterable

from netwright.core.errors import LimitError, UsageError
from netwright.proto.fields import Fields
from netwright.proto.http1.body import ChunkedBody, CountedBody
from netwright.proto.http1.events import END, Event, Request
from netwright.proto.http1.fields import format_fields
from netwright.proto.http1.framing import PLAIN_LINE, RequestLine, frame_request, parse_request_line
from netwright.proto.http1.head import Section
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.machine import Machine
from netwright.proto.http1.state import Reading, Step, Writing, step
from netwright.proto.http1.status import REASONS, has_content, may_send_content, reason

__all__ = ["ServerMachine"]

_UNWRITTEN, _HEAD, _DONE = Writing.HEAD, Reading.HEAD, Reading.DONE  # an enum's attribute costs 0.1 µs on Python 3.11
_ANSWERED, _WHOLE_READ = step(_UNWRITTEN, Step.WHOLE), step(_HEAD, Step.WHOLE)
_NO_LINE = RequestLine("", "", "1.1")
_HEADS = {status: f"HTTP/1.1 {status} {reason(status)}\r\n".encode() for status in REASONS}
_WITH_CONTENT = frozenset(status for status in REASONS if may_send_content(status))


class ServerMachine(Machine):
    """One connection's requests, one after the other.

    ``receive`` reports ``Request``, ``Data``…, ``End`` or ``Refused``.  Then ``send_head``, ``send_data``…,
    ``send_end`` (or ``send_whole`` for all three); then ``next_message``, if ``keep_alive``.
    """

    _stages = ("next request", "request head", "request body")
    _skips = True

    def __init__(self, limits: HttpLimits, now: float) -> None:
        super().__init__(limits, now)
        self._section = Section(limits, self._read_line, limits.request_line)
        self._line = _NO_LINE
        self._known_end = b""  # what follows the request line of a request with the fields of the one before
        self._known: tuple[object, ...] = ()
        self._longest_line = 0
        self._is_plain = False  # its answer needs no look at version, method or connection
        self.request: Request | None = None
        self.requests = 0
        self.keep_alive = True
        self.must_continue = False
        self.has_content = True

    def send_continue(self) -> bytes:
        """Return 100 for a peer that holds its content back (RFC 9110 §15.2.1); b"" if it does not, or was answered."""
        if not self.must_continue or self.writing is not _UNWRITTEN:
            return b""
        self.must_continue = False
        return b"HTTP/1.1 100 Continue\r\n\r\n"

    def send_interim(self, status: int, fields: bytes = b"") -> bytes:
        """Return a 1xx head, 103 with its links for one (RFC 8297); b"" for a 1.0 client (RFC 9110 §15.2).

        Raises:
            UsageError: the response has begun, or the status is not 102 to 199.
        """
        if not 102 <= status <= 199:
            advice = "send_continue sends 100, send_switch 101"
            raise UsageError(f"interim status {status}, 102 to 199 allowed", reference="RFC 9110 §15.2", advice=advice)
        self.writing = step(self.writing, Step.INTERIM)
        if self.request is None or self.request.version == "1.0":
            return b""
        return b"%b%b\r\n" % (_status_line(status), fields)

    def send_head(self, status: int, fields: bytes = b"", *, length: int | None, close: bool = False) -> bytes:
        """A final response's head (RFC 9112 §4).

        Args:
            fields: what ``format_fields`` gave; Content-Length, Transfer-Encoding and Connection are this machine's.
            length: bytes of content; None if only its end will tell.
            close: this is the last response.

        Raises:
            UsageError: a response is not due, or the status is not final.
        """
        following = step(self.writing, Step.HEAD)
        if not 200 <= status <= 599:
            raise UsageError(f"final status {status}, 200 to 599 allowed", reference="RFC 9110 §15")
        self._decide_keep_alive(close)
        self.writing = following
        framing = self._frame(status, length)
        return b"%b%b%b%b\r\n" % (_status_line(status), fields, framing, self._connection_field())

    def send_whole(self, status: int, fields: bytes, content: bytes, *, close: bool = False) -> bytes:
        """Return head, content and end in one piece; content that may not go out is left out (HEAD, 204, 205, 304)."""
        if self._is_plain and not close and self.writing is _UNWRITTEN and status in _WITH_CONTENT:
            self.writing = _ANSWERED
            return b"%b%bcontent-length: %d\r\n\r\n%b" % (_HEADS[status], fields, len(content), content)
        head = self.send_head(status, fields, length=len(content), close=close)
        self.writing = step(self.writing, Step.END)
        return head + content if self.has_content else head

    def send_data(self, data: bytes) -> bytes:
        """See ``Machine``; b"" for an answer that has no content (RFC 9110 §9.3.2, §6.4.1)."""
        if self.has_content:
            return super().send_data(data)
        step(self.writing, Step.DATA)
        return b""

    def send_end(self, trailers: Iterable[tuple[str, str]] = ()) -> bytes:
        """See ``Machine``."""
        if not self.has_content:
            self._left, self._chunked = 0, False
        return super().send_end(trailers)

    def send_switch(self, protocol: str, fields: Iterable[tuple[str, str]] = ()) -> bytes:
        """Return 101: from here on the connection speaks ``protocol``; ``take_rest`` has its first bytes.

        A peer that expects 100 gets that first (RFC 9110 §7.8).

        Raises:
            UsageError: the peer did not offer it, or its request is not read to the end.
        """
        offered = self.request.upgrade if self.request is not None else ""
        if protocol.lower() not in (name.strip().lower() for name in offered.split(",")):
            raise UsageError(
                f"switch to {protocol}, the peer offered {offered or 'nothing'}", reference="RFC 9110 §7.8"
            )
        block = format_fields((("upgrade", protocol), ("connection", "upgrade"), *fields))
        reading = step(self.reading, Step.SWITCH)
        first = self.send_continue()
        self.writing, self.reading = step(self.writing, Step.SWITCH), reading
        return b"%bHTTP/1.1 101 Switching Protocols\r\n%b\r\n" % (first, block)

    def next_message(self) -> None:
        """Go on with the next request; call ``receive`` with b"" first, its bytes may be here.

        Raises:
            UsageError: this request is not over, or the connection ends with it.
        """
        if not self.keep_alive:
            raise UsageError("next request on a connection that ends", advice="close it")
        self._next()
        self.request, self._line = None, _NO_LINE

    def receive(self, data: bytes, now: float) -> list[Event]:
        """See ``Machine``."""
        if self._known_end and self.reading is _HEAD and not self._rest:
            end = len(data) - len(self._known_end)
            if end < self._longest_line and data.endswith(self._known_end):
                match = PLAIN_LINE.fullmatch(data, 0, end)
                if match is not None:
                    return self._read_known(match)
        return super().receive(data, now)

    def _read_known(self, match: re.Match[bytes]) -> list[Event]:
        """A request in one piece whose fields are those of the one before: only its request line is new."""
        method, target = match.groups()
        self.requests += 1
        self.keep_alive, self.must_continue = True, False
        self._is_plain = method != b"HEAD" and self.requests < self.limits.requests
        request = Request._make((method.decode(), target.decode(), "1.1", *self._known))
        self.request = request
        self.reading = _WHOLE_READ
        return [request, END]

    def _subject(self) -> str:
        return f"{self._line[0]} {self._line[1]}" if self._line is not _NO_LINE else ""

    def _read_line(self, line: bytes) -> None:
        self._line = parse_request_line(line)

    def _read_head(self, block: bytes, events: list[Event]) -> None:
        method, target, version, authority, scheme = self._line
        length, keep_alive, waits, upgrade, host = frame_request(self._section.found, version)
        if length is not None and length > self.limits.body:
            raise LimitError("body", length, self.limits.body, reference="RFC 9110 §15.5.14")
        self.requests += 1
        self.keep_alive, self.must_continue = keep_alive, waits
        said = (Fields.of_block(block), length, keep_alive, waits, upgrade, authority or host, scheme)
        self.request = Request(method, target, version, *said)
        self._is_plain = False
        events.append(self.request)
        if length == 0:
            self.reading, self.must_continue = step(self.reading, Step.WHOLE), False
            events.append(END)
            self._remember(block, self.request)
        else:
            self._start_body(ChunkedBody(self.limits) if length is None else CountedBody(length))

    def _remember(self, block: bytes, request: Request) -> None:
        """A client repeats its fields from request to request."""
        usual = request.version == "1.1" and request.keep_alive and not (request.expects_continue or request.scheme)
        self._known_end = b"\r\n%b\r\n" % block if usual else b""
        self._known = request[3:]
        self._longest_line = min(self.limits.request_line - 1, self.limits.head - len(self._known_end) + 1)

    def _decide_keep_alive(self, close: bool) -> None:
        """RFC 9112 §9.3, §9.6; whoever was refused or is at the last request is not kept."""
        if close or self.reading is Reading.CLOSED or self.requests >= self.limits.requests:
            self.keep_alive = False

    def _frame(self, status: int, length: int | None) -> bytes:
        """Content-Length, or chunks, or until the end of the connection (RFC 9112 §6)."""
        request = self.request
        self.has_content = may_send_content(status) and (request is None or request.method != "HEAD")
        self._left, self._chunked = length, False
        if not may_send_content(status):
            self._left = 0
            return b"" if not has_content(status) else b"content-length: 0\r\n"
        if length is not None:
            return b"content-length: %d\r\n" % length
        if request is not None and request.version == "1.0":
            self.keep_alive = False
            return b""
        self._chunked = True
        return b"transfer-encoding: chunked\r\n"

    def _connection_field(self) -> bytes:
        if not self.keep_alive:
            return b"connection: close\r\n"
        return b"connection: keep-alive\r\n" if self.request is not None and self.request.version == "1.0" else b""


def _status_line(status: int) -> bytes:
    return _HEADS.get(status) or b"HTTP/1.1 %d \r\n" % status
