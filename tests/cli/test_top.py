"""``netwright top``: one picture, its keys, and a terminal that is as it was afterwards."""

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from netwright.cli.group import netwright
from netwright.cli.top import Answer, View, screen
from netwright.console.answers import connections
from netwright.console.store import Store
from netwright.core.errors import UsageError
from netwright.core.record import Exchange
from netwright.proto.feed import Batch, Hello
from tests.support.records import values


def store() -> Store:
    made = Store()
    made.join(Hello(7, "app.py", "native", "3.11", now=100.0, wall=1100.0), 1100.0)
    kernel = {"state": 1, "rtt": 0.13, "snd_cwnd": 10, "total_retrans": 2}
    rows = [
        values(number=1, service="echo", started_at=100.0, bytes_in=1500, kernel=kernel, waiting="peer to read"),
        values(
            number=2,
            service="http",
            started_at=101.0,
            exchanges=[Exchange(0.0, 0.0, 0.0, "x")],
            text="\x1b[2Jgone\n",
            waiting="",
        ),
    ]
    made.merge(7, Batch(104.0, rows, [], {}, 0), 1104.0)
    return made


def answered(view: View) -> Answer:
    return connections(store(), 1104.0, filter=view.filter, sort=view.sort)


def test_screen_has_a_line_a_connection_with_its_kernel_and_its_bound() -> None:
    head, names, *rows = screen(answered(View()), View(), width=0)
    assert head == "2 connections, 2 of the 2 here live"
    assert names.split()[:4] == ["#", "PEER", "SERVICE", "STATE"]
    (echo,) = [row for row in rows if row.startswith("7.1 ")]
    assert re.search(r" 130 ms +10 +2 +1\.5 kB +0 B +peer to read ", echo)


def test_screen_lets_no_peer_steer_the_terminal() -> None:
    text = "\n".join(screen(answered(View("svc:http")), View("svc:http"), width=0))
    assert "·[2Jgone·" in text
    assert "\x1b" not in text


def test_screen_is_cut_to_the_terminal() -> None:
    lines = screen(answered(View()), View(), width=30, height=3)
    assert (len(lines), max(map(len, lines))) == (2, 30)


def test_keys_sort_reverse_filter_and_end() -> None:
    view = View()
    pressed = [view.press(key) for key in "ssr/svc:q\r"]
    assert (view.filter, view.sort, all(pressed)) == ("svc:q", "-rtt", True)
    assert [view.press(key) for key in ("/", "\x7f", "\x1b", "q")] == [True, True, True, False]
    assert view.filter == "svc:q"


@contextlib.contextmanager
def console() -> Iterator[int]:
    """The API's one answer on a port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: found[0] for name, found in parse_qs(urlsplit(self.path).query).items()}
            try:
                view = View(query.get("filter", ""), query.get("sort", ""))
                status, body = 200, json.dumps(answered(view))
            except UsageError as error:
                status, body = 400, str(error)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.real
def test_once_and_json_are_for_pipes() -> None:
    with console() as port:
        plain = CliRunner().invoke(netwright, ["top", "--console", f"127.0.0.1:{port}", "--filter", "svc:echo"])
        told = CliRunner().invoke(netwright, ["top", "--console", f"127.0.0.1:{port}", "--json", "--sort", "-rtt"])
        wrong = CliRunner().invoke(netwright, ["top", "--console", f"127.0.0.1:{port}", "--filter", "foo:x"])
    assert "7.1" in plain.output
    assert "7.2" not in plain.output
    assert [row["number"] for row in json.loads(told.output)["connections"]] == [2, 1]
    assert (wrong.exit_code, "no column 'foo'" in wrong.output) == (2, True)


@pytest.mark.real
def test_without_a_console_it_says_how_to_get_one() -> None:
    found = CliRunner().invoke(netwright, ["top", "--console", "127.0.0.1:1"])
    assert found.exit_code == 3
    assert "netwright serve app.py" in found.output


@pytest.mark.real
def test_live_screen_follows_keys_and_leaves_the_terminal_as_it_was() -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with console() as port:
        command = [sys.executable, "-m", "netwright", "top", "--console", f"127.0.0.1:{port}", "--interval", "0.25"]
        environment = {**os.environ, "COLUMNS": "120", "LINES": "20"}
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        try:
            _read_until(ours, b"7.2")
            os.write(ours, b"/svc:echo\r")
            _read_until(ours, b"filter: svc:echo")
            os.write(ours, b"q")
            said = _read_until(ours, b"\x1b[?1049l")
            assert process.wait(20) == 0
            assert b"\x1b[?25h" in said
            assert termios.tcgetattr(theirs) == before
        finally:
            process.kill()
            process.wait()
            os.close(ours)
            os.close(theirs)


def _read_until(fd: int, wanted: bytes, seconds: float = 20.0) -> bytes:
    said, end = b"", time.monotonic() + seconds
    while wanted not in said:
        assert time.monotonic() < end, said
        said += os.read(fd, 65536)
    return said
