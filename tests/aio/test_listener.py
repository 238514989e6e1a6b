"""Accepting, limits, stages, faults of handlers, drain."""

import asyncio
import errno
import os
import random
import resource
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import NoReturn

import pytest

from netwright.aio import DrainReport, Limits, Listener, Stream, connect
from netwright.aio.engine import Handle
from netwright.aio.listener import BACK_OFF, GONE
from netwright.core.address import InetAddress
from netwright.core.errors import DeadlineError, UsageError
from netwright.core.record import Outcome
from tests.support import books
from tests.support.world import World, accepted, now, turns, until


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


async def echo_lines(stream: Stream) -> None:
    while line := await stream.readline():
        await stream.send(line)


Take = Callable[[], Handle | None]


def taking(listener: Listener, accept: Callable[[Take], Handle | None]) -> None:
    """Put ``accept`` between the listener and its socket."""
    (handle,) = listener._handles  # noqa: SLF001  # what the system does is played here
    handle.take = partial(accept, handle.take)  # type: ignore[method-assign]


# the system runs out of something


@pytest.mark.long
@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_starved_accept_backs_off_reports_once_and_goes_on(world: World, number: int) -> None:
    starved = True

    def starve(take: Take) -> Handle | None:
        if starved:
            raise OSError(number, os.strerror(number))
        return take()

    async with world.serve(echo) as listener:
        taking(listener, starve)
        async with await world.connect(listener) as stream:
            await stream.send(b"x")
            await asyncio.sleep(25)
            assert listener.counts["starved"] == pytest.approx(25 / BACK_OFF, rel=0.1)
            assert len(world.lines) == 3
            assert os.strerror(number) in world.lines[0]
            times = [int(line.rpartition(", ")[2].split()[0]) for line in world.lines]
            assert times == [1, pytest.approx(10 / BACK_OFF, rel=0.1), pytest.approx(10 / BACK_OFF, rel=0.1)]
            starved, freed = False, now()
            assert await stream.read() == b"x"
            assert now() - freed <= BACK_OFF + 0.05


@pytest.mark.real
@pytest.mark.realtime
async def test_listener_out_of_descriptors_serves_the_others_and_then_the_waiting(world: World) -> None:
    """emfile_accept for real: every descriptor is taken, then they are freed."""
    async with world.serve(echo) as listener, await world.connect(listener) as old:
        waiting = world.raw(listener)
        hoard: list[int] = []
        await turns(20)
        waiting.close()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 8, hard))
        try:
            late = world.raw(listener)
            try:
                while True:
                    hoard.append(os.dup(0))
            except OSError:
                pass
            late.send(b"late")
            await asyncio.sleep(0.3)
            await old.send(b"served")
            assert await old.read_exactly(6) == b"served"
        finally:
            for fd in hoard:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await asyncio.sleep(0.2)
        assert late.recv(4) == b"late"
        late.close()
        assert listener.counts["starved"] <= 5
        assert len(world.lines) == 1


@pytest.mark.parametrize("number", sorted(GONE))
async def test_connection_that_left_the_queue_is_invisible(world: World, number: int) -> None:
    """accept(2), "Error handling": the errors of the connection that was next."""
    aborted = 30

    def abort(take: Take) -> Handle | None:
        nonlocal aborted
        if aborted:
            aborted -= 1
            raise OSError(number, os.strerror(number))
        return take()

    async with world.serve(echo) as listener:
        taking(listener, abort)
        async with await world.connect(listener) as stream:
            await stream.send(b"x")
            assert await stream.read() == b"x"
    assert (aborted, world.lines, listener.counts["starved"]) == (0, [], 0)


async def test_reset_before_accept_is_nobodys_error(world: World) -> None:
    async with world.serve(echo) as listener:
        for _ in range(5):
            world.reset(world.raw(listener))
        async with await world.connect(listener) as stream:
            await stream.send(b"x")
            assert await stream.read() == b"x"
        await until(lambda: not listener.streams)
    assert world.lines == []


# limits


async def test_connection_over_the_total_waits_in_the_queue(world: World) -> None:
    async with world.serve(echo, limits=Limits(max_connections=2)) as listener:
        first, second, third = [await world.connect(listener) for _ in range(3)]
        await third.send(b"x")
        with pytest.raises(DeadlineError):
            await third.read(timeout=5)
        assert listener.counts["accepted"] == 2
        await first.close()
        assert await third.read() == b"x"
        await second.close()
        await third.close()


async def test_total_holds_over_all_sockets_of_a_listener_in_every_turn(engine: str) -> None:
    """``Limits.max_connections`` is the program's memory: not one more, whichever socket has connections waiting."""
    seen: list[int] = []

    async def note(stream: Stream) -> None:
        seen.append(len(listener.streams))
        await stream.read()

    for most in range(12, 36):
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        listener = Listener(servers, limits=Limits(max_connections=most))
        peers = [socket.create_connection(server.getsockname()) for server in servers for _ in range(20)]
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.serve(note))
            await turns(20)
            listener.abort()
        for peer in peers:
            peer.close()
        assert max(seen) <= most


async def test_connection_over_the_hosts_share_is_refused_and_counted(world: World) -> None:
    async with world.serve(echo, limits=Limits(max_per_host=2)) as listener:
        async with await world.connect(listener), await world.connect(listener):
            await turns(10)
            refused = world.raw(listener)
            await until(lambda: listener.counts["refused"] == 1)
            try:
                assert refused.recv(1) == b""
            except ConnectionResetError:
                assert world.transport == "tcp"
            refused.close()
        await until(lambda: not listener.streams)
        async with await world.connect(listener) as stream:
            await stream.send(b"x")
            assert await stream.read() == b"x"
    assert listener.counts == {"accepted": 3, "refused": 1}


async def test_accept_rate_spreads_a_burst(world: World) -> None:
    times: list[float] = []

    async def note(stream: Stream) -> None:
        times.append(now())

    async with world.serve(note, limits=Limits(accept_rate=2.0)) as listener:
        burst = [world.raw(listener) for _ in range(6)]
        await asyncio.sleep(5)
        for sock in burst:
            sock.close()
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert len(gaps) == 5
    assert min(gaps) > 0.3
    assert sum(gaps) == pytest.approx(2.5, abs=0.3)


# stages


@pytest.mark.parametrize(
    ("stage", "first", "rest"),
    [("first byte", b"", b""), ("idle", b"whole\n", b""), ("frame", b"x", b"x"), ("lifetime", b"x\n", b"x\n")],
)
async def test_slow_peer_is_cut_at_its_stage(world: World, stage: str, first: bytes, rest: bytes) -> None:
    limits = Limits(first_byte=3.0, idle=4.0, frame=5.0, lifetime=6.0 if stage == "lifetime" else None)
    allowed = {"first byte": 3.0, "idle": 4.0, "frame": 5.0, "lifetime": 6.0}[stage]
    async with world.serve(echo_lines, limits=limits) as listener:
        sock, begun = world.raw(listener), now()
        sock.send(first)
        while not listener.recorder.recent:
            await asyncio.sleep(0.25)
            if rest:
                try:
                    sock.send(rest)
                except OSError:
                    break
        assert now() - begun == pytest.approx(allowed, abs=0.8)
        await until(lambda: listener.recorder.recent)
        record = accepted(listener)
        assert (record.outcome, record.ended.stage) == (Outcome.DEADLINE, stage)
        assert stage in record.ended.text
        sock.close()
    (line,) = world.lines
    setting = f"Limits.{stage.replace(' ', '_')}={allowed}"
    for part in ("test of", f"DeadlineError: {stage}: timed out after", setting, "test_listener.py:", "bytes in"):
        assert part in line
    assert world.errors == [None]


async def test_peer_that_does_not_read_is_cut_at_stage_send(world: World) -> None:
    async def pour(stream: Stream) -> None:
        while True:
            await stream.send(bytes(100_000))

    async with world.serve(pour, limits=Limits(send=3.0)) as listener:
        sock, begun = world.raw(listener, receive_buffer=4096), now()
        await until(lambda: listener.recorder.recent, seconds=10)
        assert now() - begun == pytest.approx(3, abs=0.8)
        record = accepted(listener)
        assert (record.outcome, record.ended.stage) == (Outcome.DEADLINE, "send")
        assert record.send_waited == pytest.approx(3, abs=0.3)
        sock.close()


@pytest.mark.parametrize(("rate", "cut"), [(10, True), (100_000, False)])
async def test_peer_that_reads_slowly_is_cut_below_a_useful_rate(world: World, rate: int, cut: bool) -> None:
    """slow_reader_drip: a byte now and then does not renew the stage, 64 KiB do."""

    async def pour(stream: Stream) -> None:
        await stream.send(bytes(3_000_000))

    async with world.serve(pour, limits=Limits(send=3.0)) as listener:
        sock, got, ended = world.raw(listener, receive_buffer=4096), 0, False
        while not ended and not (cut and listener.recorder.recent):
            await asyncio.sleep(0.5)
            allowance = got + rate // 2
            while got < allowance and not ended:
                try:
                    chunk = sock.recv(allowance - got)
                except BlockingIOError:
                    break
                except ConnectionResetError:
                    chunk = b""
                got, ended = got + len(chunk), not chunk
        sock.close()
        assert (got < 3_000_000) is cut
        await until(lambda: listener.recorder.recent)
        assert accepted(listener).ended.stage == ("send" if cut else "")


async def test_peer_that_stops_reading_is_cut_however_much_it_read_before(world: World) -> None:
    """What it read in one span of ``Limits.send`` seconds does not count for the next."""

    async def pour(stream: Stream) -> None:
        await stream.send(bytes(60_000_000))

    async with world.serve(pour, limits=Limits(send=3.0)) as listener:
        with world.raw(listener, receive_buffer=65_536) as sock:
            for _ in range(10):
                for _ in range(10):
                    with suppress(BlockingIOError):
                        sock.recv(100_000)
                await asyncio.sleep(0.5)
            assert listener.recorder.live
            stopped = now()
            await until(lambda: listener.recorder.recent, seconds=20)
            assert 2.5 <= now() - stopped <= 6.5
        assert accepted(listener).ended.stage == "send"


async def failure(work: Awaitable[object]) -> BaseException | None:
    try:
        await work
    except DeadlineError as error:
        return error
    return None


async def test_time_for_the_first_byte_is_renewed_by_what_is_sent(world: World) -> None:
    """``Limits.first_byte``: nothing has arrived, and for this long nothing was sent."""
    ended: list[float] = []

    async def greet(stream: Stream) -> None:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(failure(stream.read()))
            for _ in range(5):
                await stream.send(b"hello?")
                await asyncio.sleep(2)
                assert not reader.done()
            silent_since = now() - 2
        assert isinstance(reader.result(), DeadlineError)
        ended.append(now() - silent_since)

    async with world.serve(greet, limits=Limits(first_byte=3.0)) as listener:
        with world.raw(listener):
            await until(lambda: ended or world.lines, seconds=30)
    assert world.lines == []
    assert ended == [pytest.approx(3.0, abs=0.5)]


async def test_peer_that_listens_to_a_talker_is_not_idle(world: World) -> None:
    """Nothing moved *in either direction*: a feed's subscriber never sends."""

    async def feed(stream: Stream) -> None:
        assert await stream.read() == b"subscribe"
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(stream.read())
            for _ in range(10):
                await stream.send(b"tick")
                await asyncio.sleep(1)
            reader.cancel()

    limits = Limits(first_byte=None, idle=2.5)
    async with world.serve(feed, limits=limits) as listener, await world.connect(listener) as stream:
        await stream.send(b"subscribe")
        assert await stream.read_exactly(40, timeout=20) == b"tick" * 10


async def test_listener_keeps_nothing_of_connections_that_ended(world: World) -> None:
    def kept() -> dict[str, int]:
        return {"hosts": len(listener._hosts), "tasks": len(listener._tasks), "live": len(listener.recorder.live)}  # noqa: SLF001

    async def cycle() -> None:
        async with await world.connect(listener) as stream:
            await stream.send(b"x")
            assert await stream.read() == b"x"
        await until(lambda: not listener.recorder.live)
        await turns()

    async with world.serve(echo) as listener:
        await books.steady_async(kept, cycle)
        books.empty(kept())


@pytest.mark.long
async def test_silent_connections_do_not_starve_a_good_one(world: World) -> None:
    async with world.serve(echo_lines, limits=Limits(first_byte=5.0)) as listener:
        silent = [world.raw(listener) for _ in range(300)]
        async with await world.connect(listener) as stream:
            for _ in range(30):
                await stream.send(b"good\n")
                assert await stream.readline(timeout=2.0) == b"good\n"
                await asyncio.sleep(0.3)
        assert sum(record.ended.stage == "first byte" for record in listener.recorder.recent) == 300
        for sock in silent:
            sock.close()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_counters_are_exact_after_random_opens_and_closes(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    live: list[socket.socket] = []
    async with world.serve(echo, limits=Limits(max_connections=20, max_per_host=10)) as listener:
        for _ in range(400):
            if live and random_.random() < 0.5:
                sock = live.pop(random_.randrange(len(live)))
                world.reset(sock) if random_.random() < 0.5 else sock.close()
            else:
                live.append(world.raw(listener))
            await turns(random_.randint(0, 4))
        opened = listener.counts["accepted"] + listener.counts["refused"]
        for sock in live:
            sock.close()
        await until(lambda: " 0 open" in repr(listener))
        totals = listener.recorder.totals
        assert listener.counts["refused"] > 0
        assert totals["accepted"] == listener.counts["accepted"] == sum(totals.values()) - totals["accepted"]
        assert opened >= listener.counts["accepted"]
        assert (await listener.drain(1.0), listener.recorder.live) == (DrainReport(), {})


# handlers that fail


async def test_exception_in_a_handler_is_one_line_and_the_server_lives(world: World) -> None:
    async def buggy(stream: Stream) -> NoReturn:
        await stream.read()
        raise ZeroDivisionError("by zero")

    async with world.serve(buggy) as listener:
        for count in (1, 2):
            stream = await world.connect(listener)
            await stream.send(b"12345")
            await until(lambda count=count: len(world.lines) == count)  # type: ignore[misc]
            stream.abort()
        line = world.lines[0]
        for part in ("test of", "ZeroDivisionError: by zero", "test_listener.py:", "5 bytes in, 0 out, open for 0."):
            assert part in line
        records = [record for record in listener.recorder.recent if record.role == "accepted"]
        assert [record.outcome for record in records] == [Outcome.HANDLER_ERROR] * 2
        assert [type(error) for error in world.errors] == [ZeroDivisionError, type(None)]  # one traceback


async def test_handler_that_awaits_what_was_cancelled_has_failed(world: World) -> None:
    async def lost(stream: Stream) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with world.serve(lost) as listener:
        stream = await world.connect(listener)
        await until(lambda: len(world.lines) == 1)
        stream.abort()
        assert "RuntimeError: the handler waited for a task or future that was cancelled" in world.lines[0]
        (record,) = [record for record in listener.recorder.recent if record.role == "accepted"]
        assert record.outcome is Outcome.HANDLER_ERROR


# the end


async def test_closed_listener_refuses_and_its_connections_live_on(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"x")
        await stream.read()
        listener.close()
        listener.close()
        await turns(5)
        with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
            world.raw(listener)
        await stream.send(b"x")
        assert await stream.read() == b"x"


async def test_cancelled_serve_leaves_no_task_and_no_descriptor(world: World) -> None:
    listener = await Listener.bind(world.anywhere)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(listener.serve(echo))
        stream = await world.connect(listener)
        await stream.send(b"x")
        await stream.read()
        serving.cancel()
    stream.abort()
    await turns(5)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert listener.recorder.live == {}
    assert "0 open, 1 accepted" in repr(listener)


async def test_serve_that_is_cancelled_again_still_waits_for_its_connections(world: World) -> None:
    leaving = asyncio.Event()

    async def slow_to_leave(stream: Stream) -> None:
        try:
            await echo(stream)
        finally:
            leaving.set()
            await asyncio.sleep(1)

    listener = await Listener.bind(world.anywhere)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(listener.serve(slow_to_leave))
        sock = world.raw(listener)
        await until(lambda: listener.streams)
        await turns(10)
        begun = now()
        serving.cancel()
        await leaving.wait()
        serving.cancel()
    assert now() - begun >= 1
    assert serving.cancelled()
    assert (listener.streams, listener.recorder.live) == ({}, {})
    sock.close()


async def test_listener_is_served_once(world: World) -> None:
    async with world.serve(echo) as listener:
        await turns(2)
        with pytest.raises(UsageError, match="already"):
            await listener.serve(echo)
        async with await world.connect(listener) as stream:
            await stream.send(b"x")
            assert await stream.read() == b"x"


async def test_broken_listening_socket_ends_serve_and_aborts_every_connection(world: World) -> None:
    broken = False

    def fail(take: Take) -> Handle | None:
        if broken:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return take()

    listener = await Listener.bind(world.anywhere)
    taking(listener, fail)

    async def breaks() -> None:
        nonlocal broken
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.serve(echo))
            peers.append(world.raw(listener))
            await until(lambda: listener.streams)
            broken = True
            peers.append(world.raw(listener))

    peers: list[socket.socket] = []
    with pytest.raises(ExceptionGroup) as raised:
        await breaks()
    assert [getattr(error, "errno", 0) for error in raised.value.exceptions] == [errno.EINVAL]
    assert [record.outcome for record in listener.recorder.recent] == [Outcome.ABORTED]
    for peer in peers:
        peer.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
async def test_record_says_at_which_local_address_a_connection_arrived(host: str) -> None:
    listener = await Listener.bind((host, 0))
    assert isinstance(listener.address, InetAddress)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(listener.serve(echo))
        async with await connect(("127.0.0.1", listener.address.port)):
            await until(lambda: listener.streams)
            (stream,) = listener.streams
            assert stream.local == InetAddress("127.0.0.1", listener.address.port)
        serving.cancel()


async def test_listener_that_never_served_closes(world: World) -> None:
    listener = await Listener.bind(world.anywhere)
    listener.close()
    listener.abort()
    listener.close()
    listener.abort()


@pytest.mark.realtime
async def test_debug_mode_names_the_handler_that_blocks(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """asyncio's warning about a slow callback: the task that it shows bears the service's name."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.05

    async def guilty(stream: Stream) -> None:
        async for chunk in stream:
            time.sleep(0.1)  # noqa: ASYNC251  # the point
            await stream.send(chunk)

    try:
        async with world.serve(guilty) as listener, await world.connect(listener) as stream:
            for _ in range(2):
                await stream.send(b"x")
                assert await stream.read() == b"x"
            await turns(2)
    finally:
        loop.set_debug(False)
    slow = [text for text in caplog.messages if "took 0.1" in text]
    assert slow
    assert all(f"name='test at {listener.address}'" in text for text in slow)
