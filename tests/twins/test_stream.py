"""The native Stream gives what the portable one gives: same bytes, same errors, same texts, same record."""

import asyncio
import re
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.errors import NetwrightError
from netwright.core.record import Recorder
from netwright.proto.framing import Delimited, Framing, LengthPrefixed, Varint
from netwright.proto.stream import Stream
from tests.support.clock import virtual_loop
from tests.support.engines import make, open_stream

pytest.importorskip("netwright.aio._stream", reason="the kernel is not built")

pieces = [b"", b"a", b"\n", b"\r\n", b"bc", b"\0", b"\x02xy", b"0123456789" * 30]
bodies = st.lists(st.sampled_from(pieces), max_size=12)
framings: list[Framing[bytes]] = [Delimited(b"\r\n", 20), LengthPrefixed(1), Varint(limit=50)]
verbs = st.lists(
    st.one_of(
        st.tuples(st.just("read_exactly"), st.integers(0, 400)),
        st.tuples(st.just("read_until"), st.sampled_from([b"\n", b"\r\n", b"ab", b"\0\x02"])),
        st.tuples(st.just("readline"), st.sampled_from([1, 8, 4096])),
        st.tuples(st.just("lines"), st.sampled_from([1, 8, 4096])),
        st.tuples(st.just("read_frame"), st.sampled_from(framings)),
        st.tuples(st.just("unread"), st.binary(max_size=4)),
        st.tuples(st.just("frames"), st.sampled_from(framings)),
    ),
    max_size=10,
)


async def call(stream: Stream, verb: str, what: Any) -> Any:
    """The verb's result; what it raised, with its text and what it carries."""
    try:
        match verb:
            case "readline":
                return await stream.readline(limit=what, timeout=0.1)
            case "lines" | "frames":
                async with asyncio.timeout(0.1):
                    batches = stream.line_batches(limit=what) if verb == "lines" else stream.frames(what)
                    return [batch async for batch in batches]
            case "unread":
                return stream.unread(what)
            case "read":
                return await stream.read(what, timeout=0.1)
            case _:
                return await getattr(stream, verb)(what, timeout=0.1)
    except (NetwrightError, TimeoutError) as error:
        text = str(error).partition(": timed out after")[0]  # how long it waited is the clock's to say,
        text = re.sub(r"\d+ bytes seen", "more seen", text)  # how much more is here the engine's
        return type(error), text, vars(error).get("partial")


async def play(engine: str, chunks: list[bytes], fin: bool, played: list[tuple[str, Any]], *, slowly: bool) -> Any:
    left, right = socket.socketpair()
    left.setblocking(False)
    recorder = Recorder()
    stream = await open_stream(make(engine), left, recorder)

    async def feed() -> None:
        for chunk in chunks:
            right.send(chunk)
            if slowly:
                await asyncio.sleep(0.001)
        if fin:
            right.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.01)

    with right:
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(feed())
            if not slowly:
                await feeding
            results = [await call(stream, verb, what) for verb, what in played]
        rest = b""
        while isinstance(data := await call(stream, "read", 65536), bytes) and data:
            rest += data
        await stream.close()
    record = stream.record
    return results, rest, data, record.bytes_in, record.outcome, record.waiting, record.ended.stage, recorder.totals


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(bodies, st.booleans(), verbs, st.booleans())
def test_native_verbs_are_the_portable_ones(
    chunks: list[bytes], fin: bool, played: list[tuple[str, Any]], slowly: bool
) -> None:
    seen = []
    for engine in ("portable", "native"):
        with asyncio.Runner(loop_factory=virtual_loop) as runner:
            seen.append(runner.run(play(engine, chunks, fin, played, slowly=slowly)))
    assert seen[0] == seen[1]
