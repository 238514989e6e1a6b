"""Build a packet from its layers; lengths and checksums are filled in, the innermost layer first.

Fields that name the next header (Ethernet type, IP protocol) are left as given: a test may need a wrong packet.
"""

from netwright.core.errors import UsageError
from netwright.wire.fields import Layer
from netwright.wire.icmp import Icmp, Icmp6
from netwright.wire.ip import IPv4
from netwright.wire.ip6 import IPv6
from netwright.wire.tcp import Tcp
from netwright.wire.tunnel import Gre
from netwright.wire.udp import Udp
from netwright.wire.vlan import Pppoe

__all__ = ["build", "seal"]


def build(*parts: Layer | bytes) -> bytes:
    """The bytes of layers from the outermost to the innermost, then payload bytes if there are any.

    Raises:
        UsageError: TCP, UDP or ICMPv6 without an IP header in front, or a field out of range.
    """
    return b"".join(part if isinstance(part, bytes) else part.serialize() for part in seal(*parts))


def seal(*parts: Layer | bytes) -> list[Layer | bytes]:
    """The same layers as values, with lengths and checksums filled in.

    Raises:
        UsageError: TCP, UDP or ICMPv6 without an IP header in front, or a field out of range.
    """
    sealed: list[Layer | bytes] = []
    payload = b""
    for index in reversed(range(len(parts))):
        part = _seal(parts[index], payload, parts[:index])
        sealed.append(part)
        payload = (part if isinstance(part, bytes) else part.serialize()) + payload
    return sealed[::-1]


def _seal(part: Layer | bytes, payload: bytes, before: tuple[Layer | bytes, ...]) -> Layer | bytes:
    match part:
        case IPv4() | IPv6() | Pppoe() | Gre() | Icmp():
            return part.sealed(payload)
        case Tcp() | Udp() | Icmp6():
            around = next((each for each in reversed(before) if isinstance(each, IPv4 | IPv6)), None)
            if around is None:
                raise UsageError(f"{type(part).__name__} without an IP header in front: its checksum covers addresses")
            return part.sealed(payload, around.source, around.destination)
        case _:
            return part
