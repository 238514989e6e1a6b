"""The kernel's sockets as handles, with a Tuning applied: what the native and the portable engine have in common."""

import asyncio
import errno
import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from netwright._native import enabled
from netwright.aio import unix_path
from netwright.aio.engine import Handle, ListeningHandle
from netwright.core.address import Address, InetAddress, UnixAddress, from_sockname
from netwright.core.errors import TransportError, UsageError
from netwright.core.tuning import Tuning

__all__ = [
    "BindError",
    "SocketHandle",
    "SocketListener",
    "accept",
    "adopted",
    "apply",
    "connected",
    "hung_up",
    "listening",
    "name_of",
    "reset_on_close",
    "sockaddr_of",
    "socket_of",
    "somaxconn",
]

_FALLBACK_BACKLOG = 128
_FULL_BACKLOG_RETRY = 0.01  # a Unix listener with a full backlog answers EAGAIN, and nothing tells when it is over
_LEVELS = (socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.IPPROTO_IPV6)
_NOTSENT_LOWAT = 25  # linux/tcp.h; Python 3.11 has no name for it


class BindError(TransportError):
    """The address cannot be listened on; ``address`` is the one that was given."""

    def __init__(self, address: Address, cause: OSError, *, advice: str = "") -> None:
        super().__init__(f"cannot listen on {address}: {cause.strerror or cause}", advice=advice)
        self.address = address
        self.errno = cause.errno


class SocketHandle(Handle):
    """A connected socket, not blocking: a descriptor, which the handle takes from a socket object."""

    __slots__ = ("_fd", "peer", "refused")

    def __init__(self, sock: socket.socket | int, peer: Address, refused: tuple[str, ...] = ()) -> None:
        self._fd = sock if isinstance(sock, int) else sock.detach()
        self.peer, self.refused = peer, refused

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SocketHandle {self.descriptor} {self.peer}>"

    @property
    def descriptor(self) -> int | None:
        """The kernel's number; None once closed or released."""
        return None if self._fd < 0 else self._fd

    @property
    def local(self) -> Address:
        """This side's address."""
        with socket_of(os.dup(self._fd), self.peer) as sock:
            return name_of(sock.getsockname())

    def detach(self) -> int:
        """The descriptor, which is the caller's from now on."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return fd

    def release(self) -> socket.socket:
        """Give up the handle: return its descriptor as a socket object."""
        return socket_of(self.detach(), self.peer)

    def close(self, *, reset: bool = False) -> None:
        """Send FIN, or RST with ``reset``."""
        if self._fd >= 0:
            with self.release() as sock:
                if reset:
                    reset_on_close(sock)


class SocketListener(ListeningHandle):
    """A listening socket, not blocking; on a Unix path it removes its own file, and no other, when it closes.

    Attributes:
        watch: what an engine keeps to be woken; it is closed before the socket.
    """

    def __init__(
        self,
        sock: socket.socket,
        address: Address,
        refused: tuple[str, ...] = (),
        *,
        file: unix_path.Identity | None = None,
    ) -> None:
        self._sock, self._file = sock, file
        self.address, self.refused = address, refused
        self.watch: Any = None

    def __repr__(self) -> str:
        return f"<SocketListener {self.descriptor} {self.address}>"

    @property
    def descriptor(self) -> int | None:
        """The kernel's number; None once closed."""
        number = self._sock.fileno()
        return None if number < 0 else number

    def take(self) -> SocketHandle | None:
        """The next connection of the accept queue; None if the queue is empty."""
        return accept(self._sock)

    def close(self) -> None:
        """Remove the socket's file if it is still this socket's, then close."""
        if self.watch is not None:
            self.watch.close()
        if self._file is not None and self._sock.fileno() >= 0:
            unix_path.remove(self._file)
        self._sock.close()


def socket_of(descriptor: int, peer: Address) -> socket.socket:
    """A socket object on a connected descriptor; without a system call for its family, and with protocol 0.

    asyncio sets TCP_NODELAY on sockets whose protocol says TCP: here the Tuning has decided that.
    """
    if isinstance(peer, UnixAddress):
        family = socket.AF_UNIX
    else:
        family = socket.AF_INET6 if ":" in peer.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, 0, fileno=descriptor)
    sock.setblocking(False)
    return sock


def accept(listening: socket.socket) -> SocketHandle | None:
    """The next connection of an accept queue; None if the queue is empty.

    Raises:
        OSError: what accept(2) reports.
    """
    try:
        accepted, name = listening.accept()
    except BlockingIOError:
        return None
    accepted.setblocking(False)
    return SocketHandle(accepted, name_of(name))


def name_of(sockname: Any) -> Address:
    """A socket's name as an address; an IPv6 scope becomes its interface's name."""
    if len(sockname) == 4 and isinstance(sockname, tuple) and sockname[3]:
        try:
            interface = socket.if_indextoname(sockname[3])
        except OSError:
            return from_sockname(sockname)
        return InetAddress(f"{sockname[0].partition('%')[0]}%{interface}", sockname[1])
    return from_sockname(sockname)


def sockaddr_of(address: Address) -> tuple[int, Any]:
    """The family and socket address of a Unix path or an IP address.

    Raises:
        OSError: the host is a name (socket.gaierror).
    """
    if isinstance(address, UnixAddress):
        return socket.AF_UNIX, address.sockname
    with suppress(OSError, ValueError):
        socket.inet_pton(socket.AF_INET, address.host)  # four decimal numbers, nothing else (inet_pton(3))
        return socket.AF_INET, (address.host, address.port)  # as getaddrinfo returns them, at 1/50 of its time
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return found[0][0], found[0][4]


def _new(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    return sock


# options


def _options(tuning: Tuning) -> Iterator[tuple[str, int, int | bytes]]:
    """Return (name, level, option, value) of the TCP options of ``tuning``; the name is the constant's."""
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


def apply(sock: socket.socket, tuning: Tuning) -> tuple[str, ...]:
    """Set the options of ``tuning``; the names of those that this system refused, () as a rule.

    On Linux an accepted socket inherits them from its listener (tcp(7)): once per listener is enough.

    Raises:
        OSError: one of ``tuning.options`` was refused.
    """
    refused: list[str] = []
    if sock.family != getattr(socket, "AF_UNIX", None):
        for name, level, value in _options(tuning):
            option = getattr(socket, name, _NOTSENT_LOWAT if name == "TCP_NOTSENT_LOWAT" else None)
            try:
                sock.setsockopt(level, option, value)  # type: ignore[arg-type]
            except (OSError, TypeError):
                refused.append(name)
    for level, option, value in tuning.options:
        try:
            sock.setsockopt(level, option, value)
        except OSError as error:
            name = _option_name(level, option)
            raise _refusal(error.errno, f"{name}={value!r} of Tuning.options: {error.strerror}") from error
    return tuple(refused)


def _refusal(number: int | None, words: str) -> TransportError:
    error = TransportError(words)
    error.errno = number
    return error


def _option_name(level: int, option: int) -> str:
    """The constants' names, where Python has them."""
    prefixes = dict(zip(_LEVELS, ("SO_", "TCP_", "IP_", "IPV6_"), strict=True))
    prefix = prefixes.get(level)
    names = [name for name in dir(socket) if prefix and name.startswith(prefix) and getattr(socket, name) == option]
    return names[0] if names else f"option {option} at level {level}"


# listening


def listening(address: Address, tuning: Tuning) -> SocketListener:
    """Listen on an IP address or a Unix path.

    Raises:
        BindError: the operating system refused; no socket is left.
    """
    sock: socket.socket | None = None
    try:
        family, sockaddr = sockaddr_of(address)
        sock = _new(family)
        refused = apply(sock, tuning)
        file = None
        if isinstance(address, UnixAddress):
            file = unix_path.bind(sock, address, tuning.unix_mode)
        else:
            _bind(sock, sockaddr, tuning)
        sock.listen(tuning.backlog or somaxconn())
        real = address if isinstance(address, UnixAddress) else name_of(sock.getsockname())
    except OSError as error:
        if sock is not None:
            sock.close()
        raise BindError(address, error, advice=_advice(address, error)) from error
    return SocketListener(sock, real, refused, file=file)


def _bind(sock: socket.socket, sockaddr: Any, tuning: Tuning) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if tuning.reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if sock.family == socket.AF_INET6:  # its IPv4 is another socket's
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(sockaddr)


def _advice(address: Address, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE and isinstance(address, UnixAddress):
        return unix_path.advice(address)
    if error.errno == errno.EADDRINUSE:
        return "another program listens there: choose another port, or 0 for a free one"
    if error.errno == errno.EMFILE:
        return "this process has reached its limit of open descriptors (ulimit -n): raise it, or close some"
    return ""


def adopted(sock: socket.socket, tuning: Tuning) -> SocketListener:
    """A handle on a socket that was bound elsewhere; it becomes non-blocking, listens, and is the handle's.

    A Unix socket's file stays when it closes: who made it removes it.

    Raises:
        UsageError: the socket is closed, not bound, or not one of a stream.
        OSError: an option of ``tuning.options`` was refused.
    """
    if sock.fileno() < 0:
        raise UsageError("a closed socket cannot be listened on")
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) != socket.SOCK_STREAM:
        raise UsageError(f"{sock!r} is not a stream socket", advice="listen on one of type SOCK_STREAM")
    address = name_of(sock.getsockname())
    if isinstance(address, InetAddress) and not address.port:
        raise UsageError(f"{sock!r} is not bound", advice="bind it first, or pass an address")
    sock.setblocking(False)
    refused = apply(sock, tuning)
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.listen(tuning.backlog or somaxconn())
    return SocketListener(sock, address, refused)


def somaxconn() -> int:
    """The longest queue that the kernel allows (net.core.somaxconn)."""
    try:
        with open("/proc/sys/net/core/somaxconn") as file:
            return int(file.read())
    except (OSError, ValueError):
        return _FALLBACK_BACKLOG


# connecting


async def connected(
    loop: asyncio.AbstractEventLoop, address: Address, tuning: Tuning, local: Address | None
) -> SocketHandle:
    """Connect to an IP address or a Unix path; no socket is left open if this raises or is cancelled.

    Raises:
        OSError: nobody answered, or the system refused.
    """
    family, sockaddr = sockaddr_of(address)
    sock = _new(family)
    try:
        refused = apply(sock, tuning)
        if local is not None:
            _bind_local(sock, local)
        if isinstance(address, UnixAddress):
            await _connect_unix(sock, sockaddr)
        else:
            await loop.sock_connect(sock, sockaddr)
    except BaseException:
        sock.close()
        raise
    return SocketHandle(sock, address, refused)


def _bind_local(sock: socket.socket, local: Address) -> None:
    family, sockaddr = sockaddr_of(local)
    if family != sock.family:
        raise _refusal(errno.EAFNOSUPPORT, f"local={local} is of another family")
    sock.bind(sockaddr)


async def _connect_unix(sock: socket.socket, path: str) -> None:
    while True:
        try:
            sock.connect(path)
        except BlockingIOError:
            await asyncio.sleep(_FULL_BACKLOG_RETRY)
        else:
            return


# what a pipe needs of its descriptor


def hung_up(descriptor: int, *, by_fin: bool = False) -> bool:
    """True if both directions are over, as after a reset; with ``by_fin`` also if the peer has ended its own.

    Bytes stay where they are.  False where poll(2) does not tell: the end of one direction is Linux's (POLLRDHUP).
    """
    if descriptor < 0 or not hasattr(select, "poll"):
        return False
    poller = select.poll()
    poller.register(descriptor, getattr(select, "POLLRDHUP", 0) if by_fin else 0)  # POLLHUP, POLLERR come unasked
    return bool(poller.poll(0))


def reset_on_close(sock: Any) -> None:
    """Make ``close`` send RST instead of FIN (SO_LINGER of 0 s, socket(7))."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


if enabled("netwright.aio._sockets"):
    from netwright.aio._sockets import SocketHandle, accept  # type: ignore[assignment]
