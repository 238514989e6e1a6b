"""Content of a message: counted, chunked, or until the connection ends (RFC 9112 §6, §7)."""

import re
from enum import Enum
from typing import Protocol

from netwright.core.errors import LimitError
from netwright.proto.fields import TCHAR, Fields
from netwright.proto.http1.chunks import take_chunks
from netwright.proto.http1.events import END, Data, End, Event
from netwright.proto.http1.head import Section
from netwright.proto.http1.limits import HttpLimits
from netwright.proto.http1.status import HttpError

__all__ = ["NEVER_IN_TRAILERS", "Body", "ChunkedBody", "CountedBody", "EndlessBody"]

_TOKEN = rb"%b++" % TCHAR
_QUOTED = rb'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"'  # RFC 9110 §5.6.4
# No group repeats possessively: Python 3.11.0 to 3.11.4 keeps what its last, failed round took (cpython issue 106052).
_BWS = rb"[ \t]*+"  # RFC 9110 §5.6.3: bad whitespace is accepted, never sent
_EXTENSION = rb"%b;%b%b(?:%b=%b(?:%b|%b))?" % (_BWS, _BWS, _TOKEN, _BWS, _BWS, _TOKEN, _QUOTED)
_CHUNK_LINE = re.compile(rb"(?=[0-9A-Fa-f]{1,15}(?![0-9A-Fa-f]))(0*+)([0-9A-Fa-f]*+)((?:%b)*)\r\n" % _EXTENSION)
_EARNS = 64  # bytes of content that allow one more byte of chunk overhead
NEVER_IN_TRAILERS = frozenset(  # RFC 9110 §6.5.1: what frames, routes or describes the message belongs before it
    ("connection", "content-encoding", "content-length", "content-type", "host", "te", "trailer", "transfer-encoding")
)


class Body(Protocol):
    """Takes a message's content out of what came."""

    def read(self, data: bytes, at: int, events: list[Event]) -> int:
        """Append events for what begins at ``at``; return the place up to which all is done with.

        The last event is ``End`` when the message is complete.
        """
        ...


class CountedBody:
    """Content-Length says how much (RFC 9112 §6.2)."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        self._left = length

    def read(self, data: bytes, at: int, events: list[Event]) -> int:
        """See ``Body``."""
        part = data[at : at + self._left]
        self._left -= len(part)
        if part:
            events.append(Data(part))
        if not self._left:
            events.append(END)
        return at + len(part)


class EndlessBody:
    """The connection's end is the content's end: only in responses (RFC 9112 §6.3 rule 8)."""

    __slots__ = ("_limit", "_seen")

    def __init__(self, limit: int) -> None:
        self._limit, self._seen = limit, 0

    def read(self, data: bytes, at: int, events: list[Event]) -> int:
        """See ``Body``; the machine adds ``End`` when the connection ends."""
        part = data[at : at + self._limit - self._seen]
        self._seen += len(part)
        if part:
            events.append(Data(part))
        if at + len(part) < len(data):
            raise LimitError("body", self._limit + 1, self._limit)
        return len(data)


class _Part(Enum):
    SIZE = "size line"
    DATA = "data"
    DATA_END = "CRLF after the data"
    TRAILERS = "trailers"


class ChunkedBody:
    """Chunks, their extensions ignored, then trailers (RFC 9112 §7.1)."""

    __slots__ = ("_left", "_limits", "_overhead", "_part", "_seen", "_trailers")

    def __init__(self, limits: HttpLimits) -> None:
        self._limits, self._part, self._left = limits, _Part.SIZE, 0
        self._seen = self._overhead = 0
        self._trailers = Section(limits, None)

    def read(self, data: bytes, at: int, events: list[Event]) -> int:
        """See ``Body``; the content of all chunks that came together is one ``Data``."""
        parts: list[bytes] = []
        end: list[Event] = []
        try:
            while True:
                before = self._part, at
                at = self._read_part(data, at, parts, end)
                if end or before == (self._part, at):
                    return at
        finally:
            if parts:
                events.append(Data(parts[0] if len(parts) == 1 else b"".join(parts)))
            events += end

    def _read_part(self, data: bytes, at: int, parts: list[bytes], end: list[Event]) -> int:
        match self._part:
            case _Part.SIZE:
                return self._read_size(data, self._read_plain(data, at, parts))
            case _Part.DATA:
                return self._read_data(data, at, parts)
            case _Part.DATA_END:
                return self._read_data_end(data, at)
            case _Part.TRAILERS:
                stop = self._trailers.find_end(data, at)
                if stop < 0:
                    return at
                end.append(_end_with(data[at : stop - 2]))
                return stop

    def _read_plain(self, data: bytes, at: int, parts: list[bytes]) -> int:
        content, at = take_chunks(data, at, self._limits.body - self._seen)
        if content:
            self._seen += len(content)
            parts.append(content)
        return at

    def _read_size(self, data: bytes, at: int) -> int:
        newline = data.find(b"\n", at)
        stop = newline + 1 if newline >= 0 else len(data)
        if stop - at > self._limits.chunk_line:
            raise LimitError("chunk_line", self._limits.chunk_line + 1, self._limits.chunk_line)
        if newline < 0:
            return at
        match = _CHUNK_LINE.fullmatch(data, at, stop)
        if match is None:
            raise HttpError(f"not a chunk's size line: {data[at : min(stop, at + 60)]!r}", reference="RFC 9112 §7.1")
        self._left = int(match[2] or b"0", 16)
        self._seen += self._left
        if self._seen > self._limits.body:
            raise LimitError("body", self._seen, self._limits.body, reference="RFC 9110 §15.5.14")
        self._count_overhead(len(match[1]) + len(match[3]) - (not self._left))
        self._part = _Part.DATA if self._left else _Part.TRAILERS
        return stop

    def _count_overhead(self, size: int) -> None:
        """Bytes that a chunk's size line has beyond the shortest one of its size."""
        self._overhead += size
        allowed = self._limits.chunk_overhead + self._seen // _EARNS
        if size and self._overhead > allowed:
            raise LimitError("chunk_overhead", self._overhead, allowed)

    def _read_data(self, data: bytes, at: int, parts: list[bytes]) -> int:
        part = data[at : at + self._left]
        self._left -= len(part)
        if part:
            parts.append(part)
        if not self._left:
            self._part = _Part.DATA_END
        return at + len(part)

    def _read_data_end(self, data: bytes, at: int) -> int:
        if len(data) - at < 2:
            return at
        if data[at : at + 2] != b"\r\n":
            raise HttpError(f"{data[at : at + 2]!r} after a chunk's data, CRLF allowed", reference="RFC 9112 §7.1")
        self._part = _Part.SIZE
        return at + 2


def _end_with(block: bytes) -> End:
    """Trailers, unless one of them would change how the message was read (RFC 9110 §6.5.1)."""
    if not block:
        return END
    fields = Fields.of_block(block)
    forbidden = sorted(NEVER_IN_TRAILERS.intersection(fields))
    if forbidden:
        raise HttpError(f"{forbidden[0]} in a trailer section", reference="RFC 9110 §6.5.1")
    return End(fields)
