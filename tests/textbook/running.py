"""Textbook programs in processes of their own: started, their output collected, ended by their own pid."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 20.0  # seconds for a program to end
_PORT = re.compile(r"port (\d+)")


@dataclass
class Running:
    """A textbook server: where it listens, and the lines that it printed so far."""

    port: int
    printed: list[str] = field(default_factory=list)


def client(name: str, *arguments: str | int) -> str:
    """Run a textbook client to its end, which must be a good one; what it printed."""
    done = subprocess.run(_command(name, arguments), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@contextmanager
def server(name: str, *arguments: str | int) -> Iterator[Running]:
    """A textbook server on a free port."""
    with subprocess.Popen(_command(name, (0, *arguments)), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = _PORT.search(line)
        assert found, f"{name} began with {line!r}"
        running = Running(int(found[1]))
        reader = threading.Thread(target=running.printed.extend, args=(process.stdout,))
        reader.start()
        try:
            yield running
        finally:
            process.terminate()
            process.wait(PATIENCE)
            reader.join()


def _command(name: str, arguments: tuple[str | int, ...]) -> list[str]:
    return [sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, arguments)]
