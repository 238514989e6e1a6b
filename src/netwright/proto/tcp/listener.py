"""The passive side: SYN queue and accept queue of one port (RFC 9293 §3.10.7.2), bounded.

``peer`` is any hashable name of the other end (address and port).  The caller demultiplexes::

    endpoint = connections.get(peer)
    if endpoint is not None:
        events = endpoint.receive(segment, now)
    else:
        endpoint = listener.receive(peer, segment, now)    # not None: from now on it is a connection
        if endpoint is not None:
            connections[peer] = endpoint                   # and waits for ``accept``

Half-open connections belong to the listener: its ``deadline``, ``expire`` and ``take_segments`` serve all of them.
Full queues are treated as in Linux without SYN cookies.  A SYN is dropped, because the peer repeats it; so is the last
ACK of a handshake, and the SYN,ACK is repeated until there is room.
"""

from collections import deque
from collections.abc import Callable, Hashable
from heapq import heappop, heappush
from itertools import count

from netwright.core.moment import Moment
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.handshake import is_opening, refusal
from netwright.proto.tcp.segment import ACK, RST, Segment
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State

__all__ = ["Listener"]


class Listener:
    """Accepts connections.

    Args:
        settings: of every accepted connection.
        draw: returns an initial sequence number and a timestamp offset for a peer, both hard to guess (RFC 6528, RFC
            7323 §7.1).
        backlog: connections that may wait for ``accept``; as in Linux, one more than this number may.
        syn_backlog: half-open connections (net.ipv4.tcp_max_syn_backlog).
        watch: receives every Moment of every endpoint.

    Attributes:
        overflows: last ACKs of handshakes that were dropped because the accept queue was full.
        drops: SYNs that were dropped because a queue was full.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        draw: Callable[[Hashable], tuple[int, int]],
        backlog: int = 128,
        syn_backlog: int = 1024,
        watch: Callable[[Moment], None] | None = None,
    ) -> None:
        self._settings, self._draw, self._watch = settings, draw, watch
        self.backlog, self.syn_backlog = backlog, syn_backlog
        self._half_open: dict[Hashable, Endpoint] = {}
        self._due: list[tuple[float, int, Hashable, Endpoint]] = []
        self._numbers = count()
        self._ready: deque[tuple[Hashable, Endpoint]] = deque()
        self._output: list[tuple[Hashable, Segment]] = []
        self.overflows = self.drops = 0

    def __repr__(self) -> str:
        return f"<Listener half-open={len(self._half_open)} waiting={len(self._ready)} drops={self.drops}>"

    @property
    def waiting(self) -> int:
        """Number of connections that wait for ``accept``, including those that have ended meanwhile."""
        return len(self._ready)

    @property
    def half_open(self) -> int:
        """Number of handshakes under way."""
        return len(self._half_open)

    @property
    def deadline(self) -> float | None:
        """When ``expire`` is due, None for never."""
        while self._due:
            at, _, peer, endpoint = self._due[0]
            if self._half_open.get(peer) is endpoint and endpoint.deadline == at:
                return at
            heappop(self._due)
        return None

    def take_segments(self) -> list[tuple[Hashable, Segment]]:
        """The segments to send, with their peers."""
        output, self._output = self._output, []
        return output

    def accept(self) -> tuple[Hashable, Endpoint] | None:
        """The connection that has waited longest, None if there is none."""
        return self._ready.popleft() if self._ready else None

    def receive(self, peer: Hashable, segment: Segment, now: float) -> Endpoint | None:
        """Process a segment of a peer without connection; return an endpoint once its handshake is complete.

        A segment of a half-open connection must have unbounded numbers (``lift`` of ``half_open_endpoint``).
        """
        endpoint = self._half_open.get(peer)
        if endpoint is not None:
            return self._continue(peer, endpoint, segment, now)
        if is_opening(segment, self._settings.policy):
            self._open(peer, segment, now)
        elif segment.flags & ACK:  # anything else is dropped, RFC 9293 §3.10.7.2, fourth
            answer = refusal(segment)
            if answer is not None:
                self._output.append((peer, answer))
        return None

    def half_open_endpoint(self, peer: Hashable) -> Endpoint | None:
        """The endpoint of a handshake under way, for ``lift``."""
        return self._half_open.get(peer)

    def half_open_endpoints(self) -> list[Endpoint]:
        """The endpoints of all handshakes under way."""
        return list(self._half_open.values())

    def _open(self, peer: Hashable, syn: Segment, now: float) -> None:
        if len(self._ready) > self.backlog or len(self._half_open) >= self.syn_backlog:
            self.drops += 1
            return
        iss, offset = self._draw(peer)
        endpoint = Endpoint.accept(self._settings, syn, iss=iss, stamp_offset=offset, now=now, watch=self._watch)
        self._half_open[peer] = endpoint
        self._collect(peer, endpoint)

    def _continue(self, peer: Hashable, endpoint: Endpoint, segment: Segment, now: float) -> Endpoint | None:
        if len(self._ready) > self.backlog and segment.flags & ACK and not segment.flags & RST:
            self.overflows += 1
            return None
        endpoint.receive(segment, now)
        self._collect(peer, endpoint)
        if endpoint.state is State.SYN_RECEIVED:
            return None
        del self._half_open[peer]
        if endpoint.state is State.CLOSED:
            return None
        self._ready.append((peer, endpoint))
        return endpoint

    def expire(self, now: float) -> None:
        """Repeat SYN,ACKs that are due, and drop handshakes that have timed out."""
        while (at := self.deadline) is not None and at <= now:
            _, _, peer, endpoint = heappop(self._due)
            endpoint.expire(now)
            self._collect(peer, endpoint)
            if endpoint.state is State.CLOSED:
                del self._half_open[peer]

    def close(self, now: float) -> list[Endpoint]:
        """Stop listening: drop handshakes, reset connections that were not accepted, and return the latter."""
        self._half_open.clear()
        abandoned = [endpoint for _, endpoint in self._ready]
        self._ready.clear()
        for endpoint in abandoned:
            endpoint.abort(now)
        return abandoned

    def _collect(self, peer: Hashable, endpoint: Endpoint) -> None:
        if endpoint.state is State.SYN_RECEIVED or endpoint.state is State.CLOSED:
            self._output += [(peer, segment) for segment in endpoint.take_segments()]
        deadline = endpoint.deadline
        if deadline is not None:
            heappush(self._due, (deadline, next(self._numbers), peer, endpoint))
