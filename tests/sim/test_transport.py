"""netwright.sim.transport: a connection as asyncio sees it; the engine's tests have the streams."""

import asyncio
import errno
from typing import Any

import pytest

from netwright.proto.tcp.events import End
from netwright.sim.driver import Driver
from netwright.sim.link import Path
from netwright.sim.stack import Connection
from netwright.sim.transport import StackTransport, os_error
from tests.support.stacks import LEFT, RIGHT, joined, stack_of


class Told(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.data = bytearray()
        self.events: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data

    def eof_received(self) -> bool:
        self.events.append("eof")
        return True

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append(exc)


async def both() -> tuple[Told, Told, Driver, Driver]:
    left, right = joined(stack_of(LEFT), stack_of(RIGHT, seed=2), Path(delay=0.01))
    port = right.stack.listen("10.0.0.2", 80)
    client = left.stack.connect("10.0.0.2", 80, left.now())
    left.flush()
    await asyncio.sleep(1)
    server = port.accept()
    assert server is not None
    return told(left, client), told(right, server), left, right


def told(driver: Driver, connection: Connection) -> Told:
    protocol = Told()
    StackTransport(driver, connection, protocol).start()
    assert protocol.transport.get_extra_info("socket") is None
    return protocol


async def test_what_does_not_fit_pauses_the_writer_until_it_went() -> None:
    client, server, left, right = await both()
    client.transport.write(bytes(3_000_000))
    assert client.events == ["pause"]
    assert client.transport.get_write_buffer_size() > 0
    client.transport.close()
    assert client.transport.is_closing()
    client.transport.write(b"too late")
    await asyncio.sleep(10)
    assert client.events == ["pause", "resume", None]
    assert (len(server.data), server.events) == (3_000_000, ["eof"])
    left.close()
    right.close()


async def test_a_paused_reader_gets_nothing_and_everything_later() -> None:
    """RFC 9293 §3.8.6: the window closes meanwhile."""
    client, server, left, right = await both()
    server.transport.pause_reading()
    client.transport.write(bytes(3_000_000))
    client.transport.write_eof()
    await asyncio.sleep(10)
    assert not server.data
    assert not server.transport.is_reading()
    server.transport.resume_reading()
    await asyncio.sleep(10)
    assert (len(server.data), server.events) == (3_000_000, ["eof"])
    left.close()
    right.close()


async def test_abort_resets_and_both_are_told() -> None:
    """RFC 9293 §3.10.5."""
    client, server, left, right = await both()
    client.transport.abort()
    client.transport.abort()
    await asyncio.sleep(1)
    assert client.events == [None]
    (error,) = server.events
    assert isinstance(error, ConnectionResetError)
    server.transport.write(b"nobody hears")
    for driver in (left, right):
        assert driver.stack.connections == []


async def test_bytes_before_a_reset_are_delivered_first() -> None:
    client, server, left, right = await both()
    server.transport.pause_reading()
    client.transport.write(b"last words")
    await asyncio.sleep(1)
    client.transport.abort()
    await asyncio.sleep(1)
    assert not server.events
    server.transport.resume_reading()
    await asyncio.sleep(1)
    assert bytes(server.data) == b"last words"
    assert isinstance(server.events[0], ConnectionResetError)
    left.close()
    right.close()


async def test_an_orderly_end_is_not_told_before_we_close() -> None:
    client, server, left, right = await both()
    client.transport.write_eof()
    await asyncio.sleep(1)
    server.transport.write_eof()
    await asyncio.sleep(200)
    assert left.stack.connections == right.stack.connections == []
    assert client.events == server.events == ["eof"]
    client.transport.close()
    server.transport.close()
    await asyncio.sleep(1)
    assert client.events == server.events == ["eof", None]


async def test_another_protocol_can_take_over() -> None:
    client, server, left, right = await both()
    second = Told()
    server.transport.set_protocol(second)
    assert server.transport.get_protocol() is second
    client.transport.write(b"x")
    await asyncio.sleep(1)
    assert (bytes(server.data), bytes(second.data)) == (b"", b"x")
    assert server.transport.can_write_eof()
    assert server.transport.get_write_buffer_limits() == (0, 0)
    left.close()
    right.close()


@pytest.mark.parametrize(
    ("end", "number"),
    [
        (End.RESET, errno.ECONNRESET),
        (End.REFUSED, errno.ECONNREFUSED),
        (End.SILENT, errno.ETIMEDOUT),
        (End.CLOSED, None),
    ],
)
def test_ends_are_the_kernels_errors(end: End, number: int | None) -> None:
    """tcp(7)."""
    error = os_error(end)
    assert (error.errno if error else None) == number
