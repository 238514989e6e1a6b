"""ICMP and ICMPv6 of a host: echo replies, errors to send, errors received (RFC 1122 §3.2.2, RFC 4443)."""

from dataclasses import dataclass

from netwright.sim.codec import Flow
from netwright.wire.build import build
from netwright.wire.decode import Packet
from netwright.wire.icmp import Icmp, Icmp6, Icmp6Kind, IcmpKind
from netwright.wire.ip import IPProtocol, IPv4
from netwright.wire.ip6 import IPv6

__all__ = ["IcmpError", "echo_reply", "icmp_error_of", "port_unreachable", "protocol_unreachable"]

_PORT, _PORT_6, _PROTOCOL = 3, 4, 2  # codes of "unreachable": RFC 792, RFC 4443 §3.1, RFC 792
_UNKNOWN_HEADER = 1  # code of a parameter problem, RFC 4443 §3.4
_NEXT_HEADER_AT = 6  # byte of the IPv6 header that a parameter problem points at
_QUOTE, _QUOTE_6 = 576, 1280  # bytes of the whole message (RFC 1812 §4.3.2.3, RFC 4443 §2.4 (c))
_OLD_ROUTER = 576  # the MTU to assume if a router sends none (RFC 1191 §5)
_LEAST_MTU, _LEAST_MTU_6 = 68, 1280  # RFC 791 §3.2, RFC 8201 §4


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP error about a segment that this host sent, with its flow and sequence number.

    Attributes:
        mtu: largest packet that the path takes; None for other errors.
        text: the error in words.
    """

    flow: Flow
    seq: int
    mtu: int | None
    text: str


def echo_reply(ip: IPv4 | IPv6, message: Icmp | Icmp6, payload: bytes) -> bytes | None:
    """Return the reply to an echo request (RFC 1122 §3.2.2.6, RFC 4443 §4.2); None for any other message."""
    if isinstance(ip, IPv4) and isinstance(message, Icmp) and message.kind == IcmpKind.ECHO:
        return build(_back(ip, IPProtocol.ICMP), Icmp(IcmpKind.ECHO_REPLY, 0, message.rest), payload)
    if isinstance(ip, IPv6) and isinstance(message, Icmp6) and message.kind == Icmp6Kind.ECHO:
        return build(_back(ip, IPProtocol.ICMPV6), Icmp6(Icmp6Kind.ECHO_REPLY, 0, message.rest), payload)
    return None


def port_unreachable(ip: IPv4 | IPv6, packet: bytes) -> bytes:
    """Return the error for a datagram to a closed port (RFC 1122 §4.1.3.1, RFC 4443 §3.1)."""
    if isinstance(ip, IPv4):
        return _error(ip, Icmp(IcmpKind.UNREACHABLE, _PORT), packet)
    return _error(ip, Icmp6(Icmp6Kind.UNREACHABLE, _PORT_6), packet)


def protocol_unreachable(ip: IPv4 | IPv6, packet: bytes) -> bytes:
    """Return the error for a packet of an unknown protocol (RFC 1122 §3.2.2.1, RFC 8200 §4)."""
    if isinstance(ip, IPv4):
        return _error(ip, Icmp(IcmpKind.UNREACHABLE, _PROTOCOL), packet)
    pointer = _NEXT_HEADER_AT.to_bytes(4, "big")
    return _error(ip, Icmp6(Icmp6Kind.PARAMETER_PROBLEM, _UNKNOWN_HEADER, pointer), packet)


def _error(ip: IPv4 | IPv6, message: Icmp | Icmp6, packet: bytes) -> bytes:
    if isinstance(ip, IPv4):
        return build(_back(ip, IPProtocol.ICMP), message, packet[: _QUOTE - 28])
    return build(_back(ip, IPProtocol.ICMPV6), message, packet[: _QUOTE_6 - 48])


def _back(ip: IPv4 | IPv6, protocol: int) -> IPv4 | IPv6:
    if isinstance(ip, IPv4):
        return IPv4(ip.destination, ip.source, protocol)
    return IPv6(ip.destination, ip.source, protocol)


def icmp_error_of(packet: Packet) -> IcmpError | None:
    """Return the error about a TCP segment that a message reports; None if it is no error, or not about TCP.

    The quote may end after 8 bytes of the TCP header (RFC 792): ports and sequence number.
    """
    message, quoted = packet.layers[-1], packet.quoted
    if quoted is None or not quoted.layers or not isinstance(message, Icmp | Icmp6):
        return None
    ip = quoted.layers[0]
    if not isinstance(ip, IPv4 | IPv6) or (isinstance(ip, IPv4) and ip.fragment_offset):
        return None
    head = packet.payload[ip.header_length : ip.header_length + 8]
    protocol = ip.protocol if isinstance(ip, IPv4) else ip.next_header
    if protocol != IPProtocol.TCP or len(head) < 8:
        return None
    source, destination, seq = (int.from_bytes(head[at:end], "big") for at, end in ((0, 2), (2, 4), (4, 8)))
    mtu = message.mtu
    if mtu is not None:
        mtu = max(mtu or _OLD_ROUTER, _LEAST_MTU if isinstance(ip, IPv4) else _LEAST_MTU_6)
    text = f"ICMP {message.kind}.{message.code}" + (f", MTU {mtu}" if mtu is not None else "")
    return IcmpError(Flow(ip.source, source, ip.destination, destination), seq, mtu, text)
