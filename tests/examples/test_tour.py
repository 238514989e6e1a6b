"""examples/tour.py does what its first lines say, for a textbook's TCP client and for any HTTP client."""

import asyncio
import hashlib
import http.client
import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import pytest

from netwright.core.address import InetAddress
from netwright.http import App
from tests.textbook.running import client
from tests.textbook.web import web

pytestmark = [pytest.mark.real, pytest.mark.realtime]
T = TypeVar("T")
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("ECHO_PORT", "0")
    tour = runpy.run_path("examples/tour.py")["app"]
    assert isinstance(tour, App)
    return tour


def ask(port: int, method: str, path: str, body: bytes = b"", **fields: str) -> Answer:
    """One request with the standard library's client; field names have _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


async def asked(app: App, script: Callable[[int], T]) -> T:
    """Run a blocking ``script`` of the HTTP port while the app serves."""
    async with web(app) as port:
        return await asyncio.to_thread(script, port)


async def test_echo_returns_a_textbook_client_its_message(app: App) -> None:
    async with web(app):
        address = next(listener.address for listener in app.listeners if listener.service == "echo")
        assert isinstance(address, InetAddress)
        printed = await asyncio.to_thread(client, "tcp_client", address.port)
    assert printed.splitlines()[-1] == "closing socket"
    assert printed.count("received") == 3


async def test_page_lists_the_routes(app: App) -> None:
    status, fields, body = await asked(app, lambda port: ask(port, "GET", "/"))
    assert (status, fields["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"PUT, PATCH, DELETE /notes/{name}" in body


async def test_note_is_made_replaced_appended_and_deleted_with_its_revision(app: App) -> None:
    def script(port: int) -> list[Answer]:
        return [
            ask(port, "PUT", "/notes/one", b"first", X_Author="ann"),
            ask(port, "PUT", "/notes/one", b"second", X_Author="bob"),
            ask(port, "PATCH", "/notes/one", b" half", X_Revision="2"),
            ask(port, "PATCH", "/notes/one", b" late", X_Revision="2"),
            ask(port, "GET", "/notes/one"),
            ask(port, "GET", "/notes"),
            ask(port, "DELETE", "/notes/one"),
            ask(port, "DELETE", "/notes/one"),
            ask(port, "GET", "/notes/one"),
        ]

    answers = await asked(app, script)
    assert [status for status, _, _ in answers] == [201, 200, 200, 409, 200, 200, 204, 404, 404]
    _, fields, body = answers[4]
    assert (fields["x-author"], fields["x-revision"], body) == ("bob", "3", b"second half")
    assert answers[3][1]["x-revision"] == "3"
    assert answers[5][2] == b'{"one":3}'


async def test_notes_are_bounded_in_size_and_number(app: App) -> None:
    def script(port: int) -> list[int]:
        too_long = ask(port, "PUT", "/notes/long", b"x" * 4097)[0]
        many = [ask(port, "PUT", f"/notes/{number}", b"x")[0] for number in range(101)]
        grown = ask(port, "PATCH", "/notes/0", b"x" * 4096)[0]
        return [too_long, *sorted(set(many)), many[-1], grown]

    assert await asked(app, script) == [413, 201, 507, 507, 413]


async def test_upload_is_counted_and_hashed_as_it_comes(app: App) -> None:
    content = bytes(range(256)) * 80_000  # above what an App takes by default
    status, _, body = await asked(app, lambda port: ask(port, "POST", "/upload", content))
    assert status == 201
    assert f'"size":{len(content)}' in body.decode()
    assert hashlib.sha256(content).hexdigest() in body.decode()


async def test_countdown_comes_in_chunks(app: App) -> None:
    status, fields, body = await asked(app, lambda port: ask(port, "GET", "/countdown?from=1"))
    assert (status, fields["transfer-encoding"], body) == (200, "chunked", b"1\nlift-off\n")


async def test_slow_route_delays_nobody_else(app: App) -> None:
    async with web(app) as port, asyncio.TaskGroup() as group:
        slow = group.create_task(asyncio.to_thread(ask, port, "GET", "/slow?seconds=0.5"))
        quick = await asyncio.to_thread(ask, port, "GET", "/notes")
        assert quick[0] == 200
        assert not slow.done()
    assert slow.result()[2] == b"that took 0.5 s\n"


@pytest.mark.parametrize("text", ["abc", "nan", "-1", "1e999"])
async def test_seconds_that_are_no_number_or_out_of_bounds_never_wait_for_ever(text: str) -> None:
    seconds_of = runpy.run_path("examples/tour.py")["seconds_of"]

    assert seconds_of(SimpleNamespace(query={"seconds": text}), "seconds", 5) == 5


NETWRIGHT = str(Path(sys.executable).with_name("netwright"))
ITSELF = """
import functools, runpy, netwright
netwright.App.run = functools.partialmethod(netwright.App.run, bind="127.0.0.1:0", console=None)
runpy.run_path("examples/tour.py", run_name="__main__")
"""


@pytest.mark.parametrize(
    "command",
    [
        [NETWRIGHT, "serve", "examples/tour.py", "--bind", "127.0.0.1:0", "--no-console"],
        [sys.executable, "-c", ITSELF],
    ],
)
def test_tour_runs_as_its_first_line_says(command: list[str]) -> None:
    environment = os.environ | {"ECHO_PORT": "0"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            web_port, echo_port = (int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", line))
            assert ask(web_port, "GET", "/notes")[::2] == (200, b"{}")
            assert client("tcp_client", echo_port).count("received") == 3
        finally:
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
    assert process.returncode == 0, rest
