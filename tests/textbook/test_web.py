"""Textbook web clients against our web server; and against their own, so that both are judged."""

import asyncio

import pytest

from netwright.http import App, Request, Response
from tests.textbook.running import client, server
from tests.textbook.web import web

pytestmark = [pytest.mark.real, pytest.mark.realtime]


def lesson_app() -> App:
    app = App("lesson")

    @app.get("/page")
    async def page(request: Request) -> Response:
        return Response.html("<h1>You asked for /page</h1>", fields={"X-Lesson": request.headers["x-lesson"]})

    @app.post("/form")
    async def form(request: Request) -> Response:
        return Response(await request.body(), 201, content_type=request.headers["content-type"])

    @app.get("/plain")
    def plain(request: Request) -> str:
        return "typed by hand\n"

    return app


def test_http_client_gets_and_posts_at_their_own_server() -> None:
    with server("http_server") as running:
        printed = client("http_client", running.port, "GET /page", "POST /form hello")
    assert printed.splitlines() == [
        "GET /page 200 OK None '<h1>You asked for /page</h1>'",
        "POST /form 201 Created None 'hello'",
    ]


async def test_http_client_gets_and_posts_at_ours_on_one_connection() -> None:
    app = lesson_app()
    async with web(app) as port:
        printed = await asyncio.to_thread(
            client, "http_client", port, "GET /page", "POST /form hello", "GET /absent", "DELETE /page"
        )
    assert [" ".join(line.split()[:4]) for line in printed.splitlines()] == [
        "GET /page 200 OK",
        "POST /form 201 Created",
        "GET /absent 404 Not",
        "DELETE /page 405 Method",
    ]
    assert "OK 6 '<h1>You asked for /page</h1>'" in printed
    [record] = app.recorder.recent
    assert record.messages == 4


async def test_request_typed_by_hand_is_answered_and_the_connection_closed() -> None:
    async with web(lesson_app()) as port:
        printed = await asyncio.to_thread(client, "http_by_hand", port, "/plain")
    head, _, body = printed.partition("\n\n")
    assert head.splitlines()[0].rstrip() == "HTTP/1.1 200 OK"
    assert body == "typed by hand\n"


async def test_lone_newlines_typed_by_hand_are_refused_with_the_rule() -> None:
    """RFC 9112 §2.2: a bare LF may be accepted as line end; we are strict, and say so."""
    async with web(lesson_app()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /plain HTTP/1.1\nHost: x\n\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"RFC 9112" in answer
