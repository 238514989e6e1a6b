"""The C programs of this directory, compiled when first used; and the load that one of them makes."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.claim import SkipError

__all__ = ["Held", "Load", "compiled", "hold", "load"]

_SOURCES = Path(__file__).parent
_BUILD = _SOURCES.parent.parent / "build" / "benchmarks"
_PATIENCE = 60.0  # seconds beyond the load's own time


@dataclass(frozen=True, slots=True)
class Load:
    """What the load generator did; times in seconds."""

    messages: int
    bytes: int
    seconds: float
    connections: int
    errors: int
    p50: float
    p99: float


def compiled(name: str) -> str:
    """Path of the program of ``name.c``.

    Raises:
        SkipError: no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SkipError("no C compiler: apt-get install gcc libc6-dev")
    source, program = _SOURCES / f"{name}.c", _BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        _BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source], check=True)
    return str(program)


def load(mode: str, port: int, *, connections: int, size: int = 64, seconds: float = 0.0, count: int = 0) -> Load:
    """Run the load generator to its end, after ``seconds`` or ``count`` messages, whichever is set."""
    command = _command(mode, port, connections, size, seconds, count)
    patience = seconds + _PATIENCE
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=patience)
    return Load(**json.loads(done.stdout))


class Held:
    """Connections that stay open: ``first`` is their one echo each, ``echo`` makes more of them."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.first = self._report()

    def echo(self) -> Load:
        """As many echoes as ``hold`` was told, over all connections."""
        assert self._process.stdin is not None
        self._process.stdin.write(b".")
        self._process.stdin.flush()
        return self._report()

    def _report(self) -> Load:
        assert self._process.stdout is not None
        return Load(**json.loads(self._process.stdout.readline()))


@contextmanager
def hold(port: int, *, connections: int, size: int = 64, count: int = 0, mode: str = "hold") -> Iterator[Held]:
    """Keep ``connections`` open, each after one echo, while the body runs.

    With ``mode`` "get" it asks for / by HTTP instead of echoing, and ``size`` is the whole response's.
    """
    command = _command(mode, port, connections, size, 0.0, count)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Held(process)


def _command(mode: str, port: int, connections: int, size: int, seconds: float, count: int) -> list[str]:
    return [compiled("load"), mode, str(port), str(connections), str(size), str(seconds), str(count)]
