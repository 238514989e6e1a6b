"""Streams against what only a kernel or a long time can do: a peer that vanishes, a soak, a clock that steps.

The peer lives in a network namespace of its own; it vanishes by losing its address, as a machine that lost its power.
"""

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright.aio import Limits, Listener, Stream
from netwright.core.record import Outcome, Recorder

pytestmark = [pytest.mark.truth, pytest.mark.realtime]

SOAK = int(os.environ.get("NETWRIGHT_SOAK", "100000"))  # connections; 1000000 takes minutes
ENGINES = ["portable", "native"]
CLIENT = """
    import asyncio, sys
    from netwright.aio import connect
    from netwright.core.tuning import KeepAlive, Tuning

    async def main():
        tuning = Tuning(keepalive=KeepAlive(1, 1, 3), user_timeout=3.0)
        stream = await connect("10.79.0.2:5002", tuning=tuning, timeout=5)
        await stream.send(b"hello\\n")
        print((await stream.readline()).decode().strip(), flush=True)
        sys.stdin.readline()  # the peer is gone now
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            if sys.argv[1] == "unacked":
                await stream.send(b"are you there\\n")
            await stream.readline(timeout=30)
        except Exception as error:
            waited = f"{clock() - began:.2f}"
            print(type(error).__name__, waited, stream.record.outcome, error, sep="|", flush=True)
        stream.abort()

    asyncio.run(main())
"""
SERVER = """
    import asyncio
    from netwright.aio import Listener

    async def echo(stream):
        async for chunk in stream:
            await stream.send(chunk)

    async def main():
        listener = await Listener.bind("10.79.0.2:5002")
        print("ready", flush=True)
        await listener.serve(echo)

    asyncio.run(main())
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


@pytest.fixture
def two_hosts() -> Iterator[tuple[str, str]]:
    """Two namespaces with a cable between them."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("namespaces need root and iproute2")
    here, there = f"nw-{os.getpid()}-a", f"nw-{os.getpid()}-b"
    try:
        for name in (here, there):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", here, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", there)
        for name, address in ((here, "10.79.0.1/24"), (there, "10.79.0.2/24")):
            ip("-n", name, "address", "add", address, "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
        yield here, there
    finally:
        for name in (here, there):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True, timeout=10)


def program(namespace: str, source: str, engine: str, *arguments: str) -> subprocess.Popen[str]:
    command = ["ip", "netns", "exec", namespace, sys.executable, "-c", textwrap.dedent(source), *arguments]
    environment = os.environ | {"NETWRIGHT_ENGINE": engine}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def needs(engine: str) -> None:
    if engine == "native":
        pytest.importorskip("netwright.aio._stream", reason="the native engine is not built")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("state", "least", "most"), [("idle", 3.0, 6.5), ("unacked", 2.0, 6.5)])
def test_peer_that_vanishes_is_noticed_in_the_time_that_was_set(
    two_hosts: tuple[str, str], engine: str, state: str, least: float, most: float
) -> None:
    """Keepalive of 1 s and 3 probes (RFC 9293 §3.8.4), user timeout of 3 s (RFC 5482); Linux's timers add up to 2 s."""
    needs(engine)
    here, there = two_hosts
    with program(there, SERVER, engine) as server, program_after(server, here, engine, state) as client:
        assert client.stdout is not None
        assert client.stdin is not None
        assert client.stdout.readline() == "hello\n"
        ip("-n", there, "address", "flush", "dev", "cable")
        client.stdin.write("\n")
        client.stdin.flush()
        kind, waited, outcome, text = client.stdout.readline().strip().split("|")
        server.kill()
    assert kind == "TransportError", text
    assert outcome == Outcome.RESET
    assert "timed out" in text.lower() or "unreachable" in text.lower() or "no route" in text.lower()
    assert least <= float(waited) <= most


def program_after(server: subprocess.Popen[str], here: str, engine: str, state: str) -> subprocess.Popen[str]:
    """The client, once the server is ready."""
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    return program(here, CLIENT, engine, state)


STORM = """
    import socket, struct, sys

    port, count = int(sys.argv[1]), int(sys.argv[2])
    linger = struct.pack("ii", 1, 0)
    for number in range(count):
        sock = socket.socket()
        sock.connect(("127.0.0.1", port))
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        if number % 4:  # three of four end with RST, or the ports would be used up
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        sock.close()
"""


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("engine", ENGINES)
async def test_connections_come_and_go_and_leave_nothing(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(engine)
    monkeypatch.setenv("NETWRIGHT_ENGINE", engine)
    recorder = Recorder(recent=100)

    async def echo(stream: Stream) -> None:
        async for chunk in stream:
            await stream.send(chunk)

    listener = await Listener.bind("127.0.0.1:0", recorder=recorder, limits=Limits(max_connections=1000))
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(listener.serve(echo))
        await storm(listener, SOAK // 10)  # what is allocated once is there now
        before = descriptors(), resident()
        await storm(listener, SOAK)
        after = descriptors(), resident()
        await listener.drain(5.0)
        serving.cancel()
    total = SOAK + SOAK // 10
    assert listener.counts["accepted"] == total
    assert sum(recorder.totals[end.value] for end in Outcome) == total
    assert not recorder.live
    assert after[0] <= before[0]
    assert after[1] - before[1] < 4_000_000, "bytes of resident memory"


async def storm(listener: Listener, count: int) -> None:
    port = str(listener.address).rpartition(":")[2]
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", textwrap.dedent(STORM), port, str(count))
    assert await client.wait() == 0
    while listener.recorder.live:  # noqa: ASYNC110  # the last ones are seen closed a moment later
        await asyncio.sleep(0.01)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("step", [3600, -3600])
def test_wall_clock_that_steps_an_hour_moves_no_deadline(engine: str, step: int) -> None:
    """The clock of every deadline is monotonic: a read of 2 s ends after 2 s, whatever the time of day says."""
    needs(engine)
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    assert library is not None
    source = """
        import asyncio, os, socket, sys, time
        from netwright.aio import connect

        async def main():
            with socket.create_server(("127.0.0.1", 0)) as silent:
                stream = await connect(silent.getsockname()[:2])
                asyncio.get_running_loop().call_later(0.5, step)
                began, day = time.monotonic(), time.time()
                try:
                    await stream.read(timeout=2)
                except TimeoutError:
                    pass
                print(f"{time.monotonic() - began:.2f} {time.time() - day:.0f}")
                stream.abort()

        def step():
            with open(os.environ["FAKETIME_TIMESTAMP_FILE"], "w") as file:
                file.write(sys.argv[1])

        asyncio.run(main())
    """
    told = Path("/tmp") / f"netwright-clock-{os.getpid()}"
    told.write_text("+0")
    environment = os.environ | {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(told),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
        "NETWRIGHT_ENGINE": engine,
    }
    try:
        command = [sys.executable, "-c", textwrap.dedent(source), f"{step:+d}"]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
    finally:
        told.unlink()
    waited, stepped = map(float, run.stdout.split())
    assert 1.9 <= waited <= 2.5
    assert abs(stepped - step - waited) < 5
