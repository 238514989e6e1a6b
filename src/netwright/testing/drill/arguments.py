"""Convert the arguments of a call in a script: to numbers, names, sizes and sockets."""

from collections.abc import Mapping, Sequence

from netwright.proto.tcp.endpoint import Endpoint
from netwright.testing.drill.host import Host, Socket
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.values import Argument, Names

__all__ = ["connected", "entry", "is_null", "message_size", "number", "socket_of", "symbols"]


def symbols(argument: Argument) -> set[str]:
    """Names joined with ``|``."""
    return set(argument.text.split("|")) if isinstance(argument, Names) else set()


def is_null(arguments: Sequence[Argument], index: int) -> bool:
    """True if the argument is a null pointer."""
    return len(arguments) > index and (symbols(arguments[index]) == {"NULL"} or isinstance(arguments[index], int))


def number(argument: Argument, otherwise: int = 0) -> int:
    """A number, or the first of a list."""
    if isinstance(argument, list):
        return number(argument[0], otherwise) if argument else otherwise
    return argument if isinstance(argument, int) else otherwise


def entry(argument: Argument, name: str) -> Argument:
    """Return a field of ``{name = value}``; 0 if it is absent."""
    return argument.get(name, 0) if isinstance(argument, Mapping) else 0


def socket_of(host: Host, arguments: Sequence[Argument]) -> Socket:
    """Return the socket whose descriptor is the first argument."""
    descriptor = arguments[0] if arguments else None
    if not isinstance(descriptor, int) or descriptor not in host.sockets:
        raise UnsupportedError(f"descriptor {descriptor!r} is not an open socket")
    return host.sockets[descriptor]


def connected(host: Host, arguments: Sequence[Argument]) -> tuple[Socket, Endpoint]:
    """Return the socket of the first argument, and its endpoint."""
    sock = socket_of(host, arguments)
    if sock.endpoint is None:
        raise UnsupportedError("call on a socket that was never connected")
    return sock, sock.endpoint


def message_size(message: Argument) -> int:
    """Bytes of a msghdr or of an iovec array: the numbers of its entries."""
    if isinstance(message, Mapping):
        vectors = next((value for name, value in message.items() if name.startswith("msg_iov(")), None)
        return message_size(vectors) if vectors is not None else 0
    if isinstance(message, list):
        return sum(
            number(item[1]) if isinstance(item, list) and len(item) == 2 else message_size(item) for item in message
        )
    return 0
