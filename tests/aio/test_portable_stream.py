"""The verbs, one fact each, on every engine and transport."""

import asyncio
import random
import socket

import pytest

from netwright.aio import Stream
from netwright.core.errors import (
    ClosedError,
    DeadlineError,
    IncompleteError,
    LimitError,
    ResetError,
    TransportError,
    UsageError,
)
from netwright.core.record import Outcome
from netwright.proto.framing import LengthPrefixed, Lines, Struct
from tests.support.world import World, accepted, now, turns, until


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


async def idle(stream: Stream) -> None:
    await stream.read()


async def test_echo_gives_every_byte_back_and_counts_it(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"hello ", bytearray(b"wide "), memoryview(b"world"))
        assert await stream.read_exactly(16) == b"hello wide world"
        assert (stream.record.bytes_out, stream.record.bytes_in) == (16, 16)
        assert stream.peer == listener.address
        assert "in=16 out=16" in repr(stream)


async def test_read_gives_eof_again_and_again(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"last")
        await stream.send_eof()
        await stream.send_eof()
        assert await stream.read_exactly(4) == b"last"
        assert [await stream.read(), await stream.read()] == [b"", b""]
        assert stream.at_eof


async def test_read_exactly_names_what_came_when_eof_is_first(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"abc")
        await stream.send_eof()
        with pytest.raises(IncompleteError) as caught:
            await stream.read_exactly(10)
        assert caught.value.partial == b"abc"


async def test_read_until_includes_the_delimiter_and_keeps_the_rest(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"head\r\n\r\nbody")
        assert await stream.read_until(b"\r\n\r\n") == b"head\r\n\r\n"
        assert await stream.read(2) + await stream.read_exactly(2) == b"body"


async def test_read_until_names_the_limit_and_keeps_the_bytes(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"x" * 9 + b"\n")
        with pytest.raises(LimitError, match="allowed"):
            await stream.read_until(b"\n", limit=9)
        assert await stream.read_until(b"\n", limit=10) == b"x" * 9 + b"\n"


async def test_readline_gives_the_last_line_without_its_end_and_then_nothing(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"one\ntwo")
        await stream.send_eof()
        assert [await stream.readline() for _ in range(4)] == [b"one\n", b"two", b"", b""]


async def test_lines_come_in_batches_without_their_ends(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"a\r\nb\n\nc")
        await stream.send_eof()
        batches = [batch async for batch in stream.line_batches()]
        assert [line for batch in batches for line in batch] == [b"a", b"b", b"", b"c"]
        assert all(batches)


@pytest.mark.parametrize("text", [b"x" * 10, b"short\n" + b"x" * 10 + b"\n"])
async def test_lines_refuse_a_line_over_the_limit(world: World, text: bytes) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(text)
        with pytest.raises(LimitError):
            async for _ in stream.line_batches(limit=10):
                pass


async def test_frames_come_and_go_by_their_framing(world: World) -> None:
    framing = LengthPrefixed(2)
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        for message in (b"one", b"", b"three" * 100):
            await stream.send_frame(framing, message)
        assert await stream.read_frame(framing) == b"one"
        await stream.send(b"\0\5cut")
        await stream.send_eof()
        frames = stream.frames(framing)
        assert [await anext(frames), await anext(frames)] == [b"", b"three" * 100]
        with pytest.raises(IncompleteError, match="LengthPrefixed"):
            await anext(frames)


async def test_frames_end_with_eof_between_messages(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send_frame(Struct("!HB"), (7, 1))
        await stream.send_eof()
        assert [message async for message in stream.frames(Struct("!HB"))] == [(7, 1)]


async def test_unread_is_read_first(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        await stream.send(b"tail")
        assert stream.read_nowait() == b""
        head = await stream.read_exactly(2)
        stream.unread(b"x" + head)
        assert await stream.read_exactly(5) == b"xtail"


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_bytewise_glued_and_split_bytes_make_the_same_lines(world: World, size: int) -> None:
    text = b"".join(b"%d\r\n" % (7**index) for index in range(40))

    async def parse(stream: Stream) -> None:
        got.append([line async for line in stream.frames(Lines())])

    got: list[list[bytes]] = []
    async with world.serve(parse) as listener, await world.connect(listener) as stream:
        for start in range(0, len(text), size):
            await stream.send(text[start : start + size])
            await turns(3)
        await stream.send_eof()
        assert await stream.read() == b""
    assert got == [text.split(b"\r\n")[:-1]]


async def test_two_readers_are_refused_at_once(world: World) -> None:
    async with world.serve(idle) as listener, await world.connect(listener) as stream, asyncio.TaskGroup() as group:
        first = group.create_task(stream.read())
        await turns()
        for second in (stream.read(), stream.readline(), stream.read_exactly(1)):
            with pytest.raises(UsageError, match="already reading"):
                await second
        with pytest.raises(UsageError, match="already reading"):
            stream.read_nowait()
        await stream.send_eof()
        assert await first == b""


async def test_sends_queue_behind_one_another_each_whole(world: World) -> None:
    gate, got = asyncio.Event(), bytearray()

    async def late(stream: Stream) -> None:
        await gate.wait()
        async for chunk in stream:
            got.extend(chunk)

    async with world.serve(late) as listener, await world.connect(listener) as stream:
        async with asyncio.TaskGroup() as group:
            group.create_task(stream.send(b"a" * 20_000_000))
            await turns()
            second = group.create_task(stream.send(b"b" * 100))
            third = group.create_task(stream.send(b"c" * 100))
            fourth = group.create_task(stream.send(b"d" * 100))
            await turns()
            third.cancel()
            await turns()
            assert not second.done()
            gate.set()
        assert fourth.done()
        await stream.send_eof()
        assert await stream.read() == b""
    assert bytes(got) == b"a" * 20_000_000 + b"b" * 100 + b"d" * 100


async def test_limit_below_one_is_the_callers_error(world: World) -> None:
    async with world.serve(idle) as listener, await world.connect(listener) as stream:
        with pytest.raises(UsageError):
            await stream.read(0)
        with pytest.raises(UsageError):
            await stream.read_exactly(-1)
        assert await stream.read_exactly(0) == b""


# deadlines


@pytest.mark.parametrize("seconds", [0.01, 3.0])
async def test_deadline_strikes_with_its_stage_and_the_stream_stays_usable(world: World, seconds: float) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        begun = now()
        with pytest.raises(DeadlineError, match="answer: timed out after") as caught:
            await stream.read(timeout=seconds, stage="answer")
        assert seconds <= now() - begun < seconds + 0.3
        assert caught.value.waited == pytest.approx(seconds, abs=0.3)
        with pytest.raises(DeadlineError):
            await stream.readline(deadline=now() + seconds, timeout=1000)
        stream.timeout = seconds
        with pytest.raises(DeadlineError):
            await stream.read_exactly(1)
        await stream.send(b"alive")
        assert await stream.read_exactly(5) == b"alive"


async def test_deadline_of_a_frame_is_not_renewed_by_its_bytes(world: World) -> None:
    caught: list[DeadlineError] = []

    async def line(stream: Stream) -> None:
        try:
            await stream.readline(timeout=2.0)
        except DeadlineError as error:
            caught.append(error)
            raise

    async with world.serve(line) as listener, await world.connect(listener) as stream:
        begun = now()
        while not caught:
            await stream.send(b"x")
            await asyncio.sleep(0.5)
        assert now() - begun < 4
        await until(lambda: accepted(listener).outcome is Outcome.DEADLINE)


async def test_data_and_deadline_in_the_same_tick_lose_nothing(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        for _ in range(20):
            await stream.send(b"12345678")
            got = b""
            while len(got) < 8:
                try:
                    got += await stream.read(timeout=0.0)
                except DeadlineError:
                    await asyncio.sleep(0)
            assert got == b"12345678"


# cancelling


async def test_cancelled_reads_lose_no_byte(world: World) -> None:
    """Sixteen hundred reads, cancelled at random moments, while numbers come."""
    random_ = random.Random(7)
    expected = b"".join(b"%06d" % index for index in range(2000))

    async def numbers(stream: Stream) -> None:
        for start in range(0, len(expected), 40):
            await stream.send(expected[start : start + 40])
            await asyncio.sleep(random_.choice((0, 0.001)))

    got = b""
    async with world.serve(numbers) as listener, await world.connect(listener) as stream:
        for attempt in range(1600):
            try:
                async with asyncio.timeout(random_.choice((0, 0, 0.0005, None)) if attempt < 1500 else None):
                    got += await stream.read_exactly(random_.randint(1, 9))
            except TimeoutError:
                pass
            except IncompleteError as error:
                got += error.partial
                break
        got += b"".join([chunk async for chunk in stream])
    assert got == expected


async def test_cancelled_send_leaves_its_bytes_whole_or_absent(world: World) -> None:
    """A call that was cancelled after it began is queued whole; the next send follows it in order."""
    blocks = [bytes([65 + index]) * 400_000 for index in range(8)]
    gate = asyncio.Event()

    async def late(stream: Stream) -> None:
        await gate.wait()
        got.append(b"".join([chunk async for chunk in stream]))

    got: list[bytes] = []
    async with world.serve(late) as listener, await world.connect(listener) as stream:
        for block in blocks[:-1]:
            try:
                async with asyncio.timeout(0.1):
                    await stream.send(block)
            except TimeoutError:
                pass
        gate.set()
        await stream.send(blocks[-1])
        await stream.send_eof()
        assert await stream.read() == b""
    runs = [got[0][index : index + 400_000] for index in range(0, len(got[0]), 400_000)]
    assert all(run in blocks for run in runs)
    assert runs == sorted(runs)
    assert runs[-1] == blocks[-1]


async def test_send_that_is_cancelled_behind_another_ones_rest_queues_nothing(world: World) -> None:
    """One call's worth at most waits in the background."""
    first, gate = bytes(20_000_000), asyncio.Event()
    got: list[bytes] = []

    async def late(stream: Stream) -> None:
        await gate.wait()
        got.append(b"".join([chunk async for chunk in stream]))

    async with world.serve(late) as listener, await world.connect(listener) as stream:
        for part in (first, b"second"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await stream.send(part)
        gate.set()
        await stream.send(b"third")
        await stream.send_eof()
        assert await stream.read() == b""
    assert got == [first + b"third"]


async def test_cancel_and_data_in_the_same_tick_lose_nothing(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(stream.read())
            await turns()
            await stream.send(b"precious")
            await turns(2)
            reader.cancel()
        got = b"" if reader.cancelled() else reader.result()
        assert got + await stream.read_exactly(8 - len(got)) == b"precious"


# half-close, reset, the end


async def test_half_close_lets_the_other_direction_go_on(world: World) -> None:
    async def answer_after_eof(stream: Stream) -> None:
        question = b"".join([chunk async for chunk in stream])
        for _ in range(10):
            await stream.send(question)
            await asyncio.sleep(0.01)

    async with world.serve(answer_after_eof) as listener, await world.connect(listener) as stream:
        await stream.send(b"again")
        await stream.send_eof()
        assert b"".join([chunk async for chunk in stream]) == b"again" * 10
        with pytest.raises(ClosedError, match="send_eof"):
            await stream.send(b"x")


async def test_fin_with_data_is_bytes_then_eof(world: World) -> None:
    async def tail(stream: Stream) -> None:
        got.append(await stream.read())
        got.append(await stream.read())

    got: list[bytes] = []
    async with world.serve(tail) as listener:
        sock = world.raw(listener)
        sock.send(b"data")
        sock.close()
        await until(lambda: len(got) == 2)
        assert got == [b"data", b""]
        await until(lambda: accepted(listener).outcome is Outcome.PEER_CLOSED)


async def test_reset_in_mid_read_reaches_the_owner_only(world: World) -> None:
    caught: list[BaseException] = []

    async def read(stream: Stream) -> None:
        try:
            await stream.read_exactly(100)
        except (ResetError, IncompleteError) as error:
            caught.append(error)
            raise

    async with world.serve(read) as listener:
        sock = world.raw(listener)
        sock.send(b"half")
        await turns(10)
        world.reset(sock)
        await until(lambda: caught and not listener.streams)
        if world.transport == "tcp":
            assert isinstance(caught[0], ResetError)
            assert accepted(listener).outcome is Outcome.RESET
    assert world.lines == []


async def test_half_close_of_a_connection_that_was_just_reset_is_a_transport_error(world: World) -> None:
    socks: list[socket.socket] = []
    caught: list[BaseException] = []

    async def finish(stream: Stream) -> None:
        await stream.read()
        world.reset(socks[0])  # the engine has not had a turn to see it
        try:
            await stream.send_eof()
            await stream.read()
        except TransportError as error:
            caught.append(error)
            raise

    async with world.serve(finish) as listener:
        socks.append(world.raw(listener))
        socks[0].send(b"x")
        await until(lambda: listener.counts["accepted"] and not listener.streams and not listener.recorder.live)
        if world.transport == "tcp":
            assert len(caught) == 1
            assert accepted(listener).outcome is Outcome.RESET
    assert world.lines == []


async def test_write_loop_whose_peer_is_gone_ends(world: World) -> None:
    ended: list[BaseException] = []

    async def pour(stream: Stream) -> None:
        try:
            while True:
                await stream.send(b"x" * 1000)
        except (ResetError, ClosedError) as error:
            ended.append(error)
            raise

    async with world.serve(pour) as listener:
        sock = world.raw(listener)
        await asyncio.sleep(0.1)
        sock.close()
        await until(lambda: ended)
        assert isinstance(ended[0], ResetError)
        assert accepted(listener).outcome is Outcome.RESET


async def test_close_flushes_and_later_verbs_say_closed(world: World) -> None:
    async with world.serve(echo) as listener:
        stream = await world.connect(listener)
        await stream.send(b"x")
        await stream.close()
        await stream.close()
        stream.abort()
        with pytest.raises(ClosedError):
            await stream.send(b"x")
        with pytest.raises(ClosedError):
            await stream.read_exactly(1)
        assert stream.record.outcome is Outcome.CLOSED


async def test_close_ends_within_its_time_when_the_peer_does_not_read(world: World) -> None:
    async def deaf(stream: Stream) -> None:
        await asyncio.sleep(1000)

    async with world.serve(deaf) as listener:
        stream = await world.connect(listener)
        with pytest.raises(DeadlineError, match="does not read"):
            await stream.send(bytes(50_000_000), timeout=1)
        begun = now()
        await stream.close(timeout=0.5)
        assert now() - begun == pytest.approx(0.5, abs=0.3)
        assert stream.record.outcome is Outcome.ABORTED


async def test_close_by_another_task_wakes_the_reader(world: World) -> None:
    async with world.serve(idle) as listener:
        stream = await world.connect(listener)
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(_caught(stream.read()))
            await turns()
            await stream.close()
        assert isinstance(reader.result(), ClosedError)


async def test_abort_sends_reset(world: World) -> None:
    seen: list[BaseException] = []

    async def read(stream: Stream) -> None:
        try:
            await stream.read()
        except ResetError as error:
            seen.append(error)
            raise

    async with world.serve(read) as listener:
        stream = await world.connect(listener)
        await turns(10)
        stream.abort()
        stream.abort()
        await until(lambda: not listener.streams)
        assert bool(seen) is (world.transport == "tcp")
        assert stream.record.outcome is Outcome.ABORTED


async def test_block_that_raises_aborts(world: World) -> None:
    async with world.serve(idle) as listener:
        stream = await world.connect(listener)
        with pytest.raises(ZeroDivisionError):
            async with stream:
                raise ZeroDivisionError
        assert stream.record.outcome is Outcome.HANDLER_ERROR


async def test_stream_that_nobody_closed_warns_and_is_closed(world: World) -> None:
    async with world.serve(idle) as listener:
        stream = await world.connect(listener)
        with pytest.warns(ResourceWarning, match="never closed"):
            del stream
        await until(lambda: not listener.recorder.live)


# the record


async def test_record_says_what_is_waited_for_and_how_long(world: World) -> None:
    async with world.serve(echo) as listener, await world.connect(listener) as stream:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(stream.read())
            await asyncio.sleep(2)
            assert stream.record.waiting.value == "peer to send"
            await stream.send(b"x")
            await reader
        assert stream.record.waiting.value == "handler"
        assert stream.record.receive_waited == pytest.approx(2, abs=0.5)


async def _caught(work: object) -> BaseException | None:
    try:
        await work  # type: ignore[misc]
    except Exception as error:
        return error
    return None


async def test_file_is_sent_from_an_offset_to_its_end_or_a_count(world: World) -> None:
    content = random.Random(5).randbytes(1_000_000)
    path = world.folder / "file"
    path.write_bytes(content)
    got = bytearray()

    async def collect(stream: Stream) -> None:
        async for chunk in stream:
            got.extend(chunk)

    async with world.serve(collect) as listener, await world.connect(listener) as stream:
        with path.open("rb") as file:
            await stream.send(b"head")
            assert await stream.send_file(file) == 1_000_000
            assert await stream.send_file(file, offset=10, count=5) == 5
            assert await stream.send_file(file, offset=999_990, count=50) == 10
        await stream.close()
        await until(lambda: len(got) == 1_000_019)
    assert bytes(got) == b"head" + content + content[10:15] + content[-10:]


async def test_file_for_a_peer_that_does_not_read_has_a_deadline(world: World) -> None:
    path = world.folder / "file"
    path.write_bytes(bytes(20_000_000))

    async def deaf(stream: Stream) -> None:
        await asyncio.sleep(100)

    async with world.serve(deaf) as listener, await world.connect(listener) as stream:
        with path.open("rb") as file, pytest.raises(DeadlineError, match="does not read"):
            await stream.send_file(file, timeout=1)
        stream.abort()
