"""Names to socket addresses, by the system's resolver; a literal address never leaves the loop's thread."""

import asyncio
import socket
from typing import Any, TypeAlias

from netwright.core.address import Address, InetAddress, UnixAddress, parse_address

__all__ = ["Candidate", "as_address", "resolve"]

Candidate: TypeAlias = tuple[int, Any]  # family and socket address


async def resolve(address: Address, *, passive: bool = False) -> list[Candidate]:
    """Where ``address`` may be, in the resolver's order (RFC 6724 §6); ``passive`` is for listening.

    Raises:
        OSError: the resolver's answer (socket.gaierror).
    """
    if isinstance(address, UnixAddress):
        return [(socket.AF_UNIX, address.sockname)]
    flags = socket.AI_PASSIVE if passive else 0
    host = address.host or (None if passive else "localhost")
    try:
        found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM, flags=flags | socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, address.port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, sockaddr) for family, _, _, _, sockaddr in found]


def as_address(address: Address | str | tuple[str, int]) -> Address:
    """Any of the forms that verbs take, as an address."""
    if isinstance(address, str):
        return parse_address(address)
    if isinstance(address, tuple):
        return InetAddress(*address)
    return address
