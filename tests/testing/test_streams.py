"""Every engine's stream passes the public conformance suite: native, portable, on our own TCP, in memory, on pipes."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from netwright._native import enabled
from netwright.aio.channel import memory_pair
from netwright.aio.deadlines import Ticker
from netwright.aio.pipe import Pipe
from netwright.aio.portable_stream import Stream as PortableStream
from netwright.core.address import UnixAddress
from netwright.core.limits import UNLIMITED, Limits
from netwright.core.record import Recorder
from netwright.proto.channel import Wrap
from netwright.proto.stream import Stream
from netwright.sim.link import Path
from netwright.sim.transport import StackChannel
from netwright.testing.streams import CHECKS, Check, Pair
from tests.support.channels import Halting, Through
from tests.support.clock import virtual_loop
from tests.support.engines import make, open_stream, tcp_pair
from tests.support.stacks import LEFT, RIGHT, joined, stack_of

NOBODY = UnixAddress("")
KERNEL = ["portable", *(["native"] if enabled("netwright.aio._stream") else [])]
FAMILIES = ["unix", "through", "halting"]
WRAPS: dict[str, Wrap] = {"through": Through, "halting": Halting}
ENGINES = [*KERNEL, *(f"{name} {family}" for family in FAMILIES for name in KERNEL), "memory", "stack", "pipes"]


@asynccontextmanager
async def pairs(name: str) -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    if name == "stack":
        async with _stacks() as stacked:
            yield stacked
        return
    kind, _, family = name.partition(" ")
    engine, ticker = make(kind) if kind in KERNEL else None, Ticker(loop)

    async def pair(limits: Limits) -> tuple[Stream, Stream]:
        if name == "pipes":
            there, back = os.pipe(), os.pipe()
            return await Stream.adopt(back[0], there[1], limits=limits), await Stream.adopt(there[0], back[1])
        if engine is None:
            left, right = memory_pair(loop)
            return _stream(ticker, left, limits), _stream(ticker, right, UNLIMITED)
        one, two = _unix_pair() if family == "unix" else tcp_pair()
        wrap = WRAPS.get(family)
        limited = await open_stream(engine, one, Recorder(), limits, wrap=wrap)
        return limited, await open_stream(engine, two, Recorder(), wrap=wrap)

    yield pair


def _unix_pair() -> tuple[socket.socket, socket.socket]:
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    return left, right


def _stream(ticker: Ticker, channel: Any, limits: Limits) -> Stream:
    recorder, loop = Recorder(), asyncio.get_running_loop()
    record = recorder.open(role="connected", transport="unix", local=NOBODY, peer=NOBODY, at=loop.time())
    return PortableStream(Pipe(loop, ticker, record, recorder, channel), limits)


@asynccontextmanager
async def _stacks() -> AsyncIterator[Pair]:
    left, right = joined(stack_of(LEFT), stack_of(RIGHT, seed=2), Path(delay=0.001))
    port = right.stack.listen("10.0.0.2", 80)
    ticker = Ticker(asyncio.get_running_loop())

    async def pair(limits: Limits) -> tuple[Stream, Stream]:
        client = left.stack.connect("10.0.0.2", 80, left.now())
        left.flush()
        await asyncio.sleep(0.1)
        server = port.accept()
        assert server is not None
        return (
            _stream(ticker, StackChannel(left, client), limits),
            _stream(ticker, StackChannel(right, server), UNLIMITED),
        )

    try:
        yield pair
    finally:
        left.close()
        right.close()


@pytest.fixture
def loop_factory() -> Callable[[], Any]:
    return virtual_loop


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.usefixtures("loop_factory")
async def test_stream_of_an_engine(name: str, check: Check, recwarn: pytest.WarningsRecorder) -> None:
    if "halting" in name and check.__name__ == "a_batch_has_one_answer":
        pytest.skip("what comes in pieces is no batch")
    async with pairs(name) as pair:
        await check(pair)
