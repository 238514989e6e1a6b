import asyncio
import inspect
import socket
from typing import Any

import pytest

from netwright.aio.portable import PortableEngine
from netwright.core.limits import UNLIMITED, Limits
from netwright.core.record import Outcome, Recorder
from tests.aio import test_portable_stream
from tests.support.world import World


async def test_accept_that_is_cancelled_in_the_tick_of_a_connect_loses_no_connection() -> None:
    engine = PortableEngine(asyncio.get_running_loop())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(engine.accept(listener))
            await asyncio.sleep(0.01)
            client = socket.create_connection(listener.getsockname())
            await asyncio.sleep(0)
            accepting.cancel()
        assert accepting.cancelled()
        server, _ = await engine.accept(listener)
        with client, server:
            assert server.getpeername() == client.getsockname()


async def test_closed_stream_leaves_no_deadline_behind() -> None:
    """Ten thousand short connections a second must not wait in the ticker for their idle limits."""
    engine, recorder = PortableEngine(asyncio.get_running_loop()), Recorder()
    left, right = socket.socketpair()
    left.setblocking(False)
    record = recorder.open(role="accepted", transport="unix", local=None, peer=None, at=engine.now())
    with right:
        async with await engine.open(left, record, recorder, Limits(lifetime=900.0)) as stream:
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
