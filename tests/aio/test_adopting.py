"""netwright.aio.adopting: streams of sockets that exist, of bytes, and in pairs."""

import asyncio
import socket

import pytest

from netwright.aio.adopting import stream_pair
from netwright.core.errors import DeadlineError, LimitError, UsageError
from netwright.core.limits import Limits
from netwright.core.record import Outcome
from netwright.proto.stream import Stream
from tests.support.engines import tcp_pair


@pytest.mark.parametrize("kind", ["tcp", "socketpair"])
async def test_adopted_socket_is_a_stream_with_both_names(engine: str, kind: str) -> None:
    left, right = tcp_pair() if kind == "tcp" else socket.socketpair()
    with right:
        async with await Stream.adopt(left) as stream:
            assert left.fileno() == -1
            right.send(b"hello\n")
            assert await stream.readline() == b"hello\n"
            await stream.send(b"back")
            assert right.recv(10) == b"back"
            assert stream.record.transport == ("tcp" if kind == "tcp" else "unix")
        assert right.recv(10) == b""


async def test_what_cannot_be_adopted_stays_the_callers(engine: str) -> None:
    with socket.socket() as fresh, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        for what, text in ((fresh, "not connected"), (datagrams, "SOCK_STREAM"), ("x", "socket.socket")):
            with pytest.raises(UsageError, match=text):
                await Stream.adopt(what)
        assert fresh.fileno() >= 0


async def test_stream_of_bytes_reads_them_to_eof() -> None:
    async with Stream.of(b"\x01\x02line\n") as stream:
        assert await stream.read_exactly(2) == b"\x01\x02"
        assert [line async for line in stream.lines()] == [b"line"]
        assert stream.at_eof
    async with Stream.of(b"") as nothing:
        assert await nothing.read() == b""


async def test_relay_copies_both_ways_and_passes_half_closes_on() -> None:
    client, left = stream_pair()
    right, server = stream_pair()
    seen: list[tuple[bool, bytes]] = []
    async with client, server, left, right, asyncio.TaskGroup() as group:
        relaying = group.create_task(left.relay(right, tap=lambda from_left, data: seen.append((from_left, data))))
        await client.send(b"question")
        await client.send_eof()
        assert b"".join([chunk async for chunk in server]) == b"question"
        for _ in range(10):
            await server.send(bytes(100_000))
            await client.read_exactly(100_000)
        await server.send_eof()
        assert await client.read() == b""
        assert await relaying == (8, 1_000_000)
    assert seen[0] == (True, b"question")
    assert sum(len(data) for from_left, data in seen if not from_left) == 1_000_000


async def test_relay_ends_both_when_one_side_breaks() -> None:
    client, left = stream_pair()
    right, server = stream_pair()
    async with client, server, left, right:
        relaying = asyncio.get_running_loop().create_task(left.relay(right))
        await client.send(b"x")
        assert await server.read() == b"x"
        server.abort()
        with pytest.raises(ConnectionResetError):
            await relaying


async def test_outbox_of_a_pair_has_its_limit() -> None:
    left, right = stream_pair(Limits(outbox=10))
    async with left, right:
        while left.post(bytes(60_000)):
            pass
        with pytest.raises(LimitError, match="outbox"):
            await left.read()


async def test_relay_blames_the_side_that_broke_in_both_records() -> None:
    client, left = stream_pair()
    right, server = stream_pair()
    async with client, server, left, right:
        relaying = asyncio.get_running_loop().create_task(left.relay(right))
        await client.send(b"x")
        assert await server.read() == b"x"
        server.abort()
        with pytest.raises(ConnectionResetError):
            await relaying
        assert right.record.outcome is Outcome.RESET
        assert (left.record.outcome, left.record.ended.stage) == (Outcome.ABORTED, "relay")
        assert "the other side" in left.record.ended.text
        with pytest.raises(ConnectionResetError):
            await client.read()


async def test_relay_blames_the_side_that_does_not_read_not_the_one_that_sent() -> None:
    """An operator who finds the deadline in the client's record looks for the fault at the wrong end."""
    client, left = stream_pair()
    right, server = stream_pair()
    right.limits = Limits(first_byte=None, idle=None, send=1.0)
    async with client, server, left, right:
        relaying = asyncio.get_running_loop().create_task(left.relay(right))
        sending = asyncio.get_running_loop().create_task(client.send(bytes(10_000_000)))
        with pytest.raises(DeadlineError, match="send"):
            await relaying
        with pytest.raises(ConnectionResetError):
            await sending
        assert (right.record.outcome, right.record.ended.stage) == (Outcome.DEADLINE, "send")
        assert (left.record.outcome, left.record.ended.stage) == (Outcome.ABORTED, "relay")


async def test_relay_honours_the_limits_of_either_side() -> None:
    client, left = stream_pair()
    right, server = stream_pair()
    right.limits = Limits(first_byte=0.2)
    async with client, server, left, right:
        with pytest.raises(TimeoutError, match="first byte"):
            await left.relay(right)
        assert (right.record.outcome, right.record.ended.stage) == (Outcome.DEADLINE, "first byte")
        assert left.record.ended.stage == "relay"


async def test_relay_leaves_both_streams_open_when_the_tap_fails() -> None:
    client, left = stream_pair()
    right, server = stream_pair()

    def tap(from_left: bool, data: bytes) -> None:
        raise ValueError(data)

    async with client, server, left, right:
        await client.send(b"x")
        with pytest.raises(ValueError, match="b'x'"):
            await left.relay(right, tap=tap)
        assert not left.closed
        assert not right.closed
