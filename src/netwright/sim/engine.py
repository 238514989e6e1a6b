"""An engine of ``aio`` on a stack: streams, listeners and whatever is built of them run over our own TCP."""

import asyncio
import errno
import os
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeAlias

from netwright.aio.deadlines import Ticker
from netwright.aio.engine import Engine, Handle, ListeningHandle
from netwright.aio.pipe import Pipe
from netwright.aio.portable_stream import Stream as StackStream
from netwright.core.address import Address, InetAddress
from netwright.core.errors import LimitError, TransportError, UsageError
from netwright.core.limits import Limits
from netwright.core.record import ConnectionRecord, Recorder
from netwright.core.tuning import Tuning
from netwright.proto.channel import Wrap
from netwright.proto.stream import Stream
from netwright.proto.tcp.congestion.registry import control_names
from netwright.proto.tcp.events import End
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.sim.driver import Driver
from netwright.sim.stack import Connection, Port
from netwright.sim.transport import StackChannel, os_error

__all__ = ["StackEngine", "StackHandle", "StackListener", "settings_of"]

Network: TypeAlias = IPv4Network | IPv6Network


class StackHandle(Handle):
    """A connection of a stack."""

    __slots__ = ("_driver", "connection", "peer", "refused")

    def __init__(self, driver: Driver, connection: Connection, refused: tuple[str, ...] = ()) -> None:
        self._driver, self.refused = driver, refused
        self.connection: Connection | None = connection
        self.peer: Address = InetAddress(connection.peer.host, connection.peer.port)

    def __repr__(self) -> str:
        return f"<StackHandle {self.connection!r}>"

    @property
    def local(self) -> Address:
        """This side's address."""
        if self.connection is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return InetAddress(self.connection.local.host, self.connection.local.port)

    @property
    def descriptor(self) -> None:
        """A stack has none."""
        return

    def release(self) -> Connection:
        """The connection, which is the caller's from now on."""
        connection, self.connection = self.connection, None
        if connection is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return connection

    def close(self, *, reset: bool = False) -> None:
        """Send FIN, or RST with ``reset``; the stack does the rest."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.told = None
            now = self._driver.now()
            if reset:
                connection.abort(now)
            else:
                connection.close(now)
            self._driver.flush()


class StackListener(ListeningHandle):
    """A port of a stack."""

    def __init__(self, driver: Driver, port: Port, refused: tuple[str, ...]) -> None:
        self._driver, self.port = driver, port
        self.address, self.refused = InetAddress(str(ip_address(port.address)), port.number), refused
        self._closed = False

    def __repr__(self) -> str:
        return f"<StackListener {self.port!r}>"

    @property
    def descriptor(self) -> None:
        """A stack has none."""
        return

    def take(self) -> StackHandle | None:
        """The next connection of the accept queue; None if the queue is empty."""
        if self._closed:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        connection = self.port.accept()
        return None if connection is None else StackHandle(self._driver, connection)

    def close(self) -> None:
        """Give the port back."""
        if not self._closed:
            self._closed = True
            self.port.told = None
            self.port.close(self._driver.now())
            self._driver.flush()


def settings_of(tuning: Tuning) -> tuple[Settings, tuple[str, ...]]:
    """Convert ``tuning`` to a stack's settings; return also the names of options that a stack does not have.

    Raises:
        TransportError: ``tuning.options`` is not empty: those are numbers of the kernel's.
    """
    if tuning.options:
        raise TransportError(f"Tuning.options={tuning.options!r}: a stack has none of the kernel's options")
    usual = Settings()
    known = not tuning.congestion or tuning.congestion in control_names()
    settings = Settings(
        nodelay=tuning.nodelay,
        keepalive=tuning.keepalive,
        user_timeout=tuning.user_timeout or None,
        congestion=tuning.congestion if tuning.congestion and known else usual.congestion,
    )
    return settings, () if known else ("TCP_CONGESTION",)


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

    def _is_ours(self, address: InetAddress) -> bool:
        return ip_address(address.host).packed in self._driver.stack.addresses

    def _is_behind(self, address: InetAddress) -> bool:
        host = ip_address(address.host)
        return any(host in network for network in self._networks) and not self._is_ours(address)

    def listen(self, address: Address, tuning: Tuning) -> ListeningHandle:
        """Listen on the stack if the address is one of its own, else on ``base``."""
        if not isinstance(address, InetAddress) or not self._is_ours(address):
            return self._base.listen(address, tuning)
        settings, refused = settings_of(tuning)
        try:
            port = self._driver.stack.listen(address.host, address.port, backlog=tuning.backlog, settings=settings)
        except UsageError as error:
            raise OSError(errno.EADDRINUSE, str(error)) from error
        return StackListener(self._driver, port, refused)

    async def arrival(self, listening: ListeningHandle) -> None:
        """Wait until the accept queue is not empty."""
        if not isinstance(listening, StackListener):
            return await self._base.arrival(listening)
        port = listening.port
        arrived: asyncio.Future[None] = self._driver.loop.create_future()
        port.told = lambda: None if arrived.done() else arrived.set_result(None)
        try:
            await arrived
        finally:
            port.told = None
        return None

    async def connect(self, address: Address, tuning: Tuning, local: Address | None) -> Handle:
        """Connect over the stack if the address lies in ``networks``, else over ``base``."""
        if not isinstance(address, InetAddress) or not self._is_behind(address):
            return await self._base.connect(address, tuning, local)
        settings, refused = settings_of(tuning)
        handle = StackHandle(self._driver, self._begin(address, settings, local), refused)
        try:
            await self._established(handle)
        except BaseException:
            handle.close()
            raise
        return handle

    def _begin(self, address: InetAddress, settings: Settings, local: Address | None) -> Connection:
        """Send SYN."""
        source, port = (local.host, local.port) if isinstance(local, InetAddress) else (None, 0)
        try:
            connection = self._driver.stack.connect(
                address.host, address.port, self._driver.now(), source=source, source_port=port, settings=settings
            )
        except UsageError as error:
            raise OSError(errno.EADDRNOTAVAIL, str(error)) from error
        except LimitError as error:
            raise OSError(errno.ENOBUFS, str(error)) from error
        self._driver.flush()
        return connection

    async def _established(self, handle: StackHandle) -> None:
        """Wait for the answer to the SYN."""
        connection = handle.connection
        assert connection is not None
        happened: asyncio.Future[None] = self._driver.loop.create_future()
        connection.told = lambda _: None if happened.done() else happened.set_result(None)
        try:
            await happened
        finally:
            connection.told = None
        endpoint = connection.endpoint
        if connection.icmp_error:
            raise OSError(errno.EHOSTUNREACH, connection.icmp_error)
        if endpoint.state is State.CLOSED and endpoint.end is not End.CLOSED:
            raise os_error(endpoint.end) or OSError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))

    async def open(
        self,
        handle: Handle,
        record: ConnectionRecord,
        recorder: Recorder,
        limits: Limits,
        wrap: Wrap | None = None,
    ) -> Stream:
        """A stream on a connection."""
        if not isinstance(handle, StackHandle):
            return await self._base.open(handle, record, recorder, limits, wrap)
        channel = StackChannel(self._driver, handle.release())
        outer = channel if wrap is None else wrap(channel)
        pipe = Pipe(self._driver.loop, self._ticker, record, recorder, outer)
        if limits.lifetime is not None:
            pipe.live_until(record.opened_at + limits.lifetime)
        return StackStream(pipe, limits)
