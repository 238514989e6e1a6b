"""A server in a process of its own: started, its CPU and memory read from /proc (proc(5)), ended by its own pid."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.support.claim import SkipError
from benchmarks.support.programs import compiled

__all__ = ["Cpu", "Server", "server_command"]

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_END = 5.0  # seconds between TERM and KILL


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of processor time."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """User and system."""
        return self.user + self.system

    def __sub__(self, earlier: "Cpu") -> "Cpu":
        return Cpu(self.user - earlier.user, self.system - earlier.system)


def server_command(library: str, mode: str) -> list[str]:
    """How to start the server of ``library``, which prints its port.

    "c" is the floor; an engine of ours is written after a colon: "netwright:portable", "netwright-uvloop:native".
    """
    if library == "c":
        return [compiled("epoll"), "echo" if mode in ("echo", "line") else "sink"]
    name, _, engine = library.partition(":")
    setting = ["env", f"NETWRIGHT_ENGINE={engine}"] if engine else []
    return [*setting, sys.executable, "-m", "benchmarks.support.servers", name, mode]


class Server:
    """``with Server(command) as server`` starts it, waits for its port, and ends it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.strip().isdigit():
            self.end()
            raise SkipError(f"{' '.join(command[-2:])}: {line.strip() or 'ended before it had a port'}")
        self.port = int(line)

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Of the process itself, a child of ours."""
        return self._process.pid

    def cpu(self) -> Cpu:
        """Processor time so far."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return Cpu(int(fields[11]) / _TICK, int(fields[12]) / _TICK)

    def memory(self) -> int:
        """Resident bytes."""
        return int(self._proc("statm").split()[1]) * _PAGE

    def last_words(self) -> dict[str, float]:
        """The JSON line that it prints before it ends by itself."""
        assert self._process.stdout is not None
        words: dict[str, float] = json.loads(self._process.stdout.readline())
        return words

    def end(self) -> None:
        """TERM, then KILL; the process is gone afterwards."""
        self._process.terminate()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.pid}/{name}").read_text(encoding="utf-8")
