"""A JSON line for every connection that closed: its record, who ended it, where its time went.

The service never waits for the disk: lines are written by a thread, and what waits for it is bounded.  What cannot be
written is counted and reported once, until writing works again.
"""

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from netwright.aio import engine
from netwright.core.record import ConnectionRecord, Recorder
from netwright.proto.feed import readable
from netwright.run.export import record_values
from netwright.watch.ending import ending
from netwright.watch.ledger import ledger

__all__ = ["Journal", "line_of"]

INTERVAL = 0.25  # seconds that a closed connection waits at most to be written
PER_WRITE = 200  # records that are encoded at once: about 20 ms of the thread


class Journal:
    """``with Journal(path, recorder)``: the file is open, its end is where lines go; ``run`` writes them.

    Args:
        waiting: closed connections that wait for the disk; beyond it the oldest are lost.
        report: a line for people when writing fails, and when it works again.

    Attributes:
        lost: connections without a line.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        recorder: Recorder,
        *,
        waiting: int = 10_000,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.lost = 0
        self._path, self._report = path, report
        self._waiting: deque[ConnectionRecord] = deque(maxlen=waiting)
        self._failing = self._torn = self._closed = False
        self._stopping = asyncio.Event()
        kind = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a FIFO without a reader is an error: ENXIO
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | kind, 0o644)
        if hasattr(os, "O_NONBLOCK"):
            os.set_blocking(self._file, True)  # the thread that writes may wait
        recorder.on_close(self._on_close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        os.close(self._file)

    def _on_close(self, record: ConnectionRecord) -> None:
        if not self._closed:
            self.lost += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(record)

    async def run(self) -> None:
        """Write until ``stop``, then what is left.  Cancelling loses the lines that wait."""
        while self._waiting or not self._stopping.is_set():
            if not self._waiting:
                await self._pause()
            some = [self._waiting.popleft() for _ in range(min(PER_WRITE, len(self._waiting)))]
            if some:
                wall = time.time() - engine().now()
                self._wrote(len(some), *await asyncio.to_thread(self._write, some, wall))

    def stop(self) -> None:
        """Make ``run`` return once it has tried to write every closed connection."""
        self._stopping.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(INTERVAL):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _write(self, records: list[ConnectionRecord], wall: float) -> tuple[int, str]:
        """Return how many records were written whole, and the error that stopped the rest; end a torn line first."""
        lines = [b"\n"] * self._torn + [line_of(record, wall) for record in records]
        written, failed = 0, ""
        left = memoryview(b"".join(lines))
        while left and not failed:
            try:
                count = os.write(self._file, left)
            except OSError as error:
                count, failed = 0, str(error.strerror)
            left, written = left[count:], written + count
        whole = 0
        while whole < len(lines) and written >= len(lines[whole]):
            written -= len(lines[whole])
            whole += 1
        healed, was_torn = whole > 0, self._torn
        self._torn = written > 0 or (was_torn and not healed)
        return whole - (was_torn and healed), failed

    def _wrote(self, count: int, whole: int, failed: str) -> None:
        self.lost += count - whole
        if failed and not self._failing:
            self._report(f"{self._path}: {failed}; connections go without a record until it works again")
        elif self._failing and not failed:
            self._report(f"{self._path}: written again; {self.lost} connections have no record")
        self._failing = bool(failed)


def line_of(record: ConnectionRecord, wall: float) -> bytes:
    """One JSON object, its line end included; ``wall`` turns the record's clock into the time of day."""
    told = record_values(record)
    shares = [asdict(share) for share in ledger(told, told["closed_at"])]
    dated = {"opened": round(told["started_at"] + wall, 6), "closed": round(told["closed_at"] + wall, 6)}
    body = {**dated, **asdict(ending(told["ended"])), "ledger": shares, **readable(told)}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"
