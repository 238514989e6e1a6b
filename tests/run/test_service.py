import asyncio
import math
import socket

import pytest

from netwright.aio import BindError, DrainReport, Listener, Stream, connect
from netwright.core.address import InetAddress
from netwright.core.errors import UsageError
from netwright.core.record import Outcome
from netwright.run.service import Service, log_error


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


def echoing() -> Service:
    service = Service("echo")
    service.tcp(0)(echo)
    return service


async def test_ports_are_served_between_start_and_drain() -> None:
    service = echoing()
    async with service:
        (listener,) = service.listeners
        assert (listener.service, listener.address.is_loopback) == ("echo", True)
        async with await connect(listener.address, timeout=None) as stream:
            await stream.send(b"abc")
            assert await stream.read() == b"abc"
        assert "running" in repr(service)
    assert "stopped" in repr(service)
    assert service.listeners == ()


async def test_start_binds_all_or_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        service = echoing()

        @service.tcp(port)
        async def never(stream: Stream) -> None:
            raise AssertionError

        bound: list[str] = []
        service.on_start(lambda: bound.append("hook"))
        with pytest.raises(BindError, match=str(port)):
            await service.start()
        assert (service.listeners, bound) == ((), [])
    await service.start()
    await service.drain(0)


@pytest.mark.parametrize("timeout", [math.nan, math.inf, -1])
async def test_drain_without_an_end_is_the_callers_error_and_changes_nothing(timeout: float) -> None:
    async with echoing() as service:
        with pytest.raises(UsageError, match=rf"drain for {timeout} s, 0 or more and finite allowed"):
            await service.drain(timeout)
        with pytest.raises(UsageError, match="drain for"):
            await service.listeners[0].drain(timeout)
        assert not service.draining


async def test_hooks_frame_the_life_and_the_last_added_stops_first() -> None:
    service, calls = echoing(), list[str]()

    @service.on_start
    async def open_store() -> None:
        calls.append("open")

    @service.on_stop
    async def close_store() -> None:
        calls.append("close store")

    @service.on_stop
    def flush() -> None:
        calls.append("flush")

    async with service:
        assert calls == ["open"]
    assert calls == ["open", "flush", "close store"]


async def test_start_hook_that_fails_leaves_nothing_bound() -> None:
    service = echoing()

    @service.on_start
    async def fail() -> None:
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        await service.start()
    assert service.listeners == ()


async def test_stop_hook_that_fails_or_hangs_is_reported_and_the_others_run() -> None:
    reports: list[str] = []
    calls: list[str] = []
    service = Service(
        "x", report=lambda text, error: reports.append(f"{text}: {type(error).__name__}"), hook_timeout=5.0
    )
    service.on_stop(lambda: calls.append("last"))

    @service.on_stop
    def fail() -> None:
        raise ValueError("planted")

    @service.on_stop
    async def hang() -> None:
        await asyncio.sleep(1000)

    async with service:
        pass
    assert reports == ["x: a stop hook failed: TimeoutError", "x: a stop hook failed: ValueError"]
    assert calls == ["last"]


async def test_drain_counts_idle_finished_and_aborted() -> None:
    service = Service("mixed")

    @service.tcp(0)
    async def work(stream: Stream) -> None:
        line = await stream.readline()
        await asyncio.sleep(float(line))
        await stream.send(b"done")

    async with service:
        address = service.listeners[0].address
        idle, quick, stuck = [await connect(address, timeout=None) for _ in range(3)]
        await quick.send(b"1\n")
        await stuck.send(b"100\n")
        await asyncio.sleep(0.1)
        assert await service.drain(5.0) == DrainReport(idle=1, finished=1, aborted=1)
        assert await quick.read() == b"done"
        assert await service.drain(5.0) == DrainReport()
        for stream in (idle, quick, stuck):
            stream.abort()


async def test_abort_resets_everything_and_wait_returns() -> None:
    service = echoing()
    await service.start()
    stream = await connect(service.listeners[0].address, timeout=None)
    await stream.send(b"x")
    await stream.read()
    service.abort()
    await service.wait()
    with pytest.raises(ConnectionResetError):
        await stream.read()
    stream.abort()
    await service.drain(0)
    assert service.recorder.totals[Outcome.ABORTED.value] == 1


async def test_port_or_start_while_it_runs_is_a_mistake_of_the_caller() -> None:
    service = echoing()
    async with service:
        with pytest.raises(UsageError, match="before start"):
            service.tcp(0)(lambda stream: stream.close())
        with pytest.raises(UsageError, match="drain it first"):
            await service.start()


async def test_number_is_a_port_on_the_service_s_host() -> None:
    service = echoing()
    service.host = "::1"
    try:
        await service.start()
    except BindError:
        pytest.skip("this machine has no IPv6 loopback")
    address = service.listeners[0].address
    assert isinstance(address, InetAddress)
    assert address.host == "::1"
    await service.drain(0)


async def test_listener_that_fails_ends_the_service_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(self: Listener, handler: object) -> None:
        await asyncio.sleep(1)
        raise OSError("planted")

    reports: list[str] = []
    service = Service("x", report=lambda text, error: reports.append(f"{text} {error!r}"))
    service.add_port(0, echo, name="echo")
    monkeypatch.setattr(Listener, "serve", serve)
    await service.start()
    with pytest.raises(ExceptionGroup, match="unhandled"):
        await service.wait()
    await service.drain(0)
    assert len(reports) == 1
    assert "a listener failed" in reports[0]
    assert "planted" in reports[0]


def test_failures_are_logged_with_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    log_error("words", ValueError("planted"))
    assert "words" in caplog.text
    assert "ValueError: planted" in caplog.text


@pytest.mark.parametrize("port", [-1, 65536])
def test_port_that_does_not_exist_is_refused_where_it_is_added(port: int) -> None:
    with pytest.raises(UsageError, match=f"port {port}, 0 to 65535 allowed"):
        Service("echo").tcp(port)(echo)


async def test_drain_ends_though_a_handler_catches_its_cancellation() -> None:
    began, released, over, lines = asyncio.Event(), asyncio.Event(), asyncio.Event(), list[str]()
    service = Service("deaf", report=lambda text, error: lines.append(text))

    @service.tcp(0)
    async def deaf(stream: Stream) -> None:
        began.set()
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        over.set()

    await service.start()
    (listener,) = service.listeners
    async with await connect(listener.address, timeout=None):
        await began.wait()
        assert await service.drain(0.1) == DrainReport(aborted=1)
        assert "deaf: 1 handlers go on 0.5 s after a cancel" in lines[0]
        released.set()
        await over.wait()
        await asyncio.sleep(0.01)
        assert not listener.streams


async def test_sockets_are_given_by_the_name_of_their_port() -> None:
    service = Service("t")

    @service.tcp(0, name="given")
    async def given(stream: Stream) -> None:
        await stream.send(b"given")

    @service.tcp(0, name="bound")
    async def bound(stream: Stream) -> None:
        await stream.send(b"bound")

    with socket.create_server(("127.0.0.1", 0)) as stray, pytest.raises(UsageError, match="the ports are bound, given"):
        await service.start({"nobody": [stray]})
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    names = [InetAddress(*sock.getsockname()) for sock in sockets]
    await service.start({"given": sockets})
    assert service.listeners[0].addresses == tuple(names)
    for address, answer in ((names[0], b"given"), (names[1], b"given"), (service.listeners[1].address, b"bound")):
        async with await connect(address) as stream:
            assert await stream.read() == answer
    await service.drain(1.0)
    assert [sock.fileno() for sock in sockets] == [-1, -1]
