"""The behaviour table: whatever a peer does, every wait ends and every buffer has a limit."""

import asyncio

from netwright.aio import Stream
from netwright.core.errors import TransportError
from netwright.core.record import Outcome, Waiting
from netwright.http import HttpLimits, Request
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
