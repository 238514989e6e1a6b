import asyncio
import http.client
import subprocess
import threading
from collections.abc import Awaitable, Callable

import pytest

from netwright.aio import Stream, connect
from netwright.aio.failures import REPEATS
from netwright.core.address import InetAddress
from netwright.http import App, HttpLimits, Request, Response, StatusError
from tests.support.web import Reports, asking, serving
from tests.support.web import shop as web_shop


def shop() -> App:
    app = App("shop")

    @app.get("/items/{id:int}")
    async def item(request: Request) -> dict[str, object]:
        if request.params["id"] == 0:
            raise StatusError(404, "no item 0")
        return {"id": request.params["id"]}

    @app.post("/items")
    async def create(request: Request) -> Response:
        return Response.json(await request.json(), 201)

    @app.put("/items/{id:int}")
    @app.patch("/items/{id:int}")
    @app.delete("/items/{id:int}")
    async def change(request: Request) -> str:
        return f"{request.method} {request.params['id']}"

    @app.get("/thread")
    def thread(request: Request) -> str:
        return threading.current_thread().name

    @app.post("/thread")
    def upper(request: Request) -> bytes:
        return request.content.upper()

    return app


async def test_routes_answer_their_methods() -> None:
    app = shop()
    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/items/7")).text == '{"id":7}'
        assert (await peer.ask("GET", "/items/0")).text == "404 Not Found\nno item 0\n"
        created = await peer.ask("POST", "/items", body=b"[1]")
        assert (created.status, created.text) == (201, "[1]")
        for method in ("PUT", "PATCH", "DELETE"):
            assert (await peer.ask(method, "/items/7")).text == f"{method} 7"
        assert (await peer.ask("HEAD", "/items/7")).status == 200


async def test_options_and_405_say_what_is_allowed() -> None:
    """RFC 9110 §9.3.7, §15.5.6."""
    app = shop()
    async with serving(app), asking(app) as peer:
        answered = await peer.ask("OPTIONS", "/items")
        assert (answered.status, answered.fields["allow"]) == (204, "OPTIONS, POST")
        answered = await peer.ask("GET", "/items")
        assert (answered.status, answered.fields["allow"]) == (405, "OPTIONS, POST")
        answered = await peer.ask("OPTIONS", "*")
        assert answered.fields["allow"] == "DELETE, GET, OPTIONS, PATCH, POST, PUT"
        assert (await peer.ask("OPTIONS", "/nowhere")).status == 404
        assert (await peer.ask("BREW", "/items")).status == 501


async def test_every_answer_has_a_date_and_no_server() -> None:
    """RFC 9110 §6.6.1."""
    app = shop()
    async with serving(app), asking(app) as peer:
        for target in ("/items/7", "/nowhere"):
            fields = (await peer.ask("GET", target)).fields
            assert fields["date"].endswith(" GMT")
            assert "server" not in fields


@pytest.mark.realtime
async def test_plain_function_runs_in_a_thread_with_its_content_read() -> None:
    app = shop()
    async with serving(app), asking(app) as peer:
        assert (await peer.ask("GET", "/thread")).text.startswith("shop")
        assert (await peer.ask("POST", "/thread", body=b"abc")).text == "ABC"


async def test_raw_port_lives_beside_the_routes() -> None:
    app = shop()

    @app.tcp(0, name="echo")
    async def echo(stream: Stream) -> None:
        async for chunk in stream:
            await stream.send(chunk)

    async with serving(app), asking(app) as peer:
        assert [listener.service for listener in app.listeners] == ["echo", "http"]
        async with await connect(app.listeners[0].address, timeout=None) as stream:
            await stream.send(b"abc")
            assert await stream.read_exactly(3) == b"abc"
        assert (await peer.ask("GET", "/items/7")).status == 200
        assert {record.protocol for record in app.recorder.live.values()} <= {"", "http/1.1"}


def test_two_handlers_for_one_route_are_refused() -> None:
    app = shop()
    with pytest.raises(Exception, match="two handlers for GET /thread"):
        app.get("/thread")(lambda request: "again")


# strangers


async def with_app(client: Callable[[int], Awaitable[None] | None]) -> None:
    app = shop()

    @app.post("/echo")
    async def echo(request: Request) -> bytes:
        return await request.body()

    async with serving(app):
        address = app.listeners[-1].address
        assert isinstance(address, InetAddress)
        await asyncio.to_thread(client, address.port)


@pytest.mark.real
@pytest.mark.realtime
async def test_http_client_of_the_standard_library_is_served() -> None:
    def client(port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        for number in range(3):
            connection.request("GET", f"/items/{number + 1}")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"id":%d}' % (number + 1))
        connection.request(
            "POST", "/echo", body=iter([b"ab", b"cd"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"}
        )
        assert connection.getresponse().read() == b"abcd"
        connection.close()

    await with_app(client)


@pytest.mark.real
@pytest.mark.realtime
async def test_curl_is_served() -> None:
    def curl(*arguments: str, sent: str = "") -> str:
        command = ["curl", "-sS", "--max-time", "5", *arguments]
        return subprocess.run(command, input=sent, capture_output=True, text=True, timeout=10, check=True).stdout

    def client(port: int) -> None:
        base = f"http://127.0.0.1:{port}"
        both = curl(f"{base}/items/1", f"{base}/items/2", "-w", " %{num_connects}\n")
        assert both == '{"id":1} 1\n{"id":2} 0\n'
        assert curl("-I", f"{base}/items/1").startswith("HTTP/1.1 200 OK\n")
        sent = "x" * 2_000_000
        command = [
            "curl",
            "-sS",
            "--max-time",
            "5",
            "--data-binary",
            "@-",
            f"{base}/echo",
            "-H",
            "Expect: 100-continue",
        ]
        got = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=10, check=True).stdout
        assert got == sent
        command += ["-H", "Transfer-Encoding: chunked"]
        assert (
            subprocess.run(command, input=sent, capture_output=True, text=True, timeout=10, check=True).stdout == sent
        )
        assert curl("--http1.0", f"{base}/items/1") == '{"id":1}'

    await with_app(client)


async def test_failure_that_repeats_is_reported_without_its_traceback_and_a_flood_is_counted() -> None:
    reports = Reports()
    app = web_shop(report=reports)
    async with serving(app), asking(app) as peer:
        for _ in range(2 * REPEATS):
            assert (await peer.ask("GET", "/bug")).status == 500
    assert [error is not None for _, error in reports] == [True] + [False] * (REPEATS - 1)
    assert all("ValueError: planted" in text for text, _ in reports)


async def test_peer_that_a_limit_or_a_deadline_ends_is_one_line_and_an_idle_one_none() -> None:
    """As on a raw TCP port: who, which limit, how far it got.  Between two requests a timeout is no news."""
    reports = Reports()
    app = web_shop(report=reports, http=HttpLimits(body=10, head_timeout=3.0, next_request=5.0, body_grace=4.0))
    async with serving(app), asking(app) as large, asking(app) as slow, asking(app) as stuck, asking(app) as idle:
        assert (await large.ask("POST", "/echo", body=bytes(11))).status == 413
        await slow.send(b"GET / HT")
        await stuck.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n")
        assert (await idle.ask("GET", "/")).status == 200
        assert [(await peer.answer()).status for peer in (slow, stuck)] == [408, 408]
        assert await idle.rest() == b""
    texts = [text for text, _ in reports]
    assert [error for _, error in reports] == [None, None, None]
    ends = ("LimitError: body: ", "SlowPeerError: request head: ", "SlowPeerError: request body: ")
    for said, text in zip(ends, texts, strict=True):
        assert text.startswith("http of 127.0.0.1:")
        assert said in text
