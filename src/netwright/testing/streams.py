"""A conformance suite for streams: checks every engine's Stream over a connected pair.

``await check_stream(pair)`` runs all of it; ``CHECKS`` are the single checks, for a test each.  ``pair`` makes a new
connected pair each time and gets the limits of the first one.  Times are short: a loop with a clock that jumps helps.

One responsibility: the checks of one stream's behaviour, each a function that needs nothing but a pair.
"""

import asyncio
import gc
import io
import math
import os
import socket
import tempfile
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, TypeAlias

from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import (
    ClosedError,
    DeadlineError,
    IncompleteError,
    LimitError,
    NetwrightError,
    TransportError,
    UsageError,
)
from netwright.core.limits import UNLIMITED, Limits
from netwright.core.record import Outcome
from netwright.proto.framing import LengthPrefixed
from netwright.proto.stream import Stream

__all__ = ["CHECKS", "Check", "Pair", "check_stream"]

Pair: TypeAlias = Callable[[Limits], Awaitable[tuple[Stream, Stream]]]
Check: TypeAlias = Callable[[Pair], Awaitable[None]]

MUCH = 8_000_000  # bytes: more than the buffers of a loopback connection
SHORT = 0.2  # seconds of a wait that is meant to end
PATIENCE = 30.0  # seconds of a wait that is not


async def check_stream(pair: Pair) -> None:
    """Run every check.

    Raises:
        AssertionError: a stream does otherwise.
    """
    for check in CHECKS:
        await check(pair)


@asynccontextmanager
async def _both(pair: Pair, limits: Limits = UNLIMITED) -> AsyncIterator[tuple[Stream, Stream]]:
    left, right = await pair(limits)
    try:
        async with asyncio.timeout(PATIENCE):
            yield left, right
    finally:
        left.abort()
        right.abort()
        await _turns()


async def _turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def _raised(work: Awaitable[object]) -> BaseException:
    try:
        found = await work
    except (NetwrightError, TimeoutError, asyncio.CancelledError) as error:
        return error
    raise AssertionError(f"{found!r} instead of an error")


async def _refused(stream: Stream, text: str, *verbs: Callable[[], Awaitable[object]]) -> None:
    """Each is refused when it is awaited, not before, and the stream goes on."""
    for verb in verbs:
        work = verb()
        error = await _raised(work)
        assert isinstance(error, UsageError), f"{error!r}: the caller is to blame"
        assert text in str(error), f"{error}: {text!r} is missing"
    assert not stream.closed


async def is_a_stream(pair: Pair) -> None:
    """The abstract type is every engine's."""
    async with _both(pair) as (left, right):
        assert isinstance(left, Stream)
        assert isinstance(right, Stream)
        assert left.record.local is None or left.peer == right.local


async def reads_what_was_sent(pair: Pair) -> None:
    """All reading verbs, one after the other, on one flow of bytes."""
    async with _both(pair) as (left, right):
        await right.send(b"0123456789", bytearray(b"line\n"), memoryview(b"a\r\nb\n"), b"rest;last")
        await right.send_eof()
        assert await left.read(1) == b"0"
        assert await left.read_exactly(9) == b"123456789"
        left.unread(b"9")
        assert await left.readline() == b"9line\n"
        lines = left.lines()
        assert [await anext(lines), await anext(lines)] == [b"a", b"b"]
        assert await left.read_until(b";") == b"rest;"
        error = await _raised(left.read_exactly(9))
        assert isinstance(error, IncompleteError)
        assert error.partial == b"last"
        assert [await left.read(), await left.read()] == [b"", b""]
        assert left.at_eof
        assert left.record.bytes_in == right.record.bytes_out == 29


async def batches_hand_out_everything(pair: Pair) -> None:
    """Lines and frames, one by one and in batches; leaving a loop loses nothing."""
    framing = LengthPrefixed(2)
    async with _both(pair) as (left, right):
        await right.send(b"1\n2\r\n3\n")
        async for line in left.lines():
            assert line == b"1"
            break
        lines = list[bytes]()
        async with aclosing(left.line_batches()) as batches:  # type: ignore[type-var]
            while len(lines) < 2:
                lines += await anext(batches)
        assert lines == [b"2", b"3"]
        for message in (b"a", b"", b"ccc"):
            await right.send_frame(framing, message)
        async for frame in left.frames(framing):
            assert frame == b"a"
            break
        got: list[bytes] = []
        async for batch in left.frame_batches(framing):
            got += batch
            if len(got) == 2:
                break
        assert got == [b"", b"ccc"]
        await right.send(b"\0\5cut")
        await right.send_eof()
        assert isinstance(await _raised(anext(left.frame_batches(framing))), IncompleteError)


async def limits_of_lines_keep_the_bytes(pair: Pair) -> None:
    """A line that is too long is refused and can still be read."""
    async with _both(pair) as (left, right):
        await right.send(b"0123456789\n")
        assert isinstance(await _raised(left.readline(limit=5)), LimitError)
        assert isinstance(await _raised(left.read_until(b"\n", limit=5)), LimitError)
        assert isinstance(await _raised(anext(left.lines(limit=5))), LimitError)
        assert isinstance(await _raised(anext(left.line_batches(limit=5))), LimitError)
        assert await left.readline() == b"0123456789\n"


async def wrong_arguments_are_refused_at_the_await(pair: Pair) -> None:
    """With the same words everywhere; nothing was sent or read."""
    async with _both(pair) as (left, right):
        wrong: Any = "text"
        await _refused(left, "read limit=0, 1 or more allowed", lambda: left.read(0))
        await _refused(left, "read_exactly count=-1, 0 or more allowed", lambda: left.read_exactly(-1))
        await _refused(left, "delimiter b'', 1 or more bytes allowed", lambda: left.read_until(b""))
        await _refused(left, "readline limit=0", lambda: left.readline(limit=0))
        await _refused(left, "send of str", lambda: left.send(wrong))
        gaps = memoryview(b"abcdef")[::2]
        await _refused(left, "send of a memoryview that is not contiguous", lambda: left.send(b"x", gaps))
        not_numbers = (math.nan, wrong)
        for value in not_numbers:
            await _refused(
                left,
                "a number of seconds or None allowed",
                lambda value=value: left.read(timeout=value),  # type: ignore[misc]
                lambda value=value: left.send(b"x", deadline=value),  # type: ignore[misc]
            )
        assert await left.read_exactly(0) == b""
        await left.send(b"fine")
        assert await right.read_exactly(4) == b"fine"


async def expired_timeouts_take_only_what_is_here(pair: Pair) -> None:
    """A timeout of 0 or less has expired; data that is here still wins."""
    async with _both(pair) as (left, right):
        for seconds in (0, 0.0, -1, -1e-9, -math.inf):
            assert isinstance(await _raised(left.read(timeout=seconds)), DeadlineError)
            assert isinstance(await _raised(left.readline(timeout=seconds)), DeadlineError)
        await right.send(b"here\n")
        await asyncio.sleep(SHORT)
        assert await left.readline(timeout=-1) == b"here\n"
        left.timeout = -1.0
        assert isinstance(await _raised(left.read()), DeadlineError)
        left.timeout = None
        await left.send(b"x", timeout=-1)
        error = await _raised(left.send(bytes(MUCH), timeout=-1.0))
        assert isinstance(error, DeadlineError)
        assert error.queued


async def verbs_act_when_awaited(pair: Pair) -> None:
    """A forgotten await does nothing, and says so."""
    async with _both(pair) as (left, right):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            left.send(b"forgotten")  # type: ignore[unused-coroutine]
            left.send_eof()  # type: ignore[unused-coroutine]
            left.close()  # type: ignore[unused-coroutine]
            left.readline()  # type: ignore[unused-coroutine]
            gc.collect()
        said = [str(warning.message) for warning in caught if warning.category is RuntimeWarning]
        for verb in ("send", "send_eof", "close", "readline"):
            assert f"coroutine 'Stream.{verb}' was never awaited" in said, said
        assert not left.closed
        await left.send(b"sent")
        assert await right.read_exactly(4) == b"sent"


async def a_foreign_thread_is_refused(pair: Pair) -> None:
    """By name; through the loop it works."""
    async with _both(pair) as (left, right):
        loop, seen = asyncio.get_running_loop(), list[object]()

        def elsewhere() -> None:
            async def use() -> None:
                for verb in (lambda: left.send(b"x"), left.read):
                    seen.append(await _raised(verb()))

            asyncio.run(use())
            asyncio.run_coroutine_threadsafe(_send(left, b"through the loop"), loop)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()  # while the loop stands still: a clock that jumps would not wait for a thread
        assert await right.read_exactly(16) == b"through the loop"
        for error in seen:
            assert isinstance(error, UsageError)
            assert "another event loop or thread" in str(error)


async def _send(stream: Stream, data: bytes) -> None:
    await stream.send(data)


async def one_task_reads(pair: Pair) -> None:
    """The second is refused, the first goes on."""
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        first = group.create_task(_read(left))
        await _turns()
        for second in (left.read(), left.readline(), left.read_exactly(1)):
            assert "already reading" in str(await _raised(second))
        await right.send(b"x")
        assert await first == b"x"


async def _read(stream: Stream) -> bytes:
    return await stream.read()


async def sends_queue_in_order(pair: Pair) -> None:
    """Each message whole, in the order of the calls; one that is cancelled before its turn is not sent."""
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        group.create_task(_send(left, b"a" * MUCH))
        await _turns()
        tasks = [group.create_task(_send(left, bytes([98 + number]) * 1000)) for number in range(20)]
        await _turns()
        tasks[3].cancel()
        assert left.post(b"z" * 10)
        expected = (
            b"a" * MUCH + b"".join(bytes([98 + number]) * 1000 for number in range(20) if number != 3) + b"z" * 10
        )
        assert await right.read_exactly(len(expected)) == expected


async def a_late_send_says_whether_it_was_queued(pair: Pair) -> None:
    """``queued``: the first was, the one behind it was not."""
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        first = group.create_task(_raised(left.send(bytes(MUCH), timeout=SHORT)))
        await _turns()
        second = group.create_task(_raised(left.send(b"behind", timeout=SHORT)))
        for task, queued in ((first, True), (second, False)):
            error = await task
            assert isinstance(error, DeadlineError)
            assert error.queued is queued
        assert await right.read_exactly(MUCH) == bytes(MUCH)
        await left.send(b"after")
        assert await right.read() == b"after"


async def files_are_sent_or_refused(pair: Pair) -> None:
    """Regular files and BytesIO; whatever else, the connection lives."""
    with tempfile.TemporaryFile() as file, tempfile.NamedTemporaryFile("wb") as written:
        file.write(b"0123456789" * 10_000)
        file.flush()
        async with _both(pair) as (left, right):
            assert await left.send_file(file) == 100_000
            assert await right.read_exactly(100_000) == b"0123456789" * 10_000
            assert await left.send_file(file, offset=5, count=3) == 3
            assert await left.send_file(file, offset=99_999, count=50) == 1
            assert await left.send_file(file, offset=10**9) == 0
            assert await left.send_file(io.BytesIO(b"in memory"), offset=3) == 6
            assert await right.read_exactly(10) == b"5679memory"
            wrong: Any = "a path"
            await _refused(
                left,
                "send_file",
                lambda: left.send_file(file, count=-1),
                lambda: left.send_file(file, offset=-1),
                lambda: left.send_file(written),  # type: ignore[arg-type]
                lambda: left.send_file(wrong),
            )
            await left.send(b"alive")
            assert await right.read() == b"alive"


async def counters_say_what_went(pair: Pair) -> None:
    """``bytes_out`` counts what the transport took, not what is queued; sending nothing is not a write."""
    async with _both(pair) as (left, right):
        await left.send()
        await left.send(b"")
        assert (left.record.writes, left.record.bytes_out, left.record.first_out_at) == (0, 0, 0.0)
        assert isinstance(await _raised(left.send(bytes(4 * MUCH), timeout=SHORT)), DeadlineError)
        assert 0 < left.record.bytes_out < 4 * MUCH
        assert await right.read_exactly(4 * MUCH) == bytes(4 * MUCH)
        assert left.record.bytes_out == 4 * MUCH


async def times_are_those_of_the_act(pair: Pair) -> None:
    """The record's time of a send is the time of the send, not of the last thing that the engine heard."""
    async with _both(pair) as (left, right):
        await asyncio.sleep(0.5)
        await left.send(b"x")
        assert left.record.last_out_at - left.record.opened_at >= 0.5
        assert await right.read() == b"x"
        assert right.record.last_in_at - right.record.opened_at >= 0.5


async def limits_can_be_assigned(pair: Pair) -> None:
    """They hold from the next wait on."""
    async with _both(pair) as (left, right):
        left.limits = Limits(first_byte=SHORT)
        error = await _raised(left.read())
        assert isinstance(error, DeadlineError)
        assert error.stage == "first byte"
        await right.send(b"x")
        assert await left.read() == b"x"
        left.limits = Limits(idle=SHORT, frame=2 * SHORT)
        idle = await _raised(left.read())
        await right.send(b"half")
        frame = await _raised(left.readline())
        for error, stage in ((idle, "idle"), (frame, "frame")):
            assert isinstance(error, DeadlineError)
            assert error.stage == stage


async def a_message_has_one_deadline(pair: Pair) -> None:
    """Over several reads; no byte of them renews it; the record counts one message."""
    async with _both(pair, Limits(frame=1.0, idle=None, first_byte=None)) as (left, right):

        async def feed() -> None:
            for _ in range(5):
                await right.send(b"x\n")
                await asyncio.sleep(0.4)

        async with asyncio.TaskGroup() as group:
            group.create_task(feed())
            error: BaseException | None = None
            async with left.message():
                left.subject = "five lines"
                try:
                    for _ in range(5):
                        await left.readline()
                except DeadlineError as late:
                    error = late
        assert isinstance(error, DeadlineError)
        assert error.stage == "frame"
        assert left.record.messages == 1
        assert [exchange.subject for exchange in left.record.exchanges] == ["five lines"]


async def post_never_waits(pair: Pair) -> None:
    """In order with sends; over ``limits.outbox`` it ends this connection, and no sender's."""
    async with _both(pair, Limits(outbox=100_000)) as (left, right):
        assert left.post(b"one ", b"two ")
        await left.send(b"three")
        assert await right.read_exactly(13) == b"one two three"
        posts = 0
        while left.post(bytes(10_000)):
            posts += 1
            assert posts < 100 * MUCH // 10_000
        assert left.closed
        assert left.post(b"gone") is False
        error = await _raised(left.read())
        assert isinstance(error, LimitError)
        assert error.name == "outbox"
        assert left.record.outcome is Outcome.LIMIT


async def posts_keep_the_progress_rule(pair: Pair) -> None:
    """Of ``limits.send``: a peer that reads too little ends the connection; what was taken whole counts no more."""
    async with _both(pair, Limits(first_byte=None, idle=None, send=1.0, outbox=100 * MUCH)) as (left, right):
        assert left.post(bytes(MUCH))
        assert await right.read_exactly(MUCH) == bytes(MUCH)
        await asyncio.sleep(2.5)
        assert not left.closed
        assert left.post(bytes(4 * MUCH))
        for _ in range(4):
            await asyncio.sleep(0.5)
            await right.read_exactly(MUCH // 8)
        assert not left.closed
        error = await _raised(left.read())
        assert isinstance(error, DeadlineError)
        assert error.stage == "send"
        assert left.record.outcome is Outcome.DEADLINE


async def half_close_leaves_the_other_direction(pair: Pair) -> None:
    """FIN after everything queued; a second one changes nothing."""
    async with _both(pair) as (left, right):
        await left.send(b"question")
        await left.send_eof()
        await left.send_eof()
        assert b"".join([chunk async for chunk in right]) == b"question"
        await right.send(b"answer")
        assert await left.read_exactly(6) == b"answer"
        error = await _raised(left.send(b"more"))
        assert isinstance(error, ClosedError)
        assert "send_eof" in str(error)
        assert left.post(b"more") is False


async def close_flushes_and_a_second_waits(pair: Pair) -> None:
    """Two concurrent closes return when the connection is closed; the peer gets everything."""
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        assert isinstance(await _raised(left.send(b"x" * MUCH, timeout=SHORT)), DeadlineError)
        first = group.create_task(_close(left))
        await _turns()
        second = group.create_task(_close(left))
        await _turns()
        assert left.closed
        assert not first.done()
        assert not second.done()
        assert len(b"".join([chunk async for chunk in right])) == MUCH
        await first
        await second
        assert left.record.outcome is Outcome.CLOSED


async def _close(stream: Stream) -> None:
    await stream.close(timeout=PATIENCE)


async def close_has_an_end(pair: Pair) -> None:
    """A peer that does not read is aborted; later verbs say closed."""
    async with _both(pair) as (left, _):
        assert isinstance(await _raised(left.send(bytes(MUCH), timeout=SHORT)), DeadlineError)
        await left.close(timeout=SHORT)
        assert left.record.outcome is Outcome.ABORTED
        for verb in (left.read, left.readline, lambda: left.read_exactly(1), lambda: left.send(b"x")):
            assert isinstance(await _raised(verb()), ClosedError)
        await left.close()
        left.abort()


async def close_wakes_who_waits(pair: Pair) -> None:
    """The reader, and the sends that wait for their turn; nothing of those is sent."""
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        reader = group.create_task(_raised(left.read()))
        sender = group.create_task(_raised(left.send(b"a" * MUCH)))
        behind = group.create_task(_raised(left.send(b"behind")))
        await _turns()
        closing = group.create_task(_close(left))
        for task in (reader, sender, behind):
            assert isinstance(await task, ClosedError)
        got = b"".join([chunk async for chunk in right])
        assert got == b"a" * MUCH
        await closing


async def abort_resets(pair: Pair) -> None:
    """Who waits on the other side wakes with an error, or at EOF where the transport has no reset."""
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        reader = group.create_task(_ending(right))
        await _turns()
        left.abort()
        left.abort()
        assert left.record.outcome is Outcome.ABORTED
        assert await reader in (b"", TransportError)


async def _ending(stream: Stream) -> object:
    try:
        return await stream.read()
    except TransportError:
        return TransportError


async def a_cancelled_read_loses_nothing(pair: Pair) -> None:
    """Cancelled at every turn, while bytes come one by one."""
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:

        async def feed() -> None:
            for number in range(200):
                await right.send(b"%03d" % number)
                await asyncio.sleep(0)

        group.create_task(feed())
        got = b""
        for number in range(2000):
            reader = group.create_task(left.read_exactly(3)) if number % 2 else group.create_task(_read(left))
            await _turns(number % 4)
            reader.cancel()
            await asyncio.wait([reader])
            got += b"" if reader.cancelled() else reader.result()
            if len(got) >= 590:
                break
        got += await left.read_exactly(600 - len(got))
        assert got == b"".join(b"%03d" % number for number in range(200))


async def a_drain_ends_what_is_between_messages(pair: Pair) -> None:
    """An idle connection at once, an answered one at once, a receiver after quiet, a sender's peer never before."""
    async with _both(pair) as (left, _), asyncio.TaskGroup() as group:
        reader = group.create_task(_raised(left.read()))
        await _turns()
        assert left.finish_messages()
        assert type(await reader).__name__ == "ShuttingDownError"
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        await right.send(b"first\n")
        await left.readline()
        rest = group.create_task(left.readline())
        await _turns()
        assert not left.finish_messages()
        await asyncio.sleep(0.5)
        await right.send(b"second\n")
        assert await rest == b"second\n"
        late = group.create_task(_raised(left.readline()))
        await asyncio.sleep(1)
        assert not late.done()
        assert type(await late).__name__ == "ShuttingDownError"
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        reader = group.create_task(_raised(left.read()))
        await _turns()
        for step in range(8):
            await left.send(b"download")
            await right.read_exactly(8)
            await asyncio.sleep(0.5)
            if not step:
                assert not left.finish_messages()
            assert not reader.done()
        assert type(await reader).__name__ == "ShuttingDownError"


async def options_are_read_and_set(pair: Pair) -> None:
    """By number and by name, where the kernel has a socket; elsewhere, and for what is wrong, UsageError."""
    async with _both(pair) as (left, _):
        if left.fileno() < 0 or left.record.transport == "pipe":
            for use in (lambda: left.get_option("SOL_SOCKET", "SO_TYPE"), lambda: left.set_option(1, 9, 1)):
                assert "no socket" in str(_caught(use))
        else:
            assert left.get_option("SOL_SOCKET", "SO_TYPE") == socket.SOCK_STREAM
            left.set_option(socket.SOL_SOCKET, "SO_KEEPALIVE", 1)
            assert left.get_option("SOL_SOCKET", socket.SO_KEEPALIVE)
            assert len(left.get_option("SOL_SOCKET", "SO_LINGER", 8)) == 8
            wrong: Any = "a text"
            for use in (
                lambda: left.get_option("SOL_SOCKET", "SO_NOTHING"),
                lambda: left.get_option("SOL_SOCKET", 9999),
                lambda: left.set_option("SOL_SOCKET", "SO_KEEPALIVE", wrong),
            ):
                assert isinstance(_caught(use), UsageError)
        await left.close()
        assert isinstance(_caught(lambda: left.get_option("SOL_SOCKET", "SO_TYPE")), ClosedError)


def _caught(use: Callable[[], object]) -> NetwrightError:
    try:
        found = use()
    except NetwrightError as error:
        return error
    raise AssertionError(f"{found!r} instead of an error")


def _passes(stream: Stream) -> bool:
    return stream.record.transport == "unix" and stream.fileno() >= 0


async def unread_takes_bytes_alone(pair: Pair) -> None:
    """Anything but bytes is refused by name."""
    async with _both(pair) as (left, _):
        wrong: Any
        for wrong in ("text", bytearray(b"x"), None):
            assert "unread" in str(_caught(partial(left.unread, wrong)))
        left.unread(b"")
        left.unread(b"back")
        assert await left.read() == b"back"


async def credentials_are_the_peers(pair: Pair) -> None:
    """Of a Unix socket; other streams have none."""
    async with _both(pair) as (left, _):
        if _passes(left):
            assert left.peer_credentials() == (os.getpid(), os.getuid(), os.getgid())
        else:
            assert isinstance(_caught(left.peer_credentials), UsageError)


async def descriptors_travel_with_bytes(pair: Pair) -> None:
    """Behind a send that waits; to the verb that asks for them; what nobody asked for is closed."""
    async with _both(pair) as (left, right):
        if not _passes(left):
            await _refused(left, "passes no descriptors", lambda: left.send_fds(b"x", [0]), left.recv_fds)
            return
        before = _open_descriptors()
        with tempfile.TemporaryFile() as file:
            number = file.fileno()
            await left.send_fds(b"one", [number, number])
            data, fds = await right.recv_fds()
            assert (data, len(fds)) == (b"one", 2)
            for fd in fds:
                assert os.fstat(fd) == os.fstat(number)
                assert not os.get_inheritable(fd)
                os.close(fd)
            async with asyncio.TaskGroup() as group:
                group.create_task(_send(left, bytes(MUCH)))
                await _turns()
                behind = group.create_task(left.send_fds(b"two", [number]))
                cut = group.create_task(left.send_fds(b"cut", [number]))
                await _turns()
                cut.cancel()
                assert await right.read_exactly(MUCH) == bytes(MUCH)
                data, fds = await right.recv_fds()
                assert (data, len(fds)) == (b"two", 1)
                os.close(fds[0])
                await behind
            await left.send_fds(b"unasked", [number])
            assert await right.read() == b"unasked"
            await left.send_fds(b"many", [number] * 3)
            error = await _raised(right.recv_fds(most=2))
            assert isinstance(error, LimitError)
            assert (error.seen, error.allowed) == (3, 2)
            assert await right.recv_fds() == (b"many", [])
            for data, wrong in ((b"", [number]), (b"x", []), (b"x", [9999]), (b"x", [-1]), (b"x", [number] * 254)):
                assert isinstance(await _raised(left.send_fds(data, wrong)), UsageError)
            assert isinstance(await _raised(right.recv_fds(timeout=SHORT)), DeadlineError)
        await left.send_eof()
        assert await right.recv_fds() == (b"", [])
        assert _open_descriptors() == before


def _open_descriptors() -> set[str]:
    """Descriptors of this process and where they lead, without the one that lists them."""
    found = set()
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except OSError:
            continue
    return found


async def a_cancelled_receive_of_descriptors_loses_none(pair: Pair) -> None:
    """Cancelled at every turn, while messages come."""
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        if not _passes(left):
            return
        before = _open_descriptors()

        async def feed() -> None:
            for _ in range(50):
                await left.send_fds(b"x", [0])
                await asyncio.sleep(0)

        group.create_task(feed())
        came = 0
        for number in range(2000):
            reader = group.create_task(_receive_fds(right))
            await _turns(number % 4)
            reader.cancel()
            await asyncio.wait([reader])
            for fd in () if reader.cancelled() else reader.result():
                os.close(fd)
                came += 1
            if came == 50:
                break
        assert came == 50
        assert _open_descriptors() == before


async def _receive_fds(stream: Stream) -> list[int]:
    data, fds = await stream.recv_fds(1)
    assert data == b"x"
    return fds


class _Counted:
    """Messages that end with a zero byte, by a framing that looks at every byte itself and counts how many it saw."""

    looked = 0

    def decode(self, buffer: ReceiveBuffer) -> bytes | None:
        """Go on where the last call ended."""
        begin = buffer.resume if isinstance(buffer.resume, int) else 0
        fresh = buffer.peek(len(buffer) - begin, begin)
        self.looked += len(fresh)
        end = fresh.find(0)
        if end < 0:
            buffer.resume = len(buffer)
            return None
        message = buffer.take(begin + end)
        buffer.skip(1)
        return message

    def encode(self, message: bytes) -> tuple[bytes, ...]:
        """The message and its end."""
        return message, b"\0"


async def a_resumed_message_is_looked_at_once(pair: Pair) -> None:
    """8 MB in many receives: a framing that keeps its place in ``buffer.resume`` sees each byte once."""
    framing = _Counted()
    async with _both(pair) as (left, right), asyncio.TaskGroup() as group:
        group.create_task(_send(left, b"x" * MUCH + b"\0"))
        assert await right.read_frame(framing) == b"x" * MUCH
        assert framing.looked == MUCH + 1


async def a_batch_has_one_answer(pair: Pair) -> None:
    """Messages that came together are one batch: one send answers them."""
    framing = LengthPrefixed(2)
    async with _both(pair) as (left, right):
        await left.send(b"".join(b"".join(framing.encode(b"%d" % number)) for number in range(100)))
        await left.send_eof()
        batches = 0
        async for batch in right.frame_batches(framing):
            await right.send(*(part for message in batch for part in framing.encode(message)))
            batches += 1
        assert batches < 5
        assert right.record.writes == batches


CHECKS: Sequence[Callable[[Pair], Coroutine[Any, Any, None]]] = (
    is_a_stream,
    reads_what_was_sent,
    batches_hand_out_everything,
    limits_of_lines_keep_the_bytes,
    wrong_arguments_are_refused_at_the_await,
    expired_timeouts_take_only_what_is_here,
    verbs_act_when_awaited,
    a_foreign_thread_is_refused,
    one_task_reads,
    sends_queue_in_order,
    a_late_send_says_whether_it_was_queued,
    files_are_sent_or_refused,
    counters_say_what_went,
    times_are_those_of_the_act,
    limits_can_be_assigned,
    a_message_has_one_deadline,
    post_never_waits,
    posts_keep_the_progress_rule,
    half_close_leaves_the_other_direction,
    close_flushes_and_a_second_waits,
    close_has_an_end,
    close_wakes_who_waits,
    abort_resets,
    a_cancelled_read_loses_nothing,
    a_drain_ends_what_is_between_messages,
    a_resumed_message_is_looked_at_once,
    a_batch_has_one_answer,
    options_are_read_and_set,
    unread_takes_bytes_alone,
    credentials_are_the_peers,
    descriptors_travel_with_bytes,
    a_cancelled_receive_of_descriptors_loses_none,
)
