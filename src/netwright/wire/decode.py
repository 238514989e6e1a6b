"""Decode a captured packet into its headers, from the link layer to the innermost transport header.

``decode`` never raises because of the bytes: it decodes as far as it can, and ``Packet.error`` says why it stopped.  It
does not reassemble: everything after a fragment's header is payload (``fragments.Reassembler``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from netwright.core.errors import ProtocolError
from netwright.wire.ethernet import ETHERNET_MINIMUM_TYPE, EtherType, parse_ethernet, parse_llc, parse_snap
from netwright.wire.fields import Layer, cut
from netwright.wire.icmp import Icmp, Icmp6, parse_icmp, parse_icmp6
from netwright.wire.ip import IPProtocol, IPv4, parse_ipv4
from netwright.wire.ip6 import EXTENSIONS, IPv6, parse_extension, parse_fragment, parse_ipv6
from netwright.wire.link_types import LinkType, parse_loopback, parse_sll, parse_sll2
from netwright.wire.tcp import Tcp, parse_tcp
from netwright.wire.tunnel import GENEVE_PORT, VXLAN_PORT, parse_geneve, parse_gre, parse_vxlan
from netwright.wire.udp import Udp, parse_udp
from netwright.wire.vlan import ControlWord, parse_cisco_metadata, parse_mpls, parse_ppp, parse_pppoe, parse_vlan

__all__ = ["MAX_LAYERS", "Packet", "decode", "decode_ip"]

MAX_LAYERS = 32  # headers of one packet, tunnels included

_L = TypeVar("_L")


@dataclass(frozen=True, slots=True)
class Packet:
    """A decoded packet; ``serialize`` returns the bytes that were decoded.

    Attributes:
        layers: the headers, outermost first.
        payload: captured bytes after the innermost header; ``length`` is their number on the wire.
        trailer: bytes after the end that a length field gives: padding, frame check sequence.
        fragment: true if the innermost IP packet is a fragment; the payload is then a part of a datagram.
        error: why decoding stopped early, or None.
    """

    layers: tuple[Layer, ...]
    payload: bytes
    length: int
    trailer: bytes = b""
    fragment: bool = False
    error: ProtocolError | None = field(default=None, compare=False)

    @property
    def missing(self) -> int:
        """Bytes of the payload that the capture's snap length cut off."""
        return self.length - len(self.payload)

    @property
    def ip(self) -> IPv4 | IPv6 | None:
        """The innermost IP header."""
        for layer in reversed(self.layers):
            if isinstance(layer, IPv4 | IPv6):
                return layer
        return None

    @property
    def tcp(self) -> Tcp | None:
        """The TCP header, if the innermost header is one."""
        last = self.layers[-1] if self.layers else None
        return last if isinstance(last, Tcp) else None

    @property
    def udp(self) -> Udp | None:
        """The UDP header, if the innermost header is one."""
        last = self.layers[-1] if self.layers else None
        return last if isinstance(last, Udp) else None

    @property
    def quoted(self) -> "Packet | None":
        """The packet that an ICMP error quotes, as far as it is quoted; None for other packets."""
        last = self.layers[-1] if self.layers else None
        if not isinstance(last, Icmp | Icmp6) or not last.is_error:
            return None
        return decode_ip(self.payload[: last.quote_length or None])

    def find(self, kind: type[_L]) -> _L | None:
        """The outermost layer of a kind."""
        for layer in self.layers:
            if isinstance(layer, kind):
                return layer
        return None

    def serialize(self) -> bytes:
        """Every layer, the payload and the trailer."""
        return b"".join([layer.serialize() for layer in self.layers]) + self.payload + self.trailer


class _Walk:
    """State of decoding: ``end`` bounds the captured bytes, ``wire_end`` the bytes on the wire."""

    __slots__ = ("at", "data", "end", "fragment", "kind", "layers", "wire_end")

    def __init__(self, data: bytes, wire_end: int) -> None:
        self.data, self.at, self.end, self.wire_end = data, 0, len(data), wire_end
        self.layers: list[Layer] = []
        self.fragment = False
        self.kind = 0  # number under which the next header was announced

    def push(self, layer: Layer, size: int) -> None:
        """Add a header.  Parsers see all of ``data``, so a header that reaches beyond ``end`` is refused here."""
        if self.at + size > self.end:
            raise cut(type(layer).__name__, self.data[: self.end], self.at, size, "the length of the packet around it")
        if len(self.layers) >= MAX_LAYERS:
            raise ProtocolError(f"more than {MAX_LAYERS} headers in one packet at byte {self.at}")
        self.layers.append(layer)
        self.at += size

    def bound(self, end: int) -> None:
        """Apply a length field: the packet ends at ``end``, at most where the packet around it ends."""
        if end < self.at:
            raise ProtocolError(f"length of a packet ends at byte {end}, inside its header of {self.at} bytes")
        if end < self.wire_end:
            self.wire_end = end
            self.end = min(self.end, end)


_Step: TypeAlias = "Callable[[_Walk], _Next]"
_Next: TypeAlias = "_Step | None"


def decode(data: bytes, link_type: int = LinkType.ETHERNET, original_length: int | None = None) -> Packet:
    """Read a captured packet's headers.

    Args:
        link_type: format of the outermost header; a number that is not a LinkType gives a packet without layers.
        original_length: bytes on the wire, where the capture kept fewer.
    """
    walk = _Walk(data, max(len(data), original_length or 0))
    return _run(walk, _LINKS.get(link_type))


def decode_ip(data: bytes, original_length: int | None = None) -> Packet:
    """``decode`` a packet that starts with its IP header, version 4 or 6."""
    return decode(data, LinkType.RAW, original_length)


def _run(walk: _Walk, step: "_Next") -> Packet:
    error = None
    try:
        while step is not None:
            step = step(walk)
    except ProtocolError as caught:
        error = caught.with_traceback(None)
    return Packet(
        tuple(walk.layers),
        walk.data[walk.at : walk.end],
        walk.wire_end - walk.at,
        walk.data[walk.end :],
        walk.fragment,
        error,
    )


def _ethernet(walk: _Walk) -> "_Next":
    header = parse_ethernet(walk.data, walk.at)
    walk.push(header, 14)
    return _by_kind(walk, header.kind)


def _by_kind(walk: _Walk, kind: int) -> "_Next":
    """An EtherType; below 0x0600 it is the length of an 802.3 frame (IEEE 802.3 §3.2.6)."""
    if kind < ETHERNET_MINIMUM_TYPE:
        walk.bound(walk.at + kind)
        return _llc
    return _ETHERTYPES.get(kind)


def _llc(walk: _Walk) -> "_Next":
    header = parse_llc(walk.data, walk.at)
    walk.push(header, header.header_length)
    return _snap if header.is_snap else None


def _snap(walk: _Walk) -> "_Next":
    header = parse_snap(walk.data, walk.at)
    walk.push(header, 5)
    return _ETHERTYPES.get(header.kind) if header.organisation == b"\0\0\0" else None


def _vlan(walk: _Walk) -> "_Next":
    header = parse_vlan(walk.data, walk.at)
    walk.push(header, 4)
    return _by_kind(walk, header.kind)


def _cisco_metadata(walk: _Walk) -> "_Next":
    header = parse_cisco_metadata(walk.data, walk.at)
    walk.push(header, 8)
    return _ETHERTYPES.get(header.kind)


def _mpls(walk: _Walk) -> "_Next":
    header = parse_mpls(walk.data, walk.at)
    walk.push(header, 4)
    if not header.bottom:
        return _mpls
    # The stack does not say what it carries (RFC 3032 §2.2); a pseudowire starts with 0 (RFC 4385 §3).
    nibble = walk.data[walk.at] >> 4 if walk.at < walk.end else -1
    if nibble in (4, 6):
        return _ip
    return _pseudowire if nibble == 0 else None


def _pseudowire(walk: _Walk) -> "_Next":
    """Ethernet behind a control word of 4 bytes (RFC 4448 §4.6), or at once: then the MAC address starts with 0."""
    inside = walk.data[walk.at + 4 + 12 : walk.at + 4 + 14]
    if int.from_bytes(inside, "big") in _ETHERTYPES:
        walk.push(ControlWord(walk.data[walk.at : walk.at + 4]), 4)
    return _ethernet


def _pppoe(walk: _Walk) -> "_Next":
    header = parse_pppoe(walk.data, walk.at)
    walk.push(header, 6)
    walk.bound(walk.at + header.length)
    return _ppp if header.code == 0 else None


def _ppp(walk: _Walk) -> "_Next":
    header = parse_ppp(walk.data, walk.at)
    walk.push(header, header.header_length)
    return _PPP_PROTOCOLS.get(header.protocol)


def _loopback(walk: _Walk) -> "_Next":
    header = parse_loopback(walk.data, walk.at)
    walk.push(header, 4)
    return _ip if header.is_ip else None


def _sll(walk: _Walk) -> "_Next":
    header = parse_sll(walk.data, walk.at)
    walk.push(header, 16)
    return _LINUX_KINDS.get(header.kind)


def _sll2(walk: _Walk) -> "_Next":
    header = parse_sll2(walk.data, walk.at)
    walk.push(header, 20)
    return _LINUX_KINDS.get(header.kind)


def _ip(walk: _Walk) -> "_Next":
    """Choose by the version nibble, not by the EtherType; a version other than 4 and 6 is reported as by IPv4."""
    first = walk.data[walk.at] >> 4 if walk.at < len(walk.data) else 4
    return _ipv6 if first == 6 else _ipv4


def _ipv4(walk: _Walk) -> "_Next":
    begin = walk.at
    header = parse_ipv4(walk.data, begin)
    walk.push(header, 20 + len(header.options))
    if header.total_length:
        walk.bound(begin + header.total_length)
    walk.fragment = header.is_fragment
    return _by_protocol(walk, header.protocol)


def _ipv6(walk: _Walk) -> "_Next":
    header = parse_ipv6(walk.data, walk.at)
    walk.push(header, 40)
    if header.payload_length:
        walk.bound(walk.at + header.payload_length)
    walk.fragment = False
    return _by_protocol(walk, header.next_header)


def _by_protocol(walk: _Walk, protocol: int) -> "_Next":
    """Everything after a fragment's header is payload."""
    walk.kind = protocol
    return None if walk.fragment else _PROTOCOLS.get(protocol)


def _extension(walk: _Walk) -> "_Next":
    header = parse_extension(walk.data, walk.at, walk.kind)
    walk.push(header, header.header_length)
    return _by_protocol(walk, header.next_header)


def _fragment(walk: _Walk) -> "_Next":
    header = parse_fragment(walk.data, walk.at)
    walk.push(header, 8)
    walk.fragment = header.is_fragment
    return _by_protocol(walk, header.next_header)


def _tcp(walk: _Walk) -> "_Next":
    header = parse_tcp(walk.data, walk.at)
    walk.push(header, 20 + len(header.options))
    return None


def _udp(walk: _Walk) -> "_Next":
    header = parse_udp(walk.data, walk.at)
    walk.push(header, 8)
    if header.length:  # 0 is a jumbogram's (RFC 2675 §4)
        walk.bound(walk.at - 8 + header.length)
    return _UDP_PORTS.get(header.destination_port)


def _icmp(walk: _Walk) -> "_Next":
    walk.push(parse_icmp(walk.data, walk.at), 8)
    return None


def _icmp6(walk: _Walk) -> "_Next":
    walk.push(parse_icmp6(walk.data, walk.at), 8)
    return None


def _gre(walk: _Walk) -> "_Next":
    header = parse_gre(walk.data, walk.at)
    walk.push(header, header.header_length)
    return _ETHERTYPES.get(header.kind)


def _vxlan(walk: _Walk) -> "_Next":
    walk.push(parse_vxlan(walk.data, walk.at), 8)
    return _ethernet


def _geneve(walk: _Walk) -> "_Next":
    header = parse_geneve(walk.data, walk.at)
    walk.push(header, header.header_length)
    return _ETHERTYPES.get(header.kind)


_ETHERTYPES: dict[int, _Step] = {
    EtherType.IPV4: _ip,
    EtherType.IPV6: _ip,
    EtherType.VLAN: _vlan,
    EtherType.SERVICE_VLAN: _vlan,
    EtherType.QINQ_OLD: _vlan,
    EtherType.MPLS: _mpls,
    EtherType.MPLS_UPSTREAM: _mpls,
    EtherType.PPPOE_DISCOVERY: _pppoe,
    EtherType.PPPOE_SESSION: _pppoe,
    EtherType.PPP: _ppp,
    EtherType.CISCO_METADATA: _cisco_metadata,
    EtherType.TRANSPARENT_ETHERNET: _ethernet,
}
_LINUX_KINDS: dict[int, _Step] = {**_ETHERTYPES, 0x0004: _llc}  # 802.2 frames without Ethernet's header (if_ether.h)
_PPP_PROTOCOLS: dict[int, _Step] = {0x0021: _ipv4, 0x0057: _ipv6, 0x0281: _mpls}  # IANA ppp-numbers
_PROTOCOLS: dict[int, _Step] = {
    IPProtocol.TCP: _tcp,
    IPProtocol.UDP: _udp,
    IPProtocol.ICMP: _icmp,
    IPProtocol.ICMPV6: _icmp6,
    IPProtocol.GRE: _gre,
    IPProtocol.IPV4: _ipv4,
    IPProtocol.IPV6: _ipv6,
    IPProtocol.MPLS: _mpls,
    IPProtocol.FRAGMENT: _fragment,
    **dict.fromkeys(EXTENSIONS, _extension),
}
_UDP_PORTS: dict[int, _Step] = {VXLAN_PORT: _vxlan, GENEVE_PORT: _geneve}
_LINKS: dict[int, _Step] = {
    LinkType.ETHERNET: _ethernet,
    LinkType.NULL: _loopback,
    LinkType.LOOP: _loopback,
    LinkType.PPP: _ppp,
    LinkType.PPP_ETHER: _pppoe,
    LinkType.RAW: _ip,
    LinkType.RAW_BSD: _ip,
    LinkType.RAW_OPENBSD: _ip,
    LinkType.IPV4: _ipv4,
    LinkType.IPV6: _ipv6,
    LinkType.LINUX_SLL: _sll,
    LinkType.LINUX_SLL2: _sll2,
}
