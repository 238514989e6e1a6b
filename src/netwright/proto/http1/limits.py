"""Bounds of one HTTP/1.1 connection: bytes, counts and seconds."""

from dataclasses import dataclass, fields

from netwright.core.errors import UsageError

__all__ = ["HttpLimits"]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds on the size and the duration of a peer's messages; beyond a bound, the status in brackets is the answer.

    Attributes:
        request_line: bytes of the request line, its line end included [414]; RFC 9112 §3 asks for 8000 or more.
        field_line: bytes of one field line, its line end included [431].
        fields: field lines of a head, and of a trailer section [431].
        head: bytes of a whole head, and of a trailer section [431].
        body: bytes of content [413].
        chunk_line: bytes of a chunk's size line with its extensions [400].
        chunk_overhead: bytes of chunk extensions and leading zeros of chunk sizes in one body, beside one for each 64
            bytes of content [400].
        head_timeout: seconds from a head's first byte to its last; no byte renews it [408].  The first head of a
            connection is timed from the accept.
        next_request: seconds that a kept-alive connection may stay idle after the last byte of a response; then it is
            closed without an answer.
        body_grace: seconds that this side waits for a body in all, plus the time that its bytes take at ``body_rate``
            bytes a second [408].  Only time in which the handler waits for content is counted.
        requests: requests of one connection; the last answer says ``Connection: close``.
        response_timeout: seconds that a client waits for the first byte of a response, and after each 1xx again.
        interim: 1xx responses that a client takes before the final one.
        unread_body: bytes of a body that the handler left unread and that are discarded to keep the connection; with
            more to come the connection is closed.
    """

    request_line: int = 8 * 1024
    field_line: int = 8 * 1024
    fields: int = 100
    head: int = 64 * 1024
    body: int = 16 * 1024 * 1024
    chunk_line: int = 256
    chunk_overhead: int = 16 * 1024
    head_timeout: float = 10.0
    next_request: float = 75.0
    body_grace: float = 20.0
    body_rate: float = 1024.0
    requests: int = 100_000
    response_timeout: float = 60.0
    interim: int = 32
    unread_body: int = 64 * 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0 or (value == 0 and field.name not in ("body", "unread_body")):
                raise UsageError(f"{field.name}={value}, more than 0 allowed")
