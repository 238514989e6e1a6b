"""A request as its handler receives it: method, path, fields, and the content as it arrives."""

import json
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from netwright.core.errors import UsageError
from netwright.http.errors import StatusError
from netwright.http.router import Params, decode_segment
from netwright.proto.fields import Fields

if TYPE_CHECKING:
    from netwright.core.address import Address
    from netwright.http.exchange import Exchange

__all__ = ["Content", "Head", "Query", "Request"]

MAX_QUERY_FIELDS = 1000
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Head(Protocol):
    """A request's head in any version of HTTP; an ``http1.Request`` is one."""

    @property
    def method(self) -> str:
        """GET, POST, …"""
        ...

    @property
    def target(self) -> str:
        """Path and query; in HTTP/1.1 as sent, so perhaps a whole URL or ``*`` (RFC 9112 §3.2)."""
        ...

    @property
    def authority(self) -> str:
        """Host and port that the request is for, "" if it does not say."""
        ...

    @property
    def scheme(self) -> str:
        """http or https if the request says it, else ""."""
        ...

    @property
    def version(self) -> str:
        """ "1.1", "1.0"."""
        ...

    @property
    def fields(self) -> Fields:
        """The header fields."""
        ...


class Content(Protocol):
    """Where a request's content comes from."""

    async def read(self) -> bytes:
        """The next piece; b"" at the end."""
        ...

    @property
    def trailers(self) -> Fields:
        """The fields behind the content; none before its end."""
        ...


class Query(dict[str, str]):
    """The query as names and values, the last one of a name; ``pairs`` has all, in order."""

    def __init__(self, text: str) -> None:
        """``text`` is what follows the ``?``.

        Raises:
            StatusError: 400 not UTF-8 or a broken escape, or more than 1000 names.
        """
        if "%" in text:
            decode_segment(text)
        if text.count("&") >= MAX_QUERY_FIELDS:
            raise StatusError(400, f"{text.count('&') + 1} names in the query, {MAX_QUERY_FIELDS} allowed")
        self.pairs = parse_qsl(text, keep_blank_values=True)
        super().__init__(self.pairs)


class Request:
    """One request; its content is read by one of ``body``, ``json``, ``async for``, or not at all.

    Attributes:
        method, target, http_version: as sent.
        path: of the target, percent-encoded as sent; ``params`` has the decoded parameters of the route.
        scheme, authority, host: whom the request is for; a target in absolute-form overrides the Host field.
        fields: case-insensitive, see ``Fields``; ``headers`` is the same.
        peer: who asks.
    """

    __slots__ = ("_content", "_query", "_read", "_started", "head", "params", "path", "peer", "raw_query", "scheme")

    def __init__(self, head: Head, content: Content, peer: "Address | None" = None, *, scheme: str = "http") -> None:
        """``scheme`` is that of the connection, for a request that names none (RFC 9112 §3.3)."""
        self.head, self._content, self.peer = head, content, peer
        self.scheme = head.scheme or scheme
        self.params: Params = {}
        self.path, self.raw_query = _split_target(head.target)
        self._query: Query | None = None
        self._read: bytes | None = None
        self._started = False

    def __repr__(self) -> str:
        return f"<Request {self.head.method} {self.head.target} from {self.peer}>"

    @property
    def method(self) -> str:
        """GET, POST, … as sent."""
        return self.head.method

    @property
    def target(self) -> str:
        """The request target as sent (RFC 9112 §3.2)."""
        return self.head.target

    @property
    def http_version(self) -> str:
        """ "1.1" or "1.0"."""
        return self.head.version

    @property
    def authority(self) -> str:
        """Host and port as the request says them, in lower case; "" if it does not."""
        return self.head.authority

    @property
    def host(self) -> str:
        """The authority without its port."""
        host, _, port = self.head.authority.rpartition(":")
        return host if host and not port.endswith("]") else self.head.authority

    @property
    def url(self) -> str:
        """The target URI, percent-encoded as sent (RFC 9110 §7.1)."""
        path = "" if self.path == "*" else self.path
        return f"{self.scheme}://{self.head.authority}{path}" + (f"?{self.raw_query}" if self.raw_query else "")

    @property
    def fields(self) -> Fields:
        """The header fields."""
        return self.head.fields

    headers = fields

    @property
    def query(self) -> Query:
        """Names and values after the ``?``."""
        if self._query is None:
            self._query = Query(self.raw_query)
        return self._query

    @property
    def content(self) -> bytes:
        """The content that was read; of a plain function's request all of it is.

        Raises:
            UsageError: nothing was read so far.
        """
        if self._read is None:
            raise UsageError(f"content of {self!r} before it was read", advice="await request.body() first")
        return self._read

    @property
    def exchange(self) -> "Exchange":
        """This request and its answer as they happen: 1xx responses, trailers, an answer piece by piece."""
        return self._content  # type: ignore[return-value]  # a server's request has its exchange as content

    @property
    def trailers(self) -> Fields:
        """The fields behind the content (RFC 9110 §6.5); none before the content was read to its end."""
        return self._content.trailers

    async def body(self, limit: int | None = None) -> bytes:
        """All content.  A second call gives the same.

        Raises:
            StatusError: 413 it is longer than ``limit``.
            LimitError: it is longer than the connection's limits allow.
            IncompleteError: the peer went away in the middle.
        """
        if self._read is None:
            pieces, size = [], 0
            async for piece in self:
                size += len(piece)
                if limit is not None and size > limit:
                    raise StatusError(413, f"body: {size} bytes seen, {limit} allowed", reference="RFC 9110 §15.5.14")
                pieces.append(piece)
            self._read = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return self._read

    async def text(self, limit: int | None = None) -> str:
        """All content as UTF-8; 400 if it is none."""
        try:
            return (await self.body(limit)).decode()
        except UnicodeDecodeError as error:
            raise StatusError(400, f"content is not UTF-8 at byte {error.start}", reference="RFC 3629 §3") from error

    async def json(self, limit: int | None = None) -> Any:
        """All content as JSON (RFC 8259); 415 if the peer calls it something else, 400 if it is none."""
        await self.body(limit)
        return self.parse_json()

    def parse_json(self) -> Any:
        """The content that was read as JSON, for plain functions; see ``json``."""
        media = self.fields.get("content-type", "application/json").partition(";")[0].strip().lower()
        if media != "application/json" and not media.endswith("+json"):
            raise StatusError(
                415, f"content-type {media[:60]}, application/json allowed", reference="RFC 9110 §15.5.16"
            )
        try:
            text = self.content.decode("utf-8-sig")  # RFC 8259 §8.1: UTF-8; a parser may ignore a byte order mark
            value = json.loads(text, parse_constant=_refuse_constant)
            if _SURROGATE.search(text):
                json.dumps(value, ensure_ascii=False).encode()  # RFC 8259 §8.2: half of a pair is no character
        except (ValueError, RecursionError) as error:
            raise StatusError(400, f"content is not JSON: {error}", reference="RFC 8259 §2, §8") from error
        return value

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Pieces of content as they come, each bounded by one read; the peer waits while the handler does not read."""
        if self._started:
            raise UsageError(f"content of {self!r} read twice", advice="await request.body() keeps it")
        self._started = True
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        while piece := await self._content.read():
            yield piece


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")  # RFC 8259 §6


def _split_target(target: str) -> tuple[str, str]:
    """Path and query of a target in origin-form, absolute-form or asterisk-form (RFC 9112 §3.2)."""
    if "?" not in target and target.startswith("/"):
        return target, ""
    path, _, query = target.partition("?")
    if not path.startswith("/") and path != "*":
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path, query
