"""One run of a service: what it says, and why it cannot start."""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from netwright.http import App
from netwright.run import running
from netwright.run.problem import Code, Problem
from netwright.run.running import first_line, run, urls
from netwright.run.service import Service
from netwright.run.settings import RunSettings

SETTINGS = RunSettings(Path(__file__), drain=1.0)


async def test_first_line_has_http_first_and_other_ports_with_their_names() -> None:
    app = App("tour")
    app.add_port(0, app.serve_stream, name="echo")
    app.http(0)
    async with app:
        echo, http = urls(app)
        assert first_line(app) == f"◆ tour  {http.replace('tcp', 'http')}  echo {echo}"
        assert (echo[:6], http[:7]) == ("tcp://", "http://")


async def test_a_start_hook_that_fails_is_one_message() -> None:
    app = App("tour")
    app.http(0)

    @app.on_start
    async def connect_database() -> None:
        raise ConnectionRefusedError("db:5432")

    with pytest.raises(Problem, match="ConnectionRefusedError: db:5432") as raised:
        await run(app, SETTINGS, None)
    assert "test_running.py:" in raised.value.where
    assert 'raise ConnectionRefusedError("db:5432")' in raised.value.where
    assert raised.value.code == Code.START_FAILED
    assert "connect_database (" in raised.value.what


async def test_a_start_hook_that_does_not_return_is_named() -> None:
    app = App("tour", hook_timeout=5.0)
    app.http(0)
    app.on_start(never)
    with pytest.raises(Problem, match=r"hook never \(.*test_running.py:\d+\) did not return in time") as raised:
        await run(app, SETTINGS, None)
    assert raised.value.code == Code.START_SLOW


async def never() -> None:
    await asyncio.sleep(3600)


@pytest.mark.realtime
async def test_a_signal_during_the_start_stops_it_and_says_what_was_cut(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("tour")
    app.http(0)
    app.on_start(never)
    asyncio.get_running_loop().call_later(0.2, signal.raise_signal, signal.SIGINT)
    assert await run(app, SETTINGS, None) == 130
    assert "stopped during the start, cut: hook never (" in capsys.readouterr().out


@pytest.mark.realtime
async def test_a_stop_hook_that_hangs_is_named_and_cut_by_the_second_signal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    loop = asyncio.get_running_loop()
    app = App("tour")
    app.http(0)

    @app.on_start
    async def press() -> None:
        loop.call_later(0.1, signal.raise_signal, signal.SIGINT)
        loop.call_later(0.4, signal.raise_signal, signal.SIGINT)

    app.on_stop(never)
    assert await run(app, SETTINGS, None) == 130
    assert "stopping now, cut: hook never (" in capsys.readouterr().out


async def test_records_that_cannot_be_kept_are_a_problem_with_the_reason() -> None:
    app = App("tour")
    app.http(0)
    with pytest.raises(Problem, match="no records in no/such/file") as raised:
        await run(app, replace(SETTINGS, records="no/such/file"), None)
    assert (raised.value.exit_code, raised.value.code) == (3, Code.RECORDS)


async def test_a_service_without_a_port_is_refused() -> None:
    service = Service("echo")
    with pytest.raises(Problem, match="serves nothing"):
        await run(service, SETTINGS, None)


@pytest.mark.realtime
async def test_ctrl_c_drains_and_its_handler_is_given_back() -> None:
    handlers = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    loop = asyncio.get_running_loop()
    app = App("tour")
    app.http(0)

    @app.on_start
    async def press() -> None:
        loop.call_later(0.1, signal.raise_signal, signal.SIGINT)

    assert await run(app, SETTINGS, None) == 0
    assert [(number, signal.getsignal(number)) for number, _ in handlers] == handlers


@pytest.mark.skipif(sys.platform != "linux", reason="native kernels are Linux's")
@pytest.mark.parametrize(("on", "lines"), [(False, 1), (True, 0)])
def test_missing_kernels_are_told_of_in_one_line(
    on: bool, lines: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running, "PURE", False)
    monkeypatch.setattr(running, "kernels", lambda: {"netwright.aio._stream": on})
    monkeypatch.setattr(running, "enabled", lambda name: on)
    running.warn_of_missing_kernels()
    assert len(caplog.messages) == lines
    assert all("netwright doctor" in line for line in caplog.messages)
