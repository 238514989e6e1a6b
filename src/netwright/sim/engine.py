"""An engine of ``aio`` on a stack: streams, listeners and whatever is built of them run over our own TCP."""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, TypeAlias

from netwright.aio.deadlines import Ticker
from netwright.aio.engine import Engine
from netwright.aio.limits import Limits
from netwright.aio.pipe import Pipe
from netwright.aio.sockets import BindError, apply
from netwright.aio.stream import Stream
from netwright.core.address import Address, InetAddress
from netwright.core.errors import LimitError, UsageError
from netwright.core.record import ConnectionRecord, Recorder
from netwright.core.tuning import KeepAlive, Tuning
from netwright.proto.tcp.congestion.registry import control_names
from netwright.proto.tcp.events import End
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.sim.driver import Driver
from netwright.sim.info import pack_info
from netwright.sim.stack import Connection, Port
from netwright.sim.transport import StackTransport, os_error

__all__ = ["StackEngine", "StackSocket"]

Network: TypeAlias = IPv4Network | IPv6Network


class StackSocket(socket.socket):
    """What a verb holds before there is a stream: a socket without a descriptor, on a stack.

    ``fileno`` is 0 while it is open, -1 afterwards: nobody may select on it.
    """

    def __init__(self, driver: Driver, family: int) -> None:
        self._driver, self._family = driver, family
        self.settings = Settings()
        self.connection: Connection | None = None
        self.port: Port | None = None
        self._bound: tuple[str, int] | None = None
        self._open, self._resets = True, False
        self._closed, self._io_refs = False, 0  # what socket.socket.__init__ would have made

    def __repr__(self) -> str:
        return f"<StackSocket {self.connection or self.port or 'fresh'!r}>"

    @property
    def family(self) -> socket.AddressFamily:
        """AF_INET or AF_INET6."""
        return socket.AddressFamily(self._family)

    def fileno(self) -> int:
        """Only a sign of life."""
        return 0 if self._open else -1

    def setblocking(self, flag: bool, /) -> None:
        """It never blocks."""

    def bind(self, address: Any, /) -> None:
        """Where to connect from."""
        self._bound = address[0], address[1]

    def getsockname(self) -> Any:
        """This side's address, as the kernel would give it."""
        if self.port is not None:
            return self._name(str(ip_address(self.port.address)), self.port.number)
        if self.connection is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._name(self.connection.local.host, self.connection.local.port)

    def getpeername(self) -> Any:
        """The other side's."""
        if self.connection is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._name(self.connection.peer.host, self.connection.peer.port)

    def _name(self, host: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
        return (host, port) if self._family == socket.AF_INET else (host, port, 0, 0)

    def setsockopt(self, level: int, option: int, value: Any, length: Any = None, /) -> None:
        """The options that ``Settings`` knows; before the connection is made.

        Raises:
            OSError: the option's value is not one; others are taken for set.
        """
        if (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER):
            self._resets = True
        elif (level, option) == (socket.SOL_SOCKET, socket.SO_KEEPALIVE):
            self.settings = replace(self.settings, keepalive=KeepAlive(7200, 75, 9) if value else None)
        elif level == socket.IPPROTO_TCP:
            change = _OPTIONS.get(option)
            if change is not None:
                self.settings = change(self.settings, value)

    def getsockopt(self, level: int, option: int, length: int = 0, /) -> Any:
        """struct tcp_info of the connection.

        Raises:
            OSError: any other option.
        """
        if self.connection is None or (level, option) != (socket.IPPROTO_TCP, _TCP_INFO):
            raise OSError(errno.ENOPROTOOPT, os.strerror(errno.ENOPROTOOPT))
        return pack_info(self.connection.endpoint, self._driver.now())

    def open_connection(self, sockaddr: Any) -> Connection:
        """Send SYN.

        Raises:
            OSError: the stack has no way there, or no room.
        """
        source, port = self._bound or (None, 0)
        try:
            self.connection = self._driver.stack.connect(
                sockaddr[0], sockaddr[1], self._driver.now(), source=source, source_port=port, settings=self.settings
            )
        except UsageError as error:
            raise OSError(errno.EADDRNOTAVAIL, str(error)) from error
        except LimitError as error:
            raise OSError(errno.ENOBUFS, str(error)) from error
        self._driver.flush()
        return self.connection

    def detach(self) -> int:
        """A stream owns the connection now."""
        self._open = False
        return -1

    def close(self) -> None:
        """Give the connection or the port back."""
        if not self._open:
            return
        self._open = False
        now = self._driver.now()
        if self.port is not None:
            self.port.told = None
            self.port.close(now)
        elif self.connection is not None:
            self.connection.told = None
            if self._resets:
                self.connection.abort(now)
            else:
                self.connection.close(now)
        self._driver.flush()


_TCP_INFO = 11  # linux/tcp.h; other systems have no name for it


def _congestion(settings: Settings, value: Any) -> Settings:
    name = bytes(value).rstrip(b"\0").decode()
    if name not in control_names():
        raise OSError(errno.ENOENT, f"congestion control {name!r}, {', '.join(control_names())} allowed")
    return replace(settings, congestion=name)


def _probe(name: str) -> Callable[[Settings, Any], Settings]:
    def change(settings: Settings, value: Any) -> Settings:
        return replace(settings, keepalive=replace(settings.keepalive or KeepAlive(), **{name: int(value)}))

    return change


_OPTIONS: dict[int, Callable[[Settings, Any], Settings]] = {
    socket.TCP_NODELAY: lambda settings, value: replace(settings, nodelay=bool(value)),
    socket.TCP_KEEPINTVL: _probe("interval"),
    socket.TCP_KEEPCNT: _probe("count"),
}
if sys.platform == "linux":
    _OPTIONS |= {
        socket.TCP_KEEPIDLE: _probe("idle"),
        socket.TCP_CONGESTION: _congestion,
        socket.TCP_USER_TIMEOUT: lambda settings, value: replace(settings, user_timeout=value / 1000 or None),
    }


class StackEngine:
    """See ``Engine``.  Addresses in ``networks`` are reached over the stack, everything else by ``base``.

    A listener is the stack's if it names an address of the stack; "every address" is every one of the kernel's.
    """

    name = "stack"

    def __init__(self, driver: Driver, networks: Sequence[Network], base: Engine) -> None:
        self._driver, self._networks, self._base = driver, list(networks), base
        self._ticker = Ticker(driver.loop)

    def __repr__(self) -> str:
        return f"<StackEngine {self._driver!r} beside {self._base!r}>"

    def now(self) -> float:
        """The loop's clock."""
        return self._base.now()

    def _is_ours(self, sockaddr: Any) -> bool:
        return ip_address(sockaddr[0]).packed in self._driver.stack.addresses

    def new_socket(self, family: int, sockaddr: Any) -> socket.socket:
        """The stack's where the address lies behind it."""
        if family in (socket.AF_INET, socket.AF_INET6):
            address = ip_address(sockaddr[0])
            if any(address in network for network in self._networks) and not self._is_ours(sockaddr):
                return StackSocket(self._driver, family)
        return self._base.new_socket(family, sockaddr)

    def listening_socket(
        self, family: int, sockaddr: Any, address: Address, tuning: Tuning
    ) -> tuple[socket.socket, list[str]]:
        """The stack's where the address is one of its own."""
        if family not in (socket.AF_INET, socket.AF_INET6) or not self._is_ours(sockaddr):
            return self._base.listening_socket(family, sockaddr, address, tuning)
        assert isinstance(address, InetAddress)
        sock = StackSocket(self._driver, family)
        refused = apply(sock, tuning)
        try:
            sock.port = self._driver.stack.listen(
                sockaddr[0], sockaddr[1], backlog=tuning.backlog, settings=sock.settings
            )
        except UsageError as error:
            raise BindError(address, OSError(errno.EADDRINUSE, str(error))) from error
        return sock, refused

    async def connect(self, sock: socket.socket, sockaddr: Any) -> None:
        """Send SYN and wait for the answer; who cancels closes the socket."""
        if not isinstance(sock, StackSocket):
            return await self._base.connect(sock, sockaddr)
        connection = sock.open_connection(sockaddr)
        happened: asyncio.Future[None] = self._driver.loop.create_future()
        connection.told = lambda _: None if happened.done() else happened.set_result(None)
        try:
            await happened
        finally:
            connection.told = None
        endpoint = connection.endpoint
        if connection.complaint:
            raise OSError(errno.EHOSTUNREACH, connection.complaint)
        if endpoint.state is State.CLOSED and endpoint.end is not End.CLOSED:
            raise os_error(endpoint.end) or OSError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
        return None

    async def accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """Take a connection that is queued; only wait if there is none."""
        if not isinstance(sock, StackSocket):
            return await self._base.accept(sock)
        port = sock.port
        if port is None or sock.fileno() < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        while (connection := port.accept()) is None:
            arrived: asyncio.Future[None] = self._driver.loop.create_future()
            port.told = lambda arrived=arrived: None if arrived.done() else arrived.set_result(None)
            try:
                await arrived
            finally:
                port.told = None
        accepted = StackSocket(self._driver, sock.family)
        accepted.connection = connection
        return accepted, accepted.getpeername()

    async def open(self, sock: socket.socket, record: ConnectionRecord, recorder: Recorder, limits: Limits) -> Stream:
        """A stream on a connected socket."""
        if not isinstance(sock, StackSocket):
            return await self._base.open(sock, record, recorder, limits)
        assert sock.connection is not None
        pipe = Pipe(self._driver.loop, self._ticker, record, recorder)
        StackTransport(self._driver, sock.connection, pipe, sock).start()
        sock.detach()
        if limits.lifetime is not None:
            pipe.live_until(record.opened_at + limits.lifetime)
        return Stream(pipe, limits)
