import socket
import sys

import pytest

from netwright.aio import connect, explain
from netwright.core.errors import ClosedError
from netwright.core.tuning import BULK, INTERACTIVE, KeepAlive, Tuning
from tests.support.world import World

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names and defaults are Linux's")


async def told(world: World, tuning: Tuning) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with await connect(listening.getsockname(), tuning=tuning) as stream:
            return {knob.name: str(knob) for knob in explain(stream)}


async def test_defaults_are_in_force_and_have_reasons(world: World) -> None:
    knobs = await told(world, INTERACTIVE)
    assert knobs["TCP_NODELAY"].startswith("TCP_NODELAY = on: a small segment does not wait")
    assert knobs["TCP_NOTSENT_LOWAT"].startswith("TCP_NOTSENT_LOWAT = 16384 bytes: ")
    assert "15 s, then 4 times every 15 s: a silent peer that is gone is noticed after 75 s" in knobs["SO_KEEPALIVE"]
    assert knobs["TCP_USER_TIMEOUT"].startswith("TCP_USER_TIMEOUT = 30 s: ")
    assert "never set here" in knobs["SO_RCVBUF"]
    assert not any("not the default" in line for line in knobs.values())


async def test_what_was_set_otherwise_says_so(world: World) -> None:
    knobs = await told(world, Tuning(nodelay=False, notsent_lowat=0, keepalive=None, user_timeout=0, congestion="reno"))
    for name in ("TCP_NODELAY", "TCP_NOTSENT_LOWAT", "SO_KEEPALIVE", "TCP_USER_TIMEOUT"):
        assert f"{name} = off (not the default): " in knobs[name]
    assert knobs["TCP_CONGESTION"] == "TCP_CONGESTION = reno: loss slows it"
    assert "40 ms" in knobs["TCP_NODELAY"]


async def test_profiles_differ_where_they_say(world: World) -> None:
    assert "off (not the default)" in (await told(world, BULK))["TCP_NOTSENT_LOWAT"]
    knobs = await told(world, Tuning(keepalive=KeepAlive(5, 5, 2)))
    assert "after 15 s" in knobs["SO_KEEPALIVE"]


async def test_closed_stream_has_nothing_in_force(world: World) -> None:
    async with world.serve(_nothing) as listener:
        stream = await world.connect(listener)
        if str(listener.address).startswith("unix:"):
            assert explain(stream) == []
        await stream.close()
        assert stream.fileno() == -1
        with pytest.raises(ClosedError):
            explain(stream)


async def _nothing(stream: object) -> None:
    """A handler that returns at once."""
