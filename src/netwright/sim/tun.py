"""A TCP of our own on a TUN device: the kernel's programs talk to it as to another machine.

::

    async with Tun(kernel=["10.9.0.1/24"], ours=["10.9.0.2"]):
        await Listener.bind("10.9.0.2:80") ...             # and a curl on this machine reaches it

While it is open, this loop's ``connect``, ``Listener`` and everything built of them go over the stack where the address
lies behind the device, and over the kernel elsewhere.  A ``Path`` each way makes it an emulator of a bad network.
"""

import asyncio
import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from netwright.aio.choice import adopt, engine
from netwright.proto.tcp.settings import Settings
from netwright.sim.device import Device
from netwright.sim.driver import Driver
from netwright.sim.engine import StackEngine
from netwright.sim.limits import StackLimits
from netwright.sim.stack import Outgoing, Stack

__all__ = ["Tun"]

_BATCH = 64  # packets that are read before others get a turn


class Tun:
    """A device and a stack behind it, as an asynchronous context.

    Args:
        kernel: addresses of the kernel's end, with the prefix that lies behind the device.
        ours: addresses of the stack, inside those prefixes.
        settings: of connections; limits: of the stack.
        name, mtu: of the device.

    Attributes:
        device, stack: what was made; ``stack.counts`` tells what became of packets.
    """

    device: Device
    stack: Stack

    def __init__(
        self,
        *,
        kernel: Sequence[str],
        ours: Sequence[str],
        settings: Settings | None = None,
        limits: StackLimits | None = None,
        name: str = "",
        mtu: int = 1500,
    ) -> None:
        self._kernel, self._ours, self._settings, self._limits = kernel, ours, settings, limits
        self._name, self._mtu = name, mtu

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.stack = Stack(self._ours, entropy=os.urandom, mtu=self._mtu, settings=self._settings, limits=self._limits)
        self.device = Device(self._kernel, name=self._name, mtu=self._mtu)
        self._driver = Driver(self.stack, loop, self._send)
        self._base = engine()
        adopt(loop, StackEngine(self._driver, self.device.networks, self._base))
        loop.add_reader(self.device.fileno(), self._readable)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        adopt(loop, self._base)
        self._driver.close()
        loop.remove_reader(self.device.fileno())
        self.device.close()

    def _readable(self) -> None:
        device, driver = self.device, self._driver
        for _ in range(_BATCH):
            packet = device.read()
            if packet is None:
                break
            driver.receive(packet)
        driver.flush()

    def _send(self, outgoing: Outgoing) -> None:
        self.device.write(outgoing.data)
