"""The clients that textbooks teach against our stream server, and against their own: both are judged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from netwright.aio import Listener, Stream
from netwright.core.address import InetAddress
from netwright.core.record import Outcome, Recorder
from tests.textbook.running import client, server

pytestmark = [pytest.mark.real, pytest.mark.realtime]
PIECES = ["b'This is the mess'", "b'age.  It will be'", "b' repeated.'"]


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


@asynccontextmanager
async def echo_server(recorder: Recorder | None = None) -> AsyncIterator[int]:
    listener = await Listener.bind("127.0.0.1:0", recorder=recorder)
    assert isinstance(listener.address, InetAddress)
    async with asyncio.TaskGroup() as group:
        group.create_task(listener.serve(echo))
        yield listener.address.port
        await listener.drain(1.0)


def test_blocking_client_reads_all_of_its_message_from_their_own_server() -> None:
    with server("tcp_server") as running:
        printed = client("tcp_client", running.port)
    assert [line.removeprefix("received ") for line in printed.splitlines()[1:-1]] == PIECES


async def test_blocking_client_reads_all_of_its_message_from_ours() -> None:
    recorder = Recorder()
    async with echo_server(recorder) as port:
        printed = await asyncio.to_thread(client, "tcp_client", port)
    assert [line.removeprefix("received ") for line in printed.splitlines()[1:-1]] == PIECES
    [record] = recorder.recent
    assert (record.bytes_in, record.bytes_out, record.outcome) == (42, 42, Outcome.PEER_CLOSED)


async def test_asyncio_clients_get_each_its_own_answer() -> None:
    async with echo_server() as port:
        printed = await asyncio.to_thread(client, "asyncio_client", port)
    assert sorted(printed.splitlines()) == [f"Received: 'Hello World {number}!'" for number in range(5)]


async def test_eight_textbook_clients_at_once_are_all_served() -> None:
    recorder = Recorder()
    async with echo_server(recorder) as port:
        printed = await asyncio.gather(*(asyncio.to_thread(client, "tcp_client", port) for _ in range(8)))
    assert {text.count("received") for text in printed} == {len(PIECES)}
    assert recorder.totals[Outcome.PEER_CLOSED.value] == 8
