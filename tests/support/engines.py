"""Streams of a chosen engine on sockets of the test's own, for tests that hold both engines side by side."""

import asyncio
import importlib
import selectors
import socket
from typing import Any

from netwright.aio.engine import Engine
from netwright.aio.portable import PortableEngine
from netwright.aio.sockets import SocketHandle
from netwright.core.address import from_sockname
from netwright.core.limits import UNLIMITED, Limits
from netwright.core.record import Recorder
from netwright.proto.channel import Wrap
from netwright.proto.stream import Stream
from tests.support.clock import Jumping, JumpingLoop


def make(name: str) -> Engine:
    """An engine on the running loop; the loop must not have used another one for the same sockets."""
    loop = asyncio.get_running_loop()
    if name == "portable":
        return PortableEngine(loop)
    made: Engine = importlib.import_module("netwright.aio.native").NativeEngine(loop)
    return made


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected TCP sockets on loopback, not blocking, without Nagle's delay, as the engines' own are."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        left = socket.create_connection(listening.getsockname())
        right, _ = listening.accept()
    for end in (left, right):
        end.setblocking(False)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return left, right


async def open_stream(
    engine: Engine,
    sock: socket.socket,
    recorder: Recorder,
    limits: Limits = UNLIMITED,
    *,
    role: str = "accepted",
    wrap: Wrap | None = None,
) -> Stream:
    """A stream of ``engine`` on a connected socket."""
    transport = "unix" if sock.family == socket.AF_UNIX else "tcp"
    peer = from_sockname(sock.getpeername())
    record = recorder.open(
        role=role, transport=transport, local=from_sockname(sock.getsockname()), peer=peer, at=engine.now()
    )
    return await engine.open(SocketHandle(sock, peer), record, recorder, limits, wrap)


def jumping_selector_loop() -> Any:
    """A jumping loop in which the engine's epoll set is the loop's selector."""
    loops = importlib.import_module("netwright.aio.loop")

    class JumpingNative(Jumping, loops.Selector):  # type: ignore[misc, name-defined]  # a module that may be absent
        def nothing_happened(self, ready: list[tuple[selectors.SelectorKey, int]]) -> bool:
            return not ready and self.poller.count == 0

    selector = JumpingNative()
    loop = JumpingLoop(selector)
    loops.on_selector(loop, selector)
    return loop
