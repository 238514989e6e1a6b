"""Idioms of ported programs run as one would write them, without a cast: mypy strict reads this file, too."""

import asyncio
import gc
import signal
import socket
from pathlib import Path

import pytest

from netwright import (
    DeadlineError,
    IncompleteError,
    LengthPrefixed,
    Limits,
    Listener,
    Service,
    Stream,
    connect,
    stream_pair,
)
from tests.support.program import Program

SERVER = """
from netwright import App, Stream

app = App("broker")


@app.tcp("127.0.0.1:0")
async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


if __name__ == "__main__":
    app.run(console="127.0.0.1:0")  # signals, drain, console
"""


@pytest.mark.real
def test_a_server_of_one_file_has_signals_a_drain_and_a_console(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    with Program(directory=str(tmp_path), script="server.py") as program:
        port = int(program.wait_line(r"tcp://127\.0\.0\.1:(\d+)")[1])
        program.wait_line(r"console  http://127\.0\.0\.1:\d+")
        with socket.create_connection(("127.0.0.1", port), 10) as peer:
            peer.sendall(b"x")
            assert peer.recv(1) == b"x"
            program.signal(signal.SIGTERM)
            program.wait_line("stopped in .*: 1 idle closed, 0 finished, 0 aborted")
            assert peer.recv(1) == b""
        assert program.end() == 0


async def read_list(stream: Stream) -> list[bytes]:
    async with stream.message():  # one frame deadline, no drain inside
        count = int(await stream.readline())
        return [await stream.readline() for _ in range(count)]


async def test_a_composed_message_has_one_deadline() -> None:
    listener = await Listener.bind("127.0.0.1:0", limits=Limits(frame=1))
    failed: list[str] = []

    async def handler(stream: Stream) -> None:
        try:
            await read_list(stream)
        except DeadlineError as error:
            failed.append(error.stage)

    async with asyncio.TaskGroup() as group:
        group.create_task(listener.serve(handler))
        async with await connect(listener.address) as slow:
            await slow.send(b"6\n")
            for _ in range(4):
                await asyncio.sleep(0.4)
                slow.post(b"x\n")
        await listener.drain(1)
    assert failed == ["frame"]


async def test_a_drain_waits_for_the_rest_of_a_composed_message() -> None:
    async def handler(stream: Stream) -> None:
        await stream.send(b"%d\n" % len(await read_list(stream)))

    listener = await Listener.bind("127.0.0.1:0")
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.serve(handler))
        async with await connect(listener.address) as client:
            await client.send(b"2\nfirst\n")
            await asyncio.sleep(0.1)
            drained = group.create_task(listener.drain(10))
            await asyncio.sleep(5)
            await client.send(b"second\n")
            assert await client.readline() == b"2\n"
        report = await drained
    assert (report.idle, report.finished, report.aborted) == (0, 1, 0)


async def test_a_fan_out_is_one_loop_and_ends_only_the_peer_that_does_not_read() -> None:
    room: set[Stream] = set()
    service = Service("chat", limits=Limits(outbox=10_000))

    @service.tcp("127.0.0.1:0")
    async def member(stream: Stream) -> None:
        room.add(stream)
        try:
            async for line in stream.lines():
                for other in room:
                    other.post(line + b"\n")
        finally:
            room.discard(stream)

    async with service:
        address = service.listeners[0].address
        async with await connect(address) as quick, await connect(address) as stalled:
            for client in (quick, stalled):
                await client.send(b"here\n")
                await client.readline()
            assert await quick.readline() == b"here\n"
            line = b"x" * 60_000 + b"\n"
            while len(room) == 2:
                await quick.send(line)
                assert await quick.readline() == line
            stalled.abort()
            await quick.send(b"still here\n")
            assert await quick.readline() == b"still here\n"


async def test_streams_are_made_of_what_there_is() -> None:
    framing = LengthPrefixed(1)
    mine, other = socket.socketpair()
    with other:
        async with await Stream.adopt(mine) as stream:
            await stream.send(b"adopted")
            assert other.recv(7) == b"adopted"
    left, right = stream_pair()
    async with left, right:
        await left.send_frame(framing, b"in memory")
        assert await right.read_frame(framing) == b"in memory"
    assert await Stream.of(b"\x03abc").read_frame(framing) == b"abc"
    with pytest.raises(IncompleteError):
        await Stream.of(b"\x03ab").read_frame(framing)
    gc.collect()  # and what nobody closed has warned of nothing


async def test_a_relay_taps_both_directions_and_passes_half_closes_on() -> None:
    seen: list[tuple[bool, bytes]] = []
    client, near = stream_pair()
    far, remote = stream_pair()
    async with client, near, far, remote, asyncio.TaskGroup() as group:
        relay = group.create_task(near.relay(far, tap=lambda there, chunk: seen.append((there, bytes(chunk)))))
        await client.send(b"question")
        await client.send_eof()
        assert await remote.read_exactly(8) == b"question"
        assert await remote.read() == b""
        await remote.send(b"answer")
        await remote.send_eof()
        assert [chunk async for chunk in client] == [b"answer"]
        assert await relay == (8, 6)
    assert seen == [(True, b"question"), (False, b"answer")]


async def test_addresses_need_no_cast() -> None:
    def where(stream: Stream) -> str:
        return f"{stream.peer.host} from {stream.local.port}"

    listener = await Listener.bind("127.0.0.1:0")
    port: int = listener.address.port
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.serve(lambda stream: stream.close()))
        async with await connect(("127.0.0.1", port)) as stream:
            host: str = stream.peer.host
            assert (host, stream.peer.port) == ("127.0.0.1", port)
            assert where(stream) == f"127.0.0.1 from {stream.local.port}"
        await listener.drain(1)
