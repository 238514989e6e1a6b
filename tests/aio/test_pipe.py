"""What the portable connection holds and lets go; its verbs are tested with the stream."""

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from netwright._native import enabled
from netwright.aio import Limits, Listener, Stream
from netwright.aio.pipe import HIGH_WATER
from netwright.aio.sockets import SocketListener
from netwright.core.errors import NetwrightError
from netwright.core.record import Outcome
from tests.support.world import World, accepted, now, turns, until

BIG = 8_000_000  # bytes: more than the kernel holds for one connection
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
    spared = {("setsockopt", "unix"), ("connect", "tcp")}
    asked_in_c = name == "getsockname" and enabled("netwright.aio._sockets")
    assert torture.fail > 1 or asked_in_c or (name, world.transport) in spared


async def _ignored(work: Awaitable[object]) -> None:
    with suppress(NetwrightError):
        await work


@pytest.mark.long
async def test_outbox_is_what_waits_now_up_to_its_last_byte(world: World) -> None:
    """What went in earlier rounds does not count; exactly ``Limits.outbox`` is allowed, one byte more is not."""
    seen: list[object] = []

    async def talk(stream: Stream) -> None:
        for _ in range(3):
            async with asyncio.TaskGroup() as group:
                group.create_task(stream.send(bytes(BIG)))
                await turns()
                seen.append(stream.post(bytes(60_000)))
            await stream.send(b".")  # it has its turn when the post is gone
        async with asyncio.TaskGroup() as group:
            group.create_task(_ignored(stream.send(bytes(2 * BIG))))
            await turns()
            seen.extend(stream.post(bytes(size)) for size in (99_999, 1, 1))

    async with world.serve(talk, limits=Limits(outbox=100_000)) as listener:
        with world.raw(listener, receive_buffer=65_536) as peer:
            left = 3 * (BIG + 60_001)
            while left:
                try:
                    chunk = peer.recv(min(left, 1_000_000))
                except BlockingIOError:
                    await asyncio.sleep(0.001)
                    continue
                assert chunk, world.lines
                left -= len(chunk)
            await until(lambda: listener.recorder.recent)
        assert seen == [True] * 3 + [True, True, False]
        assert accepted(listener).outcome is Outcome.LIMIT


def has_sent(stream: Stream, size: int) -> bool:
    return stream.record.bytes_out == size


async def test_outbox_does_not_count_what_the_kernel_took(world: World) -> None:
    """A post of which the kernel takes a part leaves room for as many bytes, in each round; one more ends it."""
    seen: list[bool] = []

    async def talk(stream: Stream) -> None:
        for _ in range(2):
            before = stream.record.bytes_out
            seen.append(stream.post(bytes(BIG)))
            taken = stream.record.bytes_out - before
            assert 0 < taken < BIG
            seen.append(stream.post(bytes(taken)))
            if len(seen) == 2:
                await until(partial(has_sent, stream, before + BIG + taken), seconds=100)
        seen.append(stream.post(b"x"))

    async with world.serve(talk, limits=Limits(outbox=BIG)) as listener:
        with world.raw(listener, receive_buffer=65_536) as peer:
            while not listener.recorder.recent:
                with suppress(BlockingIOError, ConnectionResetError):
                    peer.recv(1_000_000)
                await asyncio.sleep(0.001)
        assert seen == [True] * 4 + [False]
        assert accepted(listener).outcome is Outcome.LIMIT


@pytest.mark.parametrize(("ours", "outcome"), [(True, Outcome.CLOSED), (False, Outcome.PEER_CLOSED)])
async def test_who_sent_fin_first_has_closed_though_nobody_read_the_others(
    world: World, ours: bool, outcome: Outcome
) -> None:
    """The peer's FIN is in the kernel when ``close`` is called, and the loop had no turn to say so."""

    async def end(stream: Stream) -> None:
        if ours:
            await stream.send_eof()
        peer.shutdown(socket.SHUT_WR)
        await stream.close()

    async with world.serve(end) as listener:
        with world.raw(listener) as peer:
            await until(lambda: listener.recorder.recent)
        assert accepted(listener).outcome is outcome


async def test_posts_that_wait_keep_their_order_and_are_sent_in_blocks(world: World) -> None:
    """Small and large posts behind a reader that stalls, then reads: the work is that of their bytes."""
    posts = [b"%d," % number if number % 1000 else b"%d," % number + bytes(3000) for number in range(20_000)]
    writes: list[int] = []

    async def talk(stream: Stream) -> None:
        stream.post(bytes(BIG))
        assert all(stream.post(post) for post in posts)
        writes.append(stream.record.writes)
        await stream.close(timeout=10)
        writes.append(stream.record.writes)

    async with world.serve(talk, limits=Limits(outbox=2 * BIG)) as listener, await world.connect(listener) as stream:
        await until(lambda: writes)
        assert await stream.read_exactly(BIG) == bytes(BIG)
        whole = b"".join(posts)
        assert await stream.read_exactly(len(whole)) == whole
        await until(lambda: len(writes) == 2)
    assert writes[1] - writes[0] < 2000


@pytest.mark.parametrize(("ours", "outcome"), [(True, Outcome.CLOSED), (False, Outcome.PEER_CLOSED)])
async def test_who_sent_fin_first_has_closed_though_both_read_to_the_end(
    world: World, ours: bool, outcome: Outcome
) -> None:
    """The usual orderly end: send, FIN, read the rest of the answer, close."""

    async def end(stream: Stream) -> None:
        if ours:
            await stream.send_eof()
        peer.shutdown(socket.SHUT_WR)
        assert await stream.read() == b""
        await stream.close()

    async with world.serve(end) as listener:
        with world.raw(listener) as peer:
            await until(lambda: listener.recorder.recent)
        assert accepted(listener).outcome is outcome


async def test_posts_that_go_on_do_not_keep_a_peer_that_reads_nothing(world: World) -> None:
    """A feed of small posts is the case for which ``Limits.send`` is: each one would renew a timer of its own."""
    begun = now()

    async def feed(stream: Stream) -> None:
        stream.post(bytes(BIG))
        for _ in range(30):
            stream.post(b"tick")
            await asyncio.sleep(1)

    async with world.serve(feed, limits=Limits(first_byte=None, idle=None, send=5.0, outbox=2 * BIG)) as listener:
        with world.raw(listener, receive_buffer=65_536):
            await until(lambda: listener.recorder.recent, seconds=30)
        record = accepted(listener)
        assert (record.outcome, record.ended.stage) == (Outcome.DEADLINE, "send")
        assert now() - begun < 8


async def test_close_that_is_cancelled_aborts(world: World) -> None:
    """Nobody waits for what is queued any more: the connection does not stay for a peer that does not read."""

    async def deaf(stream: Stream) -> None:
        await asyncio.sleep(1000)

    async with world.serve(deaf) as listener:
        stream = await world.connect(listener)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await stream.send(bytes(2 * BIG))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await stream.close(timeout=100)
        assert stream.record.outcome is Outcome.ABORTED
        assert stream.fileno() == -1
        assert list(listener.recorder.live.values()) == [accepted(listener)]
