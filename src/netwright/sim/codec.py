"""Segments of an endpoint to IP packets and back (RFC 9293 §3.1, RFC 791, RFC 8200).  No I/O.

The endpoint counts without bound, the wire modulo 2**32: ``serialize`` cuts, and who receives calls ``Endpoint.lift``.
"""

from dataclasses import dataclass

from netwright.core.errors import ProtocolError
from netwright.proto.tcp.segment import SYN, Segment, SynOptions
from netwright.wire.build import build
from netwright.wire.checksum import transport_checksum
from netwright.wire.ip import IPProtocol, IPv4, parse_ipv4
from netwright.wire.ip6 import IPv6, parse_ipv6
from netwright.wire.tcp import Tcp, parse_tcp
from netwright.wire.tcp_options import (
    MaximumSegmentSize,
    NoOperation,
    Sack,
    SackPermitted,
    TcpOption,
    Timestamps,
    WindowScale,
    parse_tcp_options,
    serialize_tcp_options,
)

__all__ = ["Flow", "parse", "serialize"]

_MODULUS = 2**32


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a packet is from and where it goes; addresses are 4 bytes or 16."""

    source: bytes
    source_port: int
    destination: bytes
    destination_port: int

    def reversed(self) -> "Flow":
        """The way back."""
        return Flow(self.destination, self.destination_port, self.source, self.source_port)


def serialize(segment: Segment, flow: Flow, *, ident: int = 0, ttl: int = 64) -> bytes:
    """The packet, checksums filled in; ``ident`` is IPv4's identification."""
    tcp = Tcp(
        flow.source_port,
        flow.destination_port,
        segment.seq % _MODULUS,
        segment.ack % _MODULUS,
        segment.flags,
        segment.window,
        options=serialize_tcp_options(_options(segment)),
    )
    if len(flow.source) == 4:
        ip: IPv4 | IPv6 = IPv4(flow.source, flow.destination, IPProtocol.TCP, ttl=ttl, ident=ident, tos=segment.ecn)
    else:
        length = tcp.header_length + len(segment.data)
        ip = IPv6(
            flow.source,
            flow.destination,
            IPProtocol.TCP,
            hop_limit=ttl,
            traffic_class=segment.ecn,
            payload_length=length,
        )
    return build(ip, tcp, segment.data)


def _options(segment: Segment) -> list[TcpOption]:
    """In Linux's order; padding as RFC 7323 appendix A has it."""
    options: list[TcpOption] = []
    syn = segment.syn
    if syn is not None and syn.mss is not None:
        options.append(MaximumSegmentSize(syn.mss))
    if syn is not None and syn.sack_permitted:
        options += [NoOperation(), NoOperation(), SackPermitted()]
    if segment.timestamps is not None:
        value, echo = segment.timestamps
        options += [NoOperation(), NoOperation(), Timestamps(value % _MODULUS, echo % _MODULUS)]
    if syn is not None and syn.window_scale is not None:
        options += [NoOperation(), WindowScale(syn.window_scale)]
    if segment.sacks:
        blocks = tuple((start % _MODULUS, end % _MODULUS) for start, end in segment.sacks)
        options += [NoOperation(), NoOperation(), Sack(blocks)]
    return options


def parse(packet: bytes) -> tuple[Flow, Segment]:
    """The segment in an IP packet, numbers as on the wire.

    Raises:
        IncompleteError: it ends before its headers do.
        ProtocolError: not IP, not TCP, a fragment, a length or a checksum that is wrong.
    """
    ip = _parse_ip(packet)
    end = ip.total_length if isinstance(ip, IPv4) else ip.header_length + ip.payload_length
    protocol = ip.protocol if isinstance(ip, IPv4) else ip.next_header
    if protocol != IPProtocol.TCP or (isinstance(ip, IPv4) and ip.is_fragment):
        raise ProtocolError(f"protocol {protocol} or a fragment, TCP in one piece wanted", reference="RFC 9293 §3.1")
    if not ip.header_length <= end <= len(packet):
        raise ProtocolError(f"length {end} in a packet of {len(packet)} bytes", reference="RFC 791 §3.1")
    text = packet[ip.header_length : end]
    tcp = parse_tcp(text)
    if transport_checksum(ip.source, ip.destination, IPProtocol.TCP, text):
        raise ProtocolError(f"TCP checksum {tcp.checksum:#06x} is wrong", reference="RFC 9293 §3.1")
    flow = Flow(ip.source, tcp.source_port, ip.destination, tcp.destination_port)
    return flow, _segment(tcp, text[tcp.header_length :], ip.ecn)


def _parse_ip(packet: bytes) -> IPv4 | IPv6:
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        return parse_ipv4(packet)
    if version == 6:
        return parse_ipv6(packet)
    raise ProtocolError(f"IP version {version} at byte 0, 4 and 6 allowed", reference="RFC 791 §3.1")


def _segment(tcp: Tcp, data: bytes, ecn: int) -> Segment:
    timestamps: tuple[int, int] | None = None
    sacks: tuple[tuple[int, int], ...] = ()
    mss = scale = None
    permitted = False
    for option in parse_tcp_options(tcp.options):
        match option:
            case Timestamps(value, echo):
                timestamps = (value, echo)
            case Sack(blocks):
                sacks = tuple(blocks)
            case MaximumSegmentSize(value):
                mss = value
            case WindowScale(value):
                scale = value
            case SackPermitted():
                permitted = True
            case _:  # what the endpoint does not speak, it may ignore (RFC 9293 §3.2 MUST-6)
                pass
    syn = SynOptions(mss, scale, permitted) if tcp.flags & SYN else None
    return Segment(tcp.seq, tcp.ack, tcp.flags & 0xFF, tcp.window, data, timestamps, sacks, syn, ecn)
