"""The events of an HTTP/1.1 machine (RFC 9112)."""

from typing import NamedTuple, TypeAlias

from netwright.core.errors import NetwrightError
from netwright.proto.fields import NO_FIELDS, Fields

__all__ = ["END", "Data", "End", "Event", "Interim", "Refused", "Request", "Response"]


class Request(NamedTuple):
    """A request's head; ``Data`` and one ``End`` follow.

    Attributes:
        target: as sent (RFC 9112 §3.2): origin-form, absolute-form or ``*``.
        version: "1.1" or "1.0"; a higher minor version is read as 1.1 (RFC 9110 §6.2).
        length: bytes of content to come; None if it is chunked.
        keep_alive: the peer wants the connection to live on (RFC 9112 §9.3).
        expects_continue: the peer waits for 100 before it sends content (RFC 9110 §10.1.1).
        upgrade: the protocols offered, "" for none (RFC 9110 §7.8).
        authority: host and port that the request is for, in lower case: of a target in absolute-form, else of the Host
            field (RFC 9112 §3.2.2, §3.3); "" if Host is empty or a 1.0 client sent none.
        scheme: of a target in absolute-form, else "".
    """

    method: str
    target: str
    version: str
    fields: Fields
    length: int | None
    keep_alive: bool
    expects_continue: bool
    upgrade: str
    authority: str
    scheme: str


class Interim(NamedTuple):
    """A 1xx head; the final one is still to come (RFC 9110 §15.2)."""

    status: int
    fields: Fields


class Response(NamedTuple):
    """A final response's head; ``length`` is None if only the end tells (chunked, or until the connection ends).

    101, and 2xx to CONNECT, end HTTP on this connection: ``take_rest`` has the first bytes of what follows.
    """

    status: int
    reason: str
    version: str
    fields: Fields
    length: int | None
    keep_alive: bool


class Data(NamedTuple):
    """Some content."""

    data: bytes


class End(NamedTuple):
    """The message is complete; the machine reads no further until ``next_message``."""

    trailers: Fields


class Refused(NamedTuple):
    """The peer broke a rule or passed a limit: nothing more is read.

    Attributes:
        status: what a server answers before it closes.
        subject: "GET /path" if the request line was understood.
    """

    error: NetwrightError
    status: int
    subject: str


Event: TypeAlias = Request | Interim | Response | Data | End | Refused
END = End(NO_FIELDS)
