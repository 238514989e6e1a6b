"""Descriptors that travel with the bytes of a Unix socket (SCM_RIGHTS, unix(7))."""

import array
import errno
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from netwright.core.errors import ClosedError, UsageError
from netwright.proto.stream import READ, Stream

__all__ = ["MOST", "check_passing", "close_all", "receive_passed", "send_passed"]

MOST = 253  # descriptors of one message: SCM_MAX_FD, include/net/scm.h
_WIDTH = array.array("i").itemsize
_CLOSE_ON_EXEC: int = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_CALLERS = {  # what sendmsg reports about the descriptors, not about the connection
    errno.EBADF: "one of them is not open",
    errno.ETOOMANYREFS: "too many are under way to processes that did not receive them yet",
}


def check_passing(stream: Stream, data: object = b"x", fds: Sequence[object] = (0,), *, wrapped: bool = False) -> None:
    """Refuse what cannot be passed.

    Raises:
        UsageError: the stream is no Unix socket, or its bytes may not bypass the channel in which it is ``wrapped``, or
            the arguments are no message.
        ClosedError: the stream is closed.
    """
    if wrapped or stream.record.transport != "unix" or (not stream.closed and stream.fileno() < 0):
        raise UsageError(f"{stream!r} passes no descriptors", advice="use a Unix socket")
    if stream.closed:
        raise ClosedError(f"the connection to {stream.peer} is closed")
    if not isinstance(data, bytes) or not data:
        raise UsageError(f"send_fds data={data!r}, 1 or more bytes allowed", advice="descriptors travel with a byte")
    if not 1 <= len(fds) <= MOST or not all(isinstance(fd, int) and fd >= 0 for fd in fds):
        raise UsageError(f"send_fds of {fds!r}, 1 to {MOST} descriptors allowed")


def send_passed(descriptor: int, data: bytes | memoryview, fds: Sequence[int]) -> int:
    """Send what there is room for, and all of ``fds`` with it; 0 if there is no room.

    Raises:
        UsageError: the kernel refused ``fds``.
        OSError: the connection is broken.
    """
    with _socket(descriptor) as sock:
        try:
            return sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            words = _CALLERS.get(error.errno or 0)
            if words is None:
                raise
            raise UsageError(f"send_fds of {list(fds)}: {words}") from error


def receive_passed(descriptor: int, size: int) -> tuple[bytes, list[int]] | None:
    """Receive up to ``size`` bytes, at most ``READ``, and the descriptors that came with them; None if nothing is here.

    Raises:
        OSError: the connection is broken.
    """
    with _socket(descriptor) as sock:
        try:
            data, messages, _, _ = sock.recvmsg(min(size, READ), socket.CMSG_SPACE(MOST * _WIDTH), _CLOSE_ON_EXEC)
        except (BlockingIOError, InterruptedError):
            return None
    fds = array.array("i")
    for level, kind, content in messages:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[: len(content) - len(content) % _WIDTH])
    if not _CLOSE_ON_EXEC:
        for fd in fds:
            os.set_inheritable(fd, False)
    return data, list(fds)


def close_all(fds: Iterable[int]) -> None:
    """Close descriptors that nobody wants."""
    for fd in fds:
        os.close(fd)


@contextmanager
def _socket(descriptor: int) -> Iterator[socket.socket]:
    """A socket object on a descriptor that another object owns."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=descriptor)
    try:
        yield sock
    finally:
        sock.detach()
