"""IP reassembly, bounded in time and bytes (RFC 791 §3.2, RFC 8200 §4.5).

A datagram whose fragments overlap is dropped (RFC 5722 §4, for both versions of IP); an exact duplicate is ignored.
Datagrams and fragments that cannot be used are counted.
"""

from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeAlias

from netwright.wire.decode import Packet
from netwright.wire.fields import Layer
from netwright.wire.ip import IPv4
from netwright.wire.ip6 import Extension, Fragment, IPv6

__all__ = ["Counts", "Reassembler"]

_LARGEST = 65535  # bytes of a datagram's payload
_COST = 200  # bytes that a fragment takes beside its payload, about

_Key: TypeAlias = tuple[bytes, bytes, int, int]


@dataclass(slots=True)
class Counts:
    """Numbers of datagrams and fragments by what happened to them."""

    reassembled: int = 0
    expired: int = 0  # datagrams with a fragment still missing at the timeout
    evicted: int = 0  # datagrams dropped because max_bytes was reached
    overlapping: int = 0  # datagrams
    malformed: int = 0  # fragments: not a multiple of 8 bytes, beyond 65535, or two different ends
    cut: int = 0  # fragments that were not captured completely
    duplicate: int = 0  # fragments


class _Datagram:
    __slots__ = ("first", "have", "offsets", "pieces", "refused", "size", "started")

    def __init__(self, started: float) -> None:
        self.started = started
        self.offsets: list[int] = []  # sorted, beside the pieces
        self.pieces: list[bytes] = []
        self.have = 0
        self.size: int | None = None  # known when the last fragment came
        self.first: tuple[Layer, ...] = ()
        self.refused = False

    @property
    def cost(self) -> int:
        return self.have + _COST * (1 + len(self.pieces))


class Reassembler:
    """Reassembles datagrams; ``now`` is in seconds on the capture's clock.

    ``timeout`` counts from the arrival of a datagram's first fragment.  Above ``max_bytes`` of waiting fragments the
    oldest datagram is dropped.
    """

    def __init__(self, *, timeout: float = 60.0, max_bytes: int = 4 << 20) -> None:
        """The defaults: 60 s by RFC 8200 §4.5; 4 MiB as Linux (net.ipv4.ipfrag_high_thresh)."""
        self.timeout, self.max_bytes = timeout, max_bytes
        self.counts = Counts()
        self._waiting: OrderedDict[_Key, _Datagram] = OrderedDict()  # by age
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __repr__(self) -> str:
        return f"<Reassembler {len(self)} waiting, {self._bytes} of {self.max_bytes} bytes>"

    def receive(self, packet: Packet, now: float) -> bytes | None:
        """Take a fragment; return the packet, from its IP header on, if the fragment completes it (see ``decode_ip``).

        Returns None for a packet that is not a fragment.
        """
        self.expire(now)
        place = _place(packet)
        if place is None:
            return None
        key, offset, more = place
        if packet.missing or packet.error is not None:
            self.counts.cut += 1
            return None
        if not packet.payload or (more and len(packet.payload) % 8) or offset + len(packet.payload) > _LARGEST:
            self.counts.malformed += 1
            return None
        datagram = self._waiting.get(key)
        if datagram is None:
            datagram = self._waiting[key] = _Datagram(now)
            self._bytes += datagram.cost
        self._bytes -= datagram.cost
        if not datagram.refused:
            self._add(datagram, packet, offset, more)
        self._bytes += datagram.cost
        if datagram.size == datagram.have and datagram.first and not datagram.refused:
            self._forget(key)
            self.counts.reassembled += 1
            return _whole(datagram.first, b"".join(datagram.pieces))
        self._make_room()
        return None

    def expire(self, now: float) -> None:
        """Drop datagrams older than ``timeout``; ``receive`` calls this too."""
        while self._waiting:
            key, oldest = next(iter(self._waiting.items()))
            if now - oldest.started < self.timeout:
                return
            self.counts.expired += not oldest.refused
            self._forget(key)

    def _add(self, datagram: _Datagram, packet: Packet, offset: int, more: bool) -> None:
        payload = packet.payload
        end = offset + len(payload)
        index = bisect_left(datagram.offsets, offset)
        if index < len(datagram.offsets) and (datagram.offsets[index], datagram.pieces[index]) == (offset, payload):
            self.counts.duplicate += 1
            return
        before = datagram.offsets[index - 1] + len(datagram.pieces[index - 1]) if index else 0
        after = datagram.offsets[index] if index < len(datagram.offsets) else _LARGEST
        if before > offset or after < end:
            self.counts.overlapping += 1
            self._refuse(datagram)
            return
        last = datagram.offsets[-1] + len(datagram.pieces[-1]) if datagram.offsets else 0
        if (datagram.size is not None and (end > datagram.size or not more)) or (not more and last > end):
            self.counts.malformed += 1
            self._refuse(datagram)
            return
        if not more:
            datagram.size = end
        if offset == 0:
            datagram.first = packet.layers
        datagram.offsets.insert(index, offset)
        datagram.pieces.insert(index, payload)
        datagram.have += len(payload)

    def _refuse(self, datagram: _Datagram) -> None:
        """Later fragments must be dropped too (RFC 5722 §4), so the datagram stays, without data, until its timeout."""
        datagram.refused = True
        datagram.offsets, datagram.pieces, datagram.have, datagram.first = [], [], 0, ()

    def _make_room(self) -> None:
        while self._bytes > self.max_bytes:
            key, oldest = next(iter(self._waiting.items()))
            self.counts.evicted += not oldest.refused
            self._forget(key)

    def _forget(self, key: _Key) -> None:
        self._bytes -= self._waiting.pop(key).cost


def _place(packet: Packet) -> tuple[_Key, int, bool] | None:
    """The datagram's key (RFC 791 §3.2, RFC 8200 §4.5), the offset in it, and if more follows; None: no fragment."""
    if not packet.fragment:
        return None
    last, header = packet.layers[-1], packet.ip
    if isinstance(last, IPv4):
        key = (last.source, last.destination, last.protocol, last.ident)
        return key, last.fragment_offset, last.more_fragments
    assert isinstance(last, Fragment)
    assert header is not None
    return (header.source, header.destination, -1, last.ident), last.fragment_offset, last.more_fragments


def _whole(layers: tuple[Layer, ...], payload: bytes) -> bytes:
    """The packet: the first fragment's headers, without the fields of fragmentation, and the payload."""
    last = layers[-1]
    if isinstance(last, IPv4):
        whole = replace(last, flags=last.flags & ~1, fragment_offset=0)
        if whole.header_length + len(payload) > _LARGEST:
            whole = replace(whole, total_length=0)  # too long for the field
            return whole.serialize() + payload
        return whole.sealed(payload).serialize() + payload
    assert isinstance(last, Fragment)
    index = max(at for at, layer in enumerate(layers) if isinstance(layer, IPv6))
    chain: list[Layer] = list(layers[index:-1])
    before = chain[-1]
    assert isinstance(before, IPv6 | Extension)
    chain[-1] = replace(before, next_header=last.next_header)  # RFC 8200 §4.5
    inside = b"".join(layer.serialize() for layer in chain[1:]) + payload
    header = chain[0]
    assert isinstance(header, IPv6)
    length = len(inside) if len(inside) <= _LARGEST else 0
    return replace(header, payload_length=length).serialize() + inside
