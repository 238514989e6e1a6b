"""Every stall and every kind of end, provoked on every engine: the record and its JSON name it."""

import asyncio
import contextlib
import errno
import json
from collections.abc import Awaitable, Callable

import pytest

from netwright.aio import Limits, Listener, Stream, connect
from netwright.core.errors import ConnectError, DeadlineError, LimitError
from netwright.core.record import ConnectionRecord, Outcome, Party, Recorder, Result
from netwright.proto.feed import Record, parse_record, record_row
from netwright.watch.ending import ending
from netwright.watch.ledger import Cause, ledger
from tests.support.world import World, accepted, now, until

LIMITS = Limits(first_byte=3.0, idle=4.0, frame=5.0, send=3.0)
Peer = Callable[[World, Listener], Awaitable[None]]


def told(record: ConnectionRecord) -> Record:
    """As it comes out of a file of records."""
    return parse_record(json.loads(json.dumps(record_row(record))))


def adds_up(record: Record) -> None:
    """Every second of the life is in the ledger."""
    life = record["closed_at"] - record["started_at"]
    assert sum(share.seconds for share in ledger(record, 0.0)) == pytest.approx(life, abs=1e-5)


def largest(record: Record) -> Cause:
    return ledger(record, 0.0)[0].cause


# stalls


async def test_stall_of_a_silent_peer_is_the_peers_to_send(world: World) -> None:
    async def handler(stream: Stream) -> None:
        await stream.read()

    async with world.serve(handler) as listener:
        sock = world.raw(listener)
        await asyncio.sleep(2.0)
        sock.send(b"x")
        await until(lambda: listener.recorder.recent)
        record = told(accepted(listener))
        sock.close()
    assert largest(record) is Cause.RECEIVE
    assert record["receive_waited"] == pytest.approx(2.0, abs=0.3)
    adds_up(record)


async def test_stall_of_a_peer_that_does_not_read_is_the_peers_to_read(world: World) -> None:
    async def handler(stream: Stream) -> None:
        while True:
            await stream.send(bytes(100_000))

    async with world.serve(handler, limits=LIMITS) as listener:
        sock = world.raw(listener, receive_buffer=4096)
        await until(lambda: listener.recorder.recent, seconds=10)
        record = told(accepted(listener))
        sock.close()
    assert (largest(record), record["ended"].stage) == (Cause.SEND, "send")
    assert ending(record["ended"]).how == "deadline: send"
    adds_up(record)


async def test_stall_of_the_program_is_the_handlers(world: World) -> None:
    async def handler(stream: Stream) -> None:
        await stream.read()
        await asyncio.sleep(2.0)

    async with world.serve(handler) as listener:
        sock = world.raw(listener)
        sock.send(b"x")
        await until(lambda: listener.recorder.recent, seconds=5)
        record = told(accepted(listener))
        sock.close()
    assert largest(record) is Cause.HANDLER
    assert record["handler_time"] == pytest.approx(2.0, abs=0.3)
    adds_up(record)


# ends: what the peer does, what the handler does, who and how


async def fin(world: World, listener: Listener) -> None:
    world.raw(listener).close()


async def reset(world: World, listener: Listener) -> None:
    sock = world.raw(listener)
    sock.send(b"x")
    await until(lambda: any(record.bytes_in for record in listener.recorder.live.values()))
    world.reset(sock)


async def stay(world: World, listener: Listener) -> None:
    sock = world.raw(listener)
    sock.send(b"x")
    with contextlib.closing(sock):
        await until(lambda: listener.recorder.recent, seconds=20)


async def hush(world: World, listener: Listener) -> None:
    with contextlib.closing(world.raw(listener)):
        await until(lambda: listener.recorder.recent, seconds=20)


async def read_all(stream: Stream) -> None:
    async for _ in stream:
        pass


async def leave(stream: Stream) -> None:
    await stream.read()


async def abort(stream: Stream) -> None:
    await stream.read()
    stream.abort()


async def read_line(stream: Stream) -> None:
    await stream.readline()


async def refuse(stream: Stream) -> None:
    await stream.read()
    raise LimitError("max_notes", 101, 100, unit="notes")


async def fail(stream: Stream) -> None:
    await stream.read()
    raise ValueError("planted")


ENDS: list[tuple[Peer, Callable[[Stream], Awaitable[None]], Outcome, str, str]] = [
    (fin, read_all, Outcome.PEER_CLOSED, Party.PEER, "FIN"),
    (reset, read_all, Outcome.RESET, Party.PEER, "RST"),
    (stay, leave, Outcome.CLOSED, Party.YOU, "FIN"),
    (stay, abort, Outcome.ABORTED, Party.YOU, "RST"),
    (stay, read_line, Outcome.DEADLINE, Party.YOU, "deadline: frame"),
    (hush, read_line, Outcome.DEADLINE, Party.YOU, "deadline: first byte"),
    (stay, refuse, Outcome.LIMIT, Party.YOU, "limit: max_notes"),
    (stay, fail, Outcome.HANDLER_ERROR, Party.YOU, "handler raised"),
]


@pytest.mark.parametrize(
    (Party.PEER, "handler", "outcome", "who", "how"), ENDS, ids=[f"{p.__name__}-{h.__name__}" for p, h, *_ in ENDS]
)
async def test_every_end_is_named(
    world: World,
    peer: Peer,
    handler: Callable[[Stream], Awaitable[None]],
    outcome: Outcome,
    who: str,
    how: str,
) -> None:
    if peer is reset and world.transport == "unix":
        outcome, how = Outcome.PEER_CLOSED, "FIN"  # unix(7) has no RST: all was read, so it is an end like another
    async with world.serve(handler, limits=LIMITS) as listener:
        await peer(world, listener)
        await until(lambda: listener.recorder.recent)
        record = told(accepted(listener))
    found = ending(record["ended"])
    assert (record["ended"].outcome, found.who, found.how) == (outcome, who, how)
    adds_up(record)


async def test_drained_connection_says_so(world: World) -> None:
    async with world.serve(read_all) as listener, await world.connect(listener):
        await until(lambda: any(record.role == "accepted" for record in listener.recorder.live.values()))
        await listener.drain(1.0)
        record = told(accepted(listener))
    assert ending(record["ended"]).how == "service shut down"
    assert record["ended"].outcome == Outcome.DRAINED


async def test_refused_connect_names_its_address_and_cause(world: World) -> None:
    async with world.serve(read_all) as listener:
        gone = listener.address
    recorder = Recorder()
    with pytest.raises(ConnectError):
        await connect(gone, recorder=recorder)
    record = told(recorder.recent[0])
    assert (record["ended"].outcome, ending(record["ended"]).who) == (Outcome.CONNECT_FAILED, Party.PEER)
    (attempt,) = record["attempts"]
    assert (attempt.address, attempt.result) == (str(gone), Result.FAILED)
    assert attempt.errno == record["ended"].errno in (errno.ECONNREFUSED, errno.ENOENT)
    assert record["started_at"] <= attempt.began <= attempt.began + attempt.took <= record["closed_at"]
    adds_up(record)


async def test_deadline_of_the_program_itself_is_told_to_it_and_ends_nothing(world: World) -> None:
    async with world.serve(read_all) as listener, await world.connect(listener) as stream:
        begun = now()
        with pytest.raises(DeadlineError, match="read"):
            await stream.read(timeout=1.0)
        assert now() - begun == pytest.approx(1.0, abs=0.2)
        assert stream.record.outcome is Outcome.OPEN
