import asyncio
import inspect
import socket
from contextlib import closing
from typing import Any

import pytest

from netwright.aio.portable import PortableEngine
from netwright.aio.sockets import SocketHandle
from netwright.core.address import InetAddress, UnixAddress, from_sockname
from netwright.core.errors import UsageError
from netwright.core.limits import Limits
from netwright.core.record import Recorder
from netwright.core.tuning import INTERACTIVE
from tests.aio import test_portable_stream
from tests.support.world import World


async def test_accept_that_is_cancelled_in_the_tick_of_a_connect_loses_no_connection() -> None:
    engine = PortableEngine(asyncio.get_running_loop())
    with closing(engine.listen(InetAddress("127.0.0.1", 0), INTERACTIVE)) as listener:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(engine.arrival(listener))
            await asyncio.sleep(0.01)
            client = socket.create_connection((listener.address.host, listener.address.port))
            await asyncio.sleep(0)
            waiting.cancel()
        assert waiting.cancelled()
        await engine.arrival(listener)
        server = listener.take()
        assert server is not None
        with client, closing(server):
            assert server.peer == from_sockname(client.getsockname())


async def test_closed_stream_leaves_no_deadline_behind() -> None:
    """Ten thousand short connections a second must not wait in the ticker for their idle limits."""
    engine, recorder = PortableEngine(asyncio.get_running_loop()), Recorder()
    left, right = socket.socketpair()
    left.setblocking(False)
    record = recorder.open(role="accepted", transport="unix", local=None, peer=None, at=engine.now())
    with right:
        async with await engine.open(
            SocketHandle(left, UnixAddress("")), record, recorder, Limits(lifetime=900.0)
        ) as stream:
            right.send(b"x")
            assert await stream.read() == b"x"
            assert "<Ticker 2 expiries" in repr(engine)
    assert "<Ticker 0 expiries" in repr(engine)


_BODIES = {
    name: body
    for name, body in vars(test_portable_stream).items()
    if name.startswith("test_") and list(inspect.signature(body).parameters) == ["world"]
}


@pytest.fixture
def uvloop() -> Any:
    module = pytest.importorskip("uvloop")
    module.new_event_loop().close()  # it opens a pipe for the whole process
    return module


@pytest.mark.real
@pytest.mark.parametrize("name", _BODIES)
def test_verbs_hold_on_uvloop(name: str, uvloop: Any, world: World) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_BODIES[name](world))


def test_loop_that_watches_no_descriptors_is_refused_with_advice() -> None:
    """As Windows' proactor loop is: what it inherits raises NotImplementedError in the middle of a connection."""

    class Proactor(asyncio.BaseEventLoop):
        """A loop without ``add_reader``."""

    refused = pytest.raises(UsageError, match=r"Proactor cannot watch descriptors .*SelectorEventLoop")
    with closing(Proactor()) as loop, refused:
        PortableEngine(loop)
