"""netwright.sim.transport: a stack's connection as a channel; the engine's tests have the streams."""

import asyncio
import errno

import pytest

from netwright.proto.tcp.events import End
from netwright.sim.driver import Driver
from netwright.sim.link import Path
from netwright.sim.transport import StackChannel, os_error
from tests.support.stacks import LEFT, RIGHT, joined, stack_of


class Reader:
    """Takes everything that a channel has, as it comes."""

    def __init__(self, channel: StackChannel) -> None:
        self.channel, self.data, self.ends = channel, bytearray(), list[object]()

    def __call__(self) -> None:
        try:
            data = self.channel.receive(1 << 16)
        except OSError as error:
            self.ends.append(type(error))
            self.channel.watch(None, None)
            return
        if data:
            self.data += data
        elif data == b"":
            self.ends.append("eof")
            self.channel.watch(None, None)


async def both() -> tuple[StackChannel, StackChannel, Driver, Driver]:
    left, right = joined(stack_of(LEFT), stack_of(RIGHT, seed=2), Path(delay=0.01))
    port = right.stack.listen("10.0.0.2", 80)
    client = left.stack.connect("10.0.0.2", 80, left.now())
    left.flush()
    await asyncio.sleep(1)
    server = port.accept()
    assert server is not None
    return StackChannel(left, client), StackChannel(right, server), left, right


async def test_what_does_not_fit_waits_until_there_is_room() -> None:
    client, server, left, right = await both()
    rest = memoryview(bytes(3_000_000))

    def write() -> None:
        nonlocal rest
        rest = rest[client.send(rest) :]
        if not rest:
            client.finish()
            client.watch(None, None)

    reader = Reader(server)
    server.watch(reader, None)
    write()
    assert rest
    client.watch(None, write)
    await asyncio.sleep(10)
    assert (len(reader.data), reader.ends) == (3_000_000, ["eof"])
    left.close()
    right.close()


async def test_what_nobody_watches_for_stays_and_closes_the_window() -> None:
    """RFC 9293 §3.8.6."""
    client, server, left, right = await both()
    sent = client.send(bytes(3_000_000))
    await asyncio.sleep(10)
    assert 0 < sent < 3_000_000
    reader = Reader(server)
    server.watch(reader, None)
    await asyncio.sleep(10)
    assert len(reader.data) == sent
    left.close()
    right.close()


async def test_abort_resets_and_the_other_side_hears() -> None:
    """RFC 9293 §3.10.5."""
    client, server, left, right = await both()
    reader = Reader(server)
    server.watch(reader, None)
    client.close(reset=True)
    client.close(reset=True)
    await asyncio.sleep(1)
    assert reader.ends == [ConnectionResetError]
    with pytest.raises(OSError, match="reset"):
        server.send(b"nobody hears")
    for driver in (left, right):
        assert driver.stack.connections == []


async def test_bytes_before_a_reset_are_received_first() -> None:
    client, server, left, right = await both()
    client.send(b"last words")
    await asyncio.sleep(1)
    client.close(reset=True)
    await asyncio.sleep(1)
    reader = Reader(server)
    server.watch(reader, None)
    await asyncio.sleep(1)
    assert (bytes(reader.data), reader.ends) == (b"last words", [ConnectionResetError])
    left.close()
    right.close()


async def test_a_channel_has_tcp_info_and_no_descriptor() -> None:
    client, server, left, right = await both()
    assert client.info("descriptor") == -1
    assert len(client.info("tcp_info")()) > 100
    assert client.info("colour") is None
    client.close()
    server.close()
    await asyncio.sleep(1)
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
