"""Reassembly of IP fragments (RFC 791 §3.2, RFC 8200 §4.5), bounded: 64 incomplete datagrams of 64 KiB.

Where fragments overlap, the data that came first is kept.  A new datagram replaces the oldest incomplete one.
"""

from typing import Final

from netwright.watch.segment import Fragment

__all__ = ["Reassembly"]

SLOTS: Final = 64
ROOM: Final = 65536
LARGEST: Final = 65535  # bytes of a payload that a length field can say
BLOCK: Final = 8  # fragments begin at multiples of this


class _Datagram:
    def __init__(self, key: tuple[bytes, int, int]) -> None:
        self.key: tuple[bytes, int, int] | None = key
        self.data = bytearray(ROOM)
        self.blocks: set[int] = set()
        self.total = 0

    def put(self, fragment: Fragment) -> bytes | None:
        first = fragment.offset // BLOCK
        for block in range((fragment.length + BLOCK - 1) // BLOCK):
            if first + block not in self.blocks:
                self.blocks.add(first + block)
                piece = fragment.payload[block * BLOCK : (block + 1) * BLOCK]
                at = (first + block) * BLOCK
                self.data[at : at + len(piece)] = piece
        if not fragment.more:
            self.total = fragment.offset + fragment.length
        if not self.total or not self.blocks.issuperset(range((self.total + BLOCK - 1) // BLOCK)):
            return None
        self.key = None
        return fragment.header + bytes(self.data[: self.total])


class Reassembly:
    """Incomplete datagrams."""

    def __init__(self) -> None:
        self._slots: list[_Datagram] = []
        self._next = 0

    def add(self, fragment: Fragment) -> bytes | None:
        """Take a fragment; return the IP packet if it completes one.  The packet's total length field is 0."""
        if not fragment.length or len(fragment.payload) < fragment.length:
            return None
        if fragment.offset + fragment.length > LARGEST or (fragment.more and fragment.length % BLOCK):
            return None
        for datagram in self._slots:
            if datagram.key == fragment.key:
                return datagram.put(fragment)
        return self._open(fragment.key).put(fragment)

    def _open(self, key: tuple[bytes, int, int]) -> _Datagram:
        datagram = _Datagram(key)
        if self._next == len(self._slots):
            self._slots.append(datagram)
        self._slots[self._next] = datagram
        self._next = (self._next + 1) % SLOTS
        return datagram
