"""The behaviour table: whatever a peer does, every wait ends and every buffer has a limit."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from netwright.aio import Limits, Stream
from netwright.core.errors import TransportError
from netwright.core.record import Outcome, Waiting
from netwright.http import HttpLimits, Request, Response
from tests.support.web import Reports, asking, closed_record, serving, shop


async def test_slow_head_is_answered_408_at_the_head_deadline_however_often_a_byte_comes() -> None:
    """RFC 9110 §15.5.9; no byte renews the deadline."""
    app = shop(http=HttpLimits(head_timeout=10.0))
    async with serving(app), asking(app) as peer:
        began = asyncio.get_running_loop().time()

        async def drip() -> None:
            for byte in b"GET / HTTP/1.1\r\nhost: a-name-that-takes-long\r\n\r\n":
                await peer.send(bytes([byte]))
                await asyncio.sleep(1)

        dripping = asyncio.get_running_loop().create_task(drip())
        answered = await peer.answer()
        assert answered.status == 408
        assert 9.9 <= asyncio.get_running_loop().time() - began <= 10.6
        dripping.cancel()
        await asyncio.wait([dripping])
        peer.stream.abort()
        record = await closed_record(app)
        assert (record.outcome, record.ended.stage) == (Outcome.DEADLINE, "request head")
        assert record.exchanges[-1].values().line == "? → 408"


async def test_slow_body_is_answered_408_when_grace_and_rate_are_used_up() -> None:
    app = shop(http=HttpLimits(body_grace=20.0, body_rate=1024.0))
    async with serving(app), asking(app) as peer:
        began = asyncio.get_running_loop().time()
        await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n")

        async def drip() -> None:
            for _ in range(100):
                await peer.send(b"x")
                await asyncio.sleep(1)

        dripping = asyncio.get_running_loop().create_task(drip())
        answered = await peer.answer()
        assert answered.status == 408
        assert answered.fields["connection"] == "close"
        assert 19.9 <= asyncio.get_running_loop().time() - began <= 20.6
        dripping.cancel()
        await asyncio.wait([dripping])
        peer.stream.abort()
        assert (await closed_record(app)).outcome is Outcome.DEADLINE


async def test_idle_connection_is_closed_without_a_word() -> None:
    app = shop(http=HttpLimits(next_request=75.0))
    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/")).text == "hello"
        began = asyncio.get_running_loop().time()
        (record,) = app.recorder.live.values()
        await asyncio.sleep(1)
        assert record.waiting is Waiting.NEXT_REQUEST
        assert await peer.rest() == b""
        assert 74.9 <= asyncio.get_running_loop().time() - began <= 75.6
        assert (record.outcome, record.ended.stage) == (Outcome.DEADLINE, "next request")


async def test_connection_on_which_nothing_comes_is_closed_without_a_word() -> None:
    app = shop()
    async with serving(app), asking(app) as peer:
        assert await peer.rest() == b""
        assert (await closed_record(app)).outcome is Outcome.DEADLINE


async def test_head_of_4_megabytes_is_refused_431_at_its_limit() -> None:
    """RFC 6585 §5."""
    app = shop()
    async with serving(app), asking(app) as peer:
        sending = asyncio.get_running_loop().create_task(_flood(peer.stream, 4 << 20))
        answered = await peer.answer()
        assert answered.status == 431
        assert "field_line: 8193 bytes seen, 8192 allowed" in answered.text
        await asyncio.wait([sending])
        peer.stream.abort()
        record = await closed_record(app)
        assert (record.outcome, record.ended.stage) == (Outcome.LIMIT, "field_line")
        assert record.bytes_in < 1 << 20


async def _flood(stream: Stream, size: int) -> None:
    try:
        await stream.send(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
        for _ in range(size // 65536):
            await stream.send(bytes(65536).replace(b"\0", b"a"))
    except TransportError:
        return


async def test_request_without_host_is_refused_400() -> None:
    """RFC 9112 §3.2."""
    app = shop()
    async with serving(app), asking(app) as peer:
        await peer.send(b"GET / HTTP/1.1\r\n\r\n")
        answered = await peer.answer()
        assert answered.status == 400
        assert "0 Host fields, 1 allowed (RFC 9112 §3.2)" in answered.text
        assert await peer.rest() == b""
        peer.stream.abort()
        assert (await closed_record(app)).outcome is Outcome.PROTOCOL_ERROR


async def test_reset_inside_of_a_body_ends_the_handler_and_nothing_is_reported() -> None:
    reports = Reports()
    app = shop(report=reports)
    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf")
        await asyncio.sleep(0.1)
        peer.stream.abort()
        record = await closed_record(app)
        assert record.outcome is Outcome.RESET
        assert reports == []


async def test_end_inside_of_a_body_is_answered_400() -> None:
    """RFC 9112 §8."""
    app = shop()
    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf")
        await peer.stream.send_eof()
        answered = await peer.answer()
        assert answered.status == 400
        assert "connection ended in a body" in answered.text


async def test_hundred_pipelined_requests_are_answered_in_order() -> None:
    """RFC 9112 §9.3.2."""
    app = shop()

    @app.get("/n/{n:int}")
    async def number(request: Request) -> str:
        if int(request.params["n"]) % 10 == 0:
            await asyncio.sleep(0.01)
        return str(request.params["n"])

    async with serving(app), asking(app) as peer:
        await peer.send(b"".join(b"GET /n/%d HTTP/1.1\r\nhost: a\r\n\r\n" % n for n in range(100)))
        assert [(await peer.answer()).text for _ in range(100)] == [str(n) for n in range(100)]
        (record,) = app.recorder.live.values()
        assert record.messages == 100


async def test_drain_with_an_unfinished_body_ends_at_its_timeout() -> None:
    app = shop()
    async with serving(app), asking(app) as peer, asking(app) as idle:
        assert (await idle.ask("GET", "/")).status == 200
        await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf")
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        report = await app.drain(3.0)
        assert (report.idle, report.finished, report.aborted) == (1, 0, 1)
        assert 2.9 <= asyncio.get_running_loop().time() - began <= 3.5
        assert await idle.rest() == b""


async def test_drain_lets_a_handler_finish_and_says_close() -> None:
    app = shop()

    @app.get("/slow")
    async def slow(request: Request) -> str:
        await asyncio.sleep(1.5)
        return "done"

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(0.1)
        draining = asyncio.get_running_loop().create_task(app.drain(10.0))
        answered = await peer.answer()
        assert (answered.text, answered.fields["connection"]) == ("done", "close")
        report = await draining
        assert (report.idle, report.finished, report.aborted) == (0, 1, 0)


# time is the peer's, or the handler's


@pytest.mark.parametrize("expects", [b"", b"expect: 100-continue\r\n"])
async def test_time_of_the_handler_is_not_taken_from_the_peer_s(expects: bytes) -> None:
    """A prompt peer's content is read after any time that the handler took before."""
    app = shop(http=HttpLimits(body_grace=2.0))

    @app.post("/late")
    async def late(request: Request) -> bytes:
        await asyncio.sleep(30)
        return await request.body()

    @app.post("/pieces")
    async def pieces(request: Request) -> str:
        size = 0
        async for piece in request:
            await asyncio.sleep(0.48)
            size += len(piece)
        return str(size)

    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /late HTTP/1.1\r\nhost: a\r\n%bcontent-length: 5\r\n\r\n" % expects)
        if expects:
            assert await peer.stream.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
        else:
            await asyncio.sleep(0.1)
        await peer.send(b"hello")
        assert (await peer.answer()).body == b"hello"
        await peer.send(b"POST /pieces HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(12):
            await peer.send(b"a\r\n0123456789\r\n")
            await asyncio.sleep(0.5)
        await peer.send(b"0\r\n\r\n")
        assert (await peer.answer()).text == "120"


async def test_idle_time_begins_behind_the_last_byte_of_an_answer() -> None:
    app = shop(http=HttpLimits(next_request=5.0))

    @app.get("/long")
    async def long(request: Request) -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"."
            await asyncio.sleep(1)

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/long")).text == "." * 10
        await asyncio.sleep(4.5)
        assert (await peer.ask("GET", "/")).text == "hello"
        began = asyncio.get_running_loop().time()
        assert await peer.rest() == b""
        assert 4.9 <= asyncio.get_running_loop().time() - began <= 5.2


async def test_limit_of_the_stream_between_two_requests_ends_the_connection_without_a_word() -> None:
    reports = Reports()
    app = shop(limits=Limits(idle=5.0), report=reports)
    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/")).text == "hello"
        assert await peer.rest() == b""
        record = await closed_record(app)
        assert (record.outcome, record.ended.stage) == (Outcome.DEADLINE, "idle")
        assert reports == []


async def test_limit_of_the_stream_inside_of_a_body_is_answered_408() -> None:
    app = shop(limits=Limits(idle=5.0))
    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n")
        assert (await peer.answer()).status == 408
        peer.stream.abort()
        assert (await closed_record(app)).ended.stage == "idle"


async def test_time_of_a_streaming_handler_is_booked_on_the_handler() -> None:
    app = shop()

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[bytes]:
        for number in range(40):
            yield b"%d\n" % number
            await asyncio.sleep(0.05)

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/stream")).status == 200
        await peer.stream.close()
        record = await closed_record(app)
        assert record.handler_time >= 1.95
        assert record.send_waited < 0.1


async def test_slow_head_is_told_all_of_its_time() -> None:
    """RFC 9110 §15.5.9."""
    app = shop(http=HttpLimits(head_timeout=10.0))
    async with serving(app), asking(app) as peer:
        await asyncio.sleep(5)
        await peer.send(b"GET / HT")
        await asyncio.sleep(4)
        await peer.send(b"TP")
        answered = await peer.answer()
        assert answered.status == 408
        assert "request head: not complete after 10 s, 10 s allowed (HttpLimits.head_timeout)" in answered.text


# what may not go out, or come in


async def test_100_does_not_follow_a_final_head() -> None:
    """RFC 9110 §10.1.1: the answer has begun; a peer that sends its content all the same is read."""
    app = shop()

    @app.post("/late")
    async def late(request: Request) -> AsyncIterator[bytes]:
        yield b"begin "
        async for piece in request:
            yield piece

    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /late HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        await asyncio.sleep(1)
        await peer.send(b"hi")
        assert (await peer.answer()).text == "begin hi"
        assert await peer.rest() == b""


async def test_100_to_a_peer_that_left_is_no_failure_of_the_handler() -> None:
    reports = Reports()
    app, done = shop(report=reports, cancel_when_gone=False), asyncio.Event()

    @app.post("/late")
    async def late(request: Request) -> bytes:
        await asyncio.sleep(2)
        try:
            return await request.body()
        finally:
            done.set()

    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /late HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        await asyncio.sleep(1)
        peer.stream.abort()
        await done.wait()
        assert (await closed_record(app)).outcome is Outcome.RESET
        assert reports == []


@pytest.mark.parametrize("target", [b"http://[x/", b"http://:80/", b"http://a:b/", b"http://[:::]/"])
async def test_target_without_a_valid_host_is_answered_400(target: bytes) -> None:
    """RFC 9110 §4.2.1."""
    reports = Reports()
    app = shop(report=reports)
    async with serving(app), asking(app) as peer:
        await peer.send(b"GET %b HTTP/1.1\r\nhost: a\r\n\r\n" % target)
        assert (await peer.answer()).status == 400
        assert (await closed_record(app)).outcome is Outcome.PROTOCOL_ERROR
        assert reports == []


async def test_empty_line_behind_a_body_is_no_request() -> None:
    """RFC 9112 §2.2."""
    app = shop()
    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi\r\n")
        assert (await peer.answer()).text == "hi"
        await asyncio.sleep(20)
        assert (await peer.ask("GET", "/")).text == "hello"
        await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi\r\n")
        assert (await peer.answer()).text == "hi"
        await peer.stream.send_eof()
        assert await peer.rest() == b""
        assert (await closed_record(app)).outcome is Outcome.PEER_CLOSED


@pytest.mark.parametrize("early", [True, False])
async def test_answer_in_front_of_bytes_that_nobody_reads_ends_with_fin(early: bool) -> None:
    """RFC 9112 §9.6: RST may erase an answer; a peer that sends requests ahead is still heard for a moment."""
    app = shop(http=HttpLimits(requests=1))

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await asyncio.sleep(5)
        return "waited"

    async with serving(app), asking(app) as peer:
        request = b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n"
        await peer.send(request * (2 if early else 1))
        await asyncio.sleep(6 if early else 1)
        await peer.send(request)
        await asyncio.sleep(10)
        assert (await peer.answer()).text == "waited"
        assert await peer.rest() == b""


async def test_date_of_the_handler_is_the_only_one() -> None:
    """RFC 9110 §6.6.1."""
    app = shop()
    day = "Mon, 01 Jan 2001 00:00:00 GMT"

    @app.get("/date")
    async def date(request: Request) -> Response:
        return Response("d", fields={"Date": day})

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/date")).fields.get_all("date") == [day]
        assert len((await peer.ask("GET", "/")).fields.get_all("date")) == 1
