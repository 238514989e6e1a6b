"""Decode a captured frame to its innermost TCP segment, through link layer, tags, labels, IP and tunnels.

Link types: https://www.tcpdump.org/linktypes.html.  Other protocols, cut frames and garbage give None, not an error: a
capture holds all of them.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["ACK", "FIN", "RST", "SYN", "Fragment", "Segment", "decode", "readable"]

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10  # RFC 9293 §3.1
LAYERS: Final = 8  # nested tags and labels, and nested IP headers, that are followed
IPV4, IPV6, BRIDGED = 0x0800, 0x86DD, 0x6558  # EtherTypes
IP: Final = 0x10000  # "an IP header, see its version": above every EtherType
_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
_MPLS = (0x8847, 0x8848)
_PPPOE = 0x8864
_SNAP = b"\xaa\xaa\x03\x00\x00\x00"
_RAW = {101: 0, 12: 0, 14: 0, 228: 0, 229: 0, 0: 4, 108: 4}  # link type: bytes before the IP header
_TYPED = {1: (12, 14), 113: (14, 16), 276: (0, 20), 104: (2, 4)}  # link type: where its EtherType is, its length
_PPP = (9, 50)
_GRE, _TCP, _UDP, _IN_IP = 47, 6, 17, (4, 41)
_VXLAN, _GENEVE = 4789, 6081
_FRAGMENT, _AUTHENTICATION = 44, 51
_EXTENSIONS = (0, 43, 60, _AUTHENTICATION, _FRAGMENT)  # RFC 8200 §4, RFC 4302
_NOTHING = (0, 0)


@dataclass(slots=True)
class Segment:
    """A TCP segment with the fields of its IP header that the engine needs.

    ``length`` is that of the data, computed from the IP header; the capture may hold fewer bytes.
    """

    source: bytes
    target: bytes
    source_port: int
    target_port: int
    seq: int
    ack: int
    length: int
    flags: int
    window: int
    ident: int
    ttl: int
    options: bytes
    repeated: int = 0  # of a partial retransmission: bytes that were sent before

    @property
    def direction(self) -> int:
        """0 if the smaller endpoint sent it, else 1."""
        return int((self.source, self.source_port) > (self.target, self.target_port))

    @property
    def key(self) -> tuple[bytes, int, bytes, int]:
        """The same for both directions of a flow: the smaller endpoint first."""
        if self.direction:
            return (self.target, self.target_port, self.source, self.source_port)
        return (self.source, self.source_port, self.target, self.target_port)


@dataclass(slots=True)
class Fragment:
    """A fragment of an IP datagram (RFC 791 §3.2, RFC 8200 §4.5); ``header`` is the IP header of the datagram."""

    header: bytes
    addresses: bytes
    ident: int
    protocol: int
    offset: int
    more: bool
    length: int
    payload: bytes

    @property
    def key(self) -> tuple[bytes, int, int]:
        """The same for all fragments of a datagram."""
        return (self.addresses, self.ident, self.protocol)


@dataclass(slots=True)
class _Packet:
    """An IP packet: offset and length of its payload on the wire, and fields of its header."""

    network: int
    version: int
    protocol: int
    payload: int
    length: int
    ident: int
    ttl: int


def decode(frame: bytes, wire: int, link: int) -> Segment | Fragment | None:
    """Return the innermost TCP segment of a frame that was ``wire`` bytes long, or the IP fragment that it holds."""
    wire = max(wire, len(frame))
    kind, at = _link(frame, link)
    for _ in range(LAYERS):
        if kind not in (IPV4, IPV6, IP):
            kind, at = _shims(frame, kind, at)
        if not kind or at + 20 > len(frame):
            return None
        packet = _network(frame, wire, at)
        if not isinstance(packet, _Packet):
            return packet
        if packet.protocol == _TCP:
            return _tcp(frame, packet)
        kind, at = _tunnel(frame, packet)
    return None


def readable(link: int) -> bool:
    """True if ``decode`` reads frames of this link type."""
    return link in _RAW or link in _TYPED or link in _PPP


def _be16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _be32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _link(frame: bytes, link: int) -> tuple[int, int]:
    """EtherType and offset of the header after the link layer's."""
    if link in _RAW:
        return IP, _RAW[link]
    if link in _TYPED:
        at, size = _TYPED[link]
        return (_be16(frame, at), size) if len(frame) >= size else _NOTHING
    if link in _PPP:
        return _ppp(frame, 2 if frame[:2] == b"\xff\x03" else 0)
    return _NOTHING


def _ppp(frame: bytes, at: int) -> tuple[int, int]:
    """A PPP protocol field, of one byte if its last bit is set (RFC 1661 §2, §6.5)."""
    if at + 2 > len(frame):
        return _NOTHING
    size = 1 if frame[at] & 1 else 2
    kind = {0x0021: IPV4, 0x0057: IPV6}.get(int.from_bytes(frame[at : at + size], "big"), 0)
    return kind, at + size


def _shims(frame: bytes, kind: int, at: int) -> tuple[int, int]:
    """Return EtherType and offset after VLAN tags, MPLS labels, PPPoE, SNAP and bridged Ethernet."""
    for _ in range(LAYERS):
        if kind in (IPV4, IPV6, IP):
            return IP, at
        if kind in _TAGS and at + 4 <= len(frame):
            kind, at = _be16(frame, at + 2), at + 4
        elif kind in _MPLS:
            kind, at = _labels(frame, at)
        elif kind == _PPPOE:
            kind, at = _ppp(frame, at + 6)
        elif kind == BRIDGED and at + 14 <= len(frame):
            kind, at = _be16(frame, at + 12), at + 14
        elif 0 < kind <= 1500 and frame[at : at + 6] == _SNAP and at + 8 <= len(frame):
            kind, at = _be16(frame, at + 6), at + 8
            if kind <= 1500:
                return _NOTHING
        else:
            return _NOTHING
    return _NOTHING


def _labels(frame: bytes, at: int) -> tuple[int, int]:
    """Return IP and the offset after the bottom of an MPLS stack (RFC 3032 §2.1)."""
    while at + 4 <= len(frame):
        at += 4
        if frame[at - 2] & 1:
            return IP, at
    return _NOTHING


def _network(frame: bytes, wire: int, at: int) -> _Packet | Fragment | None:
    version = frame[at] >> 4
    if version == 4:
        return _ipv4(frame, wire, at)
    if version == 6:
        return _ipv6(frame, wire, at)
    return None


def _ipv4(frame: bytes, wire: int, at: int) -> _Packet | Fragment | None:
    """Parse an IPv4 header (RFC 791 §3.1); a total length of 0 (offload) or too large is the frame's end."""
    header = (frame[at] & 15) * 4
    total = _be16(frame, at + 2)
    if total == 0 or total > wire - at:
        total = wire - at
    if header < 20 or total < header or at + header > len(frame):
        return None
    pieces, ident, ttl, protocol = _be16(frame, at + 6), _be16(frame, at + 4), frame[at + 8], frame[at + 9]
    if not pieces & 0x3FFF:
        return _Packet(at, 4, protocol, at + header, total - header, ident, ttl)
    return Fragment(
        header=b"\x45" + frame[at + 1 : at + 2] + b"\0\0" + frame[at + 4 : at + 6] + b"\0\0" + frame[at + 8 : at + 20],
        addresses=frame[at + 12 : at + 20],
        ident=ident,
        protocol=protocol,
        offset=(pieces & 0x1FFF) * 8,
        more=bool(pieces & 0x2000),
        length=total - header,
        payload=frame[at + header : at + total],
    )


def _ipv6(frame: bytes, wire: int, at: int) -> _Packet | Fragment | None:
    """Parse an IPv6 header and its extension headers (RFC 8200 §3, §4)."""
    if at + 40 > len(frame):
        return None
    total, rest = _be16(frame, at + 4), wire - at - 40
    if total == 0 or total > rest:
        total = rest
    network, protocol, ttl = at, frame[at + 6], frame[at + 7]
    at += 40
    while protocol in _EXTENSIONS:
        if at + 8 > len(frame):
            return None
        size = 8 if protocol == _FRAGMENT else (frame[at + 1] + 1) * 8
        if protocol == _AUTHENTICATION:
            size = (frame[at + 1] + 2) * 4
        if total < size:
            return None
        if protocol == _FRAGMENT and _be16(frame, at + 2) & 0xFFF9:
            return _ipv6_fragment(frame, network, at, total - 8)
        protocol, at, total = frame[at], at + size, total - size
    return _Packet(network, 6, protocol, at, total, 0, ttl)


def _ipv6_fragment(frame: bytes, network: int, at: int, length: int) -> Fragment:
    return Fragment(
        header=frame[network : network + 4] + b"\0\0" + frame[at : at + 1] + frame[network + 7 : network + 40],
        addresses=frame[network + 8 : network + 40],
        ident=_be32(frame, at + 4),
        protocol=frame[at],
        offset=_be16(frame, at + 2) & 0xFFF8,
        more=bool(frame[at + 3] & 1),
        length=length,
        payload=frame[at + 8 : at + 8 + length],
    )


def _tunnel(frame: bytes, packet: _Packet) -> tuple[int, int]:
    """Return EtherType and offset inside GRE (RFC 2784, 2890), IP in IP, VXLAN (RFC 7348), GENEVE (RFC 8926)."""
    at = packet.payload
    if packet.protocol in _IN_IP:
        return IP, at
    if packet.protocol == _GRE and at + 4 <= len(frame):
        flags = _be16(frame, at)
        if flags & 0x4007:  # routing present, or not version 0
            return _NOTHING
        return _be16(frame, at + 2), at + 4 + 4 * (flags & 0xB000).bit_count()
    if packet.protocol == _UDP and at + 16 <= len(frame):
        port = _be16(frame, at + 2)
        if port == _VXLAN and frame[at + 8] & 0x08:
            return BRIDGED, at + 16
        if port == _GENEVE and not frame[at + 8] >> 6:
            return _be16(frame, at + 10), at + 16 + (frame[at + 8] & 0x3F) * 4
    return _NOTHING


def _tcp(frame: bytes, packet: _Packet) -> Segment | None:
    """Parse a TCP header (RFC 9293 §3.1); None if the capture cut its first 20 bytes."""
    at, size, network = packet.payload, 4 if packet.version == 4 else 16, packet.network
    if at + 20 > len(frame):
        return None
    header = (frame[at + 12] >> 4) * 4
    if header < 20 or packet.length < header:
        return None
    addresses = network + (12 if size == 4 else 8)
    return Segment(
        source=frame[addresses : addresses + size],
        target=frame[addresses + size : addresses + 2 * size],
        source_port=_be16(frame, at),
        target_port=_be16(frame, at + 2),
        seq=_be32(frame, at + 4),
        ack=_be32(frame, at + 8),
        length=packet.length - header,
        flags=_be16(frame, at + 12) & 0x0FFF,
        window=_be16(frame, at + 14),
        ident=packet.ident,
        ttl=packet.ttl,
        options=frame[at + 20 : at + header],
    )
