"""Names to socket addresses, by the system's resolver; a literal address never leaves the loop's thread."""

import asyncio
import socket
from typing import Any, TypeAlias

from netwright.core.address import Address, InetAddress, UnixAddress, parse_address
from netwright.core.errors import UsageError

__all__ = ["Candidate", "as_address", "literal", "look_up", "resolve"]

Candidate: TypeAlias = tuple[int, Any]  # family and socket address


async def resolve(address: Address) -> list[Candidate]:
    """Where to listen for ``address``, in the resolver's order (RFC 6724 §6); "" is every local address.

    Raises:
        OSError: the resolver's answer (socket.gaierror).
    """
    found = literal(address, flags=socket.AI_PASSIVE)
    if found is None:
        assert isinstance(address, InetAddress)
        return await look_up(address.host, address.port, socket.AF_UNSPEC)
    return [found]


def literal(address: Address, *, flags: int = 0) -> Candidate | None:
    """The only candidate of an address that needs no lookup; None for a name."""
    if isinstance(address, UnixAddress):
        return socket.AF_UNIX, address.sockname
    try:
        found = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=flags | socket.AI_NUMERICHOST
        )
    except socket.gaierror:
        return None
    return found[0][0], found[0][4]


async def look_up(host: str, port: int, family: int) -> list[Candidate]:
    """Candidates of one family; a family that the name does not have is an empty answer.

    Raises:
        OSError: the resolver failed (socket.gaierror).
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_FAMILY and family != socket.AF_UNSPEC:
            return []
        raise
    return [(family, sockaddr) for family, _, _, _, sockaddr in found]


_NO_SUCH_FAMILY = {getattr(socket, name, 0) for name in ("EAI_ADDRFAMILY", "EAI_NODATA", "EAI_FAMILY")}


def as_address(address: Address | str | tuple[str, int]) -> Address:
    """Any of the forms that verbs take, as an address."""
    if isinstance(address, str):
        return parse_address(address)
    if isinstance(address, tuple):
        address = InetAddress(*address)
    if isinstance(address, InetAddress) and not 0 <= address.port <= 65535:  # the resolver would wrap it
        raise UsageError(f"port {address.port} of {address}, 0 to 65535 allowed")
    return address
