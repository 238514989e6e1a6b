"""Measure what a new user waits for: from a clone to serving, and the second start.  ``python -m tools.first_start``.

Three rounds with a C compiler and three where PATH hides it; each round clones, runs ``make run`` and asks the server.
Goals: 60 s with a compiler, 30 s without, 0.4 s for the second start.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS, PATIENCE = 3, 600.0
GOALS = {"with compiler": 60.0, "without compiler": 30.0}
COMPILERS = ("gcc", "cc", "clang", "g++", "c++")


def path_without_compiler(folder: Path) -> str:
    """Return a PATH of one folder, with a link to every program but compilers."""
    for part in os.environ["PATH"].split(os.pathsep):
        for program in sorted(Path(part).glob("*")) if Path(part).is_dir() else []:
            link = folder / program.name
            compiler = any(program.name == name or program.name.endswith(f"-{name}") for name in COMPILERS)
            if not compiler and not link.is_symlink() and os.access(program, os.X_OK):
                link.symlink_to(program)
    return str(folder)


def start(clone: Path, environment: dict[str, str], python: str) -> float:
    """Run ``make run`` until the server answers; return the seconds.

    Raises:
        RuntimeError: it ended before, or ten minutes passed.
    """
    port, console = free_port(), free_port()
    command = ["make", "run", f"PYTHON={python}", f"ARGS=--bind 127.0.0.1:{port} --console 127.0.0.1:{console}"]
    began = time.monotonic()
    with Path(clone, "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=clone, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            while not answers(port):
                if process.poll() is not None or time.monotonic() - began > PATIENCE:
                    raise RuntimeError(f"no server: {Path(output.name).read_text()}")
                time.sleep(0.01)
            return time.monotonic() - began
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.wait(10)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answers(port: int) -> bool:
    """Return True if an HTTP server answers there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return client.recv(4) == b"HTTP"
    except OSError:
        return False


def main(python: str) -> int:
    """Print a line a round; return 1 if a goal is missed."""
    missed = False
    with tempfile.TemporaryDirectory() as scratch:
        hidden = Path(scratch, "bin")
        hidden.mkdir()
        paths = {"with compiler": os.environ["PATH"], "without compiler": path_without_compiler(hidden)}
        for name, path in paths.items():
            for number in range(1, ROUNDS + 1):
                clone = Path(scratch, "clone")
                shutil.rmtree(clone, ignore_errors=True)
                began = time.monotonic()
                subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{Path.cwd()}", str(clone)], check=True)
                cloned = time.monotonic() - began
                environment = {**os.environ, "PATH": path}
                first = cloned + start(clone, environment, python)
                second = start(clone, environment, python)
                missed = missed or first > GOALS[name] or second > 0.4
                sys.stdout.write(
                    f"{name}, round {number}: clone to serving {first:.1f} s, second start {second:.2f} s\n"
                )
                sys.stdout.flush()
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "python3"))
