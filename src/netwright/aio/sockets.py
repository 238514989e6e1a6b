"""Sockets with a Tuning applied; an option that the kernel lacks is skipped and named."""

import errno
import os
import select
import socket
import stat
from collections.abc import Iterator
from typing import Any

from netwright.core.address import Address, UnixAddress
from netwright.core.errors import TransportError
from netwright.core.tuning import Tuning

__all__ = ["BindError", "ListeningSocket", "apply", "hung_up", "listening", "new", "reset_on_close", "somaxconn"]

_FALLBACK_BACKLOG = 128


class BindError(TransportError):
    """The address cannot be listened on; ``address`` is the one that was asked for."""

    def __init__(self, address: Address, cause: OSError, *, advice: str = "") -> None:
        super().__init__(f"cannot listen on {address}: {cause.strerror or cause}", advice=advice)
        self.address = address
        self.errno = cause.errno


class ListeningSocket(socket.socket):
    """``accept`` that looks up no enum members, as socket.accept does for every connection it makes."""

    def __init__(self, family: int) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self.setblocking(False)
        self._accepted = int(family), int(socket.SOCK_STREAM), self.proto

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection and its peer's name; whether it blocks is the caller's to set."""
        fd, name = self._accept()  # type: ignore[attr-defined]  # what socket.accept is made of
        return socket.socket(*self._accepted, fileno=fd), name


def new(family: int) -> socket.socket:
    """A non-blocking stream socket."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    return sock


def _options(tuning: Tuning) -> Iterator[tuple[str, int, int | bytes]]:
    """Name, level and value of what TCP is asked for; the name is the constant's."""
    if tuning.nodelay:
        yield "TCP_NODELAY", socket.IPPROTO_TCP, 1
    if tuning.notsent_lowat:
        yield "TCP_NOTSENT_LOWAT", socket.IPPROTO_TCP, tuning.notsent_lowat
    if tuning.keepalive is not None:
        yield "SO_KEEPALIVE", socket.SOL_SOCKET, 1
        yield "TCP_KEEPIDLE", socket.IPPROTO_TCP, tuning.keepalive.idle
        yield "TCP_KEEPINTVL", socket.IPPROTO_TCP, tuning.keepalive.interval
        yield "TCP_KEEPCNT", socket.IPPROTO_TCP, tuning.keepalive.count
    if tuning.user_timeout:
        yield "TCP_USER_TIMEOUT", socket.IPPROTO_TCP, int(tuning.user_timeout * 1000)
    if tuning.congestion:
        yield "TCP_CONGESTION", socket.IPPROTO_TCP, tuning.congestion.encode()


def apply(sock: socket.socket, tuning: Tuning) -> list[str]:
    """Set the options of ``tuning``; the names of those that this system refused, [] as a rule.

    On Linux an accepted socket inherits them from its listener (tcp(7)): once per listener is enough.
    """
    if sock.family == getattr(socket, "AF_UNIX", None):
        return []
    refused = []
    for name, level, value in _options(tuning):
        option = getattr(socket, name, 25 if name == "TCP_NOTSENT_LOWAT" else None)  # 25: linux/tcp.h; 3.11 has no name
        try:
            sock.setsockopt(level, option, value)  # type: ignore[arg-type]
        except (OSError, TypeError):
            refused.append(name)
    return refused


def listening(family: int, sockaddr: Any, address: Address, tuning: Tuning) -> tuple[socket.socket, list[str]]:
    """A listening socket, and the options that were refused.

    Raises:
        BindError: the operating system refused; no socket is left.
    """
    sock = ListeningSocket(family)
    try:
        refused = apply(sock, tuning)
        if isinstance(address, UnixAddress):
            _remove_stale(address)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if tuning.reuse_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(sockaddr)
        sock.listen(tuning.backlog or somaxconn())
    except OSError as error:
        sock.close()
        advice = "another program listens there: choose another port, or 0 for a free one"
        raise BindError(address, error, advice=advice if error.errno == errno.EADDRINUSE else "") from error
    return sock, refused


def somaxconn() -> int:
    """The longest queue that the kernel allows (net.core.somaxconn)."""
    try:
        with open("/proc/sys/net/core/somaxconn") as file:
            return int(file.read())
    except (OSError, ValueError):
        return _FALLBACK_BACKLOG


def _remove_stale(address: UnixAddress) -> None:
    """Remove a socket file that nobody listens on any more."""
    if address.abstract or not os.path.exists(address.path) or not stat.S_ISSOCK(os.stat(address.path).st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        if probe.connect_ex(address.path) == errno.ECONNREFUSED:
            os.unlink(address.path)


def hung_up(descriptor: int) -> bool:
    """True if both directions are over, as after a reset behind the peer's FIN; False where poll(2) does not tell."""
    if descriptor < 0 or not hasattr(select, "poll"):
        return False
    poller = select.poll()
    poller.register(descriptor, 0)  # POLLHUP and POLLERR come unasked
    return bool(poller.poll(0))


def reset_on_close(sock: Any) -> None:
    """Make ``close`` send RST instead of FIN (SO_LINGER of 0 s, socket(7))."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
