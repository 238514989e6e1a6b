"""The command line's own behaviour."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from netwright.cli.group import COMMANDS, netwright
from netwright.cli.problem import UnreachableProblem
from netwright.run.problem import FOUND, INTERRUPTED, UNREACHABLE, USAGE, Code
from netwright.run.problem import Problem as RunProblem


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("serv", "did you mean: netwright serve"),
        ("docter", "did you mean: netwright doctor"),
        ("app.py", "did you mean: netwright serve app.py"),
        ("xyzzy", "there are: serve, top, watch, demo, doctor"),
    ],
)
def test_wrong_command_is_answered_with_the_right_one(typed: str, said: str) -> None:
    result = CliRunner().invoke(netwright, [typed])
    assert said in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_has_help(name: str) -> None:
    result = CliRunner().invoke(netwright, [name, "--help"], prog_name="netwright")
    assert result.exit_code == 0
    assert f"netwright {name} [OPTIONS]" in result.output


def test_help_lists_every_command() -> None:
    output = CliRunner().invoke(netwright, ["-h"]).output
    assert all(f"\n  {name} " in output for name in COMMANDS)


@pytest.mark.real
@pytest.mark.parametrize(
    ("argument", "most", "banned"),
    [
        ("--version", 3, {"click", "asyncio", "importlib.metadata", "pathlib"}),
        ("--help", 9, {"asyncio", "logging", "json", "socket", "subprocess", "netwright.cli.serve", "netwright.core"}),
    ],
)
def test_version_and_help_import_little(argument: str, most: int, banned: set[str]) -> None:
    """Start-up time is kept by what is not imported: a count, not a stopwatch (``benchmarks.start`` has that)."""
    command = [sys.executable, "-X", "importtime", "-m", "netwright", argument]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert not banned & imported
    ours = sorted(name for name in imported if name.startswith("netwright"))
    assert len(ours) <= most, ours
    assert "netwright" in done.stdout


# exit codes


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, 0, ""),
        (SystemExit(1), 1, ""),
        (click.UsageError("no such option"), 2, "no such option  [NW-USAGE]"),
        (RunProblem("x", code=Code.APP_LOAD), 2, "netwright: x  [NW-APP-LOAD]"),
        (UnreachableProblem("x"), 3, "netwright: x  [NW-UNREACHABLE]"),
        (OSError(errno.ENOSPC, "full"), 3, "output cannot be written  [NW-OUTPUT]"),
        (BrokenPipeError(errno.EPIPE, "gone"), 0, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_every_end_has_its_exit_code_and_its_words(
    monkeypatch: pytest.MonkeyPatch, error: BaseException | None, code: int, said: str
) -> None:
    @click.command("doctor")
    def command() -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(os, "dup2", lambda old, new: new)
    monkeypatch.setattr("netwright.cli.doctor.command", command)
    result = CliRunner().invoke(netwright, ["doctor"])
    assert result.exit_code == code
    assert said in result.output
    assert "Traceback" not in result.output


def test_error_of_the_system_that_is_not_about_the_output_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command("doctor")
    def command() -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")

    monkeypatch.setattr("netwright.cli.doctor.command", command)
    assert isinstance(CliRunner().invoke(netwright, ["doctor"]).exception, FileNotFoundError)


# the guide

GUIDE = Path("docs/cli.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_guide(name: str) -> None:
    assert f"\n| `{name}` | " in GUIDE


def test_exit_codes_are_those_of_the_help_and_the_guide() -> None:
    shown = re.sub(r"\s+", " ", CliRunner().invoke(netwright, ["--help"]).output)
    for code in (0, FOUND, USAGE, UNREACHABLE, INTERRUPTED):
        assert f" {code} " in shown
        assert f"\n| {code} | " in GUIDE


def test_every_environment_variable_that_is_read_is_in_the_guide() -> None:
    source = "".join(path.read_text() for path in Path("src/netwright").rglob("*.py"))
    read = set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", source)) - {"PYTHONASYNCIODEBUG"}
    assert read == {"NETWRIGHT_PURE", "NETWRIGHT_ENGINE", "XDG_RUNTIME_DIR", "TMPDIR", "CC"}
    assert all(f"| `{name}" in GUIDE for name in read)


@pytest.mark.real
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("argument", ["--help", "--version", "completion bash"])
def test_output_that_is_full_gone_or_closed_is_no_traceback(argument: str) -> None:
    command = f"{sys.executable} -m netwright {argument}"
    for redirected, code, said in (("> /dev/full", 3, "[NW-OUTPUT]"), (">&-", 0, ""), ("2>&1 | head -0", 0, "")):
        line = f"set -o pipefail; {command} {redirected}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == code, redirected
        assert said in done.stderr
        assert "Traceback" not in done.stderr
