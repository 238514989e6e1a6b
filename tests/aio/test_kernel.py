import asyncio
import re
import shutil
import socket
import subprocess
import sys

import pytest

from netwright.aio import Listener, Stream, connect
from netwright.aio.kernel import probe_of
from netwright.core.record import Recorder
from netwright.wire.tcp_info import TcpState, parse_tcp_info

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="struct tcp_info is Linux's")


NAMES = {  # of ss, and of struct tcp_info
    "cwnd": "snd_cwnd",
    "mss": "snd_mss",
    "pmtu": "pmtu",
    "bytes_sent": "bytes_sent",
    "bytes_acked": "bytes_acked",
    "bytes_received": "bytes_received",
    "segs_out": "segs_out",
    "segs_in": "segs_in",
    "rcv_space": "rcv_space",
}


async def echo(stream: Stream) -> None:
    async for chunk in stream:
        await stream.send(chunk)


def ss(port: str) -> str:
    command = ["ss", "-tinO", "sport", "=", f":{port}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout


def test_closed_socket_gives_nothing() -> None:
    with socket.socket() as sock:
        probe = probe_of(sock)
        assert probe is not None
        assert parse_tcp_info(probe()).state == TcpState.CLOSE
    assert probe() == b""


def test_unix_socket_has_no_tcp_info() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert probe_of(ours) is None


@pytest.mark.skipif(shutil.which("ss") is None, reason="ss (iproute2) is not installed")
@pytest.mark.real
async def test_kernel_tells_us_what_it_tells_ss() -> None:
    """The same socket, asked by ``ss -tin`` and by us, while nothing moves."""
    listener = await Listener.bind("127.0.0.1:0")
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(listener.serve(echo))
        async with await connect(listener.address) as stream:
            for _ in range(5):
                await stream.send(b"x" * 1000)
                await stream.read_exactly(1000)
            before = stream.tcp_info()
            told = ss(str(stream.local).rpartition(":")[2])
            after = stream.tcp_info()
        await listener.drain(1.0)
        serving.cancel()
    assert before is not None
    assert after is not None
    seen = dict(re.findall(r"\b([a-z_]+):([\d.]+)", told))
    for theirs, ours in NAMES.items():
        assert int(seen[theirs]) in (getattr(before, ours), getattr(after, ours)), theirs
    rtt, rttvar = re.findall(r" rtt:([\d.]+)/([\d.]+)", told)[0]
    assert float(rtt) == pytest.approx(after.rtt * 1e3, abs=0.0015)
    assert float(rttvar) == pytest.approx(after.rttvar * 1e3, abs=0.0015)


async def test_record_keeps_what_the_kernel_knew_at_the_end() -> None:
    recorder = Recorder()
    listener = await Listener.bind("127.0.0.1:0", recorder=recorder)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(listener.serve(echo))
        async with await connect(listener.address) as stream:
            await stream.send(b"x" * 5000)
            await stream.read_exactly(5000)
        await listener.drain(1.0)
        serving.cancel()
    (record,) = recorder.recent
    info = parse_tcp_info(record.kernel)
    assert (info.bytes_received, info.bytes_sent) == (5001, 5000)  # Linux counts the FIN
    assert record.probe is None
    assert record.kernel_at == record.closed_at or record.kernel_at > 0
