"""netwright.aio.pipe_channel: streams of pipe ends, one or two."""

import asyncio
import io
import os
import subprocess
import sys

import pytest

from netwright.aio.pipe_channel import PipeChannel
from netwright.core.errors import ClosedError, TransportError, UsageError
from netwright.core.limits import Limits
from netwright.core.record import Outcome
from netwright.proto.stream import Stream
from tests.support.world import turns

CAPACITY = 65536  # bytes that a pipe holds (pipe(7))


async def test_read_end_reads_to_eof_and_sends_nothing() -> None:
    reads, writes = os.pipe()
    async with await Stream.adopt(reads) as stream:
        os.write(writes, b"one\ntwo")
        os.close(writes)
        assert [line async for line in stream.lines()] == [b"one", b"two"]
        with pytest.raises(ClosedError):
            await stream.send(b"x")
        assert stream.record.transport == "pipe"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reads)


async def test_write_end_sends_and_reads_eof() -> None:
    reads, writes = os.pipe()
    async with await Stream.adopt(writes) as stream:
        await stream.send(b"x")
        assert await stream.read() == b""
        assert os.read(reads, 10) == b"x"
        os.close(reads)
        with pytest.raises(TransportError):
            await stream.send(b"y")


async def test_end_of_the_reader_shows_while_a_send_waits() -> None:
    reads, writes = os.pipe()
    stream = await Stream.adopt(writes)
    async with stream:
        with pytest.raises(TimeoutError):
            await stream.send(bytes(1_000_000), timeout=0.1)
        os.close(reads)
        with pytest.raises(TransportError):
            await stream.send(b"y")


@pytest.mark.real
@pytest.mark.realtime
async def test_pipes_of_a_process_are_one_stream() -> None:
    code = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"
    process = subprocess.Popen(  # noqa: ASYNC220  # it is short
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    async with await Stream.adopt(process.stdout, process.stdin) as stream:
        await stream.send(b"hello\n")
        assert await stream.readline() == b"HELLO\n"
        await stream.send_eof()
        assert await stream.read() == b""
    assert process.wait() == 0


async def test_bytes_that_a_file_read_ahead_come_first() -> None:
    reads, writes = os.pipe()
    os.write(writes, b"one\ntwo\n")
    file = os.fdopen(reads, "rb")
    assert file.readline() == b"one\n"
    async with await Stream.adopt(file) as stream:
        assert file.closed
        os.close(writes)
        assert await stream.read() == b"two\n"


async def test_descriptor_of_a_stream_is_that_of_an_end_which_it_has() -> None:
    reads, writes = os.pipe()
    async with await Stream.adopt(reads) as source, await Stream.adopt(writes) as sink:
        assert (source.fileno(), sink.fileno()) == (reads, writes)
    assert (source.fileno(), sink.fileno()) == (-1, -1)


async def test_number_of_an_end_that_finished_is_free_for_the_next_in_the_loop() -> None:
    """The loop must forget a descriptor before it is closed: the next one that is opened has its number."""
    loop = asyncio.get_running_loop()
    reads, writes = os.pipe()
    channel, ready, woken = PipeChannel(loop, -1, writes), asyncio.Event(), list[str]()
    channel.watch(None, lambda: woken.append("the old"))
    channel.finish()
    next_reads, next_writes = os.pipe()
    if next_writes != writes:
        os.dup2(next_writes, writes)
    loop.add_writer(writes, ready.set)
    async with asyncio.timeout(5):
        await ready.wait()
    loop.remove_writer(writes)
    assert woken == []
    for descriptor in {reads, next_reads, next_writes, writes}:
        os.close(descriptor)
    channel.close()


async def test_what_is_no_pipe_stays_the_callers() -> None:
    reads, writes = os.pipe()
    with io.FileIO(os.devnull) as null, os.fdopen(os.dup(reads)) as text:
        for wrong in ((null, None), (text, None), (reads, reads), (writes, reads), ("x", None), (9999, None)):
            with pytest.raises(UsageError, match="cannot be adopted"):
                await Stream.adopt(*wrong)
        assert not null.closed
    os.close(reads)
    os.close(writes)


async def test_posts_that_wait_are_sent_together() -> None:
    reads, writes = os.pipe()
    async with await Stream.adopt(writes) as stream:
        assert stream.post(bytes(CAPACITY))
        assert all(stream.post(b"%d" % (number % 10)) for number in range(20_000))
        before, got = stream.record.writes, b""
        while len(got) < CAPACITY + 20_000:
            got += os.read(reads, CAPACITY)
            await turns(2)
        assert got[CAPACITY:] == b"0123456789" * 2000
        assert stream.record.writes - before <= 2
    os.close(reads)


async def test_outbox_counts_what_waits_now_though_the_queue_is_never_empty() -> None:
    reads, writes = os.pipe()
    async with await Stream.adopt(writes, limits=Limits(None, None, None, None, outbox=100_000)) as stream:
        assert stream.post(bytes(CAPACITY))
        assert stream.post(bytes(90_000))
        for _ in range(5):
            took = len(os.read(reads, CAPACITY))
            await turns(2)
            assert stream.post(bytes(took))
        assert not stream.post(bytes(20_000))
        assert stream.record.ended.outcome is Outcome.LIMIT
    os.close(reads)


async def test_a_closed_write_end_was_not_closed_by_its_peer() -> None:
    reads, writes = os.pipe()
    async with await Stream.adopt(writes) as stream:
        await stream.send(b"x")
    assert stream.record.ended.outcome is Outcome.CLOSED
    os.close(reads)


async def test_a_pair_whose_peer_ended_first_was_closed_by_it() -> None:
    (reads, theirs), (others, writes) = os.pipe(), os.pipe()
    async with await Stream.adopt(reads, writes) as stream:
        os.close(theirs)
        assert await stream.read() == b""
    assert stream.record.ended.outcome is Outcome.PEER_CLOSED
    os.close(others)
