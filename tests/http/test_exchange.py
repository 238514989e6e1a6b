"""One request and its answer: whatever a handler does, its exchange ends, and nothing else with it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from netwright.core.errors import ProtocolError, UsageError
from netwright.core.record import Outcome, Party
from netwright.http import App, HttpLimits, Request, Response, StatusError, Switch
from netwright.http.exchange import LOOK_AFTER, LOOK_EVERY, Exchange
from tests.support.web import Reports, asking, closed_record, serving, shop


class Panic(BaseException):
    """What a panic in a Rust extension raises, for one."""


def exchange_of(request: Request) -> Exchange:
    return request.exchange


# the handler's failures


PANICS = [
    Panic("planted"),
    BaseExceptionGroup("planted", [Panic()]),
    GeneratorExit(),
    SystemExit(3),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("panic", PANICS, ids=lambda panic: type(panic).__name__)
@pytest.mark.parametrize("late", [False, True])
async def test_panic_of_a_handler_is_answered_500_and_nobody_else_notices(panic: BaseException, late: bool) -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/panic")
    async def fail(request: Request) -> str:
        if late:
            await asyncio.sleep(0)
        raise panic

    async with serving(app), asking(app) as peer, asking(app) as other:
        await other.ask("GET", "/")
        assert (await peer.ask("GET", "/panic")).status == 500
        assert (await peer.ask("GET", "/")).text == "hello"
        assert (await other.ask("GET", "/")).text == "hello"
        assert [type(error) for _, error in reports] == [RuntimeError]


async def test_panic_of_a_plain_handler_is_answered_500() -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/panic")
    def fail(request: Request) -> str:
        raise Panic

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/panic")).status == 500
        assert (await peer.ask("GET", "/")).text == "hello"


@pytest.mark.parametrize("where", ["first", "later", "close"])
async def test_panic_of_a_stream_ends_its_exchange_alone(where: str) -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/panic")
    async def fail(request: Request) -> AsyncIterator[bytes]:
        if where == "first":
            raise Panic
        yield b"one"
        if where == "later":
            raise Panic

    class Closing:
        def __aiter__(self) -> "Closing":
            return self

        async def __anext__(self) -> bytes:
            raise StopAsyncIteration

        async def aclose(self) -> None:
            raise Panic

    @app.get("/close")
    async def close(request: Request) -> Closing:
        return Closing()

    async with serving(app), asking(app) as peer, asking(app) as other:
        await peer.send(b"GET /%b HTTP/1.1\r\nhost: a\r\n\r\n" % (b"close" if where == "close" else b"panic"))
        if where == "first":
            assert (await peer.answer()).status == 500
        else:
            with pytest.raises(ConnectionResetError):
                await peer.rest()
        assert (await other.ask("GET", "/")).text == "hello"
        assert len(reports) == 1


async def test_panic_of_a_protocol_behind_a_switch_ends_its_connection_alone() -> None:
    reports = Reports()
    app = shop(report=reports)

    async def serve(stream: Any) -> None:
        raise Panic

    @app.get("/panic")
    async def switch(request: Request) -> Switch:
        return Switch("chat", serve)

    async with serving(app), asking(app) as peer, asking(app) as other:
        await peer.send(b"GET /panic HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await peer.rest()
        assert (await other.ask("GET", "/")).text == "hello"


async def test_plain_handler_that_raises_stop_iteration_is_answered() -> None:
    """A Future refuses that exception: nobody would ever learn of it."""
    reports = Reports()
    app = shop(report=reports)
    nothing: Iterator[str] = iter([])

    @app.get("/next")
    def fail(request: Request) -> str:
        return next(nothing)

    @app.get("/async")
    async def fail_too(request: Request) -> str:
        return next(nothing)

    async with serving(app), asking(app) as peer:
        for target in ("/next", "/async"):
            assert (await peer.ask("GET", target)).status == 500
        assert ["StopIteration" in str(error) for _, error in reports] == [True, True]


async def test_failure_in_the_middle_of_a_cancellation_does_not_stop_it() -> None:
    app = shop(report=Reports())

    @app.get("/stubborn")
    async def stubborn(request: Request) -> str:
        try:
            await asyncio.sleep(1000)
        finally:
            raise ValueError

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /stubborn HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(1)
        app.abort()
        await app.wait()


# the tools of tasks


async def test_tools_that_need_the_current_task_work_in_a_handler() -> None:
    app = shop()

    @app.get("/tools")
    async def tools(request: Request) -> str:
        task = asyncio.current_task()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.sleep(10)
        async with asyncio.TaskGroup() as group:
            child = group.create_task(asyncio.sleep(1, "child"))
        with pytest.raises(ExceptionGroup):
            await failing()
        assert asyncio.current_task() is task
        assert task is not None
        assert task.cancelling() == 0
        return child.result()

    async def failing() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(100))
            raise ValueError

    async with serving(app), asking(app) as peer:
        for _ in range(2):
            assert (await peer.ask("GET", "/tools")).text == "child"


async def test_cancellation_that_a_handler_left_behind_is_not_the_next_one_s() -> None:
    """CPython 3.11 does not uncancel behind a TaskGroup whose child failed while the group ended."""
    app = shop(report=Reports())

    @app.get("/group")
    async def grouped(request: Request) -> None:
        async def fail() -> None:
            raise ValueError

        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    @app.get("/lost")
    async def lost(request: Request) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async with serving(app), asking(app) as peer:
        for target in ("/group", "/lost", "/group"):
            assert (await peer.ask("GET", target)).status == 500


# answers that a handler sends itself


async def test_handler_may_send_its_answer_itself() -> None:
    app = shop()

    @app.get("/own")
    async def own(request: Request) -> None:
        exchange = exchange_of(request)
        await exchange.inform(103, [("link", "</a>; rel=preload")])
        await exchange.start(201, [("X-A", "1"), ("trailer", "sum")])
        await exchange.write(b"one")
        await exchange.write(b"")
        await exchange.write(b"two")
        await exchange.end([("sum", "6")])

    @app.get("/counted")
    async def counted(request: Request) -> None:
        await exchange_of(request).start(200, length=3)
        await exchange_of(request).write(b"abc")

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /own HTTP/1.1\r\nhost: a\r\n\r\n")
        raw = await peer.stream.read_until(b"sum: 6\r\n\r\n")
        assert raw.startswith(
            b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\nHTTP/1.1 201 Created\r\nX-A: 1\r\n"
        )
        assert raw.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\nsum: 6\r\n\r\n")
        answered = await peer.ask("GET", "/counted")
        assert (answered.text, answered.fields["content-length"]) == ("abc", "3")
        (record,) = app.recorder.live.values()
        assert [exchange.values().line for exchange in record.exchanges] == ["GET /own → 201", "GET /counted → 200"]


@pytest.mark.parametrize("mistake", ["value", "twice", "short", "long", "framing"])
async def test_mistake_behind_a_started_answer_cuts_it(mistake: str) -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.get("/own")
    async def own(request: Request) -> str | None:
        exchange = exchange_of(request)
        await exchange.start(200, length=3)
        match mistake:
            case "value":
                return "value"
            case "twice":
                await exchange.start(200)
            case "long":
                await exchange.write(b"abcd")
            case "framing":
                with pytest.raises(UsageError, match="content-length in an answer"):
                    await exchange.start(200, [("Content-Length", "3")])
        return None

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /own HTTP/1.1\r\nhost: a\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await peer.rest()
        assert [type(error) for _, error in reports] == [UsageError]
        record = await closed_record(app)
        assert (record.outcome, record.ended.stage, record.ended.who) == (Outcome.HANDLER_ERROR, "response", Party.YOU)


async def test_reset_cuts_an_answer() -> None:
    app = shop()

    @app.get("/own")
    async def own(request: Request) -> None:
        await exchange_of(request).start(200)
        exchange_of(request).reset()

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /own HTTP/1.1\r\nhost: a\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await peer.rest()


async def test_trailers_of_a_request_are_there_behind_its_content() -> None:
    """RFC 9110 §6.5."""
    app = shop()

    @app.post("/sum")
    async def total(request: Request) -> str:
        assert not request.trailers
        await request.body()
        return request.trailers.get("sum", "none")

    raw = b"POST /sum HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n%b\r\n"
    async with serving(app), asking(app) as peer:
        for trailer, text in ((b"sum: 6\r\n", "6"), (b"", "none")):
            await peer.send(raw % trailer)
            assert (await peer.answer()).text == text


# a peer that leaves


@pytest.mark.parametrize("extra", [b"", b"G", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"content"])
async def test_peer_that_resets_is_seen_whatever_it_sent_before(extra: bytes) -> None:
    """A byte of the next request, or content that nobody reads, hides nothing."""
    app, cancelled = shop(), asyncio.Event()

    @app.route("/wait", ["GET", "POST"])
    async def wait(request: Request) -> str:
        try:
            await asyncio.sleep(1000)
        finally:
            cancelled.set()
        return "never"

    async with serving(app), asking(app) as peer:
        length = b"content-length: 100\r\n" if extra == b"content" else b""
        await peer.send(b"POST /wait HTTP/1.1\r\nhost: a\r\n%b\r\n" % length)
        await asyncio.sleep(5 * LOOK_AFTER)
        if extra:
            await peer.send(extra)
        await asyncio.sleep(2 * LOOK_EVERY)
        assert not cancelled.is_set()
        began = asyncio.get_running_loop().time()
        peer.stream.abort()
        await cancelled.wait()
        assert asyncio.get_running_loop().time() - began < 2 * LOOK_EVERY
        record = await closed_record(app)
        assert (record.outcome, record.exchanges[-1].note) == (Outcome.RESET, "peer gone")


async def test_peer_that_left_before_the_handler_asked_is_seen_by_a_handler_that_goes_on() -> None:
    """``gone`` says so however late it is asked for, and whether or not the handler is cancelled."""
    app, gone = shop(report=Reports(), cancel_when_gone=False), asyncio.Event()

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await asyncio.sleep(10)
        await exchange_of(request).gone
        gone.set()
        return "late"

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(1)
        peer.stream.abort()
        async with asyncio.timeout(60):
            await gone.wait()


async def test_peer_that_ends_its_direction_has_left_unless_the_program_says_otherwise() -> None:
    """What a page that is closed sends first is a FIN (RFC 9293 §3.6)."""
    reports = Reports()
    app, gone = shop(report=reports), asyncio.Event()

    @app.get("/wait")
    async def wait(request: Request) -> str:
        exchange_of(request).gone.add_done_callback(lambda _: gone.set())
        await asyncio.sleep(1000)
        return "never"

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await peer.stream.send_eof()
        assert await peer.rest() == b""
        assert asyncio.get_running_loop().time() - began < 2 * LOOK_EVERY
        assert gone.is_set()
        assert reports == []
        assert (await closed_record(app)).outcome is Outcome.PEER_CLOSED


async def test_peer_that_leaves_in_the_middle_of_its_content_is_who_ended_a_streamed_answer() -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.post("/duplex")
    async def duplex(request: Request) -> AsyncIterator[bytes]:
        async for piece in request:
            yield piece

    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /duplex HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert await peer.stream.read_until(b"5\r\nhello\r\n")
        await peer.stream.send_eof()
        with pytest.raises(ConnectionResetError):
            await peer.rest()
        record = await closed_record(app)
        assert reports == []
        assert (record.outcome, record.ended.who, record.ended.stage) == (
            Outcome.PROTOCOL_ERROR,
            Party.PEER,
            "request body",
        )


async def test_fault_of_the_peer_in_a_group_is_still_the_peer_s() -> None:
    reports = Reports()
    app = shop(report=reports)

    @app.post("/group")
    async def grouped(request: Request) -> str:
        async with asyncio.TaskGroup() as group:
            group.create_task(request.body())
        return "never"

    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /group HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        answered = await peer.answer()
        assert (answered.status, answered.fields["connection"]) == (400, "close")
        assert "size line" in answered.text
        assert reports == []


async def test_read_after_a_fault_raises_it_again() -> None:
    app = shop()
    seen = []

    @app.post("/again")
    async def again(request: Request) -> str:
        for _ in range(2):
            try:
                await exchange_of(request).read()
            except ProtocolError as error:
                seen.append(error)
        return "said"

    async with serving(app), asking(app) as peer:
        await peer.send(b"POST /again HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        assert (await peer.answer()).text == "said"
        assert len(seen) == 2
        assert seen[0] is seen[1]


async def test_draining_is_seen_by_a_stream_without_end() -> None:
    app = shop()

    @app.get("/events")
    async def events(request: Request) -> AsyncIterator[bytes]:
        while not exchange_of(request).draining:
            yield b"."
            await asyncio.sleep(1)

    async with serving(app), asking(app) as peer:
        await peer.send(b"GET /events HTTP/1.1\r\nhost: a\r\n\r\n")
        await asyncio.sleep(3)
        assert (await app.drain(10.0)).aborted == 0
        assert (await peer.answer()).text.startswith("...")


async def test_drain_that_cuts_a_handler_says_so_in_its_record() -> None:
    app = shop(report=Reports())

    @app.get("/wait")
    async def wait(request: Request) -> str:
        await asyncio.sleep(1000)
        return "never"

    @app.get("/pieces")
    async def pieces(request: Request) -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(1000)

    async def forever(stream: Any) -> None:
        await asyncio.sleep(1000)

    @app.get("/chat")
    async def chat(request: Request) -> Switch:
        return Switch("chat", forever)

    async with serving(app), asking(app) as first, asking(app) as second, asking(app) as third, asking(app) as fourth:
        await fourth.send(b"GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n")
        await first.send(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        await second.send(b"GET /pieces HTTP/1.1\r\nhost: a\r\n\r\n")
        await third.send(b"GET /wa")
        await asyncio.sleep(1)
        await app.drain(3.0)
        ends = {record.ended.stage: record.ended for record in app.recorder.recent}
        assert {stage: end.outcome for stage, end in ends.items()} == dict.fromkeys(
            ("handler", "response", "request head", ""), Outcome.DRAINED
        )
        assert ends["handler"].text.startswith("cut after 4")
        assert ends["handler"].text.endswith(" s: GET /wait")


# the switch


UPGRADE = b"POST /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: chat\r\n"


def chatting(**settings: object) -> App:
    app = shop(**settings)

    async def echo(stream: Any) -> None:
        async for chunk in stream:
            await stream.send(b"<" + chunk + b">")

    @app.post("/chat")
    async def chat(request: Request) -> Switch:
        return Switch("chat", echo)

    return app


async def test_switch_waits_for_the_whole_request_and_sends_100_before_101() -> None:
    """RFC 9110 §7.8."""
    app = chatting()
    async with serving(app), asking(app) as peer:
        await peer.send(UPGRADE + b"content-length: 4\r\nexpect: 100-continue\r\n\r\n")
        assert await peer.stream.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await peer.send(b"bo")
        await asyncio.sleep(1)
        await peer.send(b"dyhi")
        assert (await peer.stream.read_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await peer.stream.read_exactly(4) == b"<hi>"


async def test_peer_that_left_before_a_switch_is_no_failure_of_the_handler() -> None:
    reports = Reports()
    app = shop(report=reports, cancel_when_gone=False)

    @app.post("/chat")
    async def chat(request: Request) -> Switch:
        await asyncio.sleep(2)
        return Switch("chat", lambda stream: stream.close())

    async with serving(app), asking(app) as peer:
        await peer.send(UPGRADE + b"\r\n")
        await asyncio.sleep(1)
        peer.stream.abort()
        assert (await closed_record(app)).outcome is Outcome.RESET
        assert reports == []


async def test_switch_behind_too_much_content_is_refused() -> None:
    app = chatting(http=HttpLimits(unread_body=10))
    async with serving(app), asking(app) as peer:
        await peer.send(UPGRADE + b"content-length: 11\r\n\r\nhello hello")
        answered = await peer.answer()
        assert answered.status == 413
        assert "HttpLimits.unread_body" in answered.text


async def test_error_with_a_field_that_would_split_the_head_is_a_mistake_of_the_handler() -> None:
    """RFC 9110 §5.5."""
    app = shop(report=Reports())

    @app.get("/split")
    async def split(request: Request) -> Response:
        raise StatusError(400, "no", fields=[("x", "a\r\nb: c")])

    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/split")).status == 500
