"""The client's end of an HTTP/1.1 connection (RFC 9112): requests out, responses in."""

from netwright.core.errors import LimitError, UsageError
from netwright.proto.fields import Fields, is_token
from netwright.proto.http1.body import ChunkedBody, CountedBody, EndlessBody
from netwright.proto.http1.events import END, Event, Interim, Response
from netwright.proto.http1.framing import frame_response, parse_request_line, parse_status_line
from netwright.proto.http1.head import Section
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.machine import Machine
from netwright.proto.http1.state import Reading, Step, Writing, step
from netwright.proto.http1.status import HttpError

__all__ = ["ClientMachine"]


class ClientMachine(Machine):
    """One connection's exchanges, one after the other.

    ``send_head``, ``send_data``…, ``send_end`` of a request; ``receive`` reports ``Interim``…, ``Response``,
    ``Data``…, ``End`` or ``Refused``; then ``next_message``, if ``keep_alive``.  A response may come before the request
    is sent to its end.  A peer that holds to ``Expect: 100-continue`` gets its content after ``Interim`` 100 or after
    as long as the caller waits for that (RFC 9110 §10.1.1).
    """

    _stages = ("next response", "response head", "response body")

    def __init__(self, limits: HttpLimits, now: float) -> None:
        super().__init__(limits, now)
        self._section = Section(limits, self._read_line, limits.field_line)
        self._line = ("1.1", 0, "")
        self._method = self._asked = self._offered = ""
        self._until_eof = False
        self._interim = 0
        self._patience = limits.response_timeout
        self._first = False  # a client's connection begins with a request, not with a wait for the peer
        self.keep_alive = True

    def send_head(
        self, method: str, target: str, fields: bytes, *, length: int | None = 0, upgrade: str = "", close: bool = False
    ) -> bytes:
        """Return a request's head (RFC 9112 §3).

        Args:
            fields: what ``format_fields`` gave, Host among it; Content-Length, Transfer-Encoding, Connection and
                Upgrade are this machine's.
            length: bytes of content; None sends it in chunks.
            upgrade: protocols offered, separated by commas (RFC 9110 §7.8).
            close: this is the last request.

        Raises:
            UsageError: a request is not due, or it would not be one.
        """
        following = step(self.writing, Step.HEAD)
        _check_request(method, target, fields)
        self.writing, self._method, self._asked, self._offered = (
            following,
            method,
            f"{method} {target}",
            upgrade.lower(),
        )
        self._left, self._chunked = length, length is None
        self.keep_alive = not close
        framing = b"transfer-encoding: chunked\r\n" if length is None else b""
        if length or (length == 0 and method in ("POST", "PUT", "PATCH")):  # RFC 9110 §8.6
            framing = b"content-length: %d\r\n" % length
        options = ", ".join([*(["close"] if close else []), *(["upgrade"] if upgrade else [])])
        connection = f"connection: {options}\r\n" if options else ""
        offer = f"upgrade: {upgrade}\r\n" if upgrade else ""
        line = f"{method} {target} HTTP/1.1".encode()
        return b"%b\r\n%b%b%b\r\n" % (line, fields, framing, f"{connection}{offer}".encode())

    def receive(self, data: bytes, now: float) -> list[Event]:
        """See ``Machine``; a response that nobody asked for is refused."""
        if data and self.reading is Reading.HEAD and self.writing is Writing.HEAD:
            return [self._refuse(HttpError("a response without a request", reference="RFC 9112 §9.2"))]
        return super().receive(data, now)

    def receive_eof(self, now: float) -> list[Event]:
        """See ``Machine``; it also ends a response that has no length (RFC 9112 §6.3 rule 8)."""
        if self.reading is Reading.BODY and self._until_eof:
            self._finish_body()
            return [END]
        if self.reading is Reading.HEAD and self.writing is not Writing.HEAD:
            self._head_began = True  # an answer is owed: this end is inside of a message
        return super().receive_eof(now)

    def next_message(self) -> None:
        """Ready for the next request.

        Raises:
            UsageError: this exchange is not over, or the connection ends with it.
        """
        if not self.keep_alive:
            raise UsageError("next request on a connection that ends", advice="open another")
        self._next()
        self._interim = 0

    def _subject(self) -> str:
        return self._asked

    def _read_line(self, line: bytes) -> None:
        self._line = parse_status_line(line)

    def _read_head(self, block: bytes, events: list[Event]) -> None:
        version, status, phrase = self._line
        fields = Fields.of_block(block)
        if 100 <= status < 200 and status != 101:
            self._read_interim(status, fields, events)
            return
        length, chunked, lives_on = frame_response(fields, version, status, self._method)
        if length is not None and length > self.limits.body:
            raise LimitError("body", length, self.limits.body)
        self.keep_alive = self.keep_alive and lives_on
        self._until_eof = length is None and not chunked
        switches = status == 101 or (self._method == "CONNECT" and status < 300)
        if switches:
            self._check_switch(status, fields)
        events.append(Response(status, phrase, version, fields, length, self.keep_alive))
        if length == 0:
            events.append(END)
            self.reading = step(self.reading, Step.WHOLE)
            if switches:
                self.reading, self.writing = step(self.reading, Step.SWITCH), step(self.writing, Step.SWITCH)
        elif chunked:
            self._start_body(ChunkedBody(self.limits))
        else:
            self._start_body(EndlessBody(self.limits.body) if length is None else CountedBody(length))

    def _read_interim(self, status: int, fields: Fields, events: list[Event]) -> None:
        self._interim += 1
        if self._interim > self.limits.interim:
            raise LimitError("interim", self._interim, self.limits.interim, unit="1xx responses")
        self.reading = step(self.reading, Step.INTERIM)
        self._idle_since = None
        events.append(Interim(status, fields))

    def _check_switch(self, status: int, fields: Fields) -> None:
        """Only to what was offered, and only behind the whole request (RFC 9110 §7.8)."""
        offered = [name.strip() for name in self._offered.split(",")]
        chosen = fields.tokens("upgrade")
        if status == 101 and not (chosen and all(name in offered for name in chosen)):
            shown = ", ".join(chosen)[:60] or "nothing"
            raise HttpError(f"switch to {shown}, offered {self._offered or 'nothing'}", reference="RFC 9110 §7.8")
        if self.writing is not Writing.DONE:
            raise HttpError(f"{status} before the request was sent whole", reference="RFC 9110 §7.8")


def _check_request(method: str, target: str, fields: bytes) -> None:
    """Refuse what a server would; CONNECT has its target in authority-form (RFC 9112 §3.2.3)."""
    if not is_token(method.encode()):
        raise UsageError(f"method is no token: {method!r}", reference="RFC 9110 §9.1")
    line = f"GET http://{target}/ HTTP/1.1" if method == "CONNECT" else f"{method} {target} HTTP/1.1"
    try:
        parse_request_line(line.encode())
    except HttpError as error:
        raise UsageError(error.message, reference=error.reference, advice=error.advice) from error
    if b"\nhost:" not in b"\n" + fields.lower():
        raise UsageError("a request without a Host field", reference="RFC 9110 §7.2")
