"""The command line's own behaviour."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from netwright.cli.group import COMMANDS, netwright


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
def test_version_and_help_import_neither_asyncio_nor_a_command() -> None:
    """Start-up time is kept by what is not imported: a count, not a stopwatch."""
    for argument, banned in (("--version", {"click", "asyncio"}), ("--help", {"asyncio", "netwright.cli.serve"})):
        command = [sys.executable, "-X", "importtime", "-m", "netwright", argument]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert not banned & imported
        assert "netwright" in done.stdout
