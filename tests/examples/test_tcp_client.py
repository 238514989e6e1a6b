"""examples/tcp_client.py talks to a textbook's server, and says who is to blame when nobody is there."""

import subprocess
import sys

import pytest

from tests.textbook.running import server

pytestmark = pytest.mark.real


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "examples.tcp_client", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_lines_come_back_from_a_textbook_server() -> None:
    with server("threaded_server") as running:
        done = run(f"127.0.0.1:{running.port}", "one", "two words")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ONE\nTWO WORDS\n", "")


def test_server_that_left_is_named() -> None:
    with server("threaded_server") as running:
        address = f"127.0.0.1:{running.port}"
    done = run(address, "one")
    assert done.returncode == 1
    assert f"RefusedError: cannot connect to {address}" in done.stderr
