"""HTTP/1.1 machines under mutated requests: only Refused, the same for any split, and no request that reads two ways.

Run: python -m fuzz.fuzz_http1 --executions 20000 --seed 1
"""

import argparse
import random
import sys

from netwright.core.errors import LimitError, ProtocolError
from netwright.proto.http1 import (
    ClientMachine,
    Data,
    End,
    Event,
    HttpLimits,
    Reading,
    Refused,
    Request,
    Response,
    ServerMachine,
)

LIMITS = HttpLimits(
    request_line=200, field_line=200, fields=10, head=600, body=300, chunk_line=60, chunk_overhead=40, interim=3
)
SEEDS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /a?b=c HTTP/1.1\r\nhost: a:80\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nt: v\r\n\r\n",
    b"GET http://a/b HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
    b"\r\nPOST http://[::1]:80/?q HTTP/1.2\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi\r\n",
    b"PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n05 ; a = b\r\nhello\r\n00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: [::1]\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x00",
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 \r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 103 \r\nlink: x\r\n\r\nHTTP/1.1 204 \r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 101 \r\nupgrade: chat\r\nconnection: upgrade\r\n\r\n\x81",
]
SPICE = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b";", b",", b"\xff", b"a" * 250, b"9" * 30]
SPICE += [b"chunked", b"0_2e", b"+1", b"0x1", b"x: y\r\n" * 12, b" HTTP/1.1"]
SPICE += [b"content-length: 3\r\n", b"transfer-encoding: chunked\r\n", b"host: b\r\n"]
Machine = ServerMachine | ClientMachine


def mutated(seeds: list[bytes], chance: random.Random) -> bytes:
    """A seed, cut, doubled, spiced and flipped a few times."""
    raw = chance.choice(seeds)
    for _ in range(chance.randrange(4)):
        at, other = chance.randrange(len(raw) + 1), chance.randrange(len(raw) + 1)
        match chance.randrange(5):
            case 0:
                raw = raw[:at] + chance.choice(SPICE) + raw[at:]
            case 1:
                raw = raw[:at] + raw[other:]
            case 2:
                raw = raw + chance.choice(seeds)
            case 3:
                raw = raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
            case _:
                raw = raw[:at] + raw[min(at, other) : max(at, other)] + raw[at:]
    return raw


def asked() -> ClientMachine:
    """A client that waits for its answer."""
    machine = ClientMachine(LIMITS, 0.0)
    ask(machine)
    return machine


def ask(machine: ClientMachine) -> None:
    """Send a whole request."""
    machine.send_head("GET", "/", b"host: a\r\n", upgrade="chat")
    machine.send_end()


def may_go_on(machine: Machine) -> bool:
    """The message is over, and the connection is not."""
    return machine.reading is Reading.DONE and machine.keep_alive


def received(machine: Machine, piece: bytes) -> list[Event]:
    """What a piece says; each message that ends is followed by the next, if there may be one."""
    events = found = machine.receive(piece, 0.0)
    while found and isinstance(found[-1], End) and may_go_on(machine):
        if isinstance(machine, ServerMachine):
            machine.send_whole(200, b"", b"")
            if not may_go_on(machine):
                break
        machine.next_message()
        if isinstance(machine, ClientMachine):
            ask(machine)
        found = machine.receive(b"", 0.0) if machine.has_rest else []
        events = events + found
    return events


def outcome(machine: Machine, pieces: list[bytes]) -> list[str]:
    """What the machine reports, in words, borders of content left out; the connection ends after the pieces."""
    events: list[Event] = []
    for piece in pieces:
        events += received(machine, piece)
    words, content = [], b""
    for event in [*events, *machine.receive_eof(0.0)]:
        if isinstance(event, Data):
            content += event.data
            continue
        if isinstance(event, Refused):
            assert isinstance(event.error, ProtocolError | LimitError), event
            assert 400 <= event.status <= 505, event
            words.append(f"refused {event.status} {event.error}")
        elif isinstance(event, Request | Response):
            words.append(f"{event} {event.fields.pairs}")
        else:
            words.append(str(event))
    return [*words, repr(content)]


def pieces_of(raw: bytes, chance: random.Random) -> list[bytes]:
    """The same bytes in a few pieces, sometimes in single bytes."""
    if chance.randrange(3) == 0:
        return [raw[at : at + 1] for at in range(len(raw))]
    cuts = sorted(chance.randrange(len(raw) + 1) for _ in range(chance.randrange(1, 5)))
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


def check_one_reading(raw: bytes) -> None:
    """A request that was accepted, written again by our own rules, reads the same: nothing in it was ambiguous."""
    events = ServerMachine(LIMITS, 0.0).receive(raw, 0.0)
    if not events or not isinstance(events[0], Request) or not isinstance(events[-1], End):
        return
    request = events[0]
    assert "@" not in request.authority, raw
    content = b"".join(event.data for event in events if isinstance(event, Data))
    framing = {"content-length", "transfer-encoding"}
    block = b"".join(f"{n}: {v}\r\n".encode("latin-1") for n, v in request.fields.pairs if n not in framing)
    head = f"{request.method} {request.target} HTTP/{request.version}\r\n".encode()
    length = b"content-length: %d\r\n" % len(content) if content else b""
    again = ServerMachine(LIMITS, 0.0).receive(head + block + length + b"\r\n" + content, 0.0)
    if isinstance(again[0], Refused):
        assert isinstance(again[0].error, LimitError), (raw, again)
        return
    assert isinstance(again[0], Request), (raw, again)
    assert (again[0].method, again[0].target, again[0].keep_alive) == (
        request.method,
        request.target,
        request.keep_alive,
    )
    assert b"".join(event.data for event in again if isinstance(event, Data)) == content, raw


def execute(chance: random.Random) -> None:
    """One input against both roles."""
    raw = mutated(SEEDS, chance)
    assert outcome(ServerMachine(LIMITS, 0.0), [raw]) == outcome(ServerMachine(LIMITS, 0.0), pieces_of(raw, chance)), (
        raw
    )
    check_one_reading(raw)
    raw = mutated(ANSWERS, chance)
    assert outcome(asked(), [raw]) == outcome(asked(), pieces_of(raw, chance)), raw


def main() -> int:
    """Run; the seed of a failure is printed with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    wanted = parser.parse_args()
    chance = random.Random(wanted.seed)
    for number in range(wanted.executions):
        try:
            execute(chance)
        except Exception:
            print(f"http1: failed at execution {number} of seed {wanted.seed}", file=sys.stderr)  # noqa: T201
            raise
    print(f"http1: {wanted.executions} executions, seed {wanted.seed}: no finding")  # noqa: T201  # a tool's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
