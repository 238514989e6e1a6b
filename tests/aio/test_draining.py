"""What a drain ends, what it waits for, and what it resets."""

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress

import pytest

from netwright.aio import DrainReport, Listener, Stream, connect
from netwright.aio import listener as listener_module
from netwright.aio.draining import CLEAN_UP, NAMED, begin_end
from netwright.core.errors import ResetError
from netwright.core.record import Outcome
from netwright.proto.drain import QUIET
from netwright.run.service import Service
from tests.support.world import World, now, turns, until


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


async def echo_lines(stream: Stream) -> None:
    while line := await stream.readline():
        await stream.send(line)


async def test_drain_is_bounded_though_a_handler_catches_its_cancellation(world: World) -> None:
    released = asyncio.Event()

    async def deaf(stream: Stream) -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    async with world.serve(deaf) as listener:
        stream = await world.connect(listener)
        await until(lambda: len(listener.streams) == 1)
        begun = now()
        assert await listener.drain(1.0) == DrainReport(aborted=1)
        assert now() - begun == pytest.approx(1.0 + CLEAN_UP, abs=0.3)
        assert f"test: 1 handlers go on {CLEAN_UP:g} s after a cancel" in world.lines[0]
        released.set()
        await stream.close()


async def test_drain_closes_idle_lets_busy_finish_and_aborts_stuck(world: World) -> None:
    stuck_seen: list[BaseException] = []

    async def work(stream: Stream) -> None:
        while line := await stream.readline():
            try:
                await asyncio.sleep(float(line))
            except asyncio.CancelledError as error:
                stuck_seen.append(error)
                raise
            await stream.send(b"done\n")

    async with world.serve(work) as listener:
        idle = [await world.connect(listener) for _ in range(3)]
        busy = [await world.connect(listener) for _ in range(2)]
        stuck = await world.connect(listener)
        for stream in busy:
            await stream.send(b"2\n")
        await stuck.send(b"1000\n")
        await asyncio.sleep(0.5)
        async with asyncio.TaskGroup() as group:
            begun = now()
            draining = group.create_task(listener.drain(5.0))
            assert await idle[0].read() == b""
            assert now() - begun < 0.05
            for stream in busy:
                assert await stream.readline() == b"done\n"
                assert await stream.read() == b""
        assert draining.result() == DrainReport(idle=3, finished=2, aborted=1)
        assert now() - begun == pytest.approx(5, abs=0.3)
        assert len(stuck_seen) == 1
        for stream in (*idle, *busy, stuck):
            await stream.close()
        outcomes = [record.outcome for record in listener.recorder.recent if record.role == "accepted"]
        assert outcomes == [Outcome.DRAINED] * 6
    assert world.lines == []


@pytest.mark.parametrize("later", range(8))
async def test_drain_in_the_ticks_of_an_accept_leaves_nothing(world: World, later: int) -> None:
    """Not accepted, without its task's first step, without a stream, before its first read: all end at once."""
    async with world.serve(echo) as listener:
        sock = world.raw(listener)
        await turns(later)
        begun = now()
        report = await listener.drain(30.0)
        assert (report.aborted, now() - begun < 5) == (0, True)
        assert listener.recorder.live == {}
        sock.close()


async def test_reset_while_draining_counts_as_finished(world: World) -> None:
    async with world.serve(echo_lines) as listener:
        sock = world.raw(listener)
        sock.send(b"half a line")
        await turns(10)
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(listener.drain(5.0))
            await turns(5)
            world.reset(sock)
        assert draining.result() == DrainReport(finished=1)


def test_sum_of_reports_counts_all_and_names_the_first_hundred() -> None:
    """A service with thousands of stuck connections on several listeners still logs a bounded list."""
    lines = [f"test of {number}" for number in range(2 * NAMED)]
    total = DrainReport(1, 2, NAMED, tuple(lines[:NAMED])) + DrainReport(3, 4, NAMED, tuple(lines[NAMED:]))
    assert (total.idle, total.finished, total.aborted) == (4, 6, 2 * NAMED)
    assert total.cut == tuple(lines[:NAMED])


async def test_drain_of_nothing_is_nothing(world: World) -> None:
    async with world.serve(echo) as listener:
        assert await listener.drain(1.0) == DrainReport() + DrainReport()


async def test_handler_that_ignores_its_cancellation_is_reset_at_the_deadline(world: World) -> None:
    released = asyncio.Event()

    async def deaf(stream: Stream) -> None:
        await stream.read()
        while not released.is_set():
            with suppress(asyncio.CancelledError):
                await released.wait()

    async with world.serve(deaf) as listener:
        stream = await world.connect(listener)
        await stream.send(b"x")
        await turns(5)
        begun = now()
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(listener.drain(0.2))
            with suppress(ResetError):
                assert await stream.read() == b""
            assert now() - begun < 0.5
        report = draining.result()
        assert (report, now() - begun < 1.5) == (DrainReport(aborted=1), True)
        assert len(report.cut) == 1
        assert "test of " in report.cut[0]
        record = next(record for record in listener.recorder.recent if record.role == "accepted")
        assert record.outcome is Outcome.DRAINED
        released.set()
        await stream.close()


async def test_drain_by_a_handler_of_the_same_service_does_not_wait_for_it(engine: str) -> None:
    service, reports = Service("admin"), list[DrainReport]()

    @service.tcp("127.0.0.1:0")
    async def admin(stream: Stream) -> None:
        while line := await stream.readline():
            if line == b"drain\n":
                reports.append(await service.drain(5.0))
                await stream.send(b"done\n")
                return

    await service.start()
    address = service.listeners[0].address
    async with await connect(address) as idle, await connect(address) as stream:
        await turns(10)
        begun = now()
        await stream.send(b"drain\n")
        assert await stream.readline(timeout=20) == b"done\n"
        assert now() - begun < 1
        assert await idle.read() == b""
        await service.wait()
    assert reports == [DrainReport(idle=1)]


async def test_stream_that_fails_while_a_drain_begins_does_not_stop_the_drain(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.serve(echo) as listener:
        streams = [await world.connect(listener) for _ in range(3)]
        await until(lambda: len(listener.streams) == 3)
        finish, calls = begin_end, list[Stream]()

        class Failing:
            def finish_messages(self) -> bool:
                raise MemoryError

        def first_fails(stream: Stream) -> bool:
            calls.append(stream)
            return finish(Failing() if len(calls) == 1 else stream)  # type: ignore[arg-type]

        monkeypatch.setattr(listener_module, "begin_end", first_fails)
        assert await listener.drain(1.0) == DrainReport(idle=2, aborted=1)
        assert "MemoryError" in caplog.text
        for stream in streams:
            stream.abort()


async def test_drain_waits_for_a_handler_that_pushes_and_never_reads(world: World) -> None:
    async def push(stream: Stream) -> None:
        for _ in range(8):
            await stream.send(b"tick\n")
            await asyncio.sleep(1)

    async with world.serve(push) as listener:
        stream = await world.connect(listener)
        await until(lambda: len(listener.streams) == 1)
        assert await listener.drain(20.0) == DrainReport(finished=1)
        assert len([line async for line in stream.lines()]) == 8
        await stream.close()


async def test_drain_waits_for_a_handler_that_waits_for_a_queue(world: World) -> None:
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def deliver(stream: Stream) -> None:
        await stream.send(await queue.get())

    async with world.serve(deliver) as listener, asyncio.TaskGroup() as group:
        stream = await world.connect(listener)
        await until(lambda: len(listener.streams) == 1)
        draining = group.create_task(listener.drain(20.0))
        await asyncio.sleep(5)
        queue.put_nowait(b"at last")
        assert await draining == DrainReport(finished=1)
        assert await stream.read() == b"at last"
        await stream.close()


async def test_drain_waits_for_an_answer_that_is_being_computed(world: World) -> None:
    async def work(stream: Stream) -> None:
        async for line in stream.lines():
            await asyncio.sleep(5)
            await stream.send(line, b"\n")

    async with world.serve(work) as listener:
        stream = await world.connect(listener)
        await stream.send(b"first\nsecond\n")
        await until(lambda: any(each.record.bytes_in for each in listener.streams))
        begun = now()
        assert await listener.drain(20.0) == DrainReport(finished=1)
        assert now() - begun == pytest.approx(10.0, abs=0.5)  # both, and nothing after them
        assert [line async for line in stream.lines()] == [b"first", b"second"]
        await stream.close()


async def test_drain_answers_a_request_that_the_loop_has_not_seen_yet(world: World) -> None:
    """A client between two pipelined requests: the second is in the kernel when the drain begins."""
    async with world.serve(echo_lines) as listener:
        stream = await world.connect(listener)
        await stream.send(b"first\n")
        assert await stream.readline() == b"first\n"
        await turns(5)
        await stream.send(b"second\n")
        assert await listener.drain(20.0) == DrainReport(finished=1)
        assert await stream.readline() == b"second\n"
        await stream.close()


async def test_half_a_line_does_not_hold_a_drain(world: World) -> None:
    async with world.serve(echo_lines) as listener:
        stream = await world.connect(listener)
        await stream.send(b"half")
        await until(lambda: any(each.record.bytes_in for each in listener.streams))
        begun = now()
        assert await listener.drain(20.0) == DrainReport(finished=1)
        assert now() - begun == pytest.approx(QUIET, abs=0.5)
        await stream.close()


def test_a_listener_dropped_with_its_loop_closes_its_socket(
    engine: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """A program's own ``loop.close()`` while it serves: there is no task left that could be cancelled or awaited."""

    async def begin() -> "tuple[Listener, asyncio.Task[None]]":
        listener = await Listener.bind("127.0.0.1:0")
        serving = asyncio.get_running_loop().create_task(listener.serve(lambda stream: stream.close()))
        await turns()
        return listener, serving

    loop = loop_factory()
    loop.set_exception_handler(lambda loop, context: None)  # asyncio's "Task was destroyed but it is pending"
    listener, serving = loop.run_until_complete(begin())
    loop.close()
    work = serving.get_coro()
    assert isinstance(work, Coroutine)
    work.close()  # as the collector does
    with socket.socket() as late:
        assert late.connect_ex((listener.address.host, listener.address.port)) == errno.ECONNREFUSED
