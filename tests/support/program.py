"""A program of the command line as a child process: its lines, its signals, its end."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self


class Program:
    """``python -m netwright …``, or ``python script …``, in ``directory``; killed at the end if it still runs."""

    def __init__(self, *arguments: str, directory: str, runtime: str = "", script: str = "", **variables: str) -> None:
        environment = {**os.environ, "XDG_RUNTIME_DIR": runtime or directory, "PYTHONUNBUFFERED": "1", **variables}
        self.process = subprocess.Popen(
            [sys.executable, *([script] if script else ["-m", "netwright"]), *arguments],
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_line(self, pattern: str, timeout: float = 20.0) -> re.Match[str]:
        """The next line in which ``pattern`` is found."""
        while True:
            try:
                line = self._lines.get(timeout=timeout)
            except queue.Empty:
                raise AssertionError(f"no line with {pattern!r} after {timeout} s; said: {self.said}") from None
            assert line is not None, f"ended without a line with {pattern!r}; said: {self.said}"
            self.said.append(line)
            found = re.search(pattern, line)
            if found is not None:
                return found

    def signal(self, number: signal.Signals) -> None:
        """Send it to this process only."""
        self.process.send_signal(number)

    def end(self, timeout: float = 20.0) -> int:
        """Its exit code; all lines are in ``said`` then."""
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        while not self._lines.empty():
            line = self._lines.get()
            self.said += [line] if line is not None else []
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        assert self.process.stdout is not None
        assert not self._reader.is_alive(), "somebody else holds its output open"
        self.process.stdout.close()
