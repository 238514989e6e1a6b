"""``netwright serve``: two lines, a console, a drain; and what dies beside it."""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from netwright.cli.group import netwright
from netwright.console.store import Store
from netwright.run.holder import free_port
from tests.support.program import Program

APP = """
import asyncio
import time
from netwright.http import App, Request

app = App("tour")

@app.get("/")
async def home(request: Request) -> str:
    return "hello"

@app.get("/stuck")
async def stuck(request: Request) -> str:
    await asyncio.sleep(3600)
    return "late"

@app.get("/deaf")
async def deaf(request: Request) -> str:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            print("goes on", flush=True)

@app.get("/hog")
async def hog(request: Request) -> str:
    print("holds up", flush=True)
    while True:
        pass

@app.get("/thread")
def thread(request: Request) -> str:
    print("in a thread", flush=True)
    time.sleep(3600)
    return "late"

@app.tcp(0)
async def echo(stream):
    async for chunk in stream:
        await stream.send(chunk)
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.py"], "no file missing.py"),
        (["app.py", "--bind", "nonsense"], "address without a port"),
        (["app.py", "--console", "unix:/x"], "host:port required"),
        (["app.py", "--drain", "-1"], "--drain"),
        (["app.py", "--drain", "inf"], "inf is not in the range 0<=x<=86400"),
        (["app.py", "--drain", "nan"], "nan is not a number of seconds, 0 to 86400 allowed"),
        (["app.py", "--biind", "1"], "--bind"),
    ],
)
def test_wrong_command_line_is_one_message_and_exit_code_2(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(netwright, ["serve", *arguments])
    assert result.exit_code == 2
    assert said in result.output


# processes


@pytest.fixture(autouse=True)
def quiet_about_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without kernels a program warns of it once; these tests read every line that is said."""
    if importlib.util.find_spec("netwright.aio._stream") is None:
        monkeypatch.setenv("NETWRIGHT_PURE", "1")


@pytest.fixture
def directory() -> Iterator[str]:
    made = tempfile.mkdtemp(prefix="nw")  # short: a Unix socket's path has 107 bytes
    Path(made, "app.py").write_text(APP)
    yield made
    for process in Path("/proc").glob("[0-9]*"):  # what a failed test left
        if made in _command(process):
            os.kill(int(process.name), signal.SIGKILL)
    shutil.rmtree(made)


def get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            data = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            data = error.read()
    return json.loads(data) if data[:1] == b"{" else data.decode()


def eventually(check: Callable[[], bool], timeout: float = 20.0) -> None:
    until = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < until, "never"
        time.sleep(0.05)  # another process works meanwhile


def connected(url: str) -> socket.socket:
    """A connection that has had its first answer and may send the next request."""
    client = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.recv(4096).startswith(b"HTTP/1.1 200")
    return client


class Serving:
    """A serving program with its addresses, and the console's pid."""

    def __init__(self, directory: str, *arguments: str, console_port: int = 0) -> None:
        port = console_port or free_port("127.0.0.1", 20_000 + os.getpid() % 20_000)
        command = ("serve", "app.py", "--bind", "127.0.0.1:0", "--console", f"127.0.0.1:{port}", *arguments)
        self.program = Program(*command, directory=directory)
        self.http = self.program.wait_line(r"http://\S+")[0]
        found = self.program.wait_line(r"console  (http://\S+)/\?(token=\S+)")
        self.console, self.token = found[1], found[2]
        self.console_port = port

    def health(self) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = get(f"{self.console}/api/health?{self.token}")
        except OSError:
            return {"workers": -1}
        return answer

    def rows(self, words: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = get(f"{self.console}/api/connections?filter={words}&{self.token}")["connections"]
        return found

    def console_pid(self) -> int:
        pids = [int(p.name) for p in Path("/proc").glob("[0-9]*") if f"127.0.0.1:{self.console_port}" in _command(p)]
        (pid,) = [pid for pid in pids if "netwright.console" in _command(Path("/proc", str(pid)))]
        return pid


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the console's pid in /proc")


@pytest.mark.real
def test_serve_answers_shows_its_connections_and_drains_on_ctrl_c(directory: str) -> None:
    serving = Serving(directory)
    with serving.program as program, connected(serving.http):
        assert get(serving.http) == "hello"
        eventually(lambda: len(serving.rows("state:open")) == 1)
        assert serving.health()["workers"] == 1
        program.signal(signal.SIGINT)
        found = program.wait_line(r"stopped in ([\d.]+) s: 1 idle closed, 0 finished, 0 aborted")
        assert float(found[1]) < 5
        assert program.end() == 0
    eventually(lambda: serving.health()["workers"] == -1)  # the console ended with its last worker


@pytest.mark.real
def test_second_ctrl_c_stops_now_though_a_handler_is_stuck(directory: str) -> None:
    serving = Serving(directory, "--drain", "600")
    with serving.program as program, connected(serving.http) as client:
        client.sendall(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: len(serving.rows("wait:handler%20subject:stuck")) == 1)
        program.signal(signal.SIGINT)
        program.wait_line("draining 1 connections, 600 s at most")
        program.signal(signal.SIGINT)
        program.wait_line("stopped in .* 1 aborted")
        assert program.end() == 130
    eventually(lambda: serving.health()["workers"] == -1)


@pytest.mark.real
@pytest.mark.parametrize(
    ("path", "signals", "code", "said"),
    [
        ("/thread", 1, 0, "still running, cut: thread tour_0"),
        ("/deaf", 1, 0, "1 handlers go on 0.5 s after a cancel"),
        ("/deaf", 2, 130, "still running 0.8 s later, cut: 1 connection (GET /deaf of 127.0.0.1:"),
        ("/hog", 2, 130, "still running 0.8 s later, cut: 1 connection (GET /hog of 127.0.0.1:"),
    ],
)
def test_handler_that_cannot_be_cancelled_does_not_keep_the_process(
    directory: str, path: str, signals: int, code: int, said: str
) -> None:
    command = ("serve", "app.py", "--bind", "127.0.0.1:0", "--no-console", "--drain", "0.1")
    with Program(*command, directory=directory) as program:
        url = program.wait_line(r"http://\S+")[0]
        with connected(url) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            if path != "/deaf":
                program.wait_line("in a thread|holds up")
            for _ in range(signals):
                program.signal(signal.SIGINT)
                if path == "/deaf":
                    program.wait_line("goes on")
                else:
                    time.sleep(0.2)  # two signals at once are one
            assert program.end(15) == code
    text = "\n".join(program.said)
    assert said in text
    assert "Traceback" not in text


def test_start_that_fails_is_an_object_too_with_json() -> None:
    done = CliRunner().invoke(netwright, ["serve", "--json", "no-such.py"])
    failed = json.loads(done.stdout)
    assert (done.exit_code, failed["event"], failed["code"]) == (2, "failed", "NW-APP-NOT-FOUND")
    assert failed["what"] == "no file no-such.py"
    assert "netwright serve" in failed["fix"]


@pytest.mark.real
def test_json_lines_are_objects_on_stdout(directory: str) -> None:
    with Program("serve", "app.py", "--bind", "127.0.0.1:0", "--no-console", "--json", directory=directory) as program:
        program.wait_line("serving")
        program.signal(signal.SIGTERM)
        assert program.end() == 0
    events = [json.loads(line) for line in program.said]
    assert [event["event"] for event in events] == ["serving", "draining", "stopped"]
    assert events[0]["urls"][1].startswith("http://127.0.0.1:")


@pytest.mark.real
def test_reader_of_the_output_that_goes_away_ends_nothing(directory: str) -> None:
    command = [sys.executable, "-m", "netwright", "serve", "app.py", "--bind", "127.0.0.1:0", "--no-console"]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().decode().split()[2]
        process.stdout.close()
        assert get(url) == "hello"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == b""


@pytest.mark.real
def test_unix_socket_serves_http(directory: str) -> None:
    with Program("serve", "app.py", "--unix", "web", "--no-console", directory=directory) as program:
        program.wait_line("unix:web")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{directory}/web")
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"hello" in b"".join(iter(lambda: client.recv(4096), b""))
        program.signal(signal.SIGINT)
        assert program.end() == 0


@pytest.mark.real
def test_port_that_is_taken_is_one_message_and_exit_code_3(directory: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bind = f"127.0.0.1:{server.getsockname()[1]}"
        with Program("serve", "app.py", "--bind", bind, directory=directory) as program:
            assert program.end() == 3
    said = "\n".join(program.said)
    assert f"cannot listen on {bind}" in said
    assert f"held by pid {os.getpid()} (" in said
    assert "Traceback" not in said


@needs_proc
@pytest.mark.real
def test_console_killed_is_started_again_and_the_service_never_stops(directory: str) -> None:
    serving = Serving(directory)
    with serving.program as program, connected(serving.http):
        eventually(lambda: len(serving.rows("state:open")) == 1)
        first = serving.console_pid()
        os.kill(first, signal.SIGKILL)
        program.wait_line("console gone, the service goes on")
        assert get(serving.http) == "hello"
        program.wait_line("console is back")
        eventually(lambda: len(serving.rows("state:open")) == 1)
        assert serving.console_pid() != first
        program.signal(signal.SIGINT)
        assert program.end() == 0


@needs_proc
@pytest.mark.real
def test_worker_killed_is_shown_as_died_and_the_next_one_joins_the_same_console(directory: str) -> None:
    serving = Serving(directory)
    with serving.program as program, connected(serving.http):
        eventually(lambda: len(serving.rows("state:open")) == 1)
        console = serving.console_pid()
        program.signal(signal.SIGKILL)
        program.end()
        eventually(lambda: serving.health()["died"] == [program.process.pid])
        assert [row["note"] for row in serving.rows("state:lost")] == ["its worker died"]
    again = Serving(directory, console_port=serving.console_port)
    with again.program as program:
        assert again.console_pid() == console
        assert again.health()["workers"] == 1
        assert [row["state"] for row in again.rows()] == ["lost"]
        program.signal(signal.SIGINT)
        assert program.end() == 0
    assert serving.health()["workers"] == 0  # it stays, for what the dead one left
    os.kill(console, signal.SIGTERM)
    eventually(lambda: serving.health()["workers"] == -1)


@needs_proc
@pytest.mark.real
def test_console_stopped_costs_the_service_nothing_but_counted_loss(directory: str) -> None:
    serving = Serving(directory)
    port = int(serving.http.rpartition(":")[2])
    with serving.program as program:
        eventually(lambda: serving.health()["workers"] == 1)
        console = serving.console_pid()
        os.kill(console, signal.SIGSTOP)
        try:
            for _ in range(3000):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    assert client.recv(4096).startswith(b"HTTP/1.1 200")
        finally:
            os.kill(console, signal.SIGCONT)
        status = Path("/proc", str(program.process.pid), "status").read_text()
        assert int(status.partition("VmRSS:")[2].split()[0]) < 150_000  # kB

        def whole() -> bool:
            (worker,) = get(f"{serving.console}/api/workers?{serving.token}")["workers"]
            told: int = worker["totals"].get("accepted", 0)
            return told == 3000 and len(serving.rows()) == min(3000 - worker["lost"], Store().closed_limit)

        eventually(whole)
        assert get(f"{serving.console}/api/workers?{serving.token}")["workers"][0]["lost"] > 0
        program.signal(signal.SIGINT)
        assert program.end() == 0


@pytest.mark.real
def test_records_have_a_line_for_each_connection_that_closed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    arguments = ("serve", "app.py", "--bind", "127.0.0.1:0", "--no-console", "--records", "closed.jsonl")
    with Program(*arguments, directory=str(tmp_path)) as program:
        url = program.wait_line(r"(http://\S+)")[1]
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"hello"
        program.signal(signal.SIGINT)
        assert program.end() == 0
    (record,) = [json.loads(line) for line in (tmp_path / "closed.jsonl").read_text().splitlines()]
    assert (record["service"], record["exchanges"][-1]["status"], record["messages"]) == ("http", 200, 1)
    assert record["who"] in ("peer", "you")


@pytest.mark.real
def test_records_that_cannot_be_kept_end_the_program_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    arguments = ("serve", "app.py", "--bind", "127.0.0.1:0", "--no-console", "--records", "no/such/closed.jsonl")
    with Program(*arguments, directory=str(tmp_path)) as program:
        program.wait_line("no records in no/such/closed.jsonl")
        assert program.end() == 3


# environments


def absent(directory: str) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": f"{directory}/absent"}


def foreign(directory: str) -> dict[str, str]:
    """Another user's, for whom this one is root; without root, root's."""
    made = Path(directory, "foreign")
    made.mkdir(mode=0o700)
    if os.getuid() == 0:
        os.chown(made, 12345, 12345)
        return {"XDG_RUNTIME_DIR": str(made)}
    return {"XDG_RUNTIME_DIR": "/root"}


def read_only(directory: str) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": "/proc"}


def too_long(directory: str) -> dict[str, str]:
    made = Path(directory, "x" * 100)
    made.mkdir(mode=0o700)
    return {"XDG_RUNTIME_DIR": str(made)}


def hostile_tmpdir(directory: str) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": "", "TMPDIR": "/proc"}


def no_home(directory: str) -> dict[str, str]:
    return {"HOME": "/nonexistent/home", "XDG_RUNTIME_DIR": directory}


def ascii_only(directory: str) -> dict[str, str]:
    return {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


ENVIRONMENTS = [
    (absent, "No such file or directory"),
    (foreign, "/foreign belongs to user 12345" if os.getuid() == 0 else "/root"),
    (read_only, "/proc"),
    (too_long, "107 allowed"),
    (hostile_tmpdir, "/proc"),
    (no_home, ""),
    (ascii_only, ""),
]


@pytest.mark.real
@pytest.mark.parametrize(("environment", "reason"), ENVIRONMENTS, ids=lambda value: getattr(value, "__name__", ""))
def test_service_and_console_start_in_every_environment_and_one_line_says_what_is_wrong(
    directory: str, environment: Callable[[str], dict[str, str]], reason: str
) -> None:
    command = ("serve", "app.py", "--bind", "127.0.0.1:0", "--console", "127.0.0.1:0")
    with Program(*command, directory=directory, **environment(directory)) as program:
        url = program.wait_line(r"tour  (http://\S+)")[1]
        assert get(url) == "hello"
        program.wait_line(r"console  http://\S+  ready in")
        program.signal(signal.SIGINT)
        assert program.end() == 0
    warnings = [line for line in program.said if "WARNING" in line]
    assert len(warnings) == bool(reason)
    assert all(reason in line and "[NW-CONSOLE-FOLDER]" in line for line in warnings)


@pytest.mark.real
def test_service_starts_where_no_folder_will_do(directory: str) -> None:
    """Every candidate is refused: only the console is missing."""
    Path(directory, "server.py").write_text(
        "from netwright.run import folder\nfolder._TEMPORARY = ()\n"
        f"{APP}\nif __name__ == '__main__': app.run(bind='127.0.0.1:0')\n"
    )
    with Program(directory=directory, script="server.py", XDG_RUNTIME_DIR="/proc", TMPDIR="") as program:
        url = program.wait_line(r"tour  (http://\S+)")[1]
        assert get(url) == "hello"
        program.signal(signal.SIGINT)
        assert program.end() == 0
    (line,) = [line for line in program.said if "WARNING" in line]
    assert "goes on without a console: no folder for the console's socket: /proc" in line
    assert "set XDG_RUNTIME_DIR" in line


@pytest.mark.real
@needs_proc
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_service_serves_though_standard_descriptors_are_closed(directory: str, closed: str) -> None:
    """A socket on number 2 would get what a library writes to stderr."""
    port = free_port("127.0.0.1", 30_000 + os.getpid() % 20_000)
    command = f"exec {sys.executable} -m netwright serve app.py --bind 127.0.0.1:{port} --no-console {closed}"
    with subprocess.Popen(command, cwd=directory, shell=True, stdout=subprocess.DEVNULL) as process:
        eventually(lambda: answers(port))
        taken = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not [name for name in taken if name.startswith(("socket:", "anon_inode:"))]


def answers(port: int) -> bool:
    try:
        return bool(get(f"http://127.0.0.1:{port}/") == "hello")
    except OSError:
        return False


@pytest.mark.real
def test_no_http_serves_only_the_ports_of_the_program(directory: str) -> None:
    with Program("serve", "app.py", "--no-http", "--no-console", directory=directory) as program:
        assert "http://" not in program.wait_line("◆ tour  echo tcp://.*")[0]
        program.signal(signal.SIGINT)
        assert program.end() == 0
    result = CliRunner().invoke(netwright, ["serve", "app.py", "--no-http", "--bind", "1"])
    assert (result.exit_code, "--no-http cannot be combined" in result.output) == (2, True)


@pytest.mark.real
def test_handler_s_error_forges_no_line(directory: str) -> None:
    """GET /item/x%0a08:00:00%20INFO…%1b%5b2J printed a raw newline and ESC."""
    Path(directory, "app.py").write_text(
        APP + '@app.get("/item/{name}")\nasync def item(request): raise LookupError(f"no {request.params[\'name\']}")\n'
    )
    command = ("serve", "app.py", "--bind", "127.0.0.1:0", "--no-console")
    with Program(*command, directory=directory) as program:
        url = program.wait_line(r"tour  (http://\S+)")[1]
        get(f"{url}/item/x%0a08:00:00%20INFO%20netwright:%20forged%1b%5b2J%0d%e2%80%ae")
        program.signal(signal.SIGINT)
        program.end()
    assert any("LookupError" in line for line in program.said)
    assert not [line for line in program.said if re.match("08:00:00", line)]
    assert not [letter for letter in "\x1b\r\u202e" if letter in "".join(program.said)]


@pytest.mark.real
def test_log_level_is_netwright_s_and_not_the_program_s(directory: str) -> None:
    Path(directory, "app.py").write_text(
        APP + 'import logging\n@app.on_start\ndef dump(): logging.getLogger("mine").info("packet")\n'
        '@app.on_start\ndef warn(): logging.getLogger("mine").warning("mind the gap")\n'
    )
    command = ("serve", "app.py", "--bind", "127.0.0.1:0", "--no-console", "--log-level", "debug")
    with Program(*command, directory=directory) as program:
        program.wait_line(r"WARNING mine: mind the gap")
        program.wait_line("tour")
        program.signal(signal.SIGINT)
        program.end()
    assert not any("packet" in line for line in program.said)


@pytest.mark.real
def test_handler_that_blocks_after_the_start_ends_no_server(directory: str) -> None:
    """serve --console ADDR: a handler that held the loop for more than 10 s ended the server, with advice on ports."""
    Path(directory, "app.py").write_text(
        APP + "@app.on_start\ndef later():\n    asyncio.get_running_loop().call_later(0.01, time.sleep, 11)\n"
    )
    command = ("serve", "app.py", "--bind", "127.0.0.1:0", "--console", "127.0.0.1:0")
    with Program(*command, directory=directory) as program:
        program.wait_line(r"console  http://\S+  ready in", timeout=30)
        program.signal(signal.SIGINT)
        assert program.end() == 0
    assert not any("WARNING" in line for line in program.said)


@pytest.mark.real
def test_ctrl_c_while_the_program_loads_is_130_without_a_traceback(directory: str) -> None:
    Path(directory, "app.py").write_text("print('loading', flush=True)\nimport time; time.sleep(60)\n")
    with Program("serve", "app.py", "--no-console", directory=directory) as program:
        program.wait_line("loading")
        program.signal(signal.SIGINT)
        assert program.end(5) == 130
    assert not any("Traceback" in line for line in program.said)
