"""docs/streams.md and examples/broker.py run as they are shown."""

import re
from pathlib import Path

import pytest
from examples import broker

from netwright import Limits, Service, Stream, connect

GUIDE = Path("docs/streams.md").read_text()


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
def test_a_block_of_the_streams_guide_runs(block: str) -> None:
    exec(compile(block, "docs/streams.md", "exec"), {})


def test_every_verb_is_in_the_guide() -> None:
    verbs = [name for name in Stream.__abstractmethods__ if not name.startswith("_")]
    machinery = {"begin_message", "end_message", "finish_messages", "fail", "fileno", "at_eof", "closed", "tcp_info"}
    assert [name for name in verbs if name not in machinery | {"read_frame"} and f"{name}" not in GUIDE] == []


async def test_broker_fans_out_and_a_stalled_subscriber_ends_itself() -> None:
    service = Service("broker", limits=Limits(outbox=10_000))
    service.tcp("127.0.0.1:0")(broker.client)
    async with service:
        address = service.listeners[0].address
        async with await connect(address) as quick, await connect(address) as publisher:
            stalled = await connect(address)
            for member in (quick, stalled):
                await member.send(b"SUB news\n")
                assert await member.readline() == b"OK\n"
            members, text = 2, bytes(60_000).replace(b"\0", b"x")
            while members == 2:
                await publisher.send(b"PUB news " + text + b"\n")
                assert (await quick.readline()).startswith(b"MSG news xx")
                members = int((await publisher.readline()).split()[1])
            assert members == 1
            await publisher.send(b"PUB nothing x\nWHAT\n")
            assert [await publisher.readline() for _ in range(2)] == [b"OK 0\n", b"ERR SUB, UNSUB or PUB expected\n"]
            stalled.abort()
            await quick.send(b"UNSUB news\n")
            assert await quick.readline() == b"OK\n"
    assert broker.subscribers == {}
