"""The internet layer of a host: which packets are for it, and what they carry (RFC 1122 §3, RFC 8200).

``InternetLayer.receive`` returns the TCP segment or the ICMP error in a packet, or the packet that answers it.  It
verifies checksums, reassembles fragments, answers pings, and answers UDP and unknown protocols with an ICMP error.
Malformed packets are counted and never raise.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import TypeAlias

from netwright.core.errors import ProtocolError
from netwright.proto.tcp.segment import Segment
from netwright.sim.codec import ChecksumError, Flow, is_plain, parse, segment_of
from netwright.sim.icmp import IcmpError, echo_reply, icmp_error_of, port_unreachable, protocol_unreachable
from netwright.sim.limits import AnswerRate, Counts, StackLimits
from netwright.wire.checksum import checksum, transport_checksum
from netwright.wire.decode import Packet, decode_ip
from netwright.wire.fields import Layer
from netwright.wire.fragments import Reassembler
from netwright.wire.icmp import Icmp, Icmp6
from netwright.wire.ip import IPProtocol, IPv4
from netwright.wire.ip6 import Extension, Fragment, IPv6
from netwright.wire.tcp import Tcp
from netwright.wire.udp import Udp

__all__ = ["Arrived", "InternetLayer"]

Arrived: TypeAlias = tuple[Flow, Segment] | IcmpError | bytes | None  # bytes: the packet to send as an answer
_IP = (IPv4, IPv6, Extension, Fragment)


class InternetLayer:
    """Everything of a host below TCP.

    Attributes:
        addresses: the host's, with 4 or 16 bytes each.
        counts: packets by outcome.
        reassembler: of fragments, with its own counts.
    """

    def __init__(self, addresses: Iterable[str], limits: StackLimits) -> None:
        self.addresses = tuple(ip_address(text).packed for text in addresses)
        self._ours = frozenset(self.addresses)
        self.counts = Counts()
        self.reassembler = Reassembler(max_bytes=limits.fragments)
        self._answers = AnswerRate(limits.answers)

    def __repr__(self) -> str:
        return f"<InternetLayer {' '.join(str(ip_address(address)) for address in self.addresses)}>"

    def owns(self, address: bytes) -> bool:
        """True if the address is this host's."""
        return address in self._ours

    def is_for_us(self, source: bytes, destination: bytes) -> bool:
        """True if the destination is this host's and the source can be another host's (RFC 1122 §3.2.1.3).

        Other packets are counted.
        """
        if destination not in self._ours:
            self.counts.not_ours += 1
            return False
        none = source[0] >= 224 or source[0] in (0, 127) if len(source) == 4 else source[0] == 0xFF or not any(source)
        if none or source in self._ours:
            self.counts.no_source += 1
            return False
        return True

    def may_answer(self, now: float) -> bool:
        """True if the rate limit allows one more RST or ICMP message (``StackLimits.answers``)."""
        allowed = self._answers.allow(now)
        self.counts.muted += not allowed
        return allowed

    def expire(self, now: float) -> None:
        """Drop fragments whose datagram has not become complete in time."""
        self.reassembler.expire(now)

    def receive(self, packet: bytes, now: float) -> Arrived:
        """Take a packet that begins with its IP header; None if nothing follows from it.

        The addresses of a segment are not checked, because most segments belong to a connection; see ``is_for_us``.
        """
        self.counts.received += 1
        try:
            return parse(packet) if is_plain(packet) else self._unusual(packet, now)
        except ChecksumError:
            self.counts.checksum += 1
        except ProtocolError:
            self.counts.malformed += 1
        return None

    def _unusual(self, data: bytes, now: float) -> Arrived:
        """Process fragments, options, extension headers, ICMP, UDP and unknown protocols."""
        packet = decode_ip(data)
        if packet.fragment and packet.ip is not None and self.owns(packet.ip.destination):
            self.counts.fragments += 1
            whole = self.reassembler.receive(packet, now)
            if whole is None:
                return None
            data, packet = whole, decode_ip(whole)
        layers = packet.layers
        ip = layers[0] if layers else None
        if not isinstance(ip, IPv4 | IPv6):
            raise packet.error or ProtocolError("no IP header")
        if isinstance(ip, IPv4) and checksum(data[: ip.header_length]):
            raise ChecksumError("IPv4 header", data[10:12], "RFC 791 §3.1")
        index = next((at for at, layer in enumerate(layers) if not isinstance(layer, _IP)), len(layers))
        inner = layers[index] if index < len(layers) else None
        if isinstance(inner, Tcp) and packet.error is None:
            return segment_of(packet)
        if not self.is_for_us(ip.source, ip.destination):
            return None
        if packet.error is not None:
            raise packet.error
        return self._beside_tcp(packet, ip, inner, data, now)

    def _beside_tcp(
        self, packet: Packet, ip: IPv4 | IPv6, inner: Layer | None, data: bytes, now: float
    ) -> IcmpError | bytes | None:
        """Process a packet without TCP: return the error that it reports, or the answer to it."""
        answer: bytes | None
        match inner:
            case Icmp() | Icmp6():
                _verify(packet, ip, inner)
                error = icmp_error_of(packet)
                if error is not None:
                    return error
                answer = echo_reply(ip, inner, packet.payload)
                self.counts.ignored += answer is None
            case Udp():
                _verify(packet, ip, inner)
                self.counts.closed_port += 1
                answer = port_unreachable(ip, data)
            case _:
                self.counts.unknown += 1
                answer = protocol_unreachable(ip, data)
        return answer if answer is not None and self.may_answer(now) else None


def _verify(packet: Packet, ip: IPv4 | IPv6, inner: Icmp | Icmp6 | Udp) -> None:
    """Raise ChecksumError if the checksum is wrong; a UDP checksum of 0 over IPv4 means none (RFC 768)."""
    text = inner.serialize() + packet.payload
    if isinstance(inner, Icmp):
        wrong = checksum(text)
    elif isinstance(inner, Udp):
        wrong = inner.checksum and transport_checksum(ip.source, ip.destination, IPProtocol.UDP, text)
    else:
        wrong = transport_checksum(ip.source, ip.destination, IPProtocol.ICMPV6, text)
    if wrong:
        raise ChecksumError(type(inner).__name__, inner.checksum.to_bytes(2, "big"), "RFC 792, RFC 768")
