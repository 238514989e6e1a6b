"""A console in its own process, with workers that say what a test wants."""

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from netwright.proto.feed import ROW, Batch, Hello, Record, serialize
from netwright.wire.inet_diag import DiagAttribute
from tests.support.diag import made

TOKEN = "s3cret-for-tests"


_BEGUN = time.time() - 10_000


def clock() -> float:
    """The time on the clock of every worker here."""
    return time.time() - _BEGUN


class Worker:
    """A serving process as the console sees it."""

    def __init__(self, feed: str, pid: int, program: str = "app.py") -> None:
        self.pid, self._socket = pid, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(feed)
        hello = Hello(pid, program, "native", "3.11", now=clock(), wall=_BEGUN + clock())
        self._socket.sendall(serialize(hello))
        self._socket.settimeout(10)
        self._socket.recv(4096)  # its welcome
        self._totals: Counter[str] = Counter()
        self._known: set[int] = set()

    def tell(self, live: Sequence[Record] = (), closed: Sequence[Record] = ()) -> None:
        """Send records; ``kernel`` of one has the arguments of ``tests.support.diag.made``."""
        numbers = {record["number"] for record in (*live, *closed)}
        self._totals["accepted"] += len(numbers - self._known)
        self._known |= numbers
        self._totals.update(record["ended"].outcome.value for record in closed)
        batch = json.loads(serialize(Batch(clock(), list(live), list(closed), dict(self._totals), 0)))
        for record, row in zip((*live, *closed), (*batch["records"], *batch["closed"]), strict=True):
            if record["kernel"]:  # what is read from the feed does not go back: it is made anew
                row[list(ROW).index("kernel")] = made(**record["kernel"]).attributes[DiagAttribute.INFO].hex()  # type: ignore[arg-type]
        self._socket.sendall(json.dumps(batch).encode() + b"\n")

    def die(self) -> None:
        """Leave without a goodbye.  Idempotent."""
        self._socket.close()


class Desk:
    """A running console: ``url`` opens its page."""

    def __init__(self, directory: Path, *, bind: str = "127.0.0.1:0", token: str = TOKEN) -> None:
        self.feed = str(directory / "feed")
        options = ("--feed", self.feed, "--bind", bind, "--token", token, "--stay")
        command = [sys.executable, "-m", "netwright.console", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]
        self.origin = self.url.partition("?")[0]
        self._workers: list[Worker] = []

    def worker(self, pid: int = 7, program: str = "app.py") -> Worker:
        self._workers.append(Worker(self.feed, pid, program))
        return self._workers[-1]

    def stop(self) -> None:
        """Idempotent."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        for worker in self._workers:
            worker.die()


@contextmanager
def desk(directory: Path, **options: str) -> Iterator[Desk]:
    made = Desk(directory, **options)
    try:
        yield made
    finally:
        made.stop()


def eventually(check: Callable[[], bool], timeout: float = 15.0) -> None:
    """Wait for what other processes do."""
    until = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < until, "never"
        time.sleep(0.05)
