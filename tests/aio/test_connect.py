import asyncio
import errno
import socket

import pytest

from netwright.aio import Stream, connect
from netwright.core.address import InetAddress, UnixAddress
from netwright.core.errors import ConnectError, DeadlineError
from netwright.core.record import Outcome, Recorder
from tests.support.world import World


async def test_connection_that_nobody_answers_names_address_and_cause(engine: str) -> None:
    recorder = Recorder()
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        with pytest.raises(ConnectError, match=f"127.0.0.1:{port}: Connection refused") as caught:
            await connect(("127.0.0.1", port), recorder=recorder)
    assert [error.errno for error in caught.value.attempts if isinstance(error, OSError)] == [errno.ECONNREFUSED]
    (record,) = recorder.recent
    assert (record.outcome, record.stage) == (Outcome.CONNECT_FAILED, "connect")


async def test_connection_without_a_socket_file_names_the_path(engine: str) -> None:
    with pytest.raises(ConnectError, match="No such file"):
        await connect("unix:/nonexistent/sock")


async def test_full_unix_backlog_is_waited_for_until_the_deadline(engine: str) -> None:
    """A non-blocking connect answers EAGAIN then, unix(7); nothing says when there is room."""
    address = UnixAddress(f"netwright-test-{id(engine)}", abstract=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address.sockname)
        listener.listen(0)
        async with await connect(address):
            with pytest.raises(DeadlineError, match="connect: nothing after"):
                await connect(address, timeout=0.5)
            async with asyncio.TaskGroup() as group:
                later = group.create_task(connect(address))
                await asyncio.sleep(0.1)
                listener.accept()[0].close()
            await later.result().close()


async def test_connect_from_a_local_address_of_choice(world: World) -> None:
    if world.transport == "unix":
        return
    peers: list[object] = []

    async def note(stream: Stream) -> None:
        peers.append(stream.peer)

    here = InetAddress("127.0.0.5", 0)
    async with world.serve(note) as listener, await connect(listener.address, local=here) as stream:
        assert await stream.read() == b""
    assert peers == [stream.local]
    assert str(stream.local).startswith("127.0.0.5:")


@pytest.mark.realtime
async def test_unknown_name_is_named(engine: str) -> None:
    with pytest.raises(ConnectError, match=r"cannot look up nobody\.invalid:80"):
        await connect("nobody.invalid:80")
