"""A connection's life as a timeline of moments, whoever saw them: our sockets, the kernel, a capture, the simulator.

A moment says what happened, when, with how many bytes; it is data, not a log line.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

__all__ = ["Fact", "Kind", "Moment", "Timeline"]

Fact: TypeAlias = str | int | float


class Kind(StrEnum):
    """Kinds of moments in a connection's life, in their usual order."""

    RESOLVE = "resolve"  # name lookup starts
    RESOLVED = "resolved"
    SYN = "syn"  # connect starts; from a capture, the segment itself
    ESTABLISHED = "established"  # handshake done (RFC 9293 §3.5), or accepted from the listener's queue
    TLS = "tls"  # handshake starts (RFC 8446 §2)
    TLS_DONE = "tls-done"
    RECEIVED = "received"  # bytes came
    SENT = "sent"  # bytes went to the kernel
    RECEIVE_WAIT = "receive-wait"  # the program waits for the peer's bytes
    SEND_WAIT = "send-wait"  # the kernel's send buffer is full: the peer or the path is slow
    WAIT_OVER = "wait-over"
    REQUEST = "request"  # a message's head is complete
    HANDLER = "handler"  # the handler starts
    RESPONSE = "response"  # the handler is done, the response's head goes out
    FIN_RECEIVED = "fin-received"  # the peer will send no more (RFC 9293 §3.6)
    FIN_SENT = "fin-sent"
    RESET = "reset"  # RST came (RFC 9293 §3.10.7.4)
    ABORT = "abort"  # RST went
    DEADLINE = "deadline"  # a time that was set ran out
    LIMIT = "limit"  # a size or count that was set was passed
    ERROR = "error"
    # Inside TCP, where the sender is ours (proto.tcp) or is judged from outside; ``note`` has the reason.
    STATE = "state"  # the connection's state changes (RFC 9293 §3.3.2)
    LOST = "lost"  # a segment is taken for lost
    RETRANSMIT = "retransmit"
    PROBE = "probe"  # tail loss, zero window, keepalive
    CONGESTION = "congestion"  # the congestion window or its phase changes
    WINDOW = "window"  # the peer's receive window closes or opens
    HELD = "held"  # data is here and not sent yet: Nagle, silly window, pacing
    REFUSED = "refused"  # a segment is not acceptable
    CLOSED = "closed"  # nothing of it is left in this process


@dataclass(frozen=True, slots=True)
class Moment:
    """``at`` is in seconds on the recorder's clock, ``size`` in bytes.

    ``note`` is for people and is never read back; ``about`` has the same as values for programs.
    """

    at: float
    kind: Kind
    size: int = 0
    note: str = ""
    about: tuple[Fact, ...] = ()


class Timeline:
    """The last ``limit`` moments of one connection; ``lost`` counts the older ones that were dropped."""

    __slots__ = ("_moments", "lost")

    def __init__(self, limit: int) -> None:
        self._moments: deque[Moment] = deque(maxlen=limit)
        self.lost = 0

    def __len__(self) -> int:
        return len(self._moments)

    def __iter__(self) -> Iterator[Moment]:
        return iter(self._moments)

    def __repr__(self) -> str:
        return f"<Timeline {len(self)} moments, {self.lost} lost>"

    def add(self, moment: Moment) -> None:
        """Append a moment; a full timeline drops its oldest one."""
        if len(self._moments) == self._moments.maxlen:
            self.lost += 1
        self._moments.append(moment)
