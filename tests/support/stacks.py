"""Two TCP/IP stacks and the links between them: in virtual time, or on a loop's clock."""

import asyncio
import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.sim.carrier import Carrier
from netwright.sim.driver import Driver
from netwright.sim.limits import StackLimits
from netwright.sim.link import Link, Path, Verdict
from netwright.sim.stack import Connection, Port, Stack

LEFT, RIGHT = ("10.0.0.1", "fd00::1"), ("10.0.0.2", "fd00::2")


def stack_of(
    addresses: tuple[str, ...],
    *,
    seed: int = 1,
    mtu: int = 1500,
    settings: Settings | None = None,
    limits: StackLimits | None = None,
    explain: bool = False,
) -> Stack:
    """A stack with entropy that is none."""
    entropy = random.Random(seed).randbytes
    return Stack(addresses, entropy=entropy, mtu=mtu, settings=settings, limits=limits, explain=explain)


class Wire:
    """Two stacks in virtual time; ``router`` may answer a packet that the link refused, as a router does."""

    def __init__(self, left: Stack, right: Stack, path: Path | None = None, *, seed: int = 1) -> None:
        self.stacks = (left, right)
        self.links = [Link(path or Path(), seed=seed + index) for index in (0, 1)]
        self.router: Callable[[bytes], bytes | None] = lambda packet: None
        self.now = 0.0
        self.sent: list[list[bytes]] = [[], []]
        self._heap: list[tuple[float, int, int, bytes]] = []
        self._order = count()

    def run(self, until: float, *, act: Callable[[], bool] = lambda: False) -> None:
        """Let things happen until ``until``, until nothing can, or until ``act``, called after each, is true."""
        while True:
            self._flush()
            if act():
                return
            self._flush()
            timers = [stack.deadline for stack in self.stacks]
            at = min(
                [deadline for deadline in timers if deadline is not None] + [item[0] for item in self._heap[:1]],
                default=None,
            )
            if at is None or at > until:
                self.now = until
                return
            self.now = max(self.now, at)
            while self._heap and self._heap[0][0] <= self.now:
                _, _, to, packet = heappop(self._heap)
                self.stacks[to].receive(packet, self.now)
                self._flush()
            for stack in self.stacks:
                stack.expire(self.now)

    def _flush(self) -> None:
        for side, stack in enumerate(self.stacks):
            for outgoing in stack.take_packets():
                self.sent[side].append(outgoing.data)
                fate = self.links[side].carry(outgoing.data, len(outgoing.data), self.now)
                answer = self.router(outgoing.data) if fate.verdict is Verdict.TOO_BIG else None
                if answer is not None:
                    heappush(self._heap, (self.now, next(self._order), side, answer))
                for arrival in fate.arrivals:
                    heappush(self._heap, (arrival.at, next(self._order), 1 - side, outgoing.data))


def opened(wire: Wire, host: str, *, number: int = 80) -> tuple[Connection, Connection, Port]:
    """A connection from the left stack to the right one, with both of its ends."""
    port = wire.stacks[1].listen(host, number)
    client = wire.stacks[0].connect(host, number, wire.now)
    wire.run(wire.now + 10, act=lambda: bool(port.arrived))
    server = port.accept()
    assert server is not None
    wire.run(wire.now + 10, act=lambda: client.endpoint.state is State.ESTABLISHED)
    return client, server, port


def transfer(wire: Wire, source: Connection, sink: Connection, data: bytes, *, until: float = 600.0) -> bytes:
    """Send ``data`` and FIN; what the other side read."""
    left, got = memoryview(data), bytearray()
    finished = False

    def act() -> bool:
        nonlocal left, finished
        if left:
            left = left[source.send(left, wire.now) :]
        elif not finished:
            finished = True
            source.send_eof(wire.now)
        while sink.endpoint.readable:
            got.extend(sink.read(1 << 16, wire.now))
        return sink.endpoint.at_eof

    wire.run(until, act=act)
    return bytes(got)


def joined(left: Stack, right: Stack, path: Path | None = None) -> tuple[Driver, Driver]:
    """Both on the running loop, with a path each way; a packet takes at least one turn."""
    loop = asyncio.get_running_loop()
    drivers: list[Driver] = []

    def arrive(to: int) -> Callable[[bytes], None]:
        def deliver(packet: bytes) -> None:
            drivers[to].receive(packet)
            drivers[to].flush()

        return deliver

    there, back = (Carrier(path or Path(), loop, arrive(to), seed=to) for to in (1, 0))
    drivers.append(Driver(left, loop, lambda outgoing: _carry(there, outgoing.data)))
    drivers.append(Driver(right, loop, lambda outgoing: _carry(back, outgoing.data)))
    return drivers[0], drivers[1]


def _carry(carrier: Carrier, packet: bytes) -> None:
    carrier.carry(packet)
