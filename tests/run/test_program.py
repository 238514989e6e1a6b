"""``python server.py``: ``Service.run`` and ``App.run``."""

import io
import signal
import socket
import threading
import urllib.request
from pathlib import Path

import pytest

from netwright.core.address import InetAddress, UnixAddress
from netwright.core.errors import UsageError
from netwright.http import App
from netwright.run.program import _open_standard_descriptors, prepare
from netwright.run.service import Service
from tests.support.program import Program
from tests.support.world import descriptors

SERVER = """
import asyncio, time
from netwright import App
app = App("shop")
{body}
@app.get("/")
async def home(request) -> str:
    return "hello"
if __name__ == "__main__":
    app.run(bind="127.0.0.1:0", console={console!r}, drain=5)
    print("after", flush=True)
"""


def served(directory: Path, *, body: str = "", console: str | None = None) -> Program:
    (directory / "server.py").write_text(SERVER.format(body=body, console=console))
    return Program(directory=str(directory), script="server.py")


@pytest.mark.real
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_and_run_returns(tmp_path: Path, number: signal.Signals) -> None:
    with served(tmp_path) as program:
        url = program.wait_line(r"◆ shop  (http://\S+)")[1]
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"hello"
        program.signal(number)
        program.wait_line("stopped in .* 0 aborted")
        program.wait_line("^after$")
        assert program.end() == 0
    assert not any("Traceback" in line for line in program.said)


@pytest.mark.real
def test_the_console_shows_it(tmp_path: Path) -> None:
    with served(tmp_path, console="127.0.0.1:0") as program:
        console = program.wait_line(r"console  (http://\S+)/\?(token=\S+)")
        with urllib.request.urlopen(f"{console[1]}/api/health?{console[2]}", timeout=10) as answer:
            assert b'"workers":1' in answer.read()
        program.signal(signal.SIGINT)
        assert program.end() == 0


@pytest.mark.real
def test_taken_port_is_one_message_with_an_argument_that_works(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "server.py").write_text(
            f"from netwright import App\nApp().run(bind='127.0.0.1:{port}', console='off')"
        )
        with Program(directory=str(tmp_path), script="server.py") as program:
            program.wait_line(r"cannot listen on .*\[NW-BIND-IN-USE\]")
            program.wait_line(r'fix run\(bind="127.0.0.1:\d+"\)')
            assert program.end() == 3


@pytest.mark.real
@pytest.mark.parametrize(
    ("body", "cut"),
    [
        ("@app.on_start\nasync def slow(): await asyncio.sleep(3600)", r"stopped during the start, cut: hook slow \("),
        ("@app.on_start\ndef slow(): time.sleep(3600)", r"still running 0.8 s later, cut: hook slow \("),
    ],
)
def test_hook_that_hangs_is_named_and_ctrl_c_ends_within_a_second(tmp_path: Path, body: str, cut: str) -> None:
    with served(tmp_path, body=body) as program:
        program.wait_line(r"waiting for hook slow \(.*server.py:\d+\), 1.\d s so far")
        program.signal(signal.SIGINT)
        program.wait_line(cut, timeout=2.0)
        assert program.end(1.0) == 130
    assert not any("Traceback" in line for line in program.said)


async def test_run_says_where_it_may_not_be_called() -> None:
    with pytest.raises(UsageError, match="inside a running event loop"):
        Service().run()
    with pytest.raises(UsageError, match="log_level='loud'; one of debug"):
        Service().run(log_level="loud")
    with pytest.raises(UsageError, match="drain"):
        App().run(drain=-1)


def test_run_in_a_thread_is_refused() -> None:
    errors = list[str]()

    def call() -> None:
        try:
            App().run()
        except UsageError as error:
            errors.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert "main thread" in errors[0]


async def test_bind_s_host_is_where_ports_that_are_numbers_listen() -> None:
    app = App("tour")
    app.add_port(0, app.serve_stream, name="echo")
    binds = (UnixAddress("/x"), InetAddress("127.0.0.2", 0))
    assert prepare(app, binds) == binds
    assert app.host == "127.0.0.2"


def test_app_answers_http_by_default_only_if_it_has_something_to_answer() -> None:
    default = (InetAddress("127.0.0.1", 8000),)
    assert prepare(App(), ()) == default
    ports = App()
    ports.add_port(0, ports.serve_stream, name="echo")
    assert prepare(ports, ()) == ()
    ports.get("/")(lambda request: "x")
    assert prepare(ports, ()) == default
    own = App()
    own.http("127.0.0.1:9999")
    assert prepare(own, ()) == ()
    assert prepare(Service(), default) == ()


def test_what_an_ascii_terminal_cannot_show_is_escaped_and_no_descriptor_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``LANG=C``: a program's name that has an accent is printed, and ends nothing."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2)]
    monkeypatch.setattr("sys.stdout", streams[0])
    monkeypatch.setattr("sys.stderr", streams[1])
    before = descriptors()
    _open_standard_descriptors()
    assert descriptors() == before
    for stream in streams:
        stream.write("caf\u00e9")
        stream.flush()
        assert stream.buffer.getvalue() == b"caf\\xe9"
