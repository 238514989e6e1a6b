"""A ``Link`` in real time: packets of bytes are held on an asyncio loop until they arrive.

The loop's timers are as fine as its selector: epoll waits in whole milliseconds.
"""

import asyncio
from collections.abc import Callable
from random import Random

from netwright.sim.link import Arrival, Fate, Link, Path, Verdict
from netwright.wire.checksum import update_checksum

__all__ = ["Carrier", "corrupted", "marked"]

_ECN_CAPABLE, _CE = (1, 2), 3  # RFC 3168 §5


class Carrier:
    """One direction: ``carry`` decides a packet's fate, ``deliver`` is called with each packet when it arrives.

    At most ``most`` packets are under way; further ones are dropped and counted in ``overflows``.
    """

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        deliver: Callable[[bytes], None],
        *,
        seed: int,
        most: int = 100_000,
    ) -> None:
        self.link, self._loop, self._deliver = Link(path, seed=seed), loop, deliver
        self._random, self._most = Random(seed), most
        self.under_way = self.overflows = 0

    def __repr__(self) -> str:
        return f"<Carrier {self.link!r} {self.under_way} under way>"

    def carry(self, packet: bytes) -> Fate:
        """Send ``packet``."""
        now = self._loop.time()
        if self.under_way >= self._most:
            self.overflows += 1
            return Fate(Verdict.QUEUE_FULL, note=f"{self.under_way} packets under way, {self._most} allowed")
        fate = self.link.carry(packet, len(packet), now)
        for arrival in fate.arrivals:
            self.under_way += 1
            self._loop.call_at(arrival.at, self._arrive, self._changed(packet, arrival))
        return fate

    def _changed(self, packet: bytes, arrival: Arrival) -> bytes:
        if arrival.marked:
            packet = marked(packet)
        return corrupted(packet, self._random) if arrival.corrupted else packet

    def _arrive(self, packet: bytes) -> None:
        self.under_way -= 1
        self._deliver(packet)


def corrupted(packet: bytes, random: Random) -> bytes:
    """The packet with one bit changed."""
    changed = bytearray(packet)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def marked(packet: bytes) -> bytes:
    """The packet with the mark "congestion experienced", if it is ECN-capable (RFC 3168 §5)."""
    changed = bytearray(packet)
    if packet[0] >> 4 == 4 and packet[1] & 3 in _ECN_CAPABLE:
        changed[1] |= _CE
        was, now = (int.from_bytes(header[:2], "big") for header in (packet, changed))
        changed[10:12] = update_checksum(int.from_bytes(packet[10:12], "big"), was, now).to_bytes(2, "big")
    elif packet[0] >> 4 == 6 and packet[1] >> 4 & 3 in _ECN_CAPABLE:
        changed[1] |= _CE << 4
    return bytes(changed)
