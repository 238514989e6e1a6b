"""netwright.sim.tun: the whole of it against a second stack in the place of the kernel; tests/truth has the kernel."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_interface
from pathlib import Path as File
from typing import Any, cast

import pytest

from netwright.aio import Listener, Stream, connect
from netwright.aio.choice import adopt, engine
from netwright.core.address import InetAddress
from netwright.core.record import Outcome
from netwright.sim.driver import Driver
from netwright.sim.engine import StackEngine
from netwright.sim.link import Path
from netwright.sim.recording import INBOUND, OUTBOUND
from netwright.sim.stack import Outgoing
from netwright.sim.tun import Tun
from netwright.wire.blocks import Record
from netwright.wire.pcapng import PcapngParser
from tests.support.stacks import LEFT, RIGHT, stack_of

pytestmark = [pytest.mark.real, pytest.mark.realtime]


class Cable:
    """A device whose other end is a socket: what comes out at ``far`` would go to the kernel."""

    def __init__(self, addresses: Any, *, name: str, mtu: int) -> None:
        self.near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.near, self.far):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
        self.networks = [ip_interface(text).network for text in addresses]
        self.name, self.errors = name or "cable0", 0

    def fileno(self) -> int:
        return self.near.fileno()

    def read(self) -> bytes | None:
        try:
            return self.near.recv(65536)
        except BlockingIOError:
            return None

    def write(self, packet: bytes) -> None:
        try:
            self.near.send(packet)
        except OSError:
            self.errors += 1

    def close(self) -> None:
        self.near.close()
        self.far.close()


class Kernel:
    """A stack at the far end of the cable; ``name`` is what the tests call it by."""

    def __init__(self, tun: Tun) -> None:
        self.far: socket.socket = cast("Cable", tun.device).far
        self.loop = asyncio.get_running_loop()
        self.driver = Driver(stack_of(LEFT), self.loop, self.send)
        self.engine = StackEngine(self.driver, tun.device.networks, engine())
        self.loop.add_reader(self.far, self.readable)

    def send(self, outgoing: Outgoing) -> None:
        self.far.send(outgoing.data)

    def readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.driver.receive(self.far.recv(65536))
        self.driver.flush()

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """What is opened meanwhile is opened on this side."""
        ours = engine()
        adopt(self.loop, self.engine)
        yield
        adopt(self.loop, ours)

    def close(self) -> None:
        self.driver.close()
        self.loop.remove_reader(self.far)


@contextlib.asynccontextmanager
async def opened(monkeypatch: pytest.MonkeyPatch, **options: Any) -> AsyncIterator[tuple[Tun, Kernel]]:
    monkeypatch.setattr("netwright.sim.tun.Device", Cable)
    before = engine()
    async with Tun(kernel=["10.0.0.1/24", "fd00::1/64"], ours=RIGHT, **options) as tun:
        kernel = Kernel(tun)
        yield tun, kernel
        kernel.close()
    assert engine() is before


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


@pytest.mark.parametrize("host", RIGHT, ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("loss", [0.0, 0.02])
async def test_a_listener_is_reached_through_the_device(
    monkeypatch: pytest.MonkeyPatch, host: str, loss: float
) -> None:
    """RFC 9293 §3.8: whatever the path loses."""
    path = Path(delay=0.002, loss=loss)
    data = random.Random(1).randbytes(500_000)
    async with opened(monkeypatch, there=path, back=path) as (tun, kernel):
        listener = await Listener.bind(InetAddress(host, 80))
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(listener.serve(echo))
            with kernel.here():
                stream = await connect(InetAddress(host, 80))
            sending = group.create_task(stream.send(data))
            assert await stream.read_exactly(len(data)) == data
            await sending
            await stream.close()
            await listener.drain(5.0)
            await serving
        assert tun.stack.counts.malformed == tun.stack.counts.checksum == 0
        assert [link.counters.lost > 0 for link in tun.links] == [loss > 0] * 2


async def test_a_recording_has_both_ways_and_the_reasons(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    file = tmp_path / "run.pcapng"
    async with opened(monkeypatch, record=file, back=Path(delay=0.001)) as (_, kernel):
        port = kernel.driver.stack.listen("10.0.0.1", 80)
        stream = await connect("10.0.0.1:80")
        await stream.send(b"hello")
        await stream.close()
        await asyncio.sleep(0.1)
        assert port.arrived[0].endpoint.readable == 5
    parser = PcapngParser()
    records = [block for block in parser.receive(file.read_bytes()) if isinstance(block, Record)]
    assert {record.flags for record in records} == {INBOUND, OUTBOUND}
    assert records[0].comments == ("state: CLOSED → SYN-SENT: active open",)
    assert records[1].flags == INBOUND
    assert "state: SYN-SENT → ESTABLISHED: SYN,ACK received" in records[1].comments + records[2].comments


async def test_what_cannot_be_written_opens_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    monkeypatch.setattr("netwright.sim.tun.Device", Cable)
    before = engine()
    with pytest.raises(FileNotFoundError):
        async with Tun(kernel=["10.0.0.1/24"], ours=RIGHT[:1], record=tmp_path / "no" / "file"):
            pass
    assert engine() is before


async def test_leaving_resets_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9293 §3.10.5."""
    async with opened(monkeypatch) as (tun, kernel):
        kernel.driver.stack.listen("10.0.0.1", 80)
        stream = await connect("10.0.0.1:80")
        assert repr(tun) == "<Tun 10.0.0.2 fd00::2 behind cable0>"
    await stream.close()
    assert stream.record.outcome is not Outcome.OPEN
