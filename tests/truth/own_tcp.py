"""A plugin for pytest: the suites of aio with their listeners on a TCP of our own, and the kernel as their peer.

    python -m pytest -p tests.truth.own_tcp tests/aio/test_portable_stream.py -k tcp-portable

In a network namespace of its own (tests/truth/test_tun.py makes it).  The clock still jumps: both ends of a connection
are in this thread, the stack's in the loop, the kernel's in its system calls.
"""

import asyncio
import os
import select
import socket
from collections.abc import Coroutine
from typing import Any

import tests.aio.conftest
import tests.support.clock
from netwright.core.address import Address, InetAddress, UnixAddress
from netwright.sim.tun import Tun
from tests.support.clock import Jumping, JumpingLoop
from tests.support.world import World

_OURS = "10.9.0.2"
_PATIENCE = 1000  # looks of 5 ms until a plain socket is connected


class _Loop(JumpingLoop):
    """Its first task runs inside a ``Tun``."""

    tun: Tun
    _began = False

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        if not self._began:
            self._began = True
            coro = self._inside(coro)
        return super().create_task(coro, **options)

    async def _inside(self, body: Coroutine[Any, Any, Any]) -> None:
        async with Tun(kernel=["10.9.0.1/24"], ours=[_OURS]) as self.tun:
            await body


def _anywhere(self: World) -> Address:
    if self.transport == "unix":
        return UnixAddress(str(self.folder / f"{len(os.listdir(self.folder))}.sock"))
    return InetAddress(_OURS, 0)


def _raw(self: World, listener: Any, *, receive_buffer: int = 0) -> socket.socket:
    """As the world's, but a connect that blocks would wait for this thread."""
    loop, sock = asyncio.get_running_loop(), socket.socket()
    assert isinstance(loop, _Loop)
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect_ex((listener.address.host, listener.address.port))
    for _ in range(_PATIENCE):
        loop.tun._readable()  # noqa: SLF001  # a turn of the loop, for the stack alone
        if select.select([], [sock], [], 0.005)[1]:
            break
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        sock.close()
        raise OSError(number, os.strerror(number))
    loop.tun._readable()  # noqa: SLF001
    return sock


tests.support.clock.SETTLE = 0.02  # seconds before time jumps: the kernel's end works in real time
tests.aio.conftest.LOOPS["portable"] = lambda: _Loop(Jumping())
tests.aio.conftest.ENGINES[:] = ["portable"]
World.anywhere = property(_anywhere)  # type: ignore[assignment, method-assign]
World.raw = _raw  # type: ignore[method-assign]
