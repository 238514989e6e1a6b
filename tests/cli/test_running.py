"""One run of a service: what it says, and why it cannot start."""

import asyncio
import errno
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from netwright.aio import BindError
from netwright.cli import running
from netwright.cli.options import Options
from netwright.cli.problem import Problem
from netwright.cli.running import first_line, prepare, run, taken, urls
from netwright.core.address import InetAddress, UnixAddress
from netwright.http import App
from netwright.run.service import Service


def options(*binds: InetAddress | UnixAddress) -> Options:
    return Options("app.py", binds, as_json=False, drain=1.0)


async def test_first_line_has_http_first_and_other_ports_with_their_names() -> None:
    app = App("tour")
    app.add_port(0, app.serve_stream, name="echo")
    app.http(0)
    async with app:
        echo, http = urls(app)
        assert first_line(app) == f"◆ tour  {http.replace('tcp', 'http')}  echo {echo}"
        assert (echo[:6], http[:7]) == ("tcp://", "http://")


@pytest.mark.real
def test_taken_port_names_its_holder_and_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bind = InetAddress("127.0.0.1", server.getsockname()[1])
        problem = taken(BindError(bind, OSError(98, "Address already in use")), options(bind))
    assert f"pid {os.getpid()} (" in problem.why
    assert problem.fix.startswith("netwright serve app.py --bind 127.0.0.1:")
    assert problem.exit_code == 3


@pytest.mark.real
@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
def test_taken_path_names_its_holder_or_what_lies_there(tmp_path: Path) -> None:
    in_use = OSError(errno.EADDRINUSE, "Address already in use")
    bind = UnixAddress(str(tmp_path / "s"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(bind.path)
        server.listen()
        problem = taken(BindError(bind, in_use), options(bind))
    assert f"unix:{bind.path} is held by pid {os.getpid()} (" in problem.why
    assert problem.fix == "stop that process, or --unix with another path"
    (tmp_path / "file").touch()
    for name, kind in (("file", "file"), (".", "directory")):
        path = str(tmp_path / name)
        assert taken(BindError(UnixAddress(path), in_use), options()).why == f"{Path(path)} is a {kind}, no socket"
    missing = taken(BindError(UnixAddress("/nowhere/s"), OSError(errno.ENOENT, "No such file")), options())
    assert (missing.why, missing.fix) == ("there is no directory /nowhere", "mkdir -p /nowhere")


def test_taken_port_of_the_app_itself_is_to_be_changed_there() -> None:
    bind = InetAddress("127.0.0.1", 1)
    assert "in app.py" in taken(BindError(bind, OSError(98, "Address already in use")), options()).fix


def test_forbidden_port_says_why() -> None:
    bind = InetAddress("127.0.0.1", 80)
    assert "below 1024" in taken(BindError(bind, OSError(13, "Permission denied")), options(bind)).fix


async def test_bind_s_host_is_where_ports_that_are_numbers_listen() -> None:
    app = App("tour")
    app.add_port(0, app.serve_stream, name="echo")
    prepare(app, options(UnixAddress("/x"), InetAddress("127.0.0.2", 0)), watch_all=True)
    assert (app.host, app.recorder.watch_all) == ("127.0.0.2", True)


async def test_a_start_hook_that_fails_is_one_message() -> None:
    app = App("tour")
    app.http(0)

    @app.on_start
    async def connect_database() -> None:
        raise ConnectionRefusedError("db:5432")

    with pytest.raises(Problem, match="ConnectionRefusedError: db:5432") as raised:
        await run(app, Path(__file__), options(), None)
    assert "test_running.py:" in raised.value.where
    assert 'raise ConnectionRefusedError("db:5432")' in raised.value.where


async def test_a_service_without_a_port_is_refused() -> None:
    service = Service("echo")
    prepare(service, options(InetAddress("127.0.0.1", 1)), watch_all=False)
    with pytest.raises(Problem, match="serves nothing"):
        await run(service, Path("app.py"), options(), None)


@pytest.mark.realtime
async def test_ctrl_c_drains_and_its_handler_is_given_back() -> None:
    handlers = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    loop = asyncio.get_running_loop()
    app = App("tour")
    app.http(0)

    @app.on_start
    async def press() -> None:
        loop.call_later(0.1, signal.raise_signal, signal.SIGINT)

    assert await run(app, Path("app.py"), options(), None) == 0
    assert [(number, signal.getsignal(number)) for number, _ in handlers] == handlers


@pytest.mark.skipif(sys.platform != "linux", reason="native kernels are Linux's")
@pytest.mark.parametrize(("on", "lines"), [(False, 1), (True, 0)])
def test_missing_kernels_are_told_of_in_one_line(
    on: bool, lines: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running, "PURE", False)
    monkeypatch.setattr(running, "kernels", lambda: {"netwright.aio._stream": on})
    running.warn_of_missing_kernels()
    assert len(caplog.messages) == lines
    assert all("netwright doctor" in line for line in caplog.messages)
