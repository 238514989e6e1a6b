"""Where a program finds its console."""

import asyncio
import os
import socket
from itertools import pairwise
from pathlib import Path

import pytest

from netwright.cli.attach import Keeper, listens, runtime_directory
from netwright.cli.problem import UnreachableProblem
from netwright.core.address import InetAddress, UnixAddress


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_runtime_directory_is_private(runtime: Path) -> None:
    assert runtime_directory() == runtime / "netwright"
    assert (runtime / "netwright").stat().st_mode & 0o777 == 0o700


def test_runtime_directory_that_others_may_enter_is_refused(runtime: Path) -> None:
    (runtime / "netwright").mkdir(mode=0o755)
    with pytest.raises(UnreachableProblem, match="not private"):
        runtime_directory()


def test_runtime_directory_behind_a_link_is_refused(runtime: Path) -> None:
    (runtime / "else").mkdir(mode=0o700)
    (runtime / "netwright").symlink_to(runtime / "else")
    with pytest.raises(UnreachableProblem, match="not private"):
        runtime_directory()


def test_programs_with_one_console_address_share_its_feed() -> None:
    feeds = [Keeper(InetAddress("127.0.0.1", port), fixed=False, report=print).feed.path for port in (1, 1, 2, 0)]
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
async def test_console_begun_early_is_taken_over_and_ends_with_forget(runtime: Path) -> None:
    keeper = Keeper(InetAddress("127.0.0.1", 0), fixed=False, report=print)
    keeper.begin()
    first = keeper.process
    await keeper.first()
    assert keeper.process is first is not None
    assert listens(keeper.feed)
    keeper.forget()
    assert not listens(keeper.feed)
    assert first.returncode == -9


@pytest.mark.realtime
@pytest.mark.real
async def test_taken_address_is_an_error_if_it_was_asked_for_and_else_another_port(runtime: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        bind = InetAddress("127.0.0.1", server.getsockname()[1])
        with pytest.raises(UnreachableProblem, match=f"no console on {bind}") as raised:
            await Keeper(bind, fixed=True, report=print).first()
        assert f"pid {os.getpid()} (" in raised.value.why
        reports = list[str]()
        keeper = Keeper(bind, fixed=False, report=reports.append)
        await keeper.first()
    assert keeper.bind.port == 0
    assert f"console on a free port: {bind} is held by pid {os.getpid()}" in reports[0]
    keeper.forget()


@pytest.mark.realtime
@pytest.mark.real
async def test_console_that_cannot_start_is_reported_with_its_last_words(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = list[str]()
    monkeypatch.setattr("sys.executable", "/bin/false")
    keeper = Keeper(InetAddress("127.0.0.1", 0), fixed=False, report=reports.append)
    await keeper.prepare()
    assert reports == ["no console, more tries follow: it said nothing"]


@pytest.mark.real
async def test_console_that_cannot_start_is_reported_once_and_tried_more_and_more_rarely(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, reports, tries = asyncio.get_running_loop(), list[str](), list[float]()
    keeper = Keeper(InetAddress("127.0.0.1", 0), fixed=False, report=reports.append)

    async def fail() -> bool:
        tries.append(loop.time())
        return False

    monkeypatch.setattr(keeper, "_start", fail)
    monkeypatch.setattr(keeper, "last_words", lambda: "port taken")
    begun = loop.time()
    while loop.time() < begun + 300:
        await keeper.prepare()
        await asyncio.sleep(2.0)
    assert reports == ["no console, more tries follow: port taken"]
    assert [round(b - a) for a, b in pairwise(tries)] == [2, 4, 8, 16, 32, 60, 60, 60]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(keeper.feed.path)
        server.listen(1)
        await keeper.prepare()
    await asyncio.sleep(60)
    await keeper.prepare()
    assert len(reports) == 2
