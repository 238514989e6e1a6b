"""A connection of a stack as an asyncio transport: what the kernel's socket is to asyncio's own."""

import asyncio
import errno
import os
from typing import Any

from netwright.core.errors import NetwrightError
from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.state import State
from netwright.sim.driver import Driver
from netwright.sim.info import pack_info
from netwright.sim.stack import Connection

__all__ = ["StackTransport", "os_error"]

_READ = 256 * 1024  # bytes that the protocol gets at once

_ERRORS = {
    End.RESET: errno.ECONNRESET,
    End.REFUSED: errno.ECONNREFUSED,
    End.NO_ANSWER: errno.ETIMEDOUT,
    End.TIMED_OUT: errno.ETIMEDOUT,
    End.USER_TIMEOUT: errno.ETIMEDOUT,
    End.SILENT: errno.ETIMEDOUT,
}


def os_error(end: End) -> OSError | None:
    """What a kernel's socket reports after such an end (tcp(7)); None for an orderly one, or one of our own."""
    number = _ERRORS.get(end)
    return None if number is None else OSError(number, os.strerror(number))


class StackTransport(asyncio.Transport):
    """See ``asyncio.Transport``; the buffer's limit is 0: what the endpoint does not take pauses the protocol."""

    def __init__(self, driver: Driver, connection: Connection, protocol: asyncio.Protocol) -> None:
        super().__init__({"tcp_info": self._tcp_info})  # and no "socket": it has no descriptor
        self._driver, self._connection, self._protocol = driver, connection, protocol
        self._queue = bytearray()
        self._full = self._paused = self._eof_seen = self._eof_wanted = self._closing = self._over = False

    def __repr__(self) -> str:
        return f"<StackTransport {self._connection!r} queued={len(self._queue)}>"

    def _tcp_info(self) -> bytes:
        """struct tcp_info, as the kernel would fill it."""
        return pack_info(self._connection.endpoint, self._driver.now())

    def start(self) -> None:
        """Tell the protocol of the connection, and of what came before."""
        self._connection.told = self._told
        self._protocol.connection_made(self)
        self._driver.loop.call_soon(self._told, [Event.READABLE])

    # asyncio's interface

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another protocol takes over."""
        assert isinstance(protocol, asyncio.Protocol)
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The one that is told now."""
        return self._protocol

    def is_closing(self) -> bool:
        """No write is taken any more."""
        return self._closing or self._over

    def is_reading(self) -> bool:
        """Bytes go to the protocol as they come."""
        return not self._paused and not self._closing

    def pause_reading(self) -> None:
        """Leave what comes in the endpoint, whose window closes."""
        self._paused = True

    def resume_reading(self) -> None:
        """Read on, in the loop's next turn."""
        if self._paused:
            self._paused = False
            self._driver.loop.call_soon(self._told, [Event.READABLE])

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Always 0 and 0."""

    def get_write_buffer_size(self) -> int:
        """Bytes that the endpoint did not take yet."""
        return len(self._queue)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Low and high."""
        return 0, 0

    def write(self, data: Any) -> None:
        """Give ``data`` to the endpoint; what it does not take follows when there is room."""
        if self._closing or self._over or self._eof_wanted:
            return
        if not self._queue:
            taken = self._give(data)
            if taken == len(data):
                return
            data = memoryview(data)[taken:]
        self._queue += data
        if not self._full:
            self._full = True
            self._protocol.pause_writing()

    def can_write_eof(self) -> bool:
        """TCP can."""
        return True

    def write_eof(self) -> None:
        """FIN after what is queued."""
        self._eof_wanted = True
        self._drain()

    def close(self) -> None:
        """Send what is queued, then FIN; the stack does the rest without us."""
        if not self._closing:
            self._closing = True
            self._drain()

    def abort(self) -> None:
        """Send RST, forget what was queued."""
        if not self._over:
            self._queue.clear()
            self._connection.abort(self._driver.now())
            self._driver.flush()
            self._lose(None)

    # what the stack says

    def _told(self, events: list[Event]) -> None:
        if self._over:
            return
        if Event.WRITABLE in events:
            self._drain()
        if not self._paused and not self._closing:
            self._deliver()
        endpoint = self._connection.endpoint
        waits = self._paused and endpoint.readable and not self._queue
        if endpoint.state is State.CLOSED and not waits and not self._over:
            error = os_error(endpoint.end)
            if error is not None or endpoint.end in (End.ABORTED, End.UNREAD):
                self._lose(error)

    def _deliver(self) -> None:
        connection, endpoint = self._connection, self._connection.endpoint
        while endpoint.readable and not self._paused:
            self._protocol.data_received(connection.read(_READ, self._driver.now()))
            self._driver.flush()
        if endpoint.at_eof and not self._eof_seen:
            self._eof_seen = True
            if not self._protocol.eof_received():
                self.close()

    def _give(self, data: Any) -> int:
        """What the endpoint takes; all of it once the connection has ended, for that is told otherwise."""
        try:
            taken = self._connection.send(data, self._driver.now())
        except NetwrightError:
            return len(data)
        self._driver.flush()
        return taken

    def _drain(self) -> None:
        """As far as the queue goes, then what waits for its end."""
        if self._queue:
            with memoryview(self._queue) as view:
                taken = self._give(view)
            del self._queue[:taken]
        if self._queue or self._over:
            return
        if self._full:
            self._full = False
            self._protocol.resume_writing()
        if self._closing:
            self._connection.close(self._driver.now())
            self._lose(None)
        elif self._eof_wanted:
            self._connection.send_eof(self._driver.now())
        self._driver.flush()

    def _lose(self, error: OSError | None) -> None:
        self._closing = self._over = True
        self._connection.told = None
        self._driver.loop.call_soon(self._protocol.connection_lost, error)
