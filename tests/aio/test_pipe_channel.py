"""netwright.aio.pipe_channel: streams of pipe ends, one or two."""

import io
import os
import subprocess
import sys

import pytest

from netwright.core.errors import ClosedError, TransportError, UsageError
from netwright.proto.stream import Stream


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


async def test_what_is_no_pipe_stays_the_callers() -> None:
    reads, writes = os.pipe()
    with io.FileIO(os.devnull) as null, os.fdopen(os.dup(reads)) as text:
        for wrong in ((null, None), (text, None), (reads, reads), (writes, reads), ("x", None), (9999, None)):
            with pytest.raises(UsageError, match="cannot be adopted"):
                await Stream.adopt(*wrong)
        assert not null.closed
    os.close(reads)
    os.close(writes)
