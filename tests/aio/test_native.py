"""What only the native engine has: own system calls under three kinds of loop, forks, interrupts, dead loops."""

import asyncio
import contextvars
import gc
import os
import random
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("netwright.aio._stream", reason="the kernel is not built")

from netwright.aio.loop import loop_factory
from netwright.aio.native import NativeEngine
from netwright.core.errors import DeadlineError, ResetError, UsageError
from netwright.core.limits import UNLIMITED, Limits  # only where the kernel is
from netwright.core.moment import Kind
from netwright.core.record import Outcome, Recorder
from tests.support.engines import open_stream, tcp_pair
from tests.support.world import descriptors

pytestmark = pytest.mark.real

Body = Callable[[NativeEngine], Any]


def uvloop() -> Any:
    """A uvloop loop; its process-wide pipe is opened before anybody counts descriptors."""
    return pytest.importorskip("uvloop").new_event_loop()


class Run:
    """Runs a body with an engine on a new loop of one kind."""

    def __init__(self, factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self.factory = factory

    def __call__(self, body: Body, *, debug: bool = False) -> Any:
        with asyncio.Runner(loop_factory=self.factory, debug=debug) as runner:
            return runner.run(self.on_engine(body))

    async def on_engine(self, body: Body) -> Any:
        return await body(NativeEngine(asyncio.get_running_loop()))


@pytest.fixture(params=[asyncio.new_event_loop, loop_factory, uvloop], ids=["asyncio", "selector", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Fails the test that leaves a descriptor open."""
    request.param().close()
    before = descriptors()
    yield Run(request.param)
    gc.collect()
    assert descriptors() <= before


async def pair(engine: NativeEngine, limits: Limits = UNLIMITED) -> tuple[Any, socket.socket]:
    left, right = tcp_pair()
    return await open_stream(engine, left, Recorder(watch_all=True), limits), right


def test_fin_behind_a_short_read_is_not_lost(run: Run) -> None:
    """The bug of edge-triggered engines: a short read is taken for "drained" although a FIN waits behind it."""

    async def body(engine: NativeEngine) -> None:
        for size in (1, 100, 65535, 65536):
            stream, peer = await pair(engine)
            async with stream:
                with peer:
                    peer.sendall(b"x" * size)
                    peer.shutdown(socket.SHUT_WR)
                    async with asyncio.timeout(5):
                        assert sum([len(chunk) async for chunk in stream]) == size
                    assert stream.at_eof

    run(body)


def test_cancelled_reads_lose_no_byte(run: Run) -> None:
    """1,600 cancellations at random moments, of every reading verb, in mid-message and between."""

    async def body(engine: NativeEngine) -> None:
        dice = random.Random(7)
        stream, peer = await pair(engine)
        sent, got = bytearray(), bytearray()
        cancelled = 0

        async def feed() -> None:
            while cancelled < 1600:
                chunk = bytes(dice.choices(b"abcdefgh\n", k=dice.randint(1, 400)))
                try:
                    sent.extend(chunk[: peer.send(chunk)])
                except BlockingIOError:
                    await asyncio.sleep(0.001)
                await asyncio.sleep(0)
            peer.shutdown(socket.SHUT_WR)

        async def read() -> None:
            verb = dice.choice([lambda: stream.read(50), lambda: stream.read_exactly(97), stream.readline])
            got.extend(await verb())

        async with stream, asyncio.TaskGroup() as group:
            group.create_task(feed())
            while cancelled < 1600:
                task = asyncio.get_running_loop().create_task(read())
                for _ in range(dice.randint(0, 2)):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                if task.cancelled():
                    cancelled += 1
                else:
                    task.result()
            rest = [chunk async for chunk in stream]
        peer.close()
        assert bytes(got) + b"".join(rest) == bytes(sent)

    run(body)


def test_cancelled_sends_keep_order_and_lose_nothing_of_a_call(run: Run) -> None:
    async def body(engine: NativeEngine) -> None:
        dice = random.Random(8)
        stream, peer = await pair(engine)
        got = bytearray()

        async def drain() -> None:
            loop = asyncio.get_running_loop()
            while data := await loop.sock_recv(peer, 100_000):
                got.extend(data)

        async def send(number: int) -> None:
            await stream.send(b"%08d" % number, b"x" * 60_000, bytearray(b"end."))

        done = []
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(drain())
            for number in range(300):
                task = group.create_task(send(number))
                for _ in range(dice.randint(0, 3)):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                if not task.cancelled():
                    done.append(number)
            await stream.close(timeout=30)
            await draining
        peer.close()
        assert len(got) % 60_012 == 0
        numbers = [int(got[at : at + 8]) for at in range(0, len(got), 60_012)]
        assert numbers == sorted(set(numbers))
        assert set(done) <= set(numbers)

    run(body)


def test_reset_reaches_the_waiting_reader_and_nobody_else(run: Run) -> None:
    async def body(engine: NativeEngine) -> None:
        stream, peer = await pair(engine)
        other, quiet = await pair(engine)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_outcome(stream.read()))
            waiting = group.create_task(_outcome(other.read(timeout=0.2)))
            await asyncio.sleep(0.01)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
        assert (type(reading.result()), type(waiting.result())) == (ResetError, DeadlineError)
        assert stream.record.outcome is Outcome.RESET
        assert Kind.FIN_RECEIVED not in [moment.kind for moment in stream.record.timeline]
        with pytest.raises(ResetError):
            await stream.send(b"x")
        await stream.close()
        await other.close()
        quiet.close()

    run(body)


def test_blocked_sender_is_woken_at_its_deadline_and_by_a_reset(run: Run) -> None:
    async def body(engine: NativeEngine) -> None:
        stream, peer = await pair(engine, Limits(send=0.1))
        with pytest.raises(DeadlineError, match=r"send: .* does not read"):
            await stream.send(b"x" * 20_000_000)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(_outcome(stream.send(b"y", timeout=5)))
            await asyncio.sleep(0.01)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
        assert isinstance(sending.result(), ResetError)
        await stream.close()

    run(body)


def test_one_flooding_peer_leaves_the_others_their_turn(run: Run) -> None:
    """A quarter of a millisecond of reads or sends at once, then the loop goes round."""

    async def body(engine: NativeEngine) -> int:
        stream, peer = await pair(engine)
        peer.send(b"x" * 5000)
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.get_running_loop().create_task(count())
        async with stream:
            for _ in range(5000):
                await stream.read(1)
            seen, turns = turns, 0
            for _ in range(3000):
                await stream.send(b"x")
            counting.cancel()
        peer.close()
        return min(seen, turns)

    assert run(body) >= 4


def test_verbs_are_coroutines_to_asyncio(run: Run) -> None:
    async def body(engine: NativeEngine) -> None:
        stream, peer = await pair(engine)
        with peer:
            async with stream, asyncio.TaskGroup() as group:
                reading = group.create_task(stream.read())
                sending = group.create_task(stream.send(b"to"))
                peer.send(b"fro")
                assert await reading == b"fro"
                await sending
                peer.send(b"once")
                once = stream.read()
                assert await once == b"once"
                with pytest.raises(RuntimeError, match="awaited before"):
                    await once
                await asyncio.gather(stream.send(b"1"), stream.send_eof())
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await asyncio.shield(group.create_task(stream.read()))
                with pytest.raises(UsageError, match="another task is already reading"):
                    await stream.read()
                peer.shutdown(socket.SHUT_WR)

    run(body)


def test_debug_mode_changes_nothing(run: Run) -> None:
    async def body(engine: NativeEngine) -> bytes:
        stream, peer = await pair(engine)
        with peer:
            async with stream:
                peer.send(b"line\n")
                line: bytes = await stream.readline()
                return line

    assert run(body, debug=True) == b"line\n"


def test_interrupt_in_a_handler_loses_no_event_of_the_others(run: Run) -> None:
    """KeyboardInterrupt leaves the loop out of the middle of a batch; the batch goes on when the loop does."""
    got: list[bytes] = []

    async def read(stream: Any, number: int) -> None:
        got.append(await stream.read())
        if number == 1:
            raise KeyboardInterrupt

    async def start(engine: NativeEngine) -> tuple[list[Any], list[asyncio.Task[None]]]:
        pairs = [await pair(engine) for _ in range(5)]
        tasks = [asyncio.get_running_loop().create_task(read(stream, at)) for at, (stream, _) in enumerate(pairs)]
        await asyncio.sleep(0)
        return pairs, tasks

    async def finish(pairs: list[Any], tasks: list[asyncio.Task[None]]) -> None:
        await asyncio.wait(tasks)
        for stream, peer in pairs:
            await stream.close()
            peer.close()

    loop = run.factory()
    try:
        pairs, tasks = loop.run_until_complete(run.on_engine(start))
        for _, peer in pairs:
            peer.send(b"x")
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(asyncio.sleep(5))
        loop.run_until_complete(finish(pairs, tasks))
    finally:
        loop.close()
    assert got == [b"x"] * 5
    assert [type(task.exception()) for task in tasks].count(KeyboardInterrupt) == 1


def test_interrupt_at_a_deadline_loses_no_deadline_of_the_others(run: Run) -> None:
    """KeyboardInterrupt leaves the loop out of the middle of the scan; what it did not reach is scanned later."""
    late: list[int] = []

    async def read(stream: Any, number: int) -> None:
        with pytest.raises(DeadlineError):
            await stream.read(timeout=0.05)
        late.append(number)
        if number == 1:
            raise KeyboardInterrupt

    async def start(engine: NativeEngine) -> tuple[list[Any], list[asyncio.Task[None]]]:
        pairs = [await pair(engine) for _ in range(5)]
        tasks = [asyncio.get_running_loop().create_task(read(stream, at)) for at, (stream, _) in enumerate(pairs)]
        await asyncio.sleep(0)
        return pairs, tasks

    async def finish(pairs: list[Any], tasks: list[asyncio.Task[None]]) -> None:
        await asyncio.wait(tasks, timeout=5)
        for stream, peer in pairs:
            await stream.close()
            peer.close()

    loop = run.factory()
    try:
        pairs, tasks = loop.run_until_complete(run.on_engine(start))
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(asyncio.sleep(5))
        loop.run_until_complete(finish(pairs, tasks))
    finally:
        loop.close()
    assert sorted(late) == [0, 1, 2, 3, 4]
    assert [type(task.exception()) for task in tasks].count(KeyboardInterrupt) == 1


def test_stream_outlives_its_loop_only_to_be_closed(run: Run) -> None:
    async def body(engine: NativeEngine) -> tuple[Any, socket.socket]:
        return await pair(engine)

    stream, peer = run(body)
    stream.abort()
    peer.close()
    stream, peer = run(body)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        descriptor = stream.fileno()
        del stream
        gc.collect()
    assert [warning.category for warning in caught] == [ResourceWarning]
    assert "was never closed" in str(caught[0].message)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    peer.close()


def test_forked_child_is_told_and_leaves_the_parents_connection_alone(run: Run) -> None:
    async def body(engine: NativeEngine) -> tuple[bytes, int]:
        stream, peer = await pair(engine)
        with peer:
            async with stream:
                child = os.fork()
                if child == 0:
                    code = 1
                    try:
                        stream.send(b"from the child").send(None)
                    except UsageError as error:
                        code = 0 if "parent process" in str(error) else 2
                    stream.abort()
                    os._exit(code)
                _, status = await asyncio.to_thread(os.waitpid, child, 0)
                peer.send(b"still here")
                return await stream.read(timeout=5), os.waitstatus_to_exitcode(status)

    assert run(body) == (b"still here", 0)


@pytest.mark.parametrize("peer_first", [False, True])
def test_close_sends_fin_though_a_child_holds_the_descriptor(run: Run, peer_first: bool) -> None:
    """A descriptor that a child inherited by fork keeps the connection open after the parent's close(2)."""

    async def body(engine: NativeEngine) -> bytes:
        stream, peer = await pair(engine)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)  # until the parent is done
            os._exit(0)
        os.close(reading)
        with peer:
            if peer_first:
                peer.shutdown(socket.SHUT_WR)
                assert await stream.read(timeout=5) == b""
            await stream.close()
            peer.settimeout(5)
            try:
                return await asyncio.to_thread(peer.recv, 1)
            finally:
                os.close(writing)
                await asyncio.to_thread(os.waitpid, child, 0)

    assert run(body) == b""


def test_deadline_strikes_after_everything_was_closed_before_an_earlier_one(run: Run) -> None:
    """The timer of what was closed is gone; the first deadline of what is opened then needs its own."""

    async def body(engine: NativeEngine) -> None:
        for given_up in (True, False):
            stream, peer = await pair(engine)
            with peer:
                with pytest.raises(TimeoutError if given_up else DeadlineError):
                    async with asyncio.timeout(0.01 if given_up else 5):
                        await stream.read(timeout=0.2 if given_up else 0.3)
                await stream.close()

    run(body)


def test_deadlines_are_met_by_one_timer_for_many(run: Run) -> None:
    """As late as the loop's own timers, which a busy machine makes late, too."""

    async def body(engine: NativeEngine) -> tuple[list[float], list[float]]:
        streams = [await pair(engine) for _ in range(20)]
        began = engine.now()

        async def late(stream: Any, timeout: float) -> float:
            with pytest.raises(DeadlineError):
                await stream.read(timeout=timeout)
            return engine.now() - began - timeout

        async def slept(timeout: float) -> float:
            await asyncio.sleep(timeout)
            return engine.now() - began - timeout

        async with asyncio.TaskGroup() as group:
            sleeps = [group.create_task(slept(0.01 + 0.01 * at)) for at in range(len(streams))]
            tasks = [group.create_task(late(stream, 0.01 + 0.01 * at)) for at, (stream, _) in enumerate(streams)]
        for stream, peer in streams:
            await stream.close()
            peer.close()
        return [task.result() for task in tasks], [sleep.result() for sleep in sleeps]

    lateness, usual = run(body)
    assert min(lateness) >= 0
    assert sorted(lateness)[10] < sorted(usual)[10] + 0.05


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_eager_task_may_wait_or_finish_in_its_first_step(run: Run) -> None:
    if run.factory is uvloop:
        pytest.skip("uvloop 0.22 passes eager task factories an argument that they do not take")

    async def body(engine: NativeEngine) -> list[bytes]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(vars(asyncio)["eager_task_factory"])
        stream, peer = await pair(engine)

        async def answer() -> bytes:
            line: bytes = await stream.readline(timeout=5)
            await stream.send(line)
            return line

        async with stream, asyncio.TaskGroup() as group:
            waiting = group.create_task(answer())
            peer.sendall(b"comes later\n")
            lines = [await waiting]
            peer.sendall(b"is here already\n")
            await asyncio.sleep(0.01)
            lines.append(await group.create_task(answer()))
        peer.close()
        return lines

    assert run(body) == [b"comes later\n", b"is here already\n"]


def test_what_a_task_waits_on_takes_a_callback_with_its_context_and_nothing_else(run: Run) -> None:
    async def body(engine: NativeEngine) -> None:
        stream, peer = await pair(engine)
        waiter: Any = stream.read().send(None)
        for arguments, named in ((), {}), ((print,), {}), ((print,), {"other": None}), ((print, 1), {"context": None}):
            with pytest.raises(TypeError, match="context="):
                waiter.add_done_callback(*arguments, **named)
        assert waiter.add_done_callback(print, context=contextvars.copy_context()) is None
        stream.abort()
        peer.close()

    run(body)


async def _outcome(awaitable: Any) -> Any:
    try:
        return await awaitable
    except (ResetError, DeadlineError) as error:
        return error
