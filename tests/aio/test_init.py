"""Faults that belong to no single module: torture at every await, fairness, what happens to what nobody closed."""

import asyncio
import gc
import signal
import socket
import time
import warnings
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from netwright import aio
from netwright.aio import Limits, Listener, Stream, connect
from netwright.core.errors import DeadlineError, NetwrightError
from netwright.core.record import Outcome
from netwright.proto.framing import Varint
from tests.support.suspension import AtSuspension, cancelled_at
from tests.support.world import World, now, turns, until


def test_facade_names_what_it_has() -> None:
    assert all(hasattr(aio, name) for name in aio.__all__)


TEXT = b"a line\n" + Varint().encode(b"message")[0] + b"message" + b"exactly" + b"rest until;" + b"tail"


async def five_verbs(stream: Stream, got: list[bytes]) -> None:
    """Takes TEXT in five steps, going on where ``got`` ends."""
    steps: list[Callable[[], Coroutine[Any, Any, bytes]]] = [
        stream.readline,
        lambda: stream.read_frame(Varint()),
        lambda: stream.read_exactly(7),
        lambda: stream.read_until(b";"),
        lambda: stream.read_exactly(4),
    ]
    for step in steps[len(got) :]:
        got.append(await step())


@pytest.mark.parametrize("chunk", [1, 5, 100])
async def test_cancel_at_every_await_loses_no_byte(world: World, chunk: int) -> None:
    async def drip(stream: Stream) -> None:
        for start in range(0, len(TEXT), chunk):
            await stream.send(TEXT[start : start + chunk])
            await turns(3)

    async with world.serve(drip) as listener:
        count, cancelled = 1, True
        while cancelled:
            got: list[bytes] = []
            async with await world.connect(listener) as stream:
                cancelled = await cancelled_at(five_verbs(stream, got), count)
                await five_verbs(stream, got)
                assert b"".join(got) == TEXT.replace(b"\7message", b"message")
            count += 1
        assert count > len(TEXT) // chunk // 2 + 1


async def test_deadline_at_every_await_loses_no_byte(world: World) -> None:
    async def drip(stream: Stream) -> None:
        for start in range(0, len(TEXT), 3):
            await stream.send(TEXT[start : start + 3])
            await asyncio.sleep(0.01)

    async with world.serve(drip) as listener, await world.connect(listener) as stream:
        got: list[bytes] = []
        struck = 0
        stream.timeout = 0.004
        while len(got) < 5:
            try:
                await five_verbs(stream, got)
            except DeadlineError:
                struck += 1
        assert b"".join(got) == TEXT.replace(b"\7message", b"message")
        assert struck >= 5


async def test_cancel_at_every_await_of_connect_leaves_nothing(world: World) -> None:
    """The fixture counts descriptors."""
    async with world.serve(lambda stream: stream.close()) as listener:
        count, cancelled = 1, True
        while cancelled:
            opened: list[Stream] = []
            cancelled = await cancelled_at(_open(listener, opened), count)
            for stream in opened:
                await stream.close()
            count += 1
            await turns(5)
        await until(lambda: not listener.recorder.live)
        outcomes = {record.outcome for record in listener.recorder.recent if record.role == "connected"}
        assert outcomes <= {Outcome.CONNECT_FAILED, Outcome.ABORTED, Outcome.CLOSED, Outcome.PEER_CLOSED}


async def test_cancel_at_every_await_of_a_handler_leaves_nothing(world: World) -> None:
    seen: list[int] = []

    async def echo(stream: Stream) -> None:
        async for chunk in stream:
            await stream.send(chunk * 50_000)

    async def handler(stream: Stream) -> None:
        task = asyncio.current_task()
        assert task is not None
        work = AtSuspension(echo(stream), len(seen) + 1, task.cancel)
        seen.append(0)
        await work

    async with world.serve(handler) as listener:
        for _ in range(6):
            sock = world.raw(listener)
            for _ in range(4):
                await asyncio.sleep(0.01)
                try:
                    sock.send(b"0123456789")
                    sock.recv(1_000_000)
                except OSError:
                    pass
            sock.close()
            await until(lambda: not listener.recorder.live)
    assert world.lines == []


async def test_sender_whose_peer_reads_as_fast_gives_others_their_turns(world: World) -> None:
    """fairness_hot_reader: a send that never has to wait still yields, after a quarter of a millisecond."""
    size, others = 20_000, 0

    async def sink(stream: Stream) -> None:
        async for _ in stream:
            pass

    async def bystander() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    async with world.serve(sink) as listener, await world.connect(listener) as stream, asyncio.TaskGroup() as group:
        watching = group.create_task(bystander())
        for _ in range(size):
            await stream.send(b"x")
        watching.cancel()
    assert others >= 20


async def test_flooding_peers_together_have_one_slice_of_a_turn(world: World) -> None:
    """fairness_hot_reader: another task has its turn after a quarter of a millisecond, however many lines are here."""
    loop: Any = asyncio.get_running_loop()
    loop.time = lambda: loop.jumping.jumped  # only lines take time
    peers, each, line = 4, 2000, b"x" * 31 + b"\n"
    served = before = most = 0

    async def drop(stream: Stream) -> None:
        nonlocal served
        while await stream.readline():
            served += 1
            loop.jumping.jumped += 1e-6

    async with world.serve(drop) as listener:
        with ExitStack() as stack:
            for _ in range(peers):
                stack.enter_context(world.raw(listener)).sendall(line * each)
        while served < peers * each:
            await asyncio.sleep(0)
            most, before = max(most, served - before), served
    assert most < 2 * 256 + 16 * peers  # the slices of the poller and of those that go on, 16 lines before a look


async def test_hot_acceptor_gives_connections_their_turns(world: World) -> None:
    """fairness_hot_acceptor: two hundred that connect at once do not hold up the one that is served."""

    async def echo(stream: Stream) -> None:
        async for chunk in stream:
            await stream.send(chunk)

    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"x")
        await stream.read()
        crowd = [world.raw(listener) for _ in range(200)]
        await stream.send(b"x")
        assert await stream.read() == b"x"
        assert listener.counts["accepted"] < 150
        for sock in crowd:
            sock.close()


@pytest.mark.real
@pytest.mark.realtime
async def test_burst_during_a_stall_is_served_at_once_after_it(engine: str) -> None:
    """backlog_burst: five hundred connects in a stall of 300 ms; with a backlog of 100 most would wait a second."""

    async def hello(stream: Stream) -> None:
        await stream.send(b"x")

    listener = await Listener.bind(("127.0.0.1", 0))
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.serve(hello))
        await turns(3)
        crowd = [socket.socket() for _ in range(500)]
        for sock in crowd:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", listener.address.port))
        time.sleep(0.3)  # noqa: ASYNC251  # the stall
        begun = now()
        await until(lambda: listener.counts["accepted"] == 500, seconds=5)
        assert now() - begun < 2.0
        await listener.drain(1.0)
        for sock in crowd:
            assert sock.recv(1) == b"x"
            sock.close()


def test_loop_that_closes_with_an_open_stream_says_so_and_leaks_nothing(engine: str) -> None:
    """loop_closed_with_open_streams: the warning names the stream, the descriptor goes with it."""
    server = socket.create_server(("127.0.0.1", 0))

    async def forget() -> Stream:
        return await connect(server.getsockname()[:2])

    with server:
        stream = asyncio.run(forget())
        peer, _ = server.accept()
        with pytest.warns(ResourceWarning, match="<Stream 1 127.0.0.1:.* was never closed"):
            del stream
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):  # asyncio's own, of the same socket
            gc.collect()
        with peer:
            peer.settimeout(5)
            with suppress(ConnectionResetError):
                assert peer.recv(1) == b""


async def test_lifetime_cuts_a_handler_that_waits_for_something_else(world: World) -> None:
    caught: list[BaseException] = []

    async def busy(stream: Stream) -> None:
        await asyncio.sleep(5)
        try:
            await stream.send(b"late")
        except NetwrightError as error:
            caught.append(error)
            raise

    async with world.serve(busy, limits=Limits(lifetime=2.0)) as listener:
        sock = world.raw(listener)
        await asyncio.sleep(3)
        try:
            assert sock.recv(1) == b""
        except ConnectionResetError:
            assert world.transport == "tcp"
        await until(lambda: caught, seconds=5)
        assert isinstance(caught[0], DeadlineError)
        assert caught[0].stage == "lifetime"
        sock.close()


async def _open(listener: Listener, opened: list[Stream]) -> None:
    opened.append(await connect(listener.address, recorder=listener.recorder))


async def test_both_sides_may_close_their_half_first_and_read_on(world: World) -> None:
    """RFC 9293 §3.6 case 3: both FINs are on their way at once; every byte before them arrives."""

    async def talk(stream: Stream) -> None:
        await stream.send(b"from the server")
        await stream.send_eof()
        got.append(b"".join([chunk async for chunk in stream]))

    got: list[bytes] = []
    async with world.serve(talk) as listener, await world.connect(listener) as stream:
        await stream.send(b"from the client")
        await stream.send_eof()
        got.append(b"".join([chunk async for chunk in stream]))
        await until(lambda: len(got) == 2)
    assert sorted(got) == [b"from the client", b"from the server"]


@pytest.mark.real
@pytest.mark.realtime
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no interval timers")
async def test_storm_of_signals_disturbs_nobody(world: World) -> None:
    """EINTR everywhere: a signal each millisecond while a thousand lines go to and fro."""
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))

    async def echo(stream: Stream) -> None:
        async for chunk in stream:
            await stream.send(chunk)

    try:
        async with world.serve(echo) as listener, await world.connect(listener) as stream:
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            for number in range(1000):
                line = b"%d\n" % number
                await stream.send(line)
                assert await stream.readline(timeout=10) == line
            await asyncio.sleep(0.05)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(seen) >= 10
