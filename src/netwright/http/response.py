"""A handler's answer: status, fields, content at once or piece by piece."""

import json
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

from netwright.aio import Stream
from netwright.core.errors import UsageError
from netwright.proto.fields import check_pair

__all__ = ["FRAMING", "Answer", "Json", "Response", "Switch", "as_response"]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Pairs: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]]"
TEXT, HTML, JSON, BYTES = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json", ""
_OCTETS = "application/octet-stream"
FRAMING = frozenset(("content-length", "transfer-encoding", "connection"))


class Response:
    """One answer.

    Args:
        body: bytes, or text (sent as UTF-8), or an asynchronous iterable of bytes: each piece is sent when it comes.
        fields: name and value pairs, or a mapping.  Length and connection are not the handler's to say: ``close``
            ends the connection after this answer.

    Attributes:
        fields: name and value of each field line, in order, the content type among them.
    """

    __slots__ = ("body", "close", "fields", "status")

    def __init__(
        self,
        body: bytes | str | AsyncIterable[bytes] = b"",
        status: int = 200,
        fields: Pairs = (),
        *,
        content_type: str = "",
        close: bool = False,
    ) -> None:
        if not 200 <= status <= 599:
            raise UsageError(f"status {status} of a response, 200 to 599 allowed", reference="RFC 9110 §15")
        if isinstance(body, str):
            body, content_type = body.encode(), content_type or TEXT
        self.body: bytes | AsyncIterable[bytes] = body
        self.status, self.close = status, close
        self.fields = _pairs(content_type or (_OCTETS if body else ""), fields)

    def __repr__(self) -> str:
        size = f"{len(self.body)} bytes" if isinstance(self.body, bytes) else "streamed"
        return f"<Response {self.status} {size}>"

    @classmethod
    def json(cls, value: object, status: int = 200, fields: Pairs = ()) -> "Response":
        """``value`` as JSON (RFC 8259): NaN and infinities are refused with ValueError."""
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return cls(text.encode(), status, fields, content_type=JSON)

    @classmethod
    def html(cls, text: str, status: int = 200, fields: Pairs = ()) -> "Response":
        """A page."""
        return cls(text, status, fields, content_type=HTML)

    @classmethod
    def text(cls, text: str, status: int = 200, fields: Pairs = ()) -> "Response":
        """Plain text."""
        return cls(text, status, fields, content_type=TEXT)

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> "Response":
        """Ask elsewhere (RFC 9110 §15.4); 307 keeps the method, 303 makes it GET.

        What a URI cannot have in ``location`` is percent-encoded, text beyond ASCII as UTF-8 (RFC 3987 §3.1).
        """
        return cls(b"", status, (("location", quote(location, safe=_IN_URI)),))


@dataclass(frozen=True, slots=True)
class Switch:
    """The answer 101: from here on the connection speaks ``protocol``, which the peer offered (RFC 9110 §7.8).

    ``serve`` gets the stream with the bytes that came early; the stream is closed when it returns.
    """

    protocol: str
    serve: Callable[[Stream], Awaitable[None]]
    fields: tuple[tuple[str, str], ...] = ()


Answer: TypeAlias = "Response | Switch | str | bytes | dict[str, object] | list[object] | AsyncIterable[bytes] | None"
_PLAIN: dict[str, tuple[tuple[str, str], ...]] = {}
_IN_URI = ":/?#[]@!$&'()*+,;=%-._~"  # RFC 3986 §2: reserved and unreserved characters, and escapes that are there


def _pairs(content_type: str, fields: Pairs) -> tuple[tuple[str, str], ...]:
    """Name and value pairs; the usual ones, with nothing but a content type, are made once."""
    if not fields:
        plain = _PLAIN.get(content_type)
        if plain is None:
            check_pair("content-type", content_type)
            plain = (("content-type", content_type),) if content_type else ()
            if len(_PLAIN) < 100:  # content types of a program are few; those made of input must not pile up
                _PLAIN[content_type] = plain
        return plain
    pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
    names = {check_pair(name, value).lower() for name, value in pairs}
    if own := sorted(names & FRAMING):
        raise UsageError(f"{own[0]} in a response's fields: the server says it", advice="Response(close=True) closes")
    if content_type and "content-type" not in names:
        pairs.insert(0, (check_pair("content-type", content_type), content_type))
    return tuple(pairs)


def as_response(answer: object) -> Response:
    """Return the response for a handler's answer: text, bytes, JSON for dict and list, 204 for None, else a stream.

    Raises:
        UsageError: it is nothing of these.
    """
    if type(answer) is str or type(answer) is bytes:
        return Response(answer)
    match answer:
        case Response():
            return answer
        case str() | bytes():
            return Response(answer)
        case None:
            return Response(status=204)
        case dict() | list():
            return Response.json(answer)
        case AsyncIterable():
            return Response(answer)
        case _:
            raise UsageError(
                f"a handler returned {type(answer).__name__}",
                advice="return Response, Switch, str, bytes, dict, list, None or an async iterator of bytes",
            )
