"""A TCP of our own on a TUN device: the kernel's programs talk to it as to another machine.

::

    async with Tun(kernel=["10.9.0.1/24"], ours=["10.9.0.2"]):
        await Listener.bind("10.9.0.2:80") ...             # and a curl on this machine reaches it

While it is open, this loop's ``connect``, ``Listener`` and everything built of them go over the stack where the address
lies behind the device, and over the kernel elsewhere.  A ``Path`` each way makes it an emulator of a bad network.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from os import PathLike
from types import TracebackType
from typing import Self

from netwright.aio.choice import adopt, engine
from netwright.proto.tcp.settings import Settings
from netwright.sim.carrier import Carrier
from netwright.sim.device import Device
from netwright.sim.driver import Driver
from netwright.sim.engine import StackEngine
from netwright.sim.limits import StackLimits
from netwright.sim.link import Link, Path, Verdict
from netwright.sim.recording import Recording
from netwright.sim.stack import Outgoing, Stack

__all__ = ["Tun"]

_BATCH = 64  # packets that are read in one turn of the loop


class Tun:
    """A device and a stack behind it, as an asynchronous context.

    Args:
        kernel: addresses of the kernel's end, with the prefix that lies behind the device.
        ours: addresses of the stack, inside those prefixes.
        settings: of connections; limits: of the stack.
        name, mtu: of the device.
        there, back: the path from the kernel to the stack, and from the stack to the kernel.
        seed: of the paths' random decisions.
        record: path of a pcapng file: every packet as the stack saw it, with the reason for it as its comment.

    Attributes:
        device, stack: the parts; ``stack.counts`` counts packets by outcome.
        links: the links of ``there`` and ``back``, with their counters.
        failure: the error if the device was removed from outside; all connections were reset then.
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
        there: Path | None = None,
        back: Path | None = None,
        seed: int = 0,
        record: str | PathLike[str] | None = None,
    ) -> None:
        self._kernel, self._ours, self._settings, self._limits = kernel, ours, settings, limits
        self._name, self._mtu, self._paths, self._seed, self._record = name, mtu, (there, back), seed, record
        self.links: list[Link] = []
        self.failure: OSError | None = None

    def __repr__(self) -> str:
        return f"<Tun {' '.join(self._ours)} behind {self.device.name if hasattr(self, 'device') else 'nothing yet'}>"

    async def __aenter__(self) -> Self:
        """Open the device.

        Raises:
            TransportError: the kernel refused it.
            OSError: the file of ``record`` cannot be written.
        """
        loop = asyncio.get_running_loop()
        self.stack = Stack(
            self._ours,
            entropy=os.urandom,
            mtu=self._mtu,
            settings=self._settings,
            limits=self._limits,
            explain=self._record is not None,
        )
        self.device = Device(self._kernel, name=self._name, mtu=self._mtu)
        try:
            self._open_recording(time.time() - loop.time())
        except BaseException:
            self.device.close()
            raise
        self._driver = Driver(self.stack, loop, self._send, received=self._received)
        there, back = self._paths
        self._there = None if there is None else Carrier(there, loop, self._arrive, seed=self._seed)
        self._back = None if back is None else Carrier(back, loop, self.device.write, seed=self._seed + 1)
        self.links = [carrier.link for carrier in (self._there, self._back) if carrier is not None]
        self._base = engine()
        adopt(loop, StackEngine(self._driver, self.device.networks, self._base))
        loop.add_reader(self.device.fileno(), self._readable)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Reset what is open, remove the device; packets under way are lost."""
        loop = asyncio.get_running_loop()
        adopt(loop, self._base)
        self._driver.close()
        loop.remove_reader(self.device.fileno())
        self.device.close()
        if self._file is not None:
            self._file.close()

    def _open_recording(self, epoch: float) -> None:
        self._file = None if self._record is None else open(self._record, "wb")  # noqa: SIM115  # __aexit__ closes it
        self._recording: Recording | None = None
        if self._file is not None:
            self._recording = Recording(self._file.write, name=self.device.name, epoch=epoch)

    def _readable(self) -> None:
        device, there = self.device, self._there
        for _ in range(_BATCH):
            try:
                packet = device.read()
            except OSError as error:  # the device was removed
                self.failure = error
                self._driver.loop.remove_reader(device.fileno())
                self._driver.close()
                return
            if packet is None:
                break
            if there is None:
                self._driver.receive(packet)
            else:
                there.carry(packet)
        self._driver.flush()

    def _arrive(self, packet: bytes) -> None:
        self._driver.receive(packet)
        self._driver.flush()

    def _received(self, packet: bytes) -> None:
        if self._recording is not None:
            reasons = self.stack.take_remarks()
            self._recording.packet(self._driver.now(), packet, outbound=False, reasons=reasons)

    def _send(self, outgoing: Outgoing) -> None:
        fate = ""
        if self._back is None:
            self.device.write(outgoing.data)
        else:
            decided = self._back.carry(outgoing.data)
            fate = decided.note if decided.verdict is Verdict.PASS else f"{decided.verdict}: {decided.note}"
        if self._recording is not None:
            now = self._driver.now()
            self._recording.packet(now, outgoing.data, outbound=True, reasons=outgoing.reasons, fate=fate)
