"""Our TCP against the kernel's, over a TUN device in a network namespace of its own.

The judges are the kernel's TCP in both roles, curl, ping, nc, http.server and tshark.
"""

import asyncio
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path as File

import pytest

from netwright import App, Request, Response
from netwright.aio import Listener, Stream, connect
from netwright.core.errors import ConnectError, TransportError
from netwright.core.record import Outcome
from netwright.http import HttpLimits
from netwright.proto.tcp.settings import Settings
from netwright.sim.link import Path
from netwright.sim.tun import Tun
from tests.support import tshark
from tests.support.netns import IN_NAMESPACE, inside, loopback_up

KERNEL, OURS = ("10.9.0.1", "fd00:9::1"), ("10.9.0.2", "fd00:9::2")
SIZE = int(os.environ.get("NETWRIGHT_TUN_SIZE", "10000000"))
BODY = random.Random(7).randbytes(1 << 20)
FAMILIES = pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
BAD = Path(delay=0.002, loss=0.01, reorder=0.005, duplicate=0.005, corrupt=0.002)


def content(size: int) -> bytes:
    return (BODY * (size // len(BODY) + 1))[:size]


def url(host: str, path: str, port: int = 80) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/{path}"


def tun(there: Path | None = None, back: Path | None = None, **options: object) -> Tun:
    kernel = [f"{KERNEL[0]}/24", f"{KERNEL[1]}/64"]
    return Tun(kernel=kernel, ours=OURS, there=there, back=back, **options)  # type: ignore[arg-type]


async def run(*command: str, timeout: float = 40) -> tuple[int, bytes]:
    """Exit code and output of a program."""
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        async with asyncio.timeout(timeout):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output


def in_namespace(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(50):
            await main()

    inside(lambda: asyncio.run(bounded()), timeout=55)


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


@asynccontextmanager
async def web(*hosts: str) -> AsyncIterator[App]:
    """GET gives ``SIZE`` bytes, POST answers size and hash of what came."""
    app = App("own", http=HttpLimits(body=1 << 30))

    @app.get("/down")
    async def down(request: Request) -> Response:
        return Response(content(SIZE))

    @app.post("/up")
    async def up(request: Request) -> Response:
        size, digest = 0, hashlib.sha256()
        async for piece in request:
            size += len(piece)
            digest.update(piece)
        return Response(f"{size} {digest.hexdigest()}")

    for host in hosts:
        app.http(f"[{host}]:80" if ":" in host else f"{host}:80")
    async with app:
        yield app


async def both_ways(host: str) -> None:
    """curl fetches and sends ``SIZE`` bytes."""
    expected = hashlib.sha256(content(SIZE)).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        file = File(folder) / "body"
        code, output = await run("curl", "-sgS", "-m", "40", "-o", str(file), url(host, "down"))
        assert (code, output) == (0, b"")
        assert hashlib.sha256(file.read_bytes()).hexdigest() == expected
        code, output = await run("curl", "-sgS", "-m", "40", "--data-binary", f"@{file}", url(host, "up"))
        assert (code, output.decode()) == (0, f"{SIZE} {expected}")


@IN_NAMESPACE
@FAMILIES
def test_curl_gets_and_posts_ten_megabytes_byte_for_byte(family: int) -> None:
    """RFC 9293 §3.8."""
    needs("curl")

    async def main() -> None:
        async with tun() as device, web(OURS[family]):
            await both_ways(OURS[family])
            counts = device.stack.counts
            assert counts.malformed == counts.checksum == counts.closed_port == counts.full == device.device.errors == 0

    in_namespace(main)


@IN_NAMESPACE
@FAMILIES
@pytest.mark.parametrize("control", ["cubic", "reno", "bbr"])
def test_a_bad_path_changes_no_byte(family: int, control: str) -> None:
    """1 % loss, reordering, duplicates and wrong bits both ways; RFC 9293 §3.8."""
    needs("curl")

    async def main() -> None:
        async with tun(BAD, BAD, settings=Settings(congestion=control), seed=3) as device, web(OURS[family]):
            await both_ways(OURS[family])
            assert device.stack.counts.checksum > 0
            assert all(link.counters.lost > 20 for link in device.links)

    in_namespace(main)


@IN_NAMESPACE
@FAMILIES
def test_a_closed_port_is_refused_and_pings_are_answered(family: int) -> None:
    """RFC 9293 §3.10.7.1, RFC 1122 §3.2.2.6, RFC 4443 §4.2."""
    needs("curl")
    needs("ping")

    async def main() -> None:
        async with tun():
            assert (await run("curl", "-sg", "-m", "5", url(OURS[family], "", 81)))[0] == 7
            code, output = await run("ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", "1400", OURS[family])
            assert code == 0, output
            code, output = await run("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", "4000", OURS[family])
            assert code == 0, output  # in fragments, RFC 791 §3.2, RFC 8200 §4.5

    in_namespace(main)


@IN_NAMESPACE
def test_udp_is_unreachable_at_once() -> None:
    """RFC 1122 §4.1.3.1: the kernel tells its program."""

    async def main() -> None:
        async with tun():
            loop = asyncio.get_running_loop()
            told: asyncio.Future[Exception] = loop.create_future()

            class Client(asyncio.DatagramProtocol):
                def error_received(self, exc: Exception) -> None:
                    told.set_result(exc)

            transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=(OURS[0], 53))
            transport.sendto(b"?")
            async with asyncio.timeout(5):
                assert isinstance(await told, ConnectionRefusedError)
            transport.close()

    in_namespace(main)


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


@IN_NAMESPACE
@FAMILIES
def test_nc_gets_its_own_bytes_back(family: int) -> None:
    needs("nc")

    async def main() -> None:
        async with tun():
            listener = await Listener.bind((OURS[family], 7))
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(listener.serve(echo))
                code, output = await run("sh", "-c", f"seq 20000 | nc -N {OURS[family]} 7 | sha256sum")
                assert code == 0
                await listener.drain(2)
                await serving
            numbers = "".join(f"{number}\n" for number in range(1, 20001)).encode()
            assert output.decode().split()[0] == hashlib.sha256(numbers).hexdigest()

    in_namespace(main)


@IN_NAMESPACE
@FAMILIES
@pytest.mark.parametrize("path", [None, BAD], ids=["good", "bad"])
def test_we_fetch_from_a_server_on_the_kernel(family: int, path: Path | None) -> None:
    """The kernel as the passive side, and as the sender."""

    async def main() -> None:
        with tempfile.TemporaryDirectory() as folder:
            (File(folder) / "body").write_bytes(content(SIZE))
            async with tun(path, path):
                host = KERNEL[family]
                command = [sys.executable, "-m", "http.server", "-b", host, "-d", folder, "8000"]
                server = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
                try:
                    stream = await answering(host, 8000)
                    await stream.send(b"GET /body HTTP/1.0\r\n\r\n")
                    await stream.read_until(b"\r\n\r\n")
                    digest = hashlib.sha256()
                    async for chunk in stream:
                        digest.update(chunk)
                    await stream.close()
                    assert digest.digest() == hashlib.sha256(content(SIZE)).digest()
                finally:
                    server.kill()
                    await server.wait()

    in_namespace(main)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # a stack has no event for it
            await asyncio.sleep(0.05)


async def answering(host: str, port: int) -> Stream:
    for _ in range(100):
        try:
            return await connect((host, port))
        except ConnectError:  # refused: it has not started yet
            await asyncio.sleep(0.1)
    raise AssertionError(f"nobody answers at {host} {port}")


@IN_NAMESPACE
def test_a_killed_peer_ends_its_connection_and_nothing_else() -> None:
    """The kernel resets what a killed program had open with unread data (RFC 2525 §2.17)."""
    needs("curl")

    async def main() -> None:
        async with tun() as device, web(OURS[0]) as app:
            command = ["curl", "-s", "--limit-rate", "100k", "-o", "/dev/null", url(OURS[0], "down")]
            victim = await asyncio.create_subprocess_exec(*command)
            await until(lambda: any(record.bytes_out > 1 << 20 for record in app.recorder.live.values()))
            (record,) = app.recorder.live.values()
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
            await until(lambda: not device.stack.connections)
            assert record.outcome is Outcome.RESET
            await both_ways(OURS[0])

    in_namespace(main)


@IN_NAMESPACE
def test_a_device_that_goes_away_is_silence_and_ends_by_a_deadline() -> None:
    """TCP_USER_TIMEOUT, RFC 5482."""

    async def main() -> None:
        async with tun() as device:
            server = await asyncio.start_server(lambda reader, writer: None, KERNEL[0], 9000)
            stream = await connect((KERNEL[0], 9000))
            device.device.write = lambda packet: None  # type: ignore[method-assign]
            (connection,) = device.stack.connections
            connection.endpoint.set_user_timeout(2.0)
            await stream.send(b"anybody there?")
            with pytest.raises(TransportError):
                await stream.read(timeout=30)
            await stream.close()
            server.close()

    in_namespace(main)


@IN_NAMESPACE
def test_a_device_that_somebody_removes_resets_and_says_so() -> None:
    """``ip link delete``: RTM_DELLINK, rtnetlink(7)."""

    async def main() -> None:
        async with tun(name="doomed0") as device:
            server = await asyncio.start_server(lambda reader, writer: None, KERNEL[0], 9000)
            stream = await connect((KERNEL[0], 9000))
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
                body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex("doomed0"), 0, 0)
                netlink.send(struct.pack("=IHHII", 16 + len(body), 17, 1, 1, 0) + body)
            with pytest.raises(TransportError):
                await stream.read(timeout=10)
            assert device.failure is not None
            assert device.stack.connections == []
            await stream.close()
            server.close()

    in_namespace(main)


@IN_NAMESPACE
@FAMILIES
def test_tshark_finds_nothing_wrong_in_the_recording(family: int, tmp_path: File) -> None:
    """Every packet of a run on a bad path, with comments; only what the path corrupted has a wrong checksum."""
    needs("tshark")
    needs("curl")
    file = tmp_path / "run.pcapng"
    bad = Path(delay=0.002, loss=0.01)

    async def main() -> None:
        async with tun(bad, bad, record=file, seed=5), web(OURS[family]):
            await both_ways(OURS[family])

    in_namespace(main)
    names = ["_ws.malformed", "tcp.checksum.status", "ip.checksum.status", "frame.comment", "tcp.checksum"]
    rows = tshark.fields(file, names, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", "tcp")
    assert len(rows) > SIZE / 1500
    assert {row[0] for row in rows} == {""}
    zero = "0xffff"  # Linux sends it where the sum is 0: the same in ones' complement, and tshark calls it bad
    assert {row[1] for row in rows if row[4] != zero} == {"1"}
    assert {row[2] for row in rows} == ({"1"} if family == 0 else {""})
    comments = [row[3] for row in rows if row[3]]
    assert any("lost on the path" in comment for comment in comments)
    assert any("retransmit" in comment for comment in comments)


# These take a listener's descriptor away, run out of descriptors, time what the kernel's end of a slow reader does, or
# have bytes in the receiver before its loop turns, which no path through a device does.
NOT_OURS = (
    *("starved", "left_the_queue", "broken_listening", "out_of_descriptors", "reads_slowly"),
    "loop_has_not_seen_yet",
)


@IN_NAMESPACE
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "suite",
    [("portable_stream",), ("listener", "draining", "binding", "failures", "handlers")],
    ids=["stream", "listener"],
)
def test_the_suite_of_aio_passes_over_our_tcp_with_the_kernel_as_peer(suite: tuple[str, ...]) -> None:
    """The same bodies as on the portable and the native engine: tests/truth/own_tcp.py."""

    def run_suite() -> None:
        loopback_up()
        chosen = f"tcp-portable and not ({' or '.join(NOT_OURS)})"
        files = [f"tests/aio/test_{name}.py" for name in suite]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.truth.own_tcp", *files]
        done = subprocess.run([*command, "-k", chosen, "-m", "not long"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-5000:]
        assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 30

    inside(run_suite, timeout=190)


@IN_NAMESPACE
def test_the_example_does_what_its_first_lines_say() -> None:
    needs("curl")
    source = File("examples/own_tcp.py").read_bytes()

    async def main() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "examples/own_tcp.py", stdout=subprocess.PIPE)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(20):
                assert b"http://10.9.0.2/" in await process.stdout.readline()
            code, output = await run("curl", "-s", "http://10.9.0.2/bytes/100000")
            assert (code, len(output), output[:3]) == (0, 100_000, b"\0\1\2")
            code, output = await run("curl", "-sg", "--data-binary", "@examples/own_tcp.py", "http://[fd00:9::2]/hash")
            assert (code, output.decode()) == (0, f"{len(source)} {hashlib.sha256(source).hexdigest()}\n")
            assert (await run("curl", "-s", "http://10.9.0.2:81/"))[0] == 7
        finally:
            process.terminate()
            await process.wait()

    in_namespace(main)


@IN_NAMESPACE
def test_the_guides_program_is_answered_and_recorded(tmp_path: File) -> None:
    needs("curl")
    programs = re.findall(r"```python\n(.*?)```", File("docs/simulation.md").read_text(), re.DOTALL)
    (program,) = (program for program in programs if "async with Tun(" in program)

    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, cwd=tmp_path, stderr=subprocess.DEVNULL
        )
        try:
            command = ["curl", "-sS", "--retry", "20", "--retry-delay", "1", "--retry-all-errors", url(OURS[0], "")]
            code, output = await run(*command)
            assert (code, output.decode().splitlines()[-1]) == (0, "over a TCP of our own")
        finally:
            process.send_signal(signal.SIGINT)
            await process.wait()

    in_namespace(main)
    rows = tshark.fields(tmp_path / "run.pcapng", ["tcp.flags.str", "frame.comment"])
    assert any("SYN-RECEIVED → ESTABLISHED" in row[1] for row in rows)
