"""Records as a worker tells them, with the fields that a test cares about."""

from typing import Any, cast

from netwright.core.address import InetAddress
from netwright.core.record import ConnectionRecord, Outcome, Party, Recorder, end_of
from netwright.proto.feed import Record

LOCAL, PEER = InetAddress("127.0.0.1", 8000), InetAddress("10.0.0.7", 50_000)


def opened(recorder: Recorder, *, at: float = 1.0, role: str = "accepted", service: str = "http") -> ConnectionRecord:
    """A connection from PEER to LOCAL."""
    record = recorder.open(role=role, transport="tcp", local=LOCAL, peer=PEER, at=at)
    record.service = service
    return record


def told(record: ConnectionRecord) -> Record:
    """The record as the feed carries it."""
    return cast("Record", record.as_dict())


def values(
    *,
    outcome: str = Outcome.OPEN,
    stage: str = "",
    errno: int = 0,
    text: str = "",
    who: Party | None = None,
    **changes: Any,
) -> Record:
    """A fresh record told, with ``changes``; the first arguments are those of ``record.end``."""
    ended = end_of(Outcome(outcome), stage, errno, text, who)
    return cast("Record", {**opened(Recorder()).as_dict(), "ended": ended, **changes})
