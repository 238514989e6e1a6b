"""The client's end of an HTTP/1.1 connection (RFC 9112): requests out, responses in."""

from netwright.core.errors import UsageError
from netwright.proto.http1.body import ChunkedBody, CountedBody, EndlessBody
from netwright.proto.http1.events import END, Event, Interim, Response
from netwright.proto.http1.fields import Fields, is_token
from netwright.proto.http1.framing import frame_response, parse_request_line, parse_status_line
from netwright.proto.http1.head import Section
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.machine import Machine, Reading, Writing

__all__ = ["ClientMachine"]


class ClientMachine(Machine):
    """One connection's exchanges, one after the other.

    ``send_head``, ``send_data``…, ``send_end`` of a request; ``receive`` reports ``Interim``…, ``Response``,
    ``Data``…, ``End`` or ``Refused``; then ``next_message``, if ``keep_alive``.
    """

    _name = "response"

    def __init__(self, limits: HttpLimits, now: float) -> None:
        super().__init__(limits, now)
        self._section = Section(limits, self._read_line, limits.field_line)
        self._line = ("1.1", 0, "")
        self._method = self._asked = ""
        self._until_eof = False
        self.keep_alive = True

    def send_head(self, method: str, target: str, fields: bytes, *, length: int | None = 0) -> bytes:
        """A request's head (RFC 9112 §3); ``fields`` is what ``format_fields`` gave, Host among it.

        Args:
            length: bytes of content; None sends it in chunks.

        Raises:
            UsageError: a request is not due, or the method or target is none.
        """
        if self.writing is not Writing.HEAD:
            raise UsageError(f"request where {self.writing.value} belongs")
        line = f"{method} {target} HTTP/1.1"
        if not is_token(method.encode()):
            raise UsageError(f"method is no token: {method!r}", reference="RFC 9110 §9.1")
        parse_request_line(line.encode())
        self.writing, self._method, self._asked = Writing.BODY, method, f"{method} {target}"
        self._left, self._chunked = length, length is None
        framing = b"transfer-encoding: chunked\r\n" if length is None else b""
        if length or (length == 0 and method in ("POST", "PUT", "PATCH")):  # RFC 9110 §8.6
            framing = b"content-length: %d\r\n" % length
        return b"%b\r\n%b%b\r\n" % (line.encode(), fields, framing)

    def receive_eof(self, now: float) -> list[Event]:
        """See ``Machine``; it also ends a response that has no length (RFC 9112 §6.3 rule 8)."""
        if self.reading is Reading.BODY and self._until_eof:
            self._finish_reading()
            return [END]
        if self.reading is Reading.HEAD and self.writing is not Writing.HEAD:
            self._head_began = True  # an answer is owed: this end is inside of a message
        return super().receive_eof(now)

    def next_message(self, now: float) -> None:
        """Ready for the next request.

        Raises:
            UsageError: this exchange is not over, or the connection ends with it.
        """
        if not self.keep_alive:
            raise UsageError("next request on a connection that ends", advice="open another")
        self._next(now)

    def _subject(self) -> str:
        return self._asked

    def _read_line(self, line: bytes) -> None:
        self._line = parse_status_line(line)

    def _read_head(self, block: bytes, events: list[Event]) -> None:
        version, status, phrase = self._line
        fields = Fields(block)
        if 100 <= status < 200 and status != 101:
            events.append(Interim(status, fields))
            return
        length, chunked, lives_on = frame_response(fields, version, status, self._method)
        self.keep_alive = lives_on
        self._until_eof = length is None and not chunked
        events.append(Response(status, phrase, version, fields, length, lives_on))
        if length == 0:
            events.append(END)
            self._finish_reading()
        elif chunked:
            self._start_body(ChunkedBody(self.limits))
        else:
            self._start_body(EndlessBody(self.limits.body) if length is None else CountedBody(length))
