"""The simulated machine of a drill script: sockets by descriptor, one network interface, virtual time.

The peer is the script; its initial sequence number and ours are 0, so that the script's relative numbers are ours.
"""

import errno
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf

from netwright.core.moment import Moment
from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import End
from netwright.proto.tcp.handshake import refusal
from netwright.proto.tcp.listener import Listener
from netwright.proto.tcp.segment import Segment
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State

__all__ = ["Emission", "Host", "Interest", "Socket"]

KEEPALIVE = KeepAlive(7200, 75, 9)  # Linux, tcp(7)
_BEYOND_OLD = 65537  # numbers between an old connection's and those of the one that takes its place (Linux)
_MAX_STEPS = 100_000  # timers of one ``advance``: more would be an endless loop
_ERRNO = {
    End.RESET: errno.ECONNRESET,
    End.REFUSED: errno.ECONNREFUSED,
    End.TIMED_OUT: errno.ETIMEDOUT,
    End.NO_ANSWER: errno.ETIMEDOUT,
    End.USER_TIMEOUT: errno.ETIMEDOUT,
    End.SILENT: errno.ETIMEDOUT,
}


@dataclass(slots=True)
class Socket:
    """A socket: new, listening or connected; ``settings`` are the host's, changed by setsockopt."""

    settings: Settings
    endpoint: Endpoint | None = None
    listener: Listener | None = None
    blocking: bool = True
    told: bool = False  # the pending error was reported, socket(7) SO_ERROR
    shut: bool = False  # shutdown(SHUT_RD): reading gives EOF once there is nothing
    aborts: bool = False  # SO_LINGER with 0: close sends RST
    keepalive: KeepAlive = KEEPALIVE
    keeps_alive: bool = False  # SO_KEEPALIVE

    @property
    def error(self) -> int:
        """The pending error's number, 0 for none; ``take_error`` clears it."""
        if self.endpoint is None or self.told:
            return 0
        return _ERRNO.get(self.endpoint.end, 0)

    def take_error(self) -> int:
        """The pending error, reported once."""
        number = self.error
        self.told = self.told or bool(number)
        return number


@dataclass(slots=True)
class Interest:
    """One descriptor of an epoll set; ``told`` is the state in which it was last reported."""

    events: set[str]
    told: object = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Emission:
    """A segment that left the host at ``at``; ``endpoint`` is None where no connection sent it."""

    at: float
    segment: Segment
    endpoint: Endpoint | None


@dataclass(slots=True)
class Host:
    """The sockets and connections of the machine; ``sent`` has the segments that nobody has compared yet."""

    settings: Settings
    watch: Callable[[Moment], None] | None = None
    now: float = 0.0
    sockets: dict[int, Socket] = field(default_factory=dict)
    endpoints: list[Endpoint] = field(default_factory=list)
    sent: deque[Emission] = field(default_factory=deque)
    polls: dict[int, dict[int, Interest]] = field(default_factory=dict)
    listener: Listener | None = None
    _peers: int = 0
    _iss: int = 0

    def socket(self, number: int) -> Socket:
        """Create a socket with this descriptor."""
        made = self.sockets[number] = Socket(self.settings)
        return made

    def listen(self, sock: Socket, backlog: int) -> None:
        """Listen on a socket, or change its backlog."""
        if sock.listener is None:
            sock.listener = self.listener = Listener(
                sock.settings, draw=lambda _: (self._iss, 0), backlog=backlog, watch=self.watch
            )
        sock.listener.backlog = backlog

    def connect(self, sock: Socket) -> Endpoint:
        """Send a SYN."""
        sock.endpoint = Endpoint(sock.settings, iss=0, watch=self.watch)
        self.endpoints.append(sock.endpoint)
        sock.endpoint.connect(self.now)
        self.collect()
        return sock.endpoint

    def accept(self, sock: Socket) -> Endpoint | None:
        """The next connection of a listening socket."""
        waiting = sock.listener.accept() if sock.listener is not None else None
        return waiting[1] if waiting is not None else None

    def inject(self, segment: Segment) -> None:
        """Process a segment of the peer."""
        endpoint = next((e for e in reversed(self.endpoints) if e.state is not State.CLOSED), None)
        if endpoint is not None:
            endpoint.receive(endpoint.lift(segment), self.now)
            if endpoint.end is not End.REPLACED:
                self.collect()
                return
            self._iss = endpoint.sender.snd_nxt + _BEYOND_OLD
        if self.listener is not None:
            self._to_listener(self.listener, segment)
        else:
            answer = refusal(segment)
            if answer is not None:
                self.sent.append(Emission(self.now, answer, None))
        self.collect()

    def _to_listener(self, listener: Listener, segment: Segment) -> None:
        half = listener.half_open_endpoint(self._peers)
        if half is None:
            self._peers += 1
        made = listener.receive(self._peers, half.lift(segment) if half is not None else segment, self.now)
        if made is not None:
            self.endpoints.append(made)

    def collect(self) -> None:
        """Move the segments of all endpoints to ``sent``."""
        if self.listener is not None:
            for _, segment in self.listener.take_segments():
                half = self.listener.half_open_endpoint(self._peers)
                self.sent.append(Emission(self.now, segment, half))
        for endpoint in self.endpoints:
            self.sent.extend(Emission(self.now, segment, endpoint) for segment in endpoint.take_segments())

    def advance(self, until: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """Advance the clock; return True as soon as ``stop`` holds, with ``now`` at that moment."""
        for _ in range(_MAX_STEPS):
            if stop():
                return True
            at = self._next_deadline()
            if at > until:
                break
            self.now = max(self.now, at)
            self._expire()
        self.now = max(self.now, until)
        return stop()

    def _next_deadline(self) -> float:
        parts: list[Endpoint | Listener] = list(self.endpoints)
        if self.listener is not None:
            parts.append(self.listener)
        return min((part.deadline for part in parts if part.deadline is not None), default=inf)

    def _expire(self) -> None:
        for endpoint in self.endpoints:
            if endpoint.deadline is not None and endpoint.deadline <= self.now:
                endpoint.expire(self.now)
        if self.listener is not None and (self.listener.deadline or inf) <= self.now:
            self.listener.expire(self.now)
        self.collect()

    def change(self, sock: Socket, **values: object) -> None:
        """Change settings of a socket; its next connection uses them."""
        sock.settings = replace(sock.settings, **values)  # type: ignore[arg-type]  # names are the settings'
