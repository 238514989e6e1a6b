"""A line a closed connection, and a disk that is full."""

import asyncio
import errno
import json
import os
from pathlib import Path

import pytest

from netwright.aio import engine
from netwright.core.record import Outcome, Recorder, Waiting
from netwright.run.journal import Journal, line_of
from tests.support.records import opened

WRITE = os.write


def close(recorder: Recorder, count: int = 1) -> None:
    for _ in range(count):
        record = opened(recorder, at=1.0)
        record.wait(Waiting.SEND, 2.0)
        record.end(Outcome.DEADLINE, 4.0, stage="send", text="send: nothing read for 2 s")
        recorder.close(record, 4.0)


async def written(journal: Journal) -> None:
    journal.stop()
    await journal.run()


@pytest.mark.realtime
async def test_every_closed_connection_is_a_line_that_explains_itself(tmp_path: Path) -> None:
    recorder, path = Recorder(), tmp_path / "records"
    path.write_bytes(b"{}\n")
    with Journal(path, recorder) as journal:
        opened(recorder)
        close(recorder, 500)
        await written(journal)
    kept, *lines = map(json.loads, path.read_text().splitlines())
    assert (kept, len(lines), journal.lost) == ({}, 500, 0)
    told = lines[0]
    assert (told["who"], told["how"], told["outcome"]) == ("you", "deadline: send", "deadline")
    assert [(share["cause"], share["party"], share["seconds"]) for share in told["ledger"]] == [
        ("peer to read", "peer", 2.0),
        ("handler", "you", 1.0),
    ]
    assert told["closed"] - told["opened"] == pytest.approx(3.0, abs=1e-5)


@pytest.mark.realtime
async def test_line_comes_by_itself(tmp_path: Path) -> None:
    recorder, path = Recorder(), tmp_path / "records"
    async with asyncio.TaskGroup() as group:
        with Journal(path, recorder) as journal:
            running = group.create_task(journal.run())
            close(recorder)
            begun = engine().now()
            while not path.stat().st_size:
                assert engine().now() - begun < 10
                await asyncio.sleep(0.01)
            journal.stop()
            await running


@pytest.mark.realtime
async def test_full_disk_is_told_once_counted_and_forgiven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that is cut leaves a torn line; the next ones are whole."""
    recorder, path, reports = Recorder(), tmp_path / "records", list[str]()
    close(recorder)
    size = len(line_of(recorder.recent[0], 0.0))
    room = [2 * size + size // 2]

    def small(file: int, data: memoryview) -> int:
        if file != journal._file:  # noqa: SLF001
            return WRITE(file, data)
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = WRITE(file, data[: room[0]])
        room[0] -= count
        return count

    monkeypatch.setattr("netwright.run.journal.os.write", small)
    with Journal(path, recorder, report=reports.append) as journal:
        for _ in range(3):
            close(recorder, 4)
            await written(journal)
        assert (journal.lost, len(reports)) == (10, 1)
        assert "No space left" in reports[0]
        room[0] = 1 << 20
        close(recorder, 4)
        await written(journal)
        close(recorder, 4)
        await written(journal)
        assert reports[1:] == [f"{path}: written again; 10 connections have no record"]
        room[0] = 0
        close(recorder)
        await written(journal)
        assert len(reports) == 3  # full again: told again
        assert "No space left" in reports[2]
    lines = path.read_text().splitlines()
    assert len(lines) == 2 + 1 + 8
    assert all(json.loads(line) for at, line in enumerate(lines) if at != 2)


@pytest.mark.realtime
async def test_more_than_may_wait_for_the_disk_is_counted(tmp_path: Path) -> None:
    recorder, path = Recorder(), tmp_path / "records"
    with Journal(path, recorder, waiting=10) as journal:
        close(recorder, 25)
        await written(journal)
    assert journal.lost == 15
    assert len(path.read_text().splitlines()) == 10


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_pipe_that_nobody_reads_is_refused_and_one_with_a_reader_is_waited_for(tmp_path: Path) -> None:
    """open(2) of a FIFO waits for a reader; the service would serve nothing meanwhile."""
    path = tmp_path / "records"
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device") as found:
        Journal(path, Recorder())
    assert found.value.errno == errno.ENXIO
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with Journal(path, Recorder()) as journal:
        assert os.get_blocking(journal._file)  # noqa: SLF001
    os.close(reader)
