"""Sockets of systemd: a child process gets them as systemd would pass them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from netwright.core.errors import UsageError
from netwright.run.activation import inherited

PROGRAM = """
import asyncio, os
os.environ["LISTEN_PID"] = str(os.getpid())
from netwright.run.activation import inherited
from netwright.run.service import Service

service = Service("t")

@service.tcp(0, name="web")
async def web(stream):
    await stream.send(b"from a given socket")

async def main():
    await service.start(inherited())
    print(service.listeners[0].address, *[name for name in os.environ if name.startswith("LISTEN_")], flush=True)
    await service.wait()

asyncio.run(main())
"""


@pytest.mark.real
def test_service_is_served_on_the_sockets_that_were_passed(tmp_path: Path) -> None:
    program = f"import os\nos.dup2({{}}, 3)\n{PROGRAM}"
    with socket.create_server(("127.0.0.1", 0)) as given:
        given.set_inheritable(True)
        command = [sys.executable, "-c", program.format(given.fileno())]
        variables = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"}
        with subprocess.Popen(command, env=variables, pass_fds=[given.fileno()], stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                port = given.getsockname()[1]
                assert process.stdout.readline() == f"127.0.0.1:{port}\n".encode()
                with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                    assert client.recv(100) == b"from a given socket"
            finally:
                process.kill()


@pytest.mark.parametrize("process", ["", "1"])
def test_sockets_of_another_process_are_not_taken(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", process)
    monkeypatch.setenv("LISTEN_FDS", "5")
    assert inherited() == {}
    assert "LISTEN_FDS" not in os.environ


@pytest.mark.parametrize(("count", "names"), [("x", ""), ("-1", ""), ("2", "one")])
def test_variables_that_make_no_sense_are_named(count: str, names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", count)
    monkeypatch.setenv("LISTEN_FDNAMES", names)
    with pytest.raises(UsageError, match="LISTEN_FD"):
        inherited()
