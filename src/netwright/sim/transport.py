"""A connection of a stack as the channel of a stream: what the kernel's socket is to the other engines."""

import errno
import os
from collections.abc import Callable
from typing import Any

from netwright.core.errors import NetwrightError
from netwright.proto.channel import Channel, Ready
from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.state import State
from netwright.sim.driver import Driver
from netwright.sim.info import pack_info
from netwright.sim.stack import Connection

__all__ = ["StackChannel", "os_error"]

_ERRORS = {
    End.RESET: errno.ECONNRESET,
    End.REFUSED: errno.ECONNREFUSED,
    End.NO_ANSWER: errno.ETIMEDOUT,
    End.TIMED_OUT: errno.ETIMEDOUT,
    End.USER_TIMEOUT: errno.ETIMEDOUT,
    End.SILENT: errno.ETIMEDOUT,
}


def os_error(end: End) -> OSError | None:
    """Return the OSError that a kernel's socket raises after ``end`` (tcp(7)); None after an orderly end or our own."""
    number = _ERRORS.get(end)
    return None if number is None else OSError(number, os.strerror(number))


class StackChannel(Channel):
    """See ``Channel``; it calls its reader and its writer as the stack's events come."""

    __slots__ = ("_closed", "_connection", "_driver", "_reads", "_writes")

    def __init__(self, driver: Driver, connection: Connection) -> None:
        self._driver, self._connection = driver, connection
        self._reads: Ready | None = None
        self._writes: Ready | None = None
        self._closed = False
        connection.told = self._told

    def __repr__(self) -> str:
        return f"<StackChannel {self._connection!r}>"

    def receive(self, size: int) -> bytes | None:
        """Take from the endpoint's receive buffer, which opens its window."""
        connection, endpoint = self._connection, self._connection.endpoint
        if endpoint.readable:
            data: bytes = connection.read(size, self._driver.now())
            self._driver.flush()
            return data
        if endpoint.at_eof:
            return b""
        self._check()
        return None

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Give the endpoint what it has room for."""
        self._check()
        try:
            taken: int = self._connection.send(data, self._driver.now())
        except NetwrightError as error:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
        self._driver.flush()
        return taken

    def finish(self) -> None:
        """FIN after everything sent."""
        self._connection.send_eof(self._driver.now())
        self._driver.flush()

    def close(self, *, reset: bool = False) -> None:
        """FIN or RST; the stack does the rest without us."""
        if self._closed:
            return
        self._closed = True
        self._reads = self._writes = self._connection.told = None
        if reset:
            self._connection.abort(self._driver.now())
        else:
            self._connection.close(self._driver.now())
        self._driver.flush()

    def watch(self, readable: Ready | None, writable: Ready | None) -> None:
        """Look in the loop's next turn at what is there already."""
        fresh = readable is not None and self._reads is None
        self._reads, self._writes = readable, writable
        if fresh:
            self._driver.loop.call_soon(self._told, [])

    def info(self, name: str) -> Any:
        """The function that gives struct tcp_info."""
        if name == "tcp_info":
            return self._ask()
        return -1 if name == "descriptor" else None

    def _ask(self) -> Callable[[], bytes]:
        driver, connection = self._driver, self._connection
        return lambda: pack_info(connection.endpoint, driver.now())

    def _check(self) -> None:
        """Raise if the connection has ended otherwise than in order."""
        endpoint = self._connection.endpoint
        if endpoint.state is State.CLOSED:
            error = os_error(endpoint.end)
            if error is not None:
                raise error
            if endpoint.end in (End.ABORTED, End.UNREAD):
                raise ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))

    def _told(self, events: list[Event]) -> None:
        endpoint = self._connection.endpoint
        ended = endpoint.state is State.CLOSED
        if self._writes is not None and (Event.WRITABLE in events or ended):
            self._writes()
        while self._reads is not None:
            here = endpoint.readable or endpoint.at_eof
            if not (here or ended):
                return
            self._reads()
            if not here:
                return
