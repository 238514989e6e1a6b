"""Our client against the servers that textbooks teach."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from netwright.aio import Stream, connect
from netwright.core.errors import ConnectError, DeadlineError
from netwright.core.record import Outcome, Recorder
from tests.textbook.programs.asyncio_blocking import PAUSE
from tests.textbook.running import server

pytestmark = [pytest.mark.real, pytest.mark.realtime]
MESSAGE = b"This is the message.  It will be repeated."
PATIENCE = 10.0


async def dial(port: int, recorder: Recorder | None = None) -> Stream:
    return await connect(("127.0.0.1", port), timeout=PATIENCE, recorder=recorder)


async def test_blocking_server_returns_the_message_in_its_small_reads() -> None:
    with server("tcp_server") as running:
        async with await dial(running.port) as stream:
            await stream.send(MESSAGE)
            assert await stream.read_exactly(len(MESSAGE), timeout=PATIENCE) == MESSAGE
            await stream.send_eof()
            assert await stream.read(timeout=PATIENCE) == b""
            assert stream.at_eof
    assert f"received {MESSAGE[:16]!r}\n" in running.printed


async def test_blocking_server_serves_our_second_client_after_the_first() -> None:
    """Its accept comes after the first client's end: connect is done by the kernel, the answer has to wait."""
    with server("tcp_server") as running:
        async with await dial(running.port) as first, await dial(running.port) as second:
            await second.send(b"second")
            with pytest.raises(DeadlineError, match="read"):
                await second.read(timeout=0.2)
            await first.send_eof()
            assert await second.read_exactly(6, timeout=PATIENCE) == b"second"


async def test_threaded_server_answers_lines_of_many_clients_at_once() -> None:
    with server("threaded_server") as running:
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(await dial(running.port)) for _ in range(20)]
            for number, stream in enumerate(streams):
                await stream.send(b"line %d\nand " % number, b"another\n")
            for number, stream in enumerate(streams):
                assert await stream.readline(timeout=PATIENCE) == b"LINE %d\n" % number
                assert await stream.readline(timeout=PATIENCE) == b"AND ANOTHER\n"


async def test_select_server_returns_a_megabyte_while_both_sides_send() -> None:
    sent = bytes(range(256)) * 4096
    with server("select_server") as running:
        async with await dial(running.port) as stream, asyncio.TaskGroup() as group:
            group.create_task(stream.send(sent, timeout=PATIENCE))
            assert await stream.read_exactly(len(sent), timeout=PATIENCE) == sent


async def test_asyncio_server_returns_batches_of_lines() -> None:
    lines = [b"line %d" % number for number in range(1000)]
    with server("asyncio_server") as running:
        async with await dial(running.port) as stream:
            await stream.send(b"".join(line + b"\n" for line in lines))
            await stream.send_eof()
            assert [line async for batch in stream.line_batches() for line in batch] == lines


async def test_our_deadline_ends_the_wait_for_a_server_that_blocks() -> None:
    """The bug is theirs, the wait is ours: it has a name and an end, and the bytes that come later still come."""
    with server("asyncio_blocking") as running:
        async with await dial(running.port) as slow, await dial(running.port) as victim:
            await slow.send(b"slow\n")
            await asyncio.sleep(PAUSE / 10)
            await victim.send(b"quick\n")
            with pytest.raises(DeadlineError, match="quick answer: timed out after"):
                await victim.readline(timeout=0.1, stage="quick answer")
            assert await victim.readline(timeout=PATIENCE) == b"quick\n"
            assert victim.record.receive_waited > PAUSE / 3


async def test_web_server_understands_a_request_that_we_type() -> None:
    with server("http_server") as running:
        async with await dial(running.port) as stream:
            await stream.send(b"GET /page HTTP/1.1\r\nHost: textbook\r\nConnection: close\r\n\r\n")
            head = await stream.read_until(b"\r\n\r\n", timeout=PATIENCE)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert await stream.read_until(b"</h1>", timeout=PATIENCE) == b"<h1>You asked for /page</h1>"


async def test_server_that_left_is_refused_with_its_address() -> None:
    with server("tcp_server") as running:
        pass
    with pytest.raises(ConnectError, match=f"127.0.0.1:{running.port}"):
        await dial(running.port)


async def test_record_names_who_ended_it() -> None:
    recorder = Recorder()
    with server("asyncio_blocking") as running:
        async with await dial(running.port, recorder) as stream:
            await stream.send(b"quick\n")
            assert [chunk async for chunk in stream] == [b"quick\n"]
    [record] = recorder.recent
    assert record.outcome is Outcome.PEER_CLOSED
    assert (record.bytes_out, record.bytes_in) == (6, 6)
