"""The worker's side of the console: what is told, what is bounded, who may die."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from netwright.aio import UNLIMITED, Listener, Stream
from netwright.core.address import UnixAddress
from netwright.core.moment import Kind
from netwright.core.record import Outcome, Recorder
from netwright.proto.feed import (
    Batch,
    Bye,
    FeedParser,
    Hello,
    Moments,
    Update,
    Watch,
    Welcome,
    parse_update,
    serialize,
)
from netwright.run.export import RECORDS_PER_TURN, Exporter, ExportState
from tests.support import books
from tests.support.records import opened


def updates(told: ExportState, now: float = 10.0) -> list[Update]:
    return FeedParser(parse_update).receive(b"".join(told.lines(now)))


def numbers(told: ExportState, now: float = 10.0) -> list[int]:
    return [record["number"] for batch in updates(told, now) if isinstance(batch, Batch) for record in batch.records]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(recent=50)


def begun(recorder: Recorder, closed: int = 1000) -> ExportState:
    told = ExportState(recorder, closed=closed)
    told.begin()
    return told


def test_a_summary_is_told_once_for_each_change(recorder: Recorder) -> None:
    told = begun(recorder)
    first, second = opened(recorder), opened(recorder)
    assert numbers(told) == [1, 2]
    assert numbers(told) == []
    second.received(5, 2.0)
    assert numbers(told) == [second.number]
    first.sent(5, 2.0)
    first.sent(5, 3.0)
    assert numbers(told) == [first.number]


def test_an_end_is_told_once_and_not_as_live(recorder: Recorder) -> None:
    told = begun(recorder)
    record = opened(recorder)
    recorder.close(record, 2.0)
    (batch,) = updates(told)
    assert isinstance(batch, Batch)
    assert ([r["ended"].outcome for r in batch.closed], batch.records, batch.totals) == (
        ["closed"],
        [],
        {"accepted": 1, "closed": 1},
    )
    assert updates(told) == []


def test_ends_that_do_not_fit_are_counted(recorder: Recorder) -> None:
    told = begun(recorder, closed=3)
    for record in [opened(recorder) for _ in range(5)]:
        recorder.close(record, 2.0)
    (batch,) = updates(told)
    assert isinstance(batch, Batch)
    assert ([r["number"] for r in batch.closed], batch.lost) == ([3, 4, 5], 2)


def test_the_end_of_a_connection_that_was_told_is_never_lost(recorder: Recorder) -> None:
    told = begun(recorder, closed=3)
    known = [opened(recorder) for _ in range(5)]
    updates(told)
    for record in known + [opened(recorder) for _ in range(5)]:
        recorder.close(record, 2.0)
    (batch,) = updates(told)
    assert isinstance(batch, Batch)
    assert ([r["number"] for r in batch.closed], batch.lost) == ([1, 2, 3, 4, 5, 8, 9, 10], 2)


def test_a_new_console_is_told_what_ended_before(recorder: Recorder) -> None:
    told = begun(recorder)
    recorder.close(opened(recorder), 2.0)
    updates(told)
    told.end()
    recorder.close(opened(recorder), 2.0)
    live = opened(recorder)
    told.begin()
    (batch,) = updates(told)
    assert isinstance(batch, Batch)
    assert [r["number"] for r in batch.closed] == [1, 2]
    assert [r["number"] for r in batch.records] == [live.number]


def test_nothing_is_kept_while_no_console_listens(recorder: Recorder) -> None:
    told = ExportState(recorder, closed=3)
    for record in [opened(recorder) for _ in range(5)]:
        recorder.close(record, 2.0)
    assert (next(told.lines(10.0)).count(b'"number"'), told.lost) == (0, 0)


def test_a_turn_is_bounded_and_every_record_has_its_turn(recorder: Recorder) -> None:
    told = begun(recorder)
    records = [opened(recorder) for _ in range(RECORDS_PER_TURN * 5 // 2)]
    seen: set[int] = set()
    for _ in range(3):
        for record in records:
            record.received(1, 2.0)  # all change all the time
        turn = numbers(told)
        assert len(turn) == RECORDS_PER_TURN
        seen |= set(turn)
    assert seen == {record.number for record in records}


def test_silence_is_broken_by_a_heartbeat(recorder: Recorder) -> None:
    told = begun(recorder)
    assert len(updates(told, 10.0)) == 1
    assert updates(told, 11.9) == []
    (batch,) = updates(told, 12.0)
    assert isinstance(batch, Batch)
    assert batch.records == []


def moments(told: ExportState) -> list[tuple[int, list[Kind], int]]:
    return [(m.first, [x.kind for x in m.moments], m.lost) for m in updates(told) if isinstance(m, Moments)]


def test_moments_follow_a_watch_and_go_on_to_the_end(recorder: Recorder) -> None:
    told, record = begun(recorder), opened(recorder)
    told.watch(record.number)
    record.received(1, 2.0)
    assert moments(told) == [(0, [Kind.RECEIVED], 0)]
    record.sent(1, 2.0)
    recorder.close(record, 3.0)
    assert moments(told) == [(1, [Kind.SENT, Kind.CLOSED], 0)]
    assert moments(told) == []


def test_connections_that_ended_are_watched_no_more(recorder: Recorder) -> None:
    told = begun(recorder)

    def watched_life() -> None:
        record = opened(recorder)
        told.watch(record.number)
        moments(told)
        recorder.close(record, 3.0)
        assert moments(told)

    books.steady(lambda: {"watched": len(told._watched), "versions": len(told._versions)}, watched_life)  # noqa: SLF001
    books.empty(books.sizes(told), but=("_recorder.recent", "_recorder.totals", "_recorder._on_close"))


def test_moments_that_were_lost_are_counted() -> None:
    recorder = Recorder(moments=2)
    told, record = begun(recorder), opened(recorder)
    told.watch(record.number)
    for at in range(5):
        record.received(1, float(at))
    assert moments(told) == [(3, [Kind.RECEIVED] * 2, 3)]


def test_kept_moments_of_an_ended_connection_can_be_asked_for() -> None:
    recorder = Recorder(watch_all=True)
    told, record = begun(recorder), opened(recorder)
    recorder.close(record, 3.0)
    told.watch(record.number)
    assert moments(told) == [(0, [Kind.CLOSED], 0)]


def test_a_console_that_goes_leaves_nothing_watched(recorder: Recorder) -> None:
    told, record = begun(recorder), opened(recorder)
    told.watch(record.number)
    told.watch(99)
    told.end()
    assert record.timeline is None


# with a console


class _Console:
    """Reads what a worker tells."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.streams: list[Stream] = []

    async def __call__(self, stream: Stream) -> None:
        self.streams.append(stream)
        await stream.send(serialize(Welcome("http://127.0.0.1:8001/", 1)))
        parser = FeedParser(parse_update)
        async for chunk in stream:
            self.updates += parser.receive(chunk)


@asynccontextmanager
async def served(path: Path, handler: Callable[[Stream], Awaitable[None]]) -> AsyncIterator[Listener]:
    listener = await Listener.bind(UnixAddress(str(path)), limits=UNLIMITED, service="feed")
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.serve(handler))
        yield listener
        await listener.drain(0.1)


async def test_worker_says_hello_tells_and_says_bye(recorder: Recorder, tmp_path: Path) -> None:
    console, welcomes = _Console(), list[str]()
    opened(recorder)
    exporter = Exporter(
        recorder,
        UnixAddress(str(tmp_path / "feed")),
        program="app.py",
        on_welcome=lambda welcome: welcomes.append(welcome.url),
    )
    async with served(tmp_path / "feed", console), asyncio.TaskGroup() as group:
        group.create_task(exporter.run())
        await asyncio.sleep(1)
        exporter.stop()
    assert welcomes == ["http://127.0.0.1:8001/"]
    assert [type(update) for update in console.updates] == [Hello, Batch, Bye]


async def test_watch_from_the_console_brings_moments(recorder: Recorder, tmp_path: Path) -> None:
    console, record = _Console(), opened(recorder)
    exporter = Exporter(recorder, UnixAddress(str(tmp_path / "feed")), program="app.py")
    async with served(tmp_path / "feed", console), asyncio.TaskGroup() as group:
        group.create_task(exporter.run())
        await asyncio.sleep(1)
        await console.streams[0].send(serialize(Watch(record.number)))
        await asyncio.sleep(1)
        record.received(7, 5.0)
        await asyncio.sleep(1)
        exporter.stop()
    assert [m.moments[0].size for m in console.updates if isinstance(m, Moments)] == [7]


async def test_a_console_that_dies_is_told_once_and_found_again(recorder: Recorder, tmp_path: Path) -> None:
    first, second, gone, prepared = _Console(), _Console(), list[str](), list[int]()

    async def prepare() -> None:
        prepared.append(1)

    exporter = Exporter(
        recorder, UnixAddress(str(tmp_path / "feed")), program="app.py", prepare=prepare, on_gone=gone.append
    )
    async with asyncio.TaskGroup() as group:
        async with served(tmp_path / "feed", first):
            group.create_task(exporter.run())
            await asyncio.sleep(1)
            first.streams[0].abort()
        await asyncio.sleep(7)
        async with served(tmp_path / "feed", second):
            await asyncio.sleep(3)
            exporter.stop()
            await asyncio.sleep(1)
    assert len(gone) == 1
    assert len(prepared) >= 4
    first_told, *batches, last = (type(update) for update in second.updates)
    assert (first_told, set(batches), last) == (Hello, {Batch}, Bye)


async def test_a_console_that_talks_nonsense_is_left(recorder: Recorder, tmp_path: Path) -> None:
    gone = list[str]()

    async def nonsense(stream: Stream) -> None:
        await stream.send(b"what?\n")
        await stream.read()

    exporter = Exporter(recorder, UnixAddress(str(tmp_path / "feed")), program="app.py", on_gone=gone.append)
    async with asyncio.TaskGroup() as group:
        async with served(tmp_path / "feed", nonsense):
            group.create_task(exporter.run())
            await asyncio.sleep(1)
        exporter.stop()
    assert "not JSON" in gone[0]


async def test_a_console_that_does_not_read_costs_bounded_memory_and_no_time(
    recorder: Recorder, tmp_path: Path
) -> None:
    """As under SIGSTOP: the socket takes what it holds, then changes wait in the records themselves."""
    console = _Console()
    resume = asyncio.Event()

    async def stopped(stream: Stream) -> None:
        await resume.wait()
        await console(stream)

    exporter = Exporter(recorder, UnixAddress(str(tmp_path / "feed")), program="app.py")
    async with served(tmp_path / "feed", stopped), asyncio.TaskGroup() as group:
        group.create_task(exporter.run())
        record = opened(recorder)
        for turn in range(200):
            for _ in range(30):
                other = opened(recorder)
                other.end(Outcome.PEER_CLOSED, float(turn))
                recorder.close(other, float(turn))
            record.received(1, float(turn))
            await asyncio.sleep(0.25)
        resume.set()
        await asyncio.sleep(5)
        exporter.stop()
    batches = [update for update in console.updates if isinstance(update, Batch)]
    told = sum(len(batch.closed) for batch in batches)
    assert batches[-1].lost > 0
    assert told + batches[-1].lost == 6000
    assert [r["bytes_in"] for batch in batches for r in batch.records if r["number"] == record.number][-1] == 200


@pytest.mark.long
@pytest.mark.parametrize(("cost", "rate"), [(0.0, 4.0), (0.01, 1.0), (0.5, 0.5)])
async def test_telling_takes_one_hundredth_of_a_core(
    cost: float, rate: float, recorder: Recorder, tmp_path: Path
) -> None:
    console, record, spent = _Console(), opened(recorder), 0.0

    def processor() -> float:
        nonlocal spent
        spent += cost
        return spent

    exporter = Exporter(recorder, UnixAddress(str(tmp_path / "feed")), program="app.py", processor=processor)
    async with served(tmp_path / "feed", console), asyncio.TaskGroup() as group:
        task, clock = group.create_task(exporter.run()), asyncio.get_running_loop().time
        begun = clock()
        while clock() < begun + 20:
            record.received(1, 2.0)
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.1)
    told = sum(isinstance(update, Batch) for update in console.updates)
    assert told / 20 == pytest.approx(rate, rel=0.2)
