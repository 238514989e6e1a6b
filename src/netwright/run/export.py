"""The worker's side of the console: sends a recorder's changes over a Unix socket, and watches connections for it.

The service never waits for the console.  While the console is stalled, each connection is reported at most once, with
its newest summary.  Of connections that opened and ended meanwhile the last ``closed`` are kept, the others counted.
"""

import asyncio
import os
import sys
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import cast

from netwright.aio import Stream, connect, engine
from netwright.core.address import UnixAddress
from netwright.core.errors import ClosedError, NetwrightError
from netwright.core.record import ConnectionRecord, Recorder
from netwright.proto.feed import (
    Bye,
    Command,
    FeedParser,
    Hello,
    Moments,
    Record,
    Unwatch,
    Watch,
    Welcome,
    batch_line,
    kernel_values,
    parse_command,
    record_row,
    serialize,
)

__all__ = ["ExportState", "Exporter", "record_values"]

SAMPLES_PER_TURN = 100  # live connections whose kernel is asked, in turn; the watched ones always
ROUND = 1.0  # seconds at least between two questions about a connection that nobody watches
RECORDS_PER_LINE = 100  # about 0.5 ms to encode: as long as the service is held up at once
MOMENTS_PER_LINE = 1000
RECORDS_PER_TURN = 1000
COMMAND_LIMIT = 4096  # bytes of a line from the console
SHARE = 0.01  # of a core that telling may take: a turn that took longer is followed by a longer pause,
PAUSE = 2.0  # seconds at most
HEARTBEAT = 2.0  # seconds without news after which an empty batch says that the worker lives


class ExportState:
    """The state of a recorder that a console has, and the lines that bring it up to date.

    Args:
        closed: ended connections to keep that were never reported as live; beyond it the oldest are dropped and
            counted in ``lost``.  The end of one that was reported as live is always sent.
    """

    def __init__(self, recorder: Recorder, *, closed: int = 1000) -> None:
        self.lost = 0
        self._recorder = recorder
        self._versions: dict[int, int] = {}
        self._closed: deque[ConnectionRecord] = deque(maxlen=closed)
        self._ended: list[ConnectionRecord] = []  # of those told as live: not more than were told
        self._watched: dict[int, tuple[ConnectionRecord, int]] = {}  # number: record, moments told
        self._last = 0  # number of the last record told: the next turn goes on behind it
        self._listening = False
        self._told_at = 0.0
        self._totals = 0
        self._turns: Iterator[int] = iter(())
        self._round_at = 0.0
        recorder.on_close(self._on_close)

    def begin(self) -> None:
        """Start for a new console, which gets everything."""
        self.end()
        self._closed.extend(self._recorder.recent)
        self._listening = True

    def end(self) -> None:
        """Drop everything that was kept for a console that is gone."""
        self._listening = False
        for number in list(self._watched):
            self.unwatch(number)
        self._versions.clear()
        self._ended.clear()
        self._closed.clear()
        self._told_at = 0.0

    def _on_close(self, record: ConnectionRecord) -> None:
        if not self._listening:
            return
        if self._versions.pop(record.number, None) is not None:
            self._ended.append(record)
            return
        self.lost += len(self._closed) == self._closed.maxlen
        self._closed.append(record)

    def watch(self, number: int) -> None:
        """Send the moments of a connection, too; of an ended one, those that were kept."""
        if self._recorder.watch(number):
            self._watched.setdefault(number, (self._recorder.live[number], 0))
            self._versions.update({number: -1} if number in self._versions else {})  # told anew, all its exchanges
            return
        for record in self._recorder.recent:
            if record.number == number and record.timeline is not None:
                self._watched.setdefault(number, (record, 0))

    def unwatch(self, number: int) -> None:
        """Send no more moments of a connection."""
        if self._watched.pop(number, None) is not None:
            self._recorder.unwatch(number)

    def lines(self, now: float) -> Iterator[bytes]:
        """The changes, a line at a time: at most RECORDS_PER_TURN live records, all ended ones, moments."""
        self._sample(now)
        changed, ended = self._changed(), self._take_closed()
        for at in range(0, max(len(changed), len(ended)), RECORDS_PER_LINE):
            part = changed[at : at + RECORDS_PER_LINE]
            for record in part:
                self._versions[record.number] = record.version
            yield self._batch(now, part, ended[at : at + RECORDS_PER_LINE])
        if now - self._told_at >= HEARTBEAT or sum(self._recorder.totals.values()) != self._totals:
            yield self._batch(now, [], [])
        for number, (record, known) in list(self._watched.items()):
            yield from self._moments(number, record, known)

    def _batch(self, now: float, live: Iterable[ConnectionRecord], ended: Iterable[ConnectionRecord]) -> bytes:
        totals = dict(self._recorder.totals)
        self._told_at, self._totals = now, sum(totals.values())
        rows = [record_row(r, newest=r.timeline is None) for r in live]
        return batch_line(now, rows, [record_row(r) for r in ended], totals, self.lost)

    def _sample(self, now: float) -> None:
        """Read struct tcp_info of the watched connections, and of the next SAMPLES_PER_TURN of the others."""
        for record, _ in self._watched.values():
            record.sample(now)
        numbers = [*islice(self._turns, SAMPLES_PER_TURN)]
        if len(numbers) < SAMPLES_PER_TURN and now - self._round_at >= ROUND:
            self._turns, self._round_at = iter(list(self._recorder.live)), now
        for number in numbers:
            if number in self._recorder.live:
                self._recorder.live[number].sample(now)

    def _changed(self) -> list[ConnectionRecord]:
        versions = self._versions
        found = [r for number, r in self._recorder.live.items() if versions.get(number) != r.version]
        if len(found) > RECORDS_PER_TURN:
            start = bisect_right(found, self._last, key=lambda record: record.number)
            found = (found[start:] + found[:start])[:RECORDS_PER_TURN]
            self._last = found[-1].number
        return found

    def _take_closed(self) -> list[ConnectionRecord]:
        ended = [*self._ended, *self._closed]
        self._ended.clear()
        self._closed.clear()
        return ended

    def _moments(self, number: int, record: ConnectionRecord, known: int) -> Iterator[bytes]:
        if record.timeline is None:
            return
        count = record.timeline.lost + len(record.timeline)
        kept = list(record.timeline)[len(record.timeline) - min(count - known, len(record.timeline)) :]
        for at in range(0, len(kept), MOMENTS_PER_LINE):
            first = count - len(kept) + at
            yield serialize(Moments(number, first, kept[at : at + MOMENTS_PER_LINE], record.timeline.lost))
        if record.closed_at:
            del self._watched[number]
        else:
            self._watched[number] = (record, count)


def record_values(record: ConnectionRecord) -> Record:
    """The record as JSON values, struct tcp_info included."""
    values = record.as_dict()
    if record.kernel:
        values["kernel"] = kernel_values(record.kernel)
    return cast("Record", values)


class Exporter:
    """Keeps a console up to date while ``run`` runs; connects again when the console is absent.

    Args:
        address: the console's feed.
        interval: seconds between two looks for changes.
        retry: seconds between two tries to connect.
        processor: seconds of processor time that this thread has used.
        prepare: awaited before each try: may start a console; it must not raise.
        on_welcome, on_gone: told when a console answers, and why it went; on_gone is told once until the next welcome.
    """

    def __init__(
        self,
        recorder: Recorder,
        address: UnixAddress,
        *,
        program: str,
        interval: float = 0.25,
        retry: float = 2.0,
        processor: Callable[[], float] = time.thread_time,
        prepare: Callable[[], Awaitable[None]] | None = None,
        on_welcome: Callable[[Welcome], None] = lambda welcome: None,
        on_gone: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.told = ExportState(recorder)
        self._address, self._program = address, program
        self._interval, self._retry, self._prepare, self._processor = interval, retry, prepare, processor
        self._on_welcome, self._on_gone = on_welcome, on_gone
        self._welcomed = True
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run until ``stop``.  Cancelling is safe: the console then sees a worker that died."""
        while not self._stopping.is_set():
            if self._prepare is not None:
                await self._prepare()
            try:
                await self._session()
            except* NetwrightError as errors:
                self._gone(str(errors.exceptions[0]))
            finally:
                self.told.end()
            await self._pause(self._retry)

    def stop(self) -> None:
        """Send what is left, then Bye; ``run`` returns then.  If the console does not read, cancel ``run``."""
        self._stopping.set()

    async def _session(self) -> None:
        async with await connect(self._address, timeout=self._retry) as stream:
            self.told.begin()
            await stream.send(serialize(self._hello()))
            async with asyncio.TaskGroup() as group:
                listener = group.create_task(self._listen(stream))
                await self._tell(stream)
                listener.cancel()

    def _hello(self) -> Hello:
        system, version = engine(), sys.version.split()[0]
        return Hello(os.getpid(), self._program, system.name, version, system.now(), time.time())

    async def _tell(self, stream: Stream) -> None:
        clock = engine().now
        while True:
            stopping, spent = self._stopping.is_set(), 0.0
            lines, begun = self.told.lines(clock()), self._processor()
            for line in lines:
                spent += self._processor() - begun
                await stream.send(line)
                await asyncio.sleep(0)  # the service's turn
                begun = self._processor()
            if stopping:
                await stream.send(serialize(Bye()))
                return
            await self._pause(max(self._interval, min(spent / SHARE, PAUSE)))

    async def _listen(self, stream: Stream) -> None:
        parser = FeedParser(parse_command, max_line=COMMAND_LIMIT)
        async for chunk in stream:
            for command in parser.receive(chunk):
                self._obey(command)
        raise ClosedError("the console closed its feed")

    def _obey(self, command: Command) -> None:
        match command:
            case Welcome():
                self._welcomed = True
                self._on_welcome(command)
            case Watch(number):
                self.told.watch(number)
            case Unwatch(number):
                self.told.unwatch(number)

    def _gone(self, reason: str) -> None:
        if self._welcomed:
            self._welcomed = False
            self._on_gone(reason)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
