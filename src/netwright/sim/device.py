"""A TUN device: IP packets between this network namespace's kernel and a program (tun(4)).

Linux only; needs CAP_NET_ADMIN.  It is configured by netlink (rtnetlink(7)): no program is called.
"""

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Interface, IPv6Interface, ip_interface, ip_network

from netwright.core.errors import TransportError

__all__ = ["Device"]

_PATH = "/dev/net/tun"
_SET_INTERFACE = 0x400454CA  # TUNSETIFF
_TUN, _NO_PACKET_INFORMATION = 0x0001, 0x1000
_NEW_LINK, _NEW_ADDRESS, _NEW_ROUTE, _ERROR = 16, 20, 24, 2
_REQUEST, _ACK, _REPLACE, _CREATE = 0x1, 0x4, 0x100, 0x400
_UP = 1
_IFLA_MTU, _IFA_ADDRESS, _IFA_LOCAL, _RTA_DESTINATION, _RTA_INTERFACE = 4, 1, 2, 1, 4
_NO_DETECTION = 0x02  # IFA_F_NODAD: a point-to-point link has no duplicate addresses (RFC 4862 §5.4)
_MAIN_TABLE, _STATIC, _ON_LINK, _UNICAST = 254, 4, 253, 1
_MESSAGE = struct.Struct("=IHHII")  # length, type, flags, sequence number, port


class Device:
    """A device that is up as long as this object is open.

    Args:
        addresses: the kernel's, with the prefix that lies behind the device: "10.9.0.1/24", "fd00::1/64".
        name: of the interface, "" lets the kernel choose; ``name`` is then what it chose.
        mtu: largest packet.
        routes: further networks that lie behind the device.

    Raises:
        TransportError: the kernel refused; ``advice`` names what is missing.
    """

    def __init__(
        self, addresses: Sequence[str] = (), *, name: str = "", mtu: int = 1500, routes: Sequence[str] = ()
    ) -> None:
        interfaces = [ip_interface(text) for text in addresses]
        self.mtu, self.errors = mtu, 0
        self.networks = [interface.network for interface in interfaces] + [ip_network(text) for text in routes]
        self._fd, self.name = _open(name)
        try:
            self._configure(interfaces, routes)
        except OSError as error:
            self.close()
            raise TransportError(f"{self.name}: {error.strerror}", advice=_advice(error)) from error

    def __repr__(self) -> str:
        return f"<Device {self.name} {' '.join(map(str, self.networks))} mtu={self.mtu}>"

    def fileno(self) -> int:
        """The descriptor, for a selector; -1 once closed."""
        return self._fd

    def read(self) -> bytes | None:
        """The next packet that the kernel sends, None if there is none now.

        Raises:
            OSError: the device was removed.
        """
        try:
            return os.read(self._fd, 65536)
        except BlockingIOError:
            return None

    def write(self, packet: bytes) -> None:
        """Pass a packet to the kernel; one that it refuses is lost, as on any network, and counted in ``errors``."""
        try:
            os.write(self._fd, packet)
        except OSError:
            self.errors += 1

    def close(self) -> None:
        """Remove the device.  Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _configure(self, interfaces: Sequence[IPv4Interface | IPv6Interface], routes: Sequence[str]) -> None:
        index = socket.if_nametoindex(self.name)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
            link = struct.pack("=BxHiII", 0, 0, index, _UP, _UP)
            _ask(netlink, _NEW_LINK, 0, link + _attribute(_IFLA_MTU, struct.pack("=I", self.mtu)))
            for interface in interfaces:
                family, size = _family(interface.version), interface.network.prefixlen
                body = struct.pack("=BBBBI", family, size, _NO_DETECTION if interface.version == 6 else 0, 0, index)
                packed = interface.ip.packed
                body += _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed)
                _ask(netlink, _NEW_ADDRESS, _CREATE | _REPLACE, body)
            for network in map(ip_network, routes):
                kind = (_MAIN_TABLE, _STATIC, _ON_LINK, _UNICAST, 0)
                body = struct.pack("=8BI", _family(network.version), network.prefixlen, 0, 0, *kind)
                body += _attribute(_RTA_DESTINATION, network.network_address.packed)
                body += _attribute(_RTA_INTERFACE, struct.pack("=I", index))
                _ask(netlink, _NEW_ROUTE, _CREATE | _REPLACE, body)


def _open(name: str) -> tuple[int, str]:
    try:
        fd = os.open(_PATH, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise TransportError(f"{_PATH}: {error.strerror}", advice=_advice(error)) from error
    try:
        request = struct.pack("16sH22x", name.encode(), _TUN | _NO_PACKET_INFORMATION)
        answer = fcntl.ioctl(fd, _SET_INTERFACE, request)
    except OSError as error:
        os.close(fd)
        raise TransportError(f"TUN device {name!r}: {error.strerror}", advice=_advice(error)) from error
    return fd, answer[:16].rstrip(b"\0").decode()


def _advice(error: OSError) -> str:
    if error.errno in (errno.EPERM, errno.EACCES):
        return "it needs CAP_NET_ADMIN: root, or a network namespace of its own"
    return "the kernel has no TUN device here" if error.errno in (errno.ENOENT, errno.ENODEV) else ""


def _family(version: int) -> int:
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _ask(netlink: socket.socket, kind: int, flags: int, body: bytes) -> None:
    """Send one request and wait for its acknowledgement; the kernel answers before ``send`` returns."""
    netlink.send(_MESSAGE.pack(_MESSAGE.size + len(body), kind, _REQUEST | _ACK | flags, 1, 0) + body)
    answer = netlink.recv(65536)
    _, kind, _, _, _ = _MESSAGE.unpack_from(answer)
    (code,) = struct.unpack_from("=i", answer, _MESSAGE.size)
    if kind == _ERROR and code:
        raise OSError(-code, os.strerror(-code))
