"""A host's TCP over IP as a machine: packets in; packets, events and a deadline out (RFC 9293, RFC 1122 §4.2).

Entropy is an argument.  ``receive`` takes a packet of the network, ``expire`` is due at ``deadline``,
a user acts on a ``Connection`` or a ``Port``.  After any of these ``take_packets`` has what must be sent, in order::

    stack = Stack(["10.9.0.2", "fd00::2"], entropy=os.urandom)
    port = stack.listen("10.9.0.2", 80)
    for connection, events in stack.receive(packet, now):
        ...
    for outgoing in stack.take_packets():
        write(outgoing.data)

This module has the connections, ports and timers of a host; ``sim.internet`` has what lies below TCP.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from ipaddress import ip_address
from itertools import count
from math import inf
from typing import NamedTuple, TypeAlias

from netwright.core.address import InetAddress
from netwright.core.errors import LimitError, UsageError
from netwright.core.moment import Moment
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.handshake import is_opening, refusal
from netwright.proto.tcp.listener import Listener
from netwright.proto.tcp.segment import Segment, nearest
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.sim.codec import Flow, serialize
from netwright.sim.icmp import IcmpError
from netwright.sim.internet import InternetLayer
from netwright.sim.limits import StackLimits

__all__ = ["Connection", "Happened", "Outgoing", "Port", "Stack"]

_HEADERS = {4: 40, 16: 60}  # bytes of IP and TCP header without options, by size of an address
_FIRST_EPHEMERAL = 49152  # RFC 6335 §6; RFC 6056 §3.2 allows more
_SPARE_TIMERS = 64  # outdated entries of the timer heap, beside one a connection, before it is cleaned
_BEYOND_OLD = 65535 + 2  # a connection that takes the place of one in TIME-WAIT begins so far above it (Linux)
_TRIES = 64  # random ports that are tried before there is said to be none
_TICKS = 250_000  # a second's steps of the clock behind an initial sequence number (RFC 9293 §3.4.1)


class Outgoing(NamedTuple):
    """A packet to send; with ``Stack(explain=True)`` also the decisions that caused it."""

    data: bytes
    reasons: tuple[Moment, ...] = ()


class Connection:
    """One connection of a stack.  Calls take the current time, ``now``.

    Attributes:
        flow: from this host to the peer.
        endpoint: the state machine, for inspection; call the connection's methods, not its.
        port: where it was accepted; None if this host opened it.
        icmp_error: the ICMP error that ended the attempt to connect; "" if there was none.
        told: for the stack's user: called with events; the stack itself does not use it.
    """

    __slots__ = ("_stack", "armed_at", "arrival", "endpoint", "flow", "icmp_error", "port", "told")

    def __init__(self, stack: "Stack", arrival: Flow, endpoint: Endpoint, port: "Port | None") -> None:
        self._stack, self.arrival, self.flow = stack, arrival, arrival.reversed()
        self.endpoint, self.port, self.armed_at = endpoint, port, inf
        self.icmp_error = ""
        self.told: Callable[[list[Event]], None] | None = None

    def __repr__(self) -> str:
        return f"<Connection {self.local} > {self.peer} {self.endpoint!r}>"

    @property
    def local(self) -> InetAddress:
        """This side."""
        return InetAddress(str(ip_address(self.flow.source)), self.flow.source_port)

    @property
    def peer(self) -> InetAddress:
        """The other side."""
        return InetAddress(str(ip_address(self.flow.destination)), self.flow.destination_port)

    def send(self, data: bytes | bytearray | memoryview, now: float) -> int:
        """See ``Endpoint.send``."""
        taken = self._stack.acts(self).send(data, now)
        self._stack.settle(self, now)
        return taken

    def read(self, limit: int, now: float) -> bytes:
        """See ``Endpoint.read``."""
        data = self._stack.acts(self).read(limit, now)
        self._stack.settle(self, now)
        return data

    def send_eof(self, now: float) -> None:
        """See ``Endpoint.send_eof``."""
        self._stack.acts(self).send_eof(now)
        self._stack.settle(self, now)

    def close(self, now: float) -> list[Event]:
        """See ``Endpoint.close``; the stack keeps it until the peer agrees."""
        events = self._stack.acts(self).close(now)
        self._stack.settle(self, now)
        return events

    def abort(self, now: float) -> list[Event]:
        """See ``Endpoint.abort``."""
        events = self._stack.acts(self).abort(now)
        self._stack.settle(self, now)
        return events


class Port:
    """One port that is listened on.

    Attributes:
        address, number: where; the address is all zeros for every one of its family.
        arrived: connections that wait for ``accept``, the oldest first.
        told: for the stack's user: called when a connection waits for ``accept``.
    """

    __slots__ = ("_stack", "address", "arrived", "listener", "number", "told")

    def __init__(self, stack: "Stack", address: bytes, number: int, listener: Listener) -> None:
        self._stack, self.address, self.number, self.listener = stack, address, number, listener
        self.arrived: deque[Connection] = deque()
        self.told: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<Port {ip_address(self.address)} {self.number} {self.listener!r}>"

    def accept(self) -> Connection | None:
        """The connection that has waited longest, None if there is none; it may have ended meanwhile."""
        if not self.arrived:
            return None
        self.listener.accept()
        return self.arrived.popleft()

    def close(self, now: float) -> None:
        """Stop listening; reset connections that were not accepted."""
        self._stack.stop_listening(self, now)


Happened: TypeAlias = tuple[Connection, list[Event]]


class Stack:
    """All connections of one host.

    Args:
        addresses: of this host, IPv4 and IPv6.
        entropy: returns random bytes, for port and sequence numbers that are hard to guess (RFC 6056, RFC 6528).
        mtu: of the network; announces an MSS that fits.
        settings: default for connections; the stack sets ``mss``.
        explain: return the reasons for each packet; this costs time.

    Attributes:
        counts: packets by outcome.
        reassembler: of fragments, with its own counts.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        entropy: Callable[[int], bytes],
        mtu: int = 1500,
        settings: Settings | None = None,
        limits: StackLimits | None = None,
        explain: bool = False,
    ) -> None:
        if not 576 <= mtu <= 65535:
            raise UsageError(f"mtu={mtu}, 576 to 65535 allowed", reference="RFC 1122 §3.3.3")
        self.mtu, self.limits = mtu, limits or StackLimits()
        self._internet = InternetLayer(addresses, self.limits)
        self.addresses, self.counts = self._internet.addresses, self._internet.counts
        self.reassembler = self._internet.reassembler
        self._settings = {size: replace(settings or Settings(), mss=mtu - rest) for size, rest in _HEADERS.items()}
        self._entropy, self._secret, self._explain = entropy, entropy(32), explain
        self._connections: dict[Flow, Connection] = {}  # by the flow of what arrives
        self._waiting: dict[Flow, Connection] = {}  # those in TIME-WAIT, by age
        self._ports: dict[tuple[bytes, int], Port] = {}
        self._due: list[tuple[float, int, Connection]] = []
        self._order = count()
        self._output: list[Outgoing] = []
        self._notes: list[tuple[int, Moment]] = []
        self._acting: Endpoint | None = None
        self._now = 0.0
        self._least_iss = 0  # of a connection that replaces one in TIME-WAIT (RFC 9293 §3.10.7.4 MAY-2)

    def __repr__(self) -> str:
        addresses = " ".join(str(ip_address(address)) for address in self.addresses)
        return f"<Stack {addresses} {len(self._connections)} connections, {len(self._ports)} ports>"

    @property
    def connections(self) -> list[Connection]:
        """All that are not CLOSED; half-open ones are their port's."""
        return list(self._connections.values())

    @property
    def ports(self) -> list[Port]:
        """All that are listened on."""
        return list(self._ports.values())

    @property
    def deadline(self) -> float | None:
        """When ``expire`` is due, None for never."""
        due = self._due
        while due and due[0][2].armed_at != due[0][0]:
            heappop(due)
        deadlines = [port.listener.deadline for port in self._ports.values()]
        deadlines.append(due[0][0] if due else None)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def take_packets(self) -> list[Outgoing]:
        """The packets to send, in order; each is returned once."""
        output, self._output = self._output, []
        self.counts.sent += len(output)
        return output

    def take_remarks(self) -> tuple[Moment, ...]:
        """Decisions that caused no packet; they concern the packet received last."""
        remarks, self._notes = tuple(moment for _, moment in self._notes), []
        return remarks

    # Calls of the user

    def connect(
        self,
        host: str,
        number: int,
        now: float,
        *,
        source: str | None = None,
        source_port: int = 0,
        settings: Settings | None = None,
    ) -> Connection:
        """Open a connection; CONNECTED or CLOSED follows.

        Raises:
            UsageError: no address of this host has the family of ``host``, or the flow is in use.
            LimitError: too many connections, or no port is free.
        """
        self._now = now
        destination = ip_address(host).packed
        own = self.source_for(destination) if source is None else ip_address(source).packed
        if not self._internet.owns(own):
            raise UsageError(f"source {source}, an address of {self!r} wanted")
        if not self._has_room():
            raise LimitError("connections", len(self._connections) + 1, self.limits.connections, unit="connections")
        arrival = self._free_flow(Flow(destination, number, own, source_port), now)
        iss, offset = self._draw(arrival)
        chosen = self._fitted(settings, len(own))
        endpoint = Endpoint(chosen, iss=iss, stamp_offset=offset, watch=self._watch if self._explain else None)
        connection = self._add(arrival, endpoint, None)
        self.acts(connection).connect(now)
        self.settle(connection, now)
        return connection

    def source_for(self, destination: bytes) -> bytes:
        """The first address of this host with the family of ``destination``.

        Raises:
            UsageError: there is none.
        """
        found = next((address for address in self.addresses if len(address) == len(destination)), None)
        if found is None:
            raise UsageError(f"no address of {self!r} has the family of {ip_address(destination)}")
        return found

    def listen(self, host: str, number: int, *, backlog: int = 0, settings: Settings | None = None) -> Port:
        """Take connections to ``number`` (0: a free one) at ``host``; "0.0.0.0" and "::" are every address of a family.

        Raises:
            UsageError: the port is taken, or the address is not this host's.
        """
        address = ip_address(host).packed
        if not self._internet.owns(address) and any(address):
            raise UsageError(f"listen at {host}, an address of {self!r} wanted")
        number = number or self._free_port(lambda port: (address, port) not in self._ports)
        if (address, number) in self._ports:
            raise UsageError(f"port {number} at {host} is taken: {self._ports[address, number]!r}")
        listener = Listener(
            self._fitted(settings, len(address)),
            draw=self._draw,
            backlog=backlog or self.limits.backlog,
            syn_backlog=self.limits.syn_backlog,
            watch=self._watch if self._explain else None,
        )
        port = self._ports[address, number] = Port(self, address, number, listener)
        return port

    def stop_listening(self, port: Port, now: float) -> None:
        """``Port.close``."""
        if self._ports.get((port.address, port.number)) is not port:
            return
        del self._ports[port.address, port.number]
        port.listener.close(now)
        for connection in port.arrived:
            self.settle(connection, now)
        port.arrived.clear()

    def _fitted(self, settings: Settings | None, size: int) -> Settings:
        own = self._settings[size]
        return own if settings is None else replace(settings, mss=own.mss)

    def _free_flow(self, arrival: Flow, now: float) -> Flow:
        """``arrival`` with a port of ours that no connection has (RFC 6056 §3.3.1)."""
        if arrival.destination_port:
            if arrival in self._connections:
                raise UsageError(f"the addresses and ports are in use by {self._connections[arrival]!r}")
            return arrival
        port = self._free_port(lambda number: replace(arrival, destination_port=number) not in self._connections)
        return replace(arrival, destination_port=port)

    def _free_port(self, is_free: Callable[[int], bool]) -> int:
        for _ in range(_TRIES):
            number = _FIRST_EPHEMERAL + int.from_bytes(self._entropy(2), "big") % (65536 - _FIRST_EPHEMERAL)
            if is_free(number):
                return number
        raise LimitError("ephemeral ports", _TRIES, _TRIES, unit="tries")

    def _draw(self, arrival: Hashable) -> tuple[int, int]:
        """Initial sequence number and offset of timestamps (RFC 6528 §3, RFC 7323 §7.1)."""
        digest = blake2b(repr(arrival).encode(), key=self._secret, digest_size=8).digest()
        iss = self._least_iss or int.from_bytes(digest[:4], "big") + int(self._now * _TICKS)
        return iss, int.from_bytes(digest[4:], "big")

    # Packets of the network

    def receive(self, packet: bytes, now: float) -> list[Happened]:
        """Take a packet that begins with its IP header."""
        self._now = now
        arrived = self._internet.receive(packet, now)
        match arrived:
            case (flow, segment):
                return self._segment(flow, segment, now)
            case IcmpError():
                return self._take_icmp_error(arrived, now)
            case bytes():
                self._output.append(Outgoing(arrived))
        return []

    def _segment(self, flow: Flow, segment: Segment, now: float) -> list[Happened]:
        connection = self._connections.get(flow)
        if connection is None:
            return self._unconnected(flow, segment, now)
        endpoint = self._acting = connection.endpoint
        events = endpoint.receive(endpoint.lift(segment), now)
        self.settle(connection, now)
        happened = [(connection, events)] if events else []
        if endpoint.end is End.REPLACED:
            self._least_iss = endpoint.sender.snd_nxt + _BEYOND_OLD
            happened += self._unconnected(flow, segment, now)
            self._least_iss = 0
        return happened

    def _unconnected(self, flow: Flow, segment: Segment, now: float) -> list[Happened]:
        """Pass a segment without a connection to its port, or refuse it (RFC 9293 §3.10.7.1, §3.10.7.2)."""
        if not self._internet.is_for_us(flow.source, flow.destination):
            return []
        port = self._port(flow)
        if port is None:
            self.counts.closed_port += 1
            answer = refusal(segment)
            if answer is not None and self._internet.may_answer(now):
                self._emit(flow.reversed(), [answer])
            return []
        half_open = self._acting = port.listener.half_open_endpoint(flow)
        if half_open is not None:
            segment = half_open.lift(segment)
        elif is_opening(segment) and not self._has_room():
            self.counts.full += 1
            return []
        endpoint = port.listener.receive(flow, segment, now)
        self._emit_for(port)
        if endpoint is None:
            return []
        connection = self._add(flow, endpoint, port)
        port.arrived.append(connection)
        self.settle(connection, now)
        return [(connection, [Event.CONNECTED])]

    def _port(self, flow: Flow) -> Port | None:
        exact = self._ports.get((flow.destination, flow.destination_port))
        return exact or self._ports.get((bytes(len(flow.destination)), flow.destination_port))

    def _take_icmp_error(self, error: IcmpError, now: float) -> list[Happened]:
        """A router dropped a segment of this host; it must be in flight, or the message is forged (RFC 5927 §4)."""
        connection = self._connections.get(error.flow.reversed())
        if connection is None:
            self.counts.ignored += 1
            return []
        endpoint = self.acts(connection)
        if error.mtu is not None:
            room = error.mtu - _HEADERS[len(connection.flow.source)]
            self.counts.ignored += not endpoint.reduce_mss(room, error.seq, now)
            self.settle(connection, now)
            return []
        if endpoint.state is State.SYN_SENT and nearest(error.seq, iss := endpoint.sender.snd_una) == iss:
            connection.icmp_error = error.text  # no connection is lost by that (RFC 5461 §2.1, Linux)
            return [(connection, connection.abort(now))]
        self.counts.ignored += 1  # only a hint for an established connection (RFC 1122 §4.2.3.9)
        return []

    # Time

    def expire(self, now: float) -> list[Happened]:
        """Do what is due at ``now``; does nothing if nothing is due."""
        self._now = now
        happened: list[Happened] = []
        due = self._due
        while due and due[0][0] <= now:
            at, _, connection = heappop(due)
            if connection.armed_at != at:
                continue
            connection.armed_at = inf
            events = self.acts(connection).expire(now)
            self.settle(connection, now)
            if events:
                happened.append((connection, events))
        for port in self._ports.values():
            deadline = port.listener.deadline
            if deadline is not None and deadline <= now:
                self._acting = None
                port.listener.expire(now)
                self._emit_for(port)
        self._internet.expire(now)
        return happened

    # Bookkeeping

    def acts(self, connection: Connection) -> Endpoint:
        """Return the endpoint of a connection for a call; ``settle`` must follow."""
        self._acting = connection.endpoint
        return connection.endpoint

    def settle(self, connection: Connection, now: float) -> None:
        """Send the endpoint's segments, set its timer, and remove it if it is CLOSED."""
        endpoint = connection.endpoint
        if endpoint.pending:
            self._emit(connection.flow, endpoint.take_segments())
        state = endpoint.state
        if state is State.CLOSED:
            self._remove(connection)
            return
        if state is State.TIME_WAIT:
            self._waiting.setdefault(connection.arrival, connection)
        deadline = endpoint.deadline
        if deadline is not None and deadline < connection.armed_at:
            connection.armed_at = deadline
            heappush(self._due, (deadline, next(self._order), connection))
            if len(self._due) > 2 * len(self._connections) + _SPARE_TIMERS:
                self._due[:] = [entry for entry in self._due if entry[2].armed_at == entry[0]]
                heapify(self._due)

    def _add(self, arrival: Flow, endpoint: Endpoint, port: Port | None) -> Connection:
        connection = self._connections[arrival] = Connection(self, arrival, endpoint, port)
        return connection

    def _remove(self, connection: Connection) -> None:
        connection.armed_at = -inf
        if self._connections.get(connection.arrival) is connection:
            del self._connections[connection.arrival]
            self._waiting.pop(connection.arrival, None)

    def _has_room(self) -> bool:
        """True if one more connection is allowed; removes the oldest in TIME-WAIT if there is no other room."""
        half_open = sum(port.listener.half_open for port in self._ports.values())
        if len(self._connections) + half_open >= self.limits.connections and self._waiting:
            self._remove(next(iter(self._waiting.values())))
        return len(self._connections) + half_open < self.limits.connections

    def _emit_for(self, port: Port) -> None:
        for arrival, segment in port.listener.take_segments():
            assert isinstance(arrival, Flow)
            self._emit(arrival.reversed(), [segment])

    def _emit(self, flow: Flow, segments: list[Segment]) -> None:
        if not self._explain:
            self._output += [Outgoing(serialize(segment, flow)) for segment in segments]
            return
        notes, self._notes = self._notes, []
        for number, segment in enumerate(segments):
            reasons = tuple(moment for about, moment in notes if about == number)
            self._output.append(Outgoing(serialize(segment, flow), reasons))
        self._notes = [(0, moment) for about, moment in notes if about >= len(segments)]

    def _watch(self, moment: Moment) -> None:
        self._notes.append((self._acting.pending if self._acting is not None else 0, moment))
