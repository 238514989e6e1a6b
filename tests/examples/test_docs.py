"""What the documentation shows runs as it is shown, and every bound is in it."""

import asyncio
import re
import shlex
from collections.abc import Coroutine
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import netwright.sim.link
from netwright import App, Limits, connect
from netwright.cli import demo
from netwright.proto.http1 import HttpLimits
from netwright.proto.tcp.policy import Policy
from netwright.sim.limits import StackLimits


def app_of(path: str) -> App:
    """The App of a document's first Python block; its port becomes a free one."""
    block, *_ = re.findall(r"```python\n(.*?)```", Path(path).read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block.replace("10000", "0"), path, "exec"), names)
    app = names["app"]
    assert isinstance(app, App)
    return app


async def ask(app: App, request: str) -> str:
    async with await connect(app.listeners[-1].address) as stream:
        await stream.send(f"{request}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        return b"".join([chunk async for chunk in stream]).decode()


async def echoed(app: App, text: bytes) -> bytes:
    async with await connect(app.listeners[0].address) as stream:
        await stream.send(text)
        return await stream.readline(timeout=5)


async def test_the_readmes_app_greets_and_echoes() -> None:
    app = app_of("README.md")
    app.http("127.0.0.1:0")
    async with app:
        assert (await ask(app, "GET /hello/you HTTP/1.1")).endswith("hello you\n")
        assert await echoed(app, b"x\n") == b"x\n"


async def test_the_guides_app_does_what_its_text_says() -> None:
    app = app_of("docs/serving.md")
    app.http("127.0.0.1:0")
    async with app, asyncio.timeout(20):
        assert (await ask(app, "GET /stock/tea HTTP/1.1")).endswith('{"name":"tea","count":3}')
        assert (await ask(app, "GET /stock/milk HTTP/1.1")).startswith("HTTP/1.1 404 ")
        assert "2\n" in await ask(app, "GET /ticks HTTP/1.1")
        assert await echoed(app, b"a line\r\n") == b"a line\n"


def test_the_simulated_transfer_is_as_the_guide_says(capsys: pytest.CaptureFixture[str]) -> None:
    block, _, _ = blocks("docs/simulation.md")
    exec(compile(block, "docs/simulation.md", "exec"), {})
    told = capsys.readouterr().out
    assert told.startswith("1000000 bytes, ")
    assert "retransmit: " in told


def blocks(page: str, language: str = "python") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", Path(page).read_text(), re.DOTALL)


def test_the_guides_congestion_control_delivers(capsys: pytest.CaptureFixture[str]) -> None:
    _, block, _ = blocks("docs/simulation.md")
    exec(compile(block, "docs/simulation.md", "exec"), {})
    assert capsys.readouterr().out.startswith("1000000 bytes in ")


@pytest.mark.parametrize("line", blocks("docs/simulation.md", "sh")[0].splitlines())
def test_the_guides_transfers_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name, command, *arguments = shlex.split(line, comments=True)
    assert (name, command) == ("netwright", "demo")
    assert CliRunner().invoke(demo.command, arguments).exit_code == 0


def test_the_guides_tun_program_ends_quietly_at_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The device itself needs root; Ctrl-C must not show a traceback."""
    _, _, block = blocks("docs/simulation.md")

    def interrupted(main: Coroutine[Any, Any, None]) -> None:
        main.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run", interrupted)
    exec(compile(block, "docs/simulation.md", "exec"), {})
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("field", fields(netwright.sim.link.Path), ids=lambda field: field.name)
def test_every_field_of_a_path_is_in_the_guide(field: Any) -> None:
    assert f"`{field.name}`" in Path("docs/simulation.md").read_text()


@pytest.mark.parametrize("field", fields(StackLimits), ids=lambda field: field.name)
def test_every_limit_of_a_stack_is_in_the_guide(field: Any) -> None:
    assert f"`{field.name}`" in Path("docs/simulation.md").read_text()


@pytest.mark.parametrize("field", fields(Policy), ids=lambda field: field.name)
def test_every_choice_of_a_policy_is_in_the_guide(field: Any) -> None:
    assert f"| `{field.name}` |" in Path("docs/simulation.md").read_text()


@pytest.mark.parametrize("name", [field.name for kind in (Limits, HttpLimits) for field in fields(kind)])
def test_every_bound_is_in_the_guide(name: str) -> None:
    assert f"`{name}`" in Path("docs/serving.md").read_text()
