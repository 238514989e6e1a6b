"""Events of an endpoint, reasons for the end of a connection, and the errors that they raise."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from netwright.core.errors import ClosedError, ConnectError, DeadlineError, NetwrightError, ResetError
from netwright.core.moment import Fact, Kind, Moment

__all__ = ["Emit", "End", "Event", "Note", "error_of", "note_for"]


class Note(Protocol):
    """Receives what happened; the caller tests for None first, so that nobody pays for the text.

    ``reason`` is for people, ``about`` has its values for programs: of a change of phase (before, after), of state
    (before, after, cause).
    """

    def __call__(self, kind: Kind, at: float, size: int, reason: str, about: tuple[Fact, ...] = ()) -> None: ...


def note_for(watch: Callable[[Moment], None] | None) -> Note | None:
    """A ``Note`` that makes Moments for ``watch``."""
    if watch is None:
        return None

    def note(kind: Kind, at: float, size: int, reason: str, about: tuple[Fact, ...] = ()) -> None:
        watch(Moment(at, kind, size, reason, about))

    return note


class Emit(Protocol):
    """Makes a segment of these and hands it out: the endpoint's, called by the sender."""

    def __call__(self, flags: int, seq: int, data: bytes, now: float, ecn: int) -> None: ...


class Event(Enum):
    """A change that the user may be waiting for."""

    CONNECTED = "connected"  # ESTABLISHED: data may flow both ways
    READABLE = "readable"  # ``read`` returns more than before
    WRITABLE = "writable"  # ``send`` refused bytes before and accepts some now
    PEER_CLOSED = "peer closed"  # FIN arrived: no more data follows the readable bytes
    CLOSED = "closed"  # the connection has ended; ``Endpoint.end`` is the reason


class End(Enum):
    """Why a connection has ended; OPEN if it has not."""

    OPEN = "open"
    CLOSED = "closed in order"
    RESET = "reset by the peer"  # RFC 9293 §3.10.7.4
    REFUSED = "refused by the peer"  # RST answers our SYN, §3.10.7.3
    ABORTED = "aborted by this side"  # §3.10.5
    UNREAD = "closed with unread data"  # RST, as RFC 2525 §2.17 asks
    TIMED_OUT = "retransmissions ran out"  # RFC 9293 §3.8.3
    NO_ANSWER = "SYN was never answered"  # §3.8.3
    USER_TIMEOUT = "user timeout"  # RFC 5482
    SILENT = "keepalive was not answered"  # RFC 9293 §3.8.4
    REPLACED = "a new connection took its place in TIME-WAIT"  # RFC 9293 §3.10.7.4, MAY-2


def error_of(end: End, waited: float = 0.0) -> NetwrightError | None:
    """The error that calls raise after ``end``; None after an orderly end."""
    match end:
        case End.RESET:
            return ResetError("reset by the peer", reference="RFC 9293 §3.10.7.4")
        case End.REFUSED:
            return ConnectError("refused: the peer answered SYN with RST")
        case End.NO_ANSWER:
            return ConnectError(f"no answer to SYN in {waited:.3g} s")
        case End.TIMED_OUT | End.USER_TIMEOUT | End.SILENT:
            return DeadlineError(end.value, waited)
        case End.ABORTED | End.UNREAD:
            return ClosedError(end.value)
        case _:
            return None
