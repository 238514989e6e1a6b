"""netwright.aio.channel: what carries the portable stream's bytes; the conformance suite has the streams on them."""

import asyncio
import os
import socket

import pytest

from netwright.aio.channel import ROOM, SocketChannel, memory_pair


async def test_memory_holds_so_much_and_tells_when_there_is_room() -> None:
    left, right = memory_pair(asyncio.get_running_loop())
    told: list[str] = []
    assert left.send(bytes(2 * ROOM)) == ROOM
    assert left.send(b"x") == 0
    left.watch(None, lambda: told.append("room"))
    await asyncio.sleep(0)
    assert told == []
    assert right.receive(10) == bytes(10)
    await asyncio.sleep(0)
    assert told == ["room"]
    left.close()
    assert left.send(b"") == 0
    assert right.receive(2 * ROOM) == bytes(ROOM - 10)
    assert right.receive(1) == b""
    with pytest.raises(BrokenPipeError):
        right.send(b"x")
    right.close()


async def test_memory_reset_drops_what_was_sent() -> None:
    left, right = memory_pair(asyncio.get_running_loop())
    left.send(b"lost")
    left.close(reset=True)
    with pytest.raises(ConnectionResetError):
        right.receive(10)
    assert repr(right) == "<MemoryChannel 0 bytes>"
    assert right.info("descriptor") == -1
    right.close()


async def test_socket_of_the_parent_is_left_alone_in_a_child() -> None:
    """close(2) in a child does not reset the parent's connection, nor take its descriptor out of the epoll set."""
    left, right = socket.socketpair()
    left.setblocking(False)
    with right:
        channel = SocketChannel(asyncio.get_running_loop(), left)
        came = asyncio.Event()
        channel.watch(came.set, None)
        child = os.fork()
        if child == 0:
            channel.close(reset=True)
            os._exit(0)
        os.waitpid(child, 0)  # noqa: ASYNC222  # it ends at once
        right.send(b"still here")
        await came.wait()
        assert channel.receive(100) == b"still here"
        channel.close()
        channel.close()


async def test_close_sends_fin_though_a_copy_of_the_descriptor_is_open() -> None:
    """A child that inherited the descriptor would withhold the FIN of close(2) until its own end."""
    left, right = socket.socketpair()
    left.setblocking(False)
    copy = os.dup(left.fileno())
    try:
        with right:
            right.settimeout(1)
            SocketChannel(asyncio.get_running_loop(), left).close()
            assert right.recv(1) == b""
    finally:
        os.close(copy)
