"""Where a program finds its console."""

import asyncio
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from netwright.core.address import InetAddress, UnixAddress
from netwright.run import console as console_module
from netwright.run.console import ConsoleProcess, listens
from netwright.run.problem import Problem


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nw") as made:  # a Unix socket's path has 107 bytes
        monkeypatch.setenv("XDG_RUNTIME_DIR", made)
        yield Path(made)


def test_programs_with_one_console_address_share_its_feed() -> None:
    binds = [InetAddress("127.0.0.1", port) for port in (1, 1, 2, 0)]
    feeds = [ConsoleProcess(bind, required=False, report=print).feed.path for bind in binds]
    assert feeds[0] == feeds[1] != feeds[2]
    assert str(os.getpid()) in feeds[3]


@pytest.mark.real
def test_listens_tells_a_live_socket_from_a_stale_one(runtime: Path) -> None:
    feed = UnixAddress(str(runtime / "feed"))
    assert not listens(feed)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(feed.path)
        assert not listens(feed)
        server.listen(1)
        assert listens(feed)
    assert not listens(feed)


@pytest.mark.realtime
@pytest.mark.real
async def test_console_begun_early_is_taken_over(runtime: Path) -> None:
    console = ConsoleProcess(InetAddress("127.0.0.1", 0), required=False, report=print)
    console.begin()
    first = console.process
    await console.first()
    assert console.process is first is not None
    assert listens(console.feed)
    console.end()  # it is ready: other programs may use it by now
    assert first.poll() is None
    first.kill()
    first.wait()


@pytest.mark.realtime
@pytest.mark.real
async def test_console_starts_in_a_folder_whose_files_are_named_as_modules(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program's folder often has a secrets.py or a queue.py; ``python -m`` would put it first on the path."""
    for name in ("secrets", "argparse", "signal", "json"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')\n")
    monkeypatch.chdir(tmp_path)
    console = ConsoleProcess(InetAddress("127.0.0.1", 0), required=False, report=print)
    console.begin()
    await console.first()
    assert listens(console.feed), console.last_words()
    assert console.process is not None
    console.process.kill()
    console.process.wait()


@pytest.mark.realtime
@pytest.mark.real
async def test_console_on_a_free_port_takes_its_token_and_its_socket_with_it(runtime: Path) -> None:
    console = ConsoleProcess(InetAddress("127.0.0.1", 0), required=False, report=print)
    await console.first()
    folder = Path(console.feed.path).parent
    assert len(list(folder.glob("*.token"))) == 1
    assert console.process is not None
    console.process.terminate()
    await asyncio.to_thread(console.process.wait, 10)
    assert [path.name for path in folder.iterdir()] == ["console.log"]


@pytest.mark.real
def test_console_begun_for_a_program_that_does_not_load_ends() -> None:
    console = ConsoleProcess(InetAddress("127.0.0.1", 0), required=False, report=print)
    console.begin()
    console.end()
    assert console.process is not None
    assert console.process.returncode == -9


@pytest.mark.realtime
@pytest.mark.real
async def test_blocked_loop_is_not_taken_for_a_slow_console(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that blocked for more than 10 s just after the start ended the server, with advice about ports."""
    monkeypatch.setattr(console_module, "START_TIMEOUT", 3.0)
    reports = list[str]()
    console = ConsoleProcess(InetAddress("127.0.0.1", 0), required=True, report=reports.append)
    console.begin()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(console.first())
        await asyncio.sleep(0)
        time.sleep(3.5)  # noqa: ASYNC251  # the handler
    assert first.done()
    assert listens(console.feed)
    assert console.process is not None
    console.process.kill()
    console.process.wait()
    assert reports == []


@pytest.mark.realtime
@pytest.mark.real
async def test_taken_address_is_an_error_if_it_was_asked_for_and_else_another_port(runtime: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bind = InetAddress("127.0.0.1", server.getsockname()[1])
        with pytest.raises(Problem, match=f"no console on {bind}") as raised:
            ConsoleProcess(bind, required=True, report=print)
        assert f"pid {os.getpid()} (" in raised.value.why
        reports = list[str]()
        console = ConsoleProcess(bind, required=False, report=reports.append)
        await console.first()
    assert console.bind.port == 0
    assert f"console on a free port: {bind} is held by pid {os.getpid()}" in reports[0]
    assert console.process is not None
    console.process.kill()
    console.process.wait()


@pytest.mark.realtime
@pytest.mark.real
async def test_console_that_cannot_start_is_reported_with_its_last_words(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = list[str]()
    monkeypatch.setattr("sys.executable", "/bin/false")
    console = ConsoleProcess(InetAddress("127.0.0.1", 0), required=False, report=reports.append)
    await console.prepare()
    assert reports == ["no console, the service goes on and tries again: it said nothing [NW-CONSOLE-FAILED]"]


@pytest.mark.real
async def test_console_that_cannot_start_is_reported_once_and_tried_more_and_more_rarely(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, reports, tries = asyncio.get_running_loop(), list[str](), list[float]()
    console = ConsoleProcess(InetAddress("127.0.0.1", 0), required=False, report=reports.append)

    async def fail() -> bool:
        tries.append(loop.time())
        return False

    monkeypatch.setattr(console, "_start", fail)
    monkeypatch.setattr(console, "last_words", lambda: "port taken")
    begun = loop.time()
    while loop.time() < begun + 300:
        await console.prepare()
        await asyncio.sleep(2.0)
    assert reports == ["no console, the service goes on and tries again: port taken [NW-CONSOLE-FAILED]"]
    assert [round(b - a) for a, b in pairwise(tries)] == [2, 4, 8, 16, 32, 60, 60, 60]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(console.feed.path)
        server.listen(1)
        await console.prepare()
    await asyncio.sleep(60)
    await console.prepare()
    assert len(reports) == 2
