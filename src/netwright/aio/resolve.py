"""Names to addresses, by the system's resolver; a literal address never leaves the loop's thread."""

import asyncio
import socket
from typing import TypeAlias

from netwright.aio.sockets import name_of, sockaddr_of
from netwright.core.address import Address, InetAddress, UnixAddress, check_address, from_sockname, parse_address
from netwright.core.errors import UsageError

__all__ = ["AddressLike", "as_address", "literal", "look_up", "resolve"]

AddressLike: TypeAlias = Address | str | tuple[str, int] | tuple[str, int, int, int]  # what verbs take
EVERY_ADDRESS = ("0.0.0.0", "::")


async def resolve(address: Address) -> list[Address]:
    """Where to listen for ``address``: every address of a name, "" is every local address of both families.

    Raises:
        OSError: the resolver's answer (socket.gaierror).
    """
    if isinstance(address, InetAddress) and not address.host:
        return [InetAddress(host, address.port) for host in EVERY_ADDRESS]
    found = literal(address)
    return [found] if found is not None else await look_up(address.host, address.port, socket.AF_UNSPEC)


def literal(address: Address) -> Address | None:
    """Return ``address`` in its usual form if it needs no lookup; None for a name."""
    if isinstance(address, UnixAddress):
        return address
    try:
        return name_of(sockaddr_of(address)[1])
    except (OSError, ValueError):  # the latter: what no name can be
        return None


async def look_up(host: str, port: int, family: int) -> list[Address]:
    """Addresses of one family, or of both; a family that the name does not have is an empty answer.

    Raises:
        OSError: the resolver failed (socket.gaierror), or ``host`` can be no name.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_FAMILY and family != socket.AF_UNSPEC:
            return []
        raise
    except ValueError as error:  # UnicodeError of the idna codec, a NUL
        raise socket.gaierror(socket.EAI_NONAME, f"not a host name (RFC 1034 §3.1): {error}") from error
    return list(dict.fromkeys(name_of(sockaddr) for _, _, _, _, sockaddr in found))


_NO_SUCH_FAMILY = {getattr(socket, name, 0) for name in ("EAI_ADDRFAMILY", "EAI_NODATA", "EAI_FAMILY")}


def as_address(address: AddressLike) -> Address:
    """Convert any form of address that the verbs accept into one that a socket can have.

    Raises:
        UsageError: it is of another type, or out of range.
    """
    given: object = address  # a caller without a type checker gives anything
    match given:
        case str():
            found = parse_address(given)
        case (str(host), int(port)):
            found = InetAddress(host, port)
        case (str(), int(), int(), int()):
            found = from_sockname(given)
        case InetAddress() | UnixAddress():
            found = given
        case _:
            kind = type(given).__name__
            raise UsageError(f"{given!r} ({kind}) is not an address", advice='write "host:port" or ("host", port)')
    check_address(found)
    return found
