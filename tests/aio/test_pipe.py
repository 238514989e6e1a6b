"""What the portable connection holds and lets go; its verbs are tested with the stream."""

import asyncio
import errno
import os
import socket
from typing import Any

import pytest

from netwright.aio import Listener, Stream
from netwright.aio.pipe import HIGH_WATER
from netwright.aio.sockets import SocketListener
from netwright.core.errors import NetwrightError
from tests.support.world import World, until

PORTABLE = pytest.mark.parametrize("engine", ["portable"], indirect=True)


@PORTABLE
async def test_bytes_that_nobody_reads_stay_in_the_kernel(world: World) -> None:
    """slow_reader_never: a program that does not read holds one receive, the rest waits at the peer."""
    streams: list[Stream] = []
    done = asyncio.Event()

    async def deaf(stream: Stream) -> None:
        streams.append(stream)
        await done.wait()

    async with world.serve(deaf) as listener:
        sock, sent = world.raw(listener), 0
        for _ in range(200):
            try:
                sent += sock.send(bytes(100_000))
            except BlockingIOError:
                await asyncio.sleep(0.001)
        assert 0 < len(streams[0].read_nowait(10**9)) <= HIGH_WATER + 256 * 1024
        rest = sent - streams[0].record.bytes_in
        assert len(await streams[0].read_exactly(rest)) == rest
        sock.close()
        done.set()


@PORTABLE
async def test_a_reader_that_is_slower_than_its_peer_holds_two_receives_at_most(world: World) -> None:
    """A reader that gives the others their turn is no reason to take more from the kernel."""
    most = 0

    async def slow(stream: Stream) -> None:
        nonlocal most
        while await stream.read(100):
            most = max(most, stream.record.bytes_in - taken[0])
            taken[0] += 100

    taken = [0]
    async with world.serve(slow) as listener, await world.connect(listener) as stream:
        for _ in range(60):
            await stream.send(bytes(100_000))
        await stream.send_eof()
        assert await stream.read() == b""
    assert 0 < most <= HIGH_WATER + 2 * 256 * 1024


CALLS = ("take", "recv", "send", "connect", "setsockopt", "getsockname", "shutdown")


class Torture:
    """Counts calls of plain sockets' methods; the ``fail``-th of them raises instead."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
        self.count, self.fail, self.on = 0, 0, False
        owner: type = SocketListener if name == "take" else socket.socket
        real = getattr(owner, name)

        def call(sock: Any, *arguments: Any) -> Any:
            if self.on:
                self.count += 1
                if self.count == self.fail:
                    raise OSError(number, os.strerror(number))
            return real(sock, *arguments)

        monkeypatch.setattr(owner, name, call)


@PORTABLE  # the native engine's system calls are not Python's
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("number", [errno.ENOMEM, errno.ENOBUFS, errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT])
async def test_each_system_call_may_fail_in_turn(
    world: World, name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """syscall_torture: nothing is left open, the error is one that a caller can catch, the listener lives."""
    torture = Torture(monkeypatch, name, number)

    async def echo(stream: Stream) -> None:
        async for chunk in stream:
            await stream.send(chunk, b"!")
        await stream.send_eof()

    async def talk(listener: Listener) -> None:
        async with await world.connect(listener) as stream:
            await stream.send(b"hello")
            assert await stream.read_exactly(6, timeout=5) == b"hello!"
            await stream.send_eof()
            assert await stream.read(timeout=5) == b""

    async with world.serve(echo) as listener:
        torture.on, failed = True, 0
        while torture.fail <= torture.count:  # until nothing is left that could fail
            torture.count, torture.fail = 0, torture.fail + 1
            try:
                await talk(listener)
            except (OSError, NetwrightError):
                failed += 1
            await until(lambda: not listener.recorder.live and " 0 open" in repr(listener))
        torture.on = False
        await talk(listener)
    assert torture.fail > 1 or (name, world.transport) in {("setsockopt", "unix"), ("connect", "tcp")}
