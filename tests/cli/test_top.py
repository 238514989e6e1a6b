"""``netwright top``: one picture, its keys, and a terminal that is as it was afterwards."""

import contextlib
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from netwright.cli.group import netwright
from netwright.cli.top import Answer, View, _terminal, keys_of, picture, screen
from netwright.console.answers import connection, connections
from netwright.console.query import COMPARED, MATCHED
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


def asking(path: str, query: dict[str, str | int]) -> Answer:
    """The console's API without the network."""
    if path == "connections":
        return answered(View(str(query.get("filter", "")), str(query.get("sort", ""))))
    found = connection(store(), path.partition("/")[2], 1104.0)
    assert found is not None
    return found


def test_screen_has_a_line_a_connection_with_its_kernel_and_its_bound() -> None:
    head, names, *rows = screen(answered(View()), View(), width=0)
    assert head == "2 live, 0 recently closed"
    assert names.split()[:4] == ["#", "PEER", "SERVICE", "STATE"]
    (echo,) = [row for row in rows if row.startswith("7.1 ")]
    assert re.search(r" 130 ms +10 +2 +1\.5 kB +0 B +\S.* +peer to read ", echo)


def test_screen_lets_no_peer_steer_the_terminal() -> None:
    text = "\n".join(screen(answered(View("svc:http")), View("svc:http"), width=0))
    assert "·[2Jgone·" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (200, "# PEER SERVICE STATE AGE RTT CWND RTX IN OUT BOUND BY WAITS FOR, WHY IT ENDED"),
        (80, "PEER SERVICE STATE AGE IN WAITS FOR, WHY IT…"),
        (60, "PEER STATE WAITS FOR, WHY IT ENDED"),
        (40, "PEER WAITS FOR, WHY IT …"),
    ],
)
def test_narrow_terminal_loses_the_least_valuable_columns_first(width: int, columns: str) -> None:
    lines = screen(busy(), View(), width=width)
    assert max(map(len, lines)) <= width
    assert lines[1].split() == columns.split()


@pytest.mark.parametrize("width", range(30, 200))
def test_number_is_shown_whole_or_not_at_all(width: int) -> None:
    """top at 80 columns cut "195.3 kB" to "195." and "1.5 MB" to "1"."""
    whole = screen(busy(), View(), width=0)
    starts = {name: whole[1].index(name) for name in ("AGE", "IN ", "OUT")}
    shown = screen(busy(), View(), width=width)
    for at, line in enumerate(shown[2:], 2):
        for name, start in starts.items():
            if name.strip() in shown[1].split():
                number = re.findall(r"[\d.]+ (?:ms|s|min|B|kB|MB|GB)", whole[at][start - 8 : start + 4])[-1]
                assert number in line


def busy() -> Answer:
    """Rows with the widest values that happen."""
    answer = answered(View())
    row = answer["connections"][0]
    wide = {
        "id": "1234567.123456",
        "peer": "203.0.113.200:54321",
        "bytes_in": 195_312,
        "bytes_out": 999_900_000,
        "rtt": 0.1234,
        "cwnd": 12345,
        "rtx": 123,
        "state": "handler error",
        "note": "the handler raised LookupError: no item " + "x" * 200,
    }
    return {**answer, "connections": [{**row, **wide}, {**row, "peer": "10.0.0.1:1"}]}


def test_live_rows_come_first_also_sorted() -> None:
    made = store()
    ended = values(number=3, service="http", started_at=90.0, closed_at=103.0, outcome="closed", bytes_in=10**9)
    made.merge(7, Batch(105.0, [], [ended], {}, 0), 1105.0)
    for sort in ("", "in", "-in", "age", "peer"):
        rows = connections(made, 1105.0, sort=sort)["connections"]
        assert [row["closed"] > 0 for row in rows] == [False, False, True]
    assert screen(connections(made, 1105.0), View(), width=0)[0] == "2 live, 1 recently closed"
    cut = connections(made, 1105.0, limit=1)
    assert screen(cut, View(), width=0)[0] == "3 connections, the first 1 are live"


def test_keys_sort_reverse_filter_and_end() -> None:
    view = View()
    pressed = [view.press(key) for key in "ssr/svc:q\r"]
    assert (view.filter, view.sort, all(pressed)) == ("svc:q", "-rtt", True)
    assert [view.press(key) for key in ("/", "\x7f", "esc", "q")] == [True, True, True, False]
    assert view.filter == "svc:q"


def test_new_filter_shows_its_rows_from_the_first_one_on() -> None:
    view = View(first=30)
    for key in ("/", "x", "esc"):
        view.press(key)
    assert view.first == 30
    for key in ("/", "x", "\r"):
        view.press(key)
    assert (view.filter, view.first) == ("x", 0)


def test_terminal_that_is_gone_quits(monkeypatch: pytest.MonkeyPatch) -> None:
    """select(2) calls a terminal that was closed readable, for ever: an answer of no keys would turn in a circle."""
    ours, theirs = pty.openpty()
    with open(theirs) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with _terminal() as keys:
            assert keys(0.0) == []
            os.write(ours, b"jq")
            assert keys(5.0) == ["j", "q"]
            os.close(ours)
            assert keys(5.0) == ["q"]


def test_what_a_terminal_sends_becomes_keys() -> None:
    keys = ["j", "up", "down", "right", "page up", "/", "x", "\r", "esc"]
    assert keys_of("j\x1b[A\x1b[B\x1bOC\x1b[5~/x\r\x1b") == keys


def test_enter_opens_the_life_of_the_marked_connection_and_esc_closes_it() -> None:
    view = View()
    table = picture(asking, view, 80, 24)
    assert len(table) == 24
    view.press("j")
    marked = [line for line in picture(asking, view, 80, 24) if line.startswith("\x1b[7m")]
    assert len(marked) == 1
    view.press("down")
    view.press("\r")
    opened = picture(asking, view, 80, 24)
    assert opened[0].startswith("7.1  ")
    assert "Esc back" in opened[-1]
    view.press("k")
    assert picture(asking, view, 80, 24)[0].startswith("7.2  ")
    view.press("esc")
    assert picture(asking, view, 80, 24)[0] == table[0]


@pytest.mark.parametrize("width", [60, 80])
def test_help_has_every_key_and_every_column_and_fits(width: int) -> None:
    view = View()
    picture(asking, view, width, 30)
    view.press("?")
    lines = picture(asking, view, width, 30)
    text = " ".join(lines)
    assert max(map(len, lines)) <= width
    assert all(name in text for name in ("quit", "filter", "reverse", *COMPARED, *MATCHED))
    view.press("x")
    assert not view.help


def test_table_scrolls_to_the_marked_row() -> None:
    view, answer = View(), answered(View())
    rows = [{**answer["connections"][0], "id": f"7.{number}"} for number in range(50)]
    for number in (0, 10, 49, 20, 0):
        view.ids, view.selected = [row["id"] for row in rows], f"7.{number}"
        lines = screen({**answer, "connections": rows}, view, width=0, height=12)
        assert len(lines) == 12
        assert any(line.startswith(f"7.{number} ") for line in lines)


@contextlib.contextmanager
def console() -> Iterator[int]:
    """The API's one answer on a port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: found[0] for name, found in parse_qs(urlsplit(self.path).query).items()}
            try:
                path = urlsplit(self.path).path.removeprefix("/api/")
                status, body = 200, json.dumps(asking(path, dict(query)))
            except UsageError as error:
                status, body = 400, f"400 Bad Request\n{error}\n"
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
    assert wrong.exit_code == 2
    assert wrong.output.startswith("netwright: the console refused the request: filter, character 1: no column foo")


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


@pytest.mark.real
@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 20)])
def test_terminal_of_80_and_60_columns_shows_table_life_and_help(tmp_path: Path, width: int, height: int) -> None:
    socket = str(tmp_path / "tmux")

    def tmux(*arguments: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-S", socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout

    def wait(wanted: str) -> list[str]:
        until = time.monotonic() + 20
        while not re.search(wanted, seen := tmux("capture-pane", "-p")):
            assert time.monotonic() < until, seen
            time.sleep(0.05)  # another process draws
        return seen.split("\n")[:height]

    with console() as port:
        command = shlex.join([sys.executable, "-m", "netwright", "top", "--console", f"127.0.0.1:{port}"])
        tmux("new-session", "-d", "-x", str(width), "-y", str(height), f"{command}; sleep 60")
        try:
            table = wait("^2 live, 0 recently closed")
            assert {"PEER", "STATE", "WAITS"} <= set(table[1].split())
            assert len(table[2].split()) > 4
            tmux("send-keys", "j", "Enter")
            assert "where its time went" in wait("Esc back")
            assert all(len(line) <= width for line in tmux("capture-pane", "-p").split("\n"))
            tmux("send-keys", "Escape", "?")
            wait("mark a connection")
            tmux("send-keys", "x", "/", "svc:echo", "Enter")
            assert wait("filter: svc:echo")[0].startswith("1 live, 0 recently closed")
        finally:
            tmux("kill-server")
