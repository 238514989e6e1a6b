"""Below the verbs both pipes end alike: what peers do to them, what the record says, what is left."""

import asyncio
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.aio.sockets import reset_on_close
from netwright.core.errors import NetwrightError
from netwright.core.record import Recorder
from tests.support.clock import jumping_loop
from tests.support.engines import make, open_stream, tcp_pair

pytest.importorskip("netwright.aio._pipe", reason="the kernel is not built")

steps = st.lists(
    st.sampled_from(
        ["send", "send parts", "send eof", "read", "close", "abort", "peer sends", "peer fin", "peer rst", "peer reads"]
    ),
    max_size=8,
)
VERBS: dict[str, Any] = {
    "send": lambda stream: stream.send(b"123"),
    "send parts": lambda stream: stream.send(b"12", bytearray(b"3"), memoryview(b"456")),
    "send eof": lambda stream: stream.send_eof(),
    "read": lambda stream: stream.read(timeout=0.05),
    "close": lambda stream: stream.close(),
}


def reset(peer: socket.socket) -> None:
    reset_on_close(peer)
    peer.close()


PEER: dict[str, Any] = {
    "peer sends": lambda peer: peer.send(b"abc"),
    "peer fin": lambda peer: peer.shutdown(socket.SHUT_WR),
    "peer reads": lambda peer: peer.recv(100),
    "peer rst": reset,
}


def peer_does(step: str, peer: socket.socket) -> object:
    try:
        return PEER[step](peer)
    except OSError as error:
        return type(error)


async def play(engine: str, played: list[str]) -> list[object]:
    left, peer = tcp_pair()
    recorder, seen = Recorder(), []
    stream = await open_stream(make(engine), left, recorder)
    with peer:
        for step in played:
            if step == "peer rst" and "peer fin" in played:
                continue  # asyncio watches no socket after its FIN: only the native engine hears the RST
            try:
                if step in VERBS:
                    seen.append(await VERBS[step](stream))
                elif step == "abort":
                    stream.abort()
                else:
                    seen.append(peer_does(step, peer))
            except NetwrightError as error:
                seen.append(type(error))
            await asyncio.sleep(0.001)
        await stream.close()
        await asyncio.sleep(0.001)
    record = stream.record
    if "abort" not in played:
        seen.append(record.bytes_in)  # what an abort leaves in the kernel was never counted
    seen += [record.bytes_out, record.waiting, len(recorder.live), dict(recorder.totals)]
    return seen


@pytest.mark.long
@settings(max_examples=80, deadline=None)
@given(steps)
def test_native_pipe_ends_like_the_portable_one(played: list[str]) -> None:
    seen = []
    for engine in ("portable", "native"):
        with asyncio.Runner(loop_factory=jumping_loop) as runner:
            seen.append(runner.run(play(engine, played)))
    assert seen[0] == seen[1]
