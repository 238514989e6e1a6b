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
            told = ss(str(stream.local).rpartition(":")[2])
            info = stream.tcp_info()
        await listener.drain(1.0)
        serving.cancel()
    assert info is not None
    assert info.state == TcpState.ESTABLISHED
    seen = dict(re.findall(r"\b(cwnd|mss|pmtu|bytes_acked|bytes_received|segs_out|segs_in|rcv_space):(\d+)", told))
    assert seen["cwnd"] == str(info.snd_cwnd)
    assert seen["mss"] == str(info.snd_mss)
    assert seen["pmtu"] == str(info.pmtu)
    assert (seen["bytes_acked"], seen["bytes_received"]) == (str(info.bytes_acked), str(info.bytes_received))
    assert (seen["segs_out"], seen["segs_in"]) == (str(info.segs_out), str(info.segs_in))
    rtt, rttvar = re.search(r"rtt:([\d.]+)/([\d.]+)", told).groups()  # type: ignore[union-attr]  # ss always has it
    assert (float(rtt), float(rttvar)) == pytest.approx((info.rtt * 1e3, info.rttvar * 1e3), abs=0.0015)


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
