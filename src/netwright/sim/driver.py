"""Run a stack on an asyncio loop: clock, timer and events.  The caller carries the packets."""

import asyncio
from collections.abc import Callable, Iterable
from math import inf

from netwright.proto.tcp.events import Event
from netwright.sim.stack import Connection, Happened, Outgoing, Stack

__all__ = ["Driver"]


class Driver:
    """Runs ``stack`` on ``loop``; ``send`` gets every packet that goes out, ``received`` each that the stack has taken.

    Who acts on a connection calls ``flush`` afterwards.
    """

    def __init__(
        self,
        stack: Stack,
        loop: asyncio.AbstractEventLoop,
        send: Callable[[Outgoing], None],
        *,
        received: Callable[[bytes], None] | None = None,
    ) -> None:
        self.stack, self.loop, self._send, self._received = stack, loop, send, received
        self._timer: asyncio.TimerHandle | None = None
        self._at = inf
        self._untold: dict[Connection, list[Event]] = {}

    def __repr__(self) -> str:
        return f"<Driver {self.stack!r}>"

    def now(self) -> float:
        """The loop's clock."""
        return self.loop.time()

    def receive(self, packet: bytes) -> None:
        """Pass a packet to the stack; ``flush`` must follow, once for several, so that a reader wakes once for all."""
        for connection, events in self.stack.receive(packet, self.loop.time()):
            self._untold.setdefault(connection, []).extend(events)
        if self._received is not None:
            self._received(packet)  # before anybody answers

    def flush(self) -> None:
        """Deliver events, send packets, set the timer."""
        if self._untold:
            untold, self._untold = self._untold, {}
            self._tell(untold.items())
        for outgoing in self.stack.take_packets():
            self._send(outgoing)
        deadline = self.stack.deadline
        if deadline is not None and deadline < self._at:
            if self._timer is not None:
                self._timer.cancel()
            self._at, self._timer = deadline, self.loop.call_at(deadline, self._expire)

    def close(self) -> None:
        """Reset every connection, stop the timer."""
        for connection in self.stack.connections:
            events = connection.abort(self.loop.time())
            self._tell([(connection, events)])
        self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._at, self._timer = inf, None
        self._tell(self.stack.expire(self.loop.time()))
        self.flush()

    def _tell(self, happened: Iterable[Happened]) -> None:
        for connection, events in happened:
            if connection.told is not None:
                connection.told(events)
            elif connection.port is not None and connection.port.told is not None and Event.CONNECTED in events:
                connection.port.told()
