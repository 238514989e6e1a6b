"""netwright.sim.engine: aio's verbs, a Service and an App over two stacks of our own, on the jumping clock."""

import asyncio
import errno
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network

import pytest

from netwright.aio import BindError, DrainReport, Limits, Listener, Stream, connect
from netwright.aio.choice import adopt, engine
from netwright.aio.engine import Engine
from netwright.aio.sockets import SocketHandle
from netwright.core.address import InetAddress
from netwright.core.errors import ConnectError, DeadlineError, ResetError
from netwright.core.record import Outcome, Recorder
from netwright.core.tuning import INTERACTIVE, Tuning
from netwright.http import App, Request, Response
from netwright.proto.tcp.segment import SYN, Segment
from netwright.proto.tcp.state import State
from netwright.sim.codec import serialize
from netwright.sim.driver import Driver
from netwright.sim.engine import StackEngine, StackListener
from netwright.sim.link import Path
from netwright.wire.build import build
from netwright.wire.icmp import Icmp, IcmpKind
from netwright.wire.ip import IPv4
from tests.support.stacks import LEFT, RIGHT, joined, stack_of

NETWORKS = [ip_network("10.0.0.0/24"), ip_network("fd00::/64")]
HOSTS = pytest.mark.parametrize("host", RIGHT, ids=["IPv4", "IPv6"])


class World:
    """Two hosts on one loop: ``at`` a host, its engine is the loop's."""

    def __init__(self, left: Driver, right: Driver) -> None:
        self.left, self.right, self.base = left, right, engine()

    def at(self, driver: Driver) -> StackEngine:
        made = StackEngine(driver, NETWORKS, self.base)
        adopt(asyncio.get_running_loop(), made)
        return made


@asynccontextmanager
async def world(path: Path | None = None) -> AsyncIterator[World]:
    left, right = joined(stack_of(LEFT), stack_of(RIGHT, seed=2), path)
    yield World(left, right)
    for driver in (left, right):
        driver.close()


@asynccontextmanager
async def served(made: World, host: str, handler: object, **options: object) -> AsyncIterator[Listener]:
    made.at(made.right)
    listener = await Listener.bind(InetAddress(host, 80), **options)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(listener.serve(handler))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        made.at(made.left)
        yield listener
        await listener.drain(1.0)
        await serving


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


def test_it_is_an_engine() -> None:
    for name, method in inspect.getmembers(Engine, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(StackEngine, name)).parameters.keys() == (
                inspect.signature(method).parameters.keys()
            )


@HOSTS
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(Path(delay=0.02), id="good"),
        pytest.param(Path(delay=0.02, loss=0.02, reorder=0.02), id="bad", marks=pytest.mark.long),
    ],
)
async def test_verbs_work_as_on_the_kernel(host: str, path: Path) -> None:
    async with world(path) as made, served(made, host, echo) as listener:
        stream = await connect(InetAddress(host, 80))
        assert stream.peer == InetAddress(host, 80)
        assert LEFT[RIGHT.index(host)] in str(stream.local)
        await stream.send(b"one\ntwo")
        assert await stream.readline() == b"one\n"
        assert await stream.read_exactly(3) == b"two"
        data = bytes(range(256)) * 8000
        async with asyncio.TaskGroup() as group:
            group.create_task(stream.send(data))
            assert await stream.read_exactly(len(data)) == data
        await stream.send_eof()
        assert await stream.read() == b""
        await stream.close()
        assert stream.record.outcome is Outcome.CLOSED
        assert stream.fileno() == -1
        await asyncio.sleep(1)
        assert listener.counts["accepted"] == 1


async def test_a_closed_port_refuses_and_a_silent_host_is_late() -> None:
    """RFC 9293 §3.10.7.1."""
    async with world(Path(delay=0.01)) as made:
        made.at(made.left)
        with pytest.raises(ConnectionRefusedError, match="Connection refused") as caught:
            await connect("10.0.0.2:81")
        assert (isinstance(caught.value, ConnectError), caught.value.errno) == (True, errno.ECONNREFUSED)
        with pytest.raises(DeadlineError, match="over before the call"):
            await connect("10.0.0.2:81", timeout=-1)
        with pytest.raises(DeadlineError):
            await connect("10.0.0.77:81", timeout=3)
        assert made.left.stack.connections == []


async def test_a_router_that_knows_no_way_is_heard() -> None:
    """RFC 5461 §2.1."""
    async with world(Path(delay=0.01)) as made:
        made.at(made.left)
        stack = made.left.stack

        async def answer() -> None:
            await asyncio.sleep(0.1)
            (connection,) = stack.connections
            syn = serialize(Segment(connection.endpoint.sender.snd_una, 0, SYN, 0), connection.flow)
            router = IPv4(b"\x0a\0\0\x63", connection.flow.source, 1)
            made.left.receive(build(router, Icmp(IcmpKind.UNREACHABLE, 1), syn))
            made.left.flush()

        async with asyncio.TaskGroup() as group:
            group.create_task(answer())
            with pytest.raises(ConnectError, match="No route to host"):
                await connect("10.0.0.77:81", timeout=5)


async def test_a_reset_is_told_to_who_reads() -> None:
    """RFC 9293 §3.10.7.4."""

    async def reset(stream: Stream) -> None:
        await stream.read()
        stream.abort()

    async with world(Path(delay=0.01)) as made, served(made, "10.0.0.2", reset):
        stream = await connect("10.0.0.2:80")
        await stream.send(b"?")
        with pytest.raises(ResetError):
            await stream.read()
        assert stream.record.outcome is Outcome.RESET
        await stream.close()


async def test_who_does_not_read_stops_who_sends() -> None:
    """RFC 9293 §3.8.6: what is not read closes the window, and every buffer on the way is bounded."""
    seen: list[int] = []

    async def slow(stream: Stream) -> None:
        await asyncio.sleep(100)
        async for chunk in stream:
            seen.append(len(chunk))

    async with world(Path(delay=0.01)) as made, served(made, "10.0.0.2", slow, limits=Limits(first_byte=None)):
        stream = await connect("10.0.0.2:80", tuning=Tuning(user_timeout=0))  # it would count a closed window, too
        with pytest.raises(DeadlineError):
            await stream.send(bytes(10_000_000), timeout=20)
        (end,) = [c.endpoint for c in made.right.stack.connections if c.endpoint.state is State.ESTABLISHED]
        assert end.readable <= 1 << 20
        await stream.send(b"", timeout=200)
        await stream.close(timeout=100)
        await asyncio.sleep(10)
        assert sum(seen) == 10_000_000


async def test_an_unmodified_app_answers() -> None:
    app = App("own")

    @app.post("/size")
    async def size(request: Request) -> Response:
        return Response(str(len(await request.body())))

    app.http("10.0.0.2:80")
    async with world(Path(delay=0.005)) as made:
        made.at(made.right)
        async with app:
            made.at(made.left)
            stream = await connect("10.0.0.2:80")
            body = bytes(300_000)
            await stream.send(
                b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\nConnection: close\r\n\r\n", body
            )
            answer = await stream.read_until(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200")
            assert (await stream.read_exactly(6)) == b"300000"
            await stream.close()


async def test_the_accept_queue_is_the_backlog_of_the_tuning() -> None:
    """A full queue holds the last ACK of a handshake up, as Linux does; the client believes to be connected."""
    async with world(Path(delay=0.01)) as made:
        made.at(made.right)
        listener = await Listener.bind("10.0.0.2:80", tuning=Tuning(backlog=2))
        made.at(made.left)
        streams = await asyncio.gather(*(connect("10.0.0.2:80", timeout=5) for _ in range(6)))
        await asyncio.sleep(0.1)
        (port,) = made.right.stack.ports
        assert (len(port.arrived), port.listener.half_open, port.listener.overflows) == (3, 3, 3)
        for stream in streams:
            stream.abort()
        listener.close()
        await asyncio.sleep(0)


async def test_addresses_elsewhere_are_the_kernels() -> None:
    async with world() as made:
        ours = made.at(made.left)
        there = ours.listen(InetAddress("127.0.0.1", 0), INTERACTIVE)
        assert not isinstance(there, StackListener)
        out = await ours.connect(there.address, INTERACTIVE, None)
        assert isinstance(out, SocketHandle)
        out.close()
        own = ours.listen(InetAddress("10.0.0.1", 80), INTERACTIVE)
        assert isinstance(own, StackListener)
        for handle in (there, own):
            handle.close()
            handle.close()
        listener = await Listener.bind("127.0.0.1:0")
        assert listener.address != InetAddress("127.0.0.1", 0)
        listener.close()


async def test_a_port_is_listened_on_once() -> None:
    async with world() as made:
        made.at(made.right)
        listener = await Listener.bind("10.0.0.2:80")
        with pytest.raises(BindError, match=r"port 80 at 10\.0\.0\.2 is taken"):
            await Listener.bind("10.0.0.2:80")
        listener.close()
        again = await Listener.bind("10.0.0.2:80")
        again.close()


async def test_options_reach_the_connection_and_a_wrong_one_is_refused() -> None:
    async with world() as made, served(made, "10.0.0.2", echo):
        stream = await connect("10.0.0.2:80", tuning=Tuning(congestion="reno", user_timeout=7.0))
        (connection,) = made.left.stack.connections
        settings = connection.endpoint.settings
        assert (settings.congestion, settings.user_timeout, settings.nodelay) == ("reno", 7.0, True)
        assert settings.keepalive is not None
        assert (settings.keepalive.idle, settings.keepalive.interval, settings.keepalive.count) == (15, 15, 4)
        await stream.close()


async def test_an_option_that_a_stack_lacks_is_named_and_a_raw_one_is_refused() -> None:
    recorder = Recorder(watch_all=True)
    async with world() as made, served(made, "10.0.0.2", echo):
        stream = await connect("10.0.0.2:80", tuning=Tuning(congestion="fast"), recorder=recorder)
        (record,) = recorder.live.values()
        assert record.timeline is not None
        assert any("TCP_CONGESTION" in moment.note for moment in record.timeline)
        await stream.close()
        with pytest.raises(ConnectError, match=r"Tuning\.options"):
            await connect("10.0.0.2:80", tuning=Tuning(options=((1, 2, 3),)))


async def test_a_cancelled_connect_leaves_nothing() -> None:
    async with world() as made:
        made.at(made.left)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(connect("10.0.0.77:80"))
            await asyncio.sleep(0.5)
            assert len(made.left.stack.connections) == 1
            task.cancel()
        assert made.left.stack.connections == []


async def test_handler_that_ignores_its_cancellation_is_reset_at_the_drains_deadline() -> None:
    released = asyncio.Event()

    async def deaf(stream: Stream) -> None:
        await stream.read()
        while not released.is_set():
            with suppress(asyncio.CancelledError):
                await released.wait()

    lines: list[str] = []
    report = lambda text, **_: lines.append(text)  # noqa: E731
    async with world(Path(delay=0.01)) as made, served(made, "10.0.0.2", deaf, report=report) as listener:
        stream = await connect("10.0.0.2:80")
        await stream.send(b"x")
        await asyncio.sleep(0.1)
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(listener.drain(0.2))
            with pytest.raises(ResetError):
                await stream.read(timeout=0.5)
        assert draining.result() == DrainReport(aborted=1)
        assert "1 handlers go on" in lines[0]
        released.set()
        stream.abort()


async def test_operator_reads_of_a_limit_on_a_stack_too() -> None:
    lines: list[str] = []
    report = lambda text, **_: lines.append(text)  # noqa: E731
    limits = Limits(first_byte=1.0)
    async with (
        world(Path(delay=0.01)) as made,
        served(made, "10.0.0.2", echo, limits=limits, service="echo", report=report),
    ):
        stream = await connect("10.0.0.2:80")
        await asyncio.sleep(2)
        stream.abort()
    (line,) = lines
    for part in ("echo of 10.0.0.1:", "DeadlineError: first byte: timed out after 1", "Limits.first_byte=1.0"):
        assert part in line


async def test_records_say_what_happened() -> None:
    recorder, clock = Recorder(), asyncio.get_running_loop().time
    async with world(Path(delay=0.01)) as made, served(made, "10.0.0.2", echo, recorder=recorder):
        begun = clock()  # the world's time also passes while this machine computes, or does something else
        async with await connect("10.0.0.2:80") as stream:
            await stream.send(b"hello")
            await stream.read_exactly(5)
            took = clock() - begun
            (record,) = recorder.live.values()
            assert (record.bytes_in, record.bytes_out) == (5, 5)
            info = stream.tcp_info()
            assert info is not None
            assert (info.state, info.snd_mss) == (1, 1448)
            assert 0.02 <= info.rtt <= took
        await asyncio.sleep(1)
        assert record.outcome is Outcome.PEER_CLOSED
