"""The kernel's own table of TCP connections, by inet_diag (sock_diag(7)): no root needed, Linux only."""

import socket
import sys
from collections.abc import Iterator

from netwright.core.errors import ProtocolError, TransportError
from netwright.wire.inet_diag import DiagAttribute, DiagEnd, DiagSocket, dump_request, parse_diag, states_mask
from netwright.wire.tcp_info import TcpState

__all__ = ["tcp_connections"]

NETLINK_SOCK_DIAG = 4  # linux/netlink.h
RECEIVE = 256 * 1024  # bytes of one answer; the kernel fills what it is given, up to 32 KiB
_STATES = states_mask([state for state in TcpState if state not in (TcpState.LISTEN, TcpState.TIME_WAIT)])
_EXTENSIONS = (DiagAttribute.INFO, DiagAttribute.CONGESTION)


def tcp_connections(*, timeout: float = 2.0) -> list[DiagSocket]:
    """Every TCP connection of this network namespace, IPv4 first; listeners and TIME_WAIT are left out.

    Args:
        timeout: seconds to wait for each part of the answer.

    Raises:
        TransportError: this system has no inet_diag, or it does not answer.
    """
    if sys.platform != "linux":
        raise TransportError(f"no inet_diag on {sys.platform}", reference="sock_diag(7)")
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
            netlink.settimeout(timeout)
            return [*_dump(netlink, socket.AF_INET), *_dump(netlink, socket.AF_INET6)]
    except (OSError, ProtocolError) as error:
        raise TransportError(f"inet_diag failed: {error}", advice="modprobe tcp_diag") from error


def _dump(netlink: socket.socket, family: int) -> Iterator[DiagSocket]:
    netlink.send(dump_request(family, states=_STATES, extensions=_EXTENSIONS))
    while True:
        for message in parse_diag(netlink.recv(RECEIVE)):
            match message.content:
                case DiagEnd(0):
                    return
                case DiagEnd(errno):
                    raise OSError(errno, f"dump of family {family} refused")
                case DiagSocket() as found:
                    yield found
