import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextvars import ContextVar

import pytest

from netwright.aio import Limits, Stream
from netwright.core.errors import DeadlineError, ProtocolError, UsageError
from netwright.core.moment import Kind
from netwright.core.record import Outcome, Recorder
from netwright.http import App, HttpLimits, Request, Response, Switch
from netwright.http.exchange import LOOK_AFTER, LOOK_EVERY
from netwright.http.h1 import JOIN
from tests.support.limits import around
from tests.support.web import Reports, asking, closed_record, serving, shop

# answers


async def test_head_is_answered_like_get_without_content() -> None:
    """RFC 9110 §9.3.2."""
    app = shop()
    async with serving(app), asking(app) as peer:
        answered = await peer.ask("HEAD", "/")
        assert (answered.status, answered.body, answered.fields["content-length"]) == (200, b"", "5")
        answered = await peer.ask("HEAD", "/count")
        assert (answered.body, answered.fields["transfer-encoding"]) == (b"", "chunked")
        assert (await peer.ask("GET", "/count")).text == "0 1 2 "


async def test_stream_to_a_1_0_client_ends_with_the_connection() -> None:
    """RFC 9112 §6.3 rule 8."""
    app = shop()
    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /count HTTP/1.0\r\n\r\n")
        answered = await peer.answer()
        assert (answered.text, answered.fields["connection"]) == ("0 1 2 ", "close")
        assert "transfer-encoding" not in answered.fields


async def test_content_comes_chunked_and_counted() -> None:
    app = shop()
    async with serving(app), asking(app) as peer:
        assert (await peer.ask("POST", "/echo", body=b"x" * 100_000)).body == b"x" * 100_000
        await peer.send(b"POST /count HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        assert (await peer.answer()).text == "5"


async def test_peer_that_waits_for_100_gets_it_when_the_handler_reads() -> None:
    """RFC 9110 §10.1.1."""
    app = shop()
    head = b"POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    async with serving(app), asking(app) as peer:
        await peer.send(head)
        assert await peer.stream.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await peer.send(b"hi")
        assert (await peer.answer()).body == b"hi"
        await peer.send(head.replace(b"/echo", b"/ignore"))
        answered = await peer.answer()
        assert (answered.text, answered.fields["connection"]) == ("ignored", "close")


async def test_content_left_unread_is_read_away_if_it_is_small() -> None:
    app = shop(http=HttpLimits(unread_body=1000))
    async with serving(app), asking(app) as peer:
        assert (await peer.ask("POST", "/ignore", body=b"x" * 1000)).text == "ignored"
        await peer.send(b"POST /ignore HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n")
        assert "connection" not in (await peer.answer()).fields
        await peer.send(b"x" * 1000)
        await peer.send(b"POST /ignore HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n")
        assert (await peer.answer()).fields["connection"] == "close"


@pytest.mark.parametrize("beyond", around(0))
@pytest.mark.parametrize("chunked", [False, True])
async def test_content_left_unread_is_bounded_to_the_byte(beyond: int, chunked: bool) -> None:
    """RFC 9112 §9.3: what is left is read away up to the bound, on the second request as on the first."""
    app = shop(http=HttpLimits(unread_body=1000))
    content = b"z" * (1000 + beyond)
    framed = b"content-length: %d\r\n\r\n%b" % (len(content), content)
    if chunked:
        framed = b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    async with serving(app), asking(app) as peer:
        for _ in range(2):
            await peer.send(b"POST /ignore HTTP/1.1\r\nhost: a\r\n" + framed)
            assert (await peer.answer()).text == "ignored"
            if beyond > 0:
                assert await peer.rest() == b""
                return
        assert (await peer.ask("GET", "/")).text == "hello"


async def test_chunked_content_left_unread_over_the_bound_ends_the_connection() -> None:
    app = shop(http=HttpLimits(unread_body=10))
    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /ignore HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        assert (await peer.answer()).text == "ignored"
        await peer.send(b"14\r\n" + b"x" * 20 + b"\r\n")
        assert await peer.rest() == b""


async def test_content_over_the_limit_is_answered_413() -> None:
    """RFC 9110 §15.5.14."""
    app = shop(http=HttpLimits(body=10))
    async with serving(app):
        async with asking(app) as peer:
            answered = await peer.ask("POST", "/echo", body=b"x" * 11)
            assert (answered.status, answered.fields["connection"]) == (413, "close")
            assert "body: 11 bytes seen, 10 allowed" in answered.text
        async with asking(app) as peer:
            await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello")
            assert (await peer.answer()).status == 413


async def test_fault_inside_of_content_is_answered_and_ends_the_connection() -> None:
    """RFC 9112 §7.1."""
    app = shop()
    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0_2e\r\n")
        answered = await peer.answer()
        assert (answered.status, answered.fields["connection"]) == (400, "close")
        assert "not a chunk's size line" in answered.text
        assert await peer.rest() == b""


async def test_last_request_of_a_connection_is_answered_with_close() -> None:
    app = shop(http=HttpLimits(requests=2))
    async with serving(app), asking(app) as peer:
        assert "connection" not in (await peer.ask("GET", "/")).fields
        assert (await peer.ask("GET", "/")).fields["connection"] == "close"
        assert await peer.rest() == b""


# handlers


async def test_handler_that_raises_is_reported_once_and_answered_500() -> None:
    reports = Reports()
    app = shop(report=reports)
    async with serving(app), asking(app) as peer:
        answered = await peer.ask("GET", "/bug")
        assert answered.status == 500
        assert "planted" not in answered.text
        assert (await peer.ask("GET", "/")).text == "hello"
        ((text, error),) = reports
        assert text.startswith("GET /bug from 127.0.0.1:")
        assert re.search(r"handler failed at \S+support.web\.py:\d+: ValueError: planted; 1 request, ", text)
        assert repr(error) == "ValueError('planted')"


async def test_handler_that_awaits_what_was_cancelled_is_reported_and_answered_500() -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/lost")
    async def lost(request: Request) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/lost")).status == 500
        ((text, error),) = reports
        assert text.startswith("GET /lost from 127.0.0.1:")
        assert repr(error) == "RuntimeError('the handler waited for a task or future that was cancelled')"


async def test_stream_that_raises_is_cut_so_that_the_peer_sees_it() -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/cut")
    async def cut(request: Request) -> AsyncIterator[bytes]:
        yield b"one"
        raise ValueError("planted")

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /cut HTTP/1.1\r\nhost: a\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await peer.rest()
        assert len(reports) == 1
        assert (await closed_record(app)).outcome is Outcome.HANDLER_ERROR


@pytest.mark.parametrize(
    ("mistake", "told"), [(SystemExit(1), "called sys.exit(1)"), (GeneratorExit(), "raised GeneratorExit()")]
)
async def test_handler_that_exits_is_reported_and_the_others_go_on(mistake: BaseException, told: str) -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/exit")
    async def leave(request: Request) -> None:
        raise mistake

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/exit")).status == 500
        assert (await peer.ask("GET", "/")).text == "hello"
        assert [repr(error) for _, error in reports] == [f"RuntimeError('the handler {told}')"]


@pytest.mark.parametrize(("target", "status", "reported"), [("/early?a=%00", 400, 0), ("/early?bug=1", 500, 1)])
async def test_stream_that_fails_before_its_first_piece_is_answered(target: str, status: int, reported: int) -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/early")
    async def early(request: Request) -> AsyncIterator[bytes]:
        if "bug" in request.query:
            raise ValueError("planted")
        yield b"one"
        yield b"two"

    @app.get("/nothing")
    async def nothing(request: Request) -> AsyncIterator[bytes]:
        if request.query:
            yield b"never"

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", target)).status == status
        assert len(reports) == reported
        assert (await peer.ask("GET", "/early")).text == "onetwo"
        assert (await peer.ask("GET", "/nothing")).text == ""


LINUX_POLL = pytest.mark.skipif(sys.platform != "linux", reason="what poll(2) tells unasked is the system's")


@pytest.mark.parametrize("fin_first", [False, pytest.param(True, marks=LINUX_POLL)])
async def test_handler_is_cancelled_when_its_peer_goes_away(fin_first: bool) -> None:
    app, cancelled = shop(answer_half_closed=True), asyncio.Event()

    @app.get("/wait")
    async def wait(request: Request) -> str:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "never"

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        if fin_first:
            await peer.stream.send_eof()
        await asyncio.sleep(20 * LOOK_AFTER)
        began = asyncio.get_running_loop().time()
        peer.stream.abort()
        await cancelled.wait()
        assert asyncio.get_running_loop().time() - began < 2 * LOOK_EVERY
        record = await closed_record(app)
        assert record.outcome in ((Outcome.PEER_CLOSED, Outcome.RESET) if fin_first else (Outcome.RESET,))
        assert record.exchanges[-1].values().line == "GET /wait → peer gone"


@pytest.mark.parametrize("target", ["/wait", "/pieces"])
async def test_peer_that_ends_its_direction_gets_its_answer_then_the_end(target: str) -> None:
    """RFC 9293 §3.6: whoever has closed may go on to receive; the program may allow it."""
    app = shop(answer_half_closed=True)

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await asyncio.sleep(30)
        return "late"

    @app.get("/pieces")
    async def pieces(request: Request) -> AsyncIterator[bytes]:
        await asyncio.sleep(20)
        yield b"la"
        await asyncio.sleep(20)
        yield b"te"

    async with serving(app), asking(app) as peer:
        await peer.send(f"GET {target} HTTP/1.1\r\nhost: a\r\n\r\n".encode())
        await peer.stream.send_eof()
        answered = await peer.answer()
        assert (answered.status, answered.text) == (200, "late")
        assert await peer.stream.read() == b""
        record = await closed_record(app)
        assert (record.outcome, record.exchanges[-1].values().line) == (Outcome.PEER_CLOSED, f"GET {target} → 200")


def waiting_shop(**settings: object) -> App:
    """A shop in which one answer takes five seconds."""
    app = shop(**settings)

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await asyncio.sleep(5)
        return "waited"

    return app


async def test_requests_before_the_end_of_a_direction_are_all_answered() -> None:
    """RFC 9112 §9.3.2."""
    app = waiting_shop(answer_half_closed=True)
    async with serving(app), asking(app) as peer:
        await peer.send(2 * b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        await peer.stream.send_eof()
        assert [(await peer.answer()).text for _ in range(2)] == ["waited", "waited"]
        assert await peer.stream.read() == b""


async def test_stream_that_waits_is_ended_when_its_peer_goes_away() -> None:
    """What a page with server-sent events leaves behind when it is closed."""
    reports = Reports()
    app, ended = shop(report=reports), asyncio.Event()

    @app.get("/events")
    async def events(request: Request) -> AsyncIterator[bytes]:
        try:
            yield b"one"
            await asyncio.sleep(1000)
        finally:
            ended.set()

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /events HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(2 * LOOK_AFTER)
        peer.stream.abort()
        await ended.wait()
        record = await closed_record(app)
        assert record.exchanges[-1].values().line == "GET /events → 200 → peer gone"
        assert record.outcome is Outcome.RESET
        assert reports == []


async def test_peer_that_does_not_read_is_given_up_at_the_send_limit() -> None:
    reports = Reports()
    app = shop(report=reports, limits=Limits(send=30.0))

    @app.get("/flood")
    async def flood(request: Request) -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 20)

    @app.get("/large")
    async def large(request: Request) -> bytes:
        return bytes(64 << 20)

    for target in (b"/flood", b"/large"):
        async with serving(app), asking(app) as peer:
            began = asyncio.get_running_loop().time()
            await peer.send(b"GET %b HTTP/1.1\r\nhost: a\r\n\r\n" % target)
            record = await closed_record(app)
            assert 29 <= asyncio.get_running_loop().time() - began <= 65  # the first window may have seen progress
            assert (record.outcome, record.ended.stage) == (Outcome.DEADLINE, "send")
            app.recorder.recent.clear()
    assert ["(Limits.send=30.0)" in text for text, _ in reports] == [True, True]


async def test_handler_goes_on_without_its_peer_if_asked_to() -> None:
    app, done = shop(cancel_when_gone=False), asyncio.Event()

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await asyncio.sleep(10)
        done.set()
        return "late"

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(1)
        peer.stream.abort()
        await done.wait()


async def test_request_that_comes_while_a_handler_waits_is_answered_next() -> None:
    app = waiting_shop()
    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(1)
        await peer.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await peer.answer()).text == "waited"
        assert (await peer.answer()).text == "hello"


async def test_handler_over_its_time_is_cancelled_reported_and_answered_503() -> None:
    reports = Reports()
    app = shop(report=reports, handler_timeout=5.0)

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await asyncio.sleep(1000)
        return "never"

    async with serving(app), asking(app) as peer:
        answered = await peer.ask("GET", "/wait")
        assert answered.status == 503
        assert "more than 5 s" in answered.text
        assert len(reports) == 1
        assert (await peer.ask("GET", "/")).text == "hello"


async def test_timeout_of_the_handler_s_own_is_a_failure_of_the_handler() -> None:
    reports = Reports()
    app = shop(report=reports, handler_timeout=5.0)

    @app.get("/wait")
    async def wait(request: Request) -> str:
        async with asyncio.timeout(1):
            await asyncio.sleep(1000)
        return "never"

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/wait")).status == 500
        assert [type(error) for _, error in reports] == [TimeoutError]


async def test_context_of_one_request_is_not_seen_by_the_next() -> None:
    app, seen = shop(), ContextVar("seen", default="nothing")

    @app.get("/set")
    async def change(request: Request) -> str:
        before = seen.get()
        seen.set(request.target)
        await asyncio.sleep(0)
        return before

    async with serving(app), asking(app) as peer:
        assert [(await peer.ask("GET", "/set")).text for _ in range(2)] == ["nothing", "nothing"]


async def test_connection_is_switched_to_the_protocol_that_the_peer_offered() -> None:
    """RFC 9110 §7.8."""
    app = shop()

    async def shout(stream: Stream) -> None:
        async for chunk in stream:
            await stream.send(chunk.upper())

    @app.get("/shout")
    async def switch(request: Request) -> Switch:
        return Switch("shout", shout, (("x", "y"),))

    upgrade = b"GET /shout HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\nearly "
    async with serving(app), asking(app) as peer:
        await peer.send(upgrade)
        head = await peer.stream.read_until(b"\r\n\r\n")
        assert head == b"HTTP/1.1 101 Switching Protocols\r\nupgrade: shout\r\nconnection: upgrade\r\nx: y\r\n\r\n"
        assert await peer.stream.read_exactly(6) == b"EARLY "
        await peer.send(b"late")
        assert await peer.stream.read_exactly(4) == b"LATE"
        (record,) = app.recorder.live.values()
        assert (record.protocol, record.exchanges[-1].values().line) == ("shout", "GET /shout → 101")
        await peer.stream.send_eof()
        assert await peer.rest() == b""


async def test_switch_that_nobody_offered_is_a_mistake_of_the_handler() -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/shout")
    async def switch(request: Request) -> Switch:
        return Switch("shout", lambda stream: stream.close())

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/shout")).status == 500
        assert "offered" in str(reports[0][1])


async def test_record_tells_of_the_requests() -> None:
    app = shop()
    async with serving(app), asking(app) as peer:
        await peer.ask("GET", "/")
        await peer.ask("GET", "/nowhere")
        (record,) = app.recorder.live.values()
        assert (record.service, record.protocol, record.messages) == ("http", "http/1.1", 2)
        assert record.exchanges[-1].values().line == "GET /nowhere → 404"
        assert record.opened_at <= record.exchanges[-1].began <= record.exchanges[-1].answered


@pytest.mark.parametrize("size", around(JOIN))
async def test_answer_around_the_size_that_is_joined_goes_out_whole(size: int) -> None:
    app = shop()
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with serving(app), asking(app) as peer:
        for _ in range(2):
            assert (await peer.ask("POST", "/echo", body=content)).body == content


async def test_answer_that_is_large_goes_out_whole() -> None:
    app = shop()

    @app.get("/large")
    async def large(request: Request) -> Response:
        return Response(bytes(3 << 20), fields={"x-kind": "large"})

    async with serving(app), asking(app) as peer:
        answered = await peer.ask("GET", "/large")
        assert (len(answered.body), answered.fields["x-kind"]) == (3 << 20, "large")


# corners


async def test_watched_connection_has_the_moments_of_its_requests() -> None:
    app = shop(recorder=Recorder(watch_all=True))
    async with serving(app), asking(app) as peer:
        await peer.ask("GET", "/")
        (record,) = app.recorder.live.values()
        assert record.timeline is not None
        moments = [(moment.kind, moment.note) for moment in record.timeline]
        wanted = [(Kind.REQUEST, "GET /"), (Kind.HANDLER, ""), (Kind.RESPONSE, "GET / → 200")]
        assert [moment for moment in moments if moment[0] in (Kind.REQUEST, Kind.HANDLER, Kind.RESPONSE)] == wanted


async def test_handler_that_catches_a_fault_of_the_content_gets_it_again_and_may_answer() -> None:
    app = shop()

    @app.post("/stubborn")
    async def stubborn(request: Request) -> str:
        errors = []
        for _ in range(2):
            try:
                await request.body()
            except (ProtocolError, UsageError) as error:
                errors.append(type(error).__name__)
        return " ".join(errors)

    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /stubborn HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        answered = await peer.answer()
        assert (answered.text, answered.fields["connection"]) == ("HttpError UsageError", "close")


async def test_fault_in_content_that_nobody_reads_ends_the_connection() -> None:
    app = shop()
    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /ignore HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        assert (await peer.answer()).text == "ignored"
        await peer.send(b"zz\r\n")
        assert await peer.rest() == b""


async def test_iterator_without_aclose_is_a_stream_too() -> None:
    class Countdown:
        def __init__(self) -> None:
            self.left = 3

        def __aiter__(self) -> "Countdown":
            return self

        async def __anext__(self) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise StopAsyncIteration
            return b"" if self.left == 1 else b"%d" % self.left

    app = shop()

    @app.get("/countdown")
    async def countdown(request: Request) -> Countdown:
        return Countdown()

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/countdown")).text == "20"


async def test_abort_while_a_handler_waits_cancels_it_and_reports_nothing() -> None:
    reports = Reports()
    app, cancelled = shop(report=reports), asyncio.Event()

    @app.get("/wait")
    async def wait(request: Request) -> str:
        try:
            await asyncio.sleep(1000)
        finally:
            cancelled.set()
        return "never"

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(1)
        app.abort()
        await cancelled.wait()
        await app.wait()
        assert reports == []
        with pytest.raises(ConnectionResetError):
            await peer.rest()


async def test_error_of_another_connection_in_a_handler_is_the_program_s() -> None:
    """A deadline of an upstream is not the peer's fault: 500, not 408."""
    reports = Reports()
    app = shop(report=reports)

    @app.get("/upstream")
    async def upstream(request: Request) -> str:
        raise DeadlineError("connect", 1.0)

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/upstream")).status == 500
        assert len(reports) == 1
