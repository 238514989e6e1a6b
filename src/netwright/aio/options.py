"""Socket options and peer credentials of a live stream, by the names of the ``socket`` module."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from netwright.core.errors import ClosedError, UsageError
from netwright.proto.stream import Credentials, Stream

__all__ = ["credentials_of", "get_option", "set_option"]

_CREDENTIALS = struct.Struct("3i")  # struct ucred, unix(7)


def get_option(stream: Stream, level: int | str, name: int | str, size: int) -> int | bytes:
    """Return the option's value: a number, or up to ``size`` bytes.

    Raises:
        UsageError: the stream has no socket, the option is unknown, or the kernel refused.
        ClosedError: the stream is closed.
    """
    numbers = _constant("level", level), _constant("option", name)
    with _socket(stream) as sock:
        try:
            return sock.getsockopt(*numbers, size) if size else sock.getsockopt(*numbers)
        except OSError as error:
            raise UsageError(f"get_option({level!r}, {name!r}) of {stream!r}: {error.strerror or error}") from error


def set_option(stream: Stream, level: int | str, name: int | str, value: int | bytes) -> None:
    """Set the option.

    Raises:
        UsageError, ClosedError: as ``get_option``.
    """
    numbers = _constant("level", level), _constant("option", name)
    with _socket(stream) as sock:
        try:
            sock.setsockopt(*numbers, value)
        except (OSError, TypeError, OverflowError) as error:
            words = getattr(error, "strerror", None) or error
            raise UsageError(f"set_option({level!r}, {name!r}, {value!r}) of {stream!r}: {words}") from error


def credentials_of(stream: Stream) -> Credentials:
    """Return the process at the other end.

    Raises:
        UsageError: the stream is no Unix socket, or the system does not tell.
        ClosedError: the stream is closed.
    """
    if stream.record.transport != "unix":
        raise UsageError(f"{stream!r} has no peer credentials", advice="use a Unix socket")
    found = get_option(stream, "SOL_SOCKET", "SO_PEERCRED", _CREDENTIALS.size)
    assert isinstance(found, bytes)
    return Credentials(*_CREDENTIALS.unpack(found))


def _constant(what: str, value: int | str) -> int:
    """Return the number of a name of the ``socket`` module."""
    found = getattr(socket, value, None) if isinstance(value, str) else value
    if not isinstance(found, int):
        advice = f"this system's socket module has no {value}" if isinstance(value, str) else "a name or a number"
        raise UsageError(f"socket {what} {value!r} is unknown", advice=advice)
    return found


@contextmanager
def _socket(stream: Stream) -> Iterator[socket.socket]:
    """A socket object on the descriptor of ``stream``, which keeps it."""
    if stream.closed:
        raise ClosedError(f"the connection to {stream.peer} is closed")
    descriptor = stream.fileno()
    if descriptor < 0 or stream.record.transport == "pipe":
        raise UsageError(f"{stream!r} has no socket of the kernel's", advice="only such a socket has options")
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)
    try:
        yield sock
    finally:
        sock.detach()
