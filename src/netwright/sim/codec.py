"""Segments of an endpoint to IP packets and back (RFC 9293 §3.1, RFC 791, RFC 8200).

Numbers are unbounded in the endpoint and modulo 2**32 on the wire: ``serialize`` cuts them; ``Endpoint.lift`` extends
those of a segment that arrived.
"""

import struct
from dataclasses import dataclass

from netwright.core.errors import ProtocolError
from netwright.proto.tcp.segment import SYN, Segment, SynOptions
from netwright.wire.checksum import checksum, transport_checksum
from netwright.wire.decode import Packet
from netwright.wire.ip import IPProtocol
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

__all__ = ["ChecksumError", "Flow", "is_plain", "parse", "segment_of", "serialize"]

_MODULUS = 2**32
_DONT_FRAGMENT = 0x4000
_IPV4 = struct.Struct("!2B3H2BH4s4s")  # RFC 791 §3.1
_IPV6 = struct.Struct("!IHBB16s16s")  # RFC 8200 §3
_TCP = struct.Struct("!2H2I4H")  # RFC 9293 §3.1
_STAMPS, _STAMPS_HEAD = struct.Struct("!4s2I"), b"\1\1\x08\x0a"  # padded as RFC 7323 appendix A has it


class ChecksumError(ProtocolError):
    """A checksum that is wrong: the packet changed on its way."""

    def __init__(self, header: str, seen: bytes, reference: str) -> None:
        super().__init__(f"{header} checksum 0x{seen.hex()} is wrong", reference=reference)


@dataclass(frozen=True, slots=True)
class Flow:
    """Source and destination of a packet; addresses have 4 or 16 bytes."""

    source: bytes
    source_port: int
    destination: bytes
    destination_port: int

    def reversed(self) -> "Flow":
        """The way back."""
        return Flow(self.destination, self.destination_port, self.source, self.source_port)


def serialize(segment: Segment, flow: Flow, *, ident: int = 0, ttl: int = 64) -> bytes:
    """The packet, checksums filled in; ``ident`` is IPv4's identification.

    Headers are packed here, because ``wire.build`` takes five times as long; a test compares the two.
    """
    options = _option_bytes(segment)
    mixed = (_TCP.size + len(options)) << 10 | segment.flags  # the offset counts 4 bytes, in the four bits on top
    seq, ack = segment.seq % _MODULUS, segment.ack % _MODULUS
    head = _TCP.pack(flow.source_port, flow.destination_port, seq, ack, mixed, segment.window, 0, 0)
    text = b"".join((head, options, segment.data))
    check = transport_checksum(flow.source, flow.destination, IPProtocol.TCP, text)
    if len(flow.source) == 4:
        size = _IPV4.size + len(text)
        ip = _IPV4.pack(
            0x45, segment.ecn, size, ident, _DONT_FRAGMENT, ttl, IPProtocol.TCP, 0, flow.source, flow.destination
        )
        ip = b"".join((ip[:10], checksum(ip).to_bytes(2, "big"), ip[12:]))
    else:
        ip = _IPV6.pack(6 << 28 | segment.ecn << 20, len(text), IPProtocol.TCP, ttl, flow.source, flow.destination)
    return b"".join((ip, text[:16], check.to_bytes(2, "big"), text[18:]))


def _option_bytes(segment: Segment) -> bytes:
    if segment.syn is not None or segment.sacks:
        return serialize_tcp_options(_options(segment))
    if segment.timestamps is None:
        return b""
    value, echo = segment.timestamps
    return _STAMPS.pack(_STAMPS_HEAD, value % _MODULUS, echo % _MODULUS)


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


def is_plain(packet: bytes) -> bool:
    """True if ``parse`` can read the packet: unfragmented TCP directly behind an IP header without options."""
    if len(packet) >= 40 and packet[0] == 0x45:
        return packet[9] == IPProtocol.TCP and not (packet[6] & 0x3F or packet[7])
    return len(packet) >= 40 and packet[0] >> 4 == 6 and packet[6] == IPProtocol.TCP


def parse(packet: bytes) -> tuple[Flow, Segment]:
    """Return flow and segment of an IP packet, with numbers as on the wire.

    Raises:
        IncompleteError: it ends before its headers do.
        ChecksumError: IPv4's or TCP's.
        ProtocolError: not TCP right behind an IP header without options, or a length that is wrong.
    """
    if not is_plain(packet):
        raise ProtocolError(f"packet of {len(packet)} bytes: no unfragmented TCP segment", reference="RFC 9293 §3.1")
    if packet[0] == 0x45:
        ecn, start, end = packet[1] & 3, 20, int.from_bytes(packet[2:4], "big")
        source, destination = packet[12:16], packet[16:20]
        if checksum(packet[:20]):
            raise ChecksumError("IPv4 header", packet[10:12], "RFC 791 §3.1")
    else:
        ecn, start, end = packet[1] >> 4 & 3, 40, 40 + int.from_bytes(packet[4:6], "big")
        source, destination = packet[8:24], packet[24:40]
    if not start <= end <= len(packet):
        raise ProtocolError(f"length {end} in a packet of {len(packet)} bytes", reference="RFC 791 §3.1")
    text = packet[start:end]
    tcp = parse_tcp(text)
    if transport_checksum(source, destination, IPProtocol.TCP, text):
        raise ChecksumError("TCP", text[16:18], "RFC 9293 §3.1")
    flow = Flow(source, tcp.source_port, destination, tcp.destination_port)
    return flow, _segment(tcp, text[tcp.header_length :], ecn)


def segment_of(packet: Packet) -> tuple[Flow, Segment]:
    """Return flow and segment of a decoded packet, whatever is between its IP and its TCP header.

    Raises:
        ChecksumError: TCP's is wrong; IPv4's is not checked.
        ProtocolError: no TCP inside.
    """
    ip, tcp = packet.ip, packet.tcp
    if ip is None or tcp is None:
        raise ProtocolError(f"{packet} has no TCP inside")
    if transport_checksum(ip.source, ip.destination, IPProtocol.TCP, tcp.serialize() + packet.payload):
        raise ChecksumError("TCP", tcp.checksum.to_bytes(2, "big"), "RFC 9293 §3.1")
    flow = Flow(ip.source, tcp.source_port, ip.destination, tcp.destination_port)
    return flow, _segment(tcp, packet.payload, ip.ecn)


def _segment(tcp: Tcp, data: bytes, ecn: int) -> Segment:
    timestamps: tuple[int, int] | None = None
    sacks: tuple[tuple[int, int], ...] = ()
    mss = scale = None
    permitted = False
    options = tcp.options
    if len(options) == _STAMPS.size and options[:4] == _STAMPS_HEAD:  # as almost every segment has them
        _, value, echo = _STAMPS.unpack(options)
        timestamps, options = (value, echo), b""
    for option in parse_tcp_options(options):
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
            case _:  # unknown options are ignored (RFC 9293 §3.2 MUST-6)
                pass
    syn = SynOptions(mss, scale, permitted) if tcp.flags & SYN else None
    return Segment(tcp.seq, tcp.ack, tcp.flags & 0xFF, tcp.window, data, timestamps, sacks, syn, ecn)
