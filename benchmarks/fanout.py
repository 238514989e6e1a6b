"""Fan-out: the broker of ``examples/broker.py`` sends each message to 1,000 subscribers, of which 10 stop reading.

``python -m benchmarks.fanout`` prints the 99th percentile of the other subscribers with and without the stalled ones,
the broker's largest memory, and its CPU time per delivery beside the same broker on asyncio streams, on asyncio's loop
and on uvloop.  CPU time is that of the publishing alone: it begins when every subscriber stands and has got a message.
The kernel's part of it is the send system calls, which every broker makes alike.

``--instructions`` counts user instructions per delivery under callgrind instead, without stalled subscribers.
"""

import argparse
import asyncio
import importlib.util
import re
import selectors
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ECONNRESET
from pathlib import Path

from benchmarks.support.burst import allow_descriptors
from benchmarks.support.callgrind import counting
from benchmarks.support.claim import SkipError, say
from benchmarks.support.process import Cpu, Server

SUBSCRIBERS, STALLED, MESSAGES, SIZE, GAP = 1000, 10, 200, 2000, 0.05
COUNTED = 20  # messages under callgrind
OUTBOX = 256 * 1024
KINDS = ("native", "portable", "asyncio", *(("uvloop",) if importlib.util.find_spec("uvloop") else ()))


@dataclass(frozen=True, slots=True)
class Run:
    """One broker under load; seconds, and bytes of memory."""

    deliveries: int
    p99: float
    cpu: Cpu
    memory: int
    cut: int  # subscribers that the broker reset

    @property
    def each(self) -> float:
        """Microseconds of CPU time per delivery."""
        return self.cpu.total / self.deliveries * 1e6


class StreamsBroker:
    """The same broker on asyncio streams, which bounds what it buffers for a subscriber by the same limit."""

    def __init__(self) -> None:
        self.members: defaultdict[bytes, set[asyncio.StreamWriter]] = defaultdict(set)

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        try:
            while line := await reader.readline():
                verb, _, rest = line.rstrip(b"\n").partition(b" ")
                topic, _, text = rest.partition(b" ")
                if verb == b"SUB":
                    self.members[topic].add(writer)
                    writer.write(b"OK\n")
                else:
                    writer.write(b"OK %d\n" % self.publish(topic, text))
                await writer.drain()
        except ConnectionError:
            return
        finally:
            for members in self.members.values():
                members.discard(writer)
            writer.close()

    def publish(self, topic: bytes, text: bytes) -> int:
        """Write to every subscriber; one with too much in its buffer is reset."""
        message = b"MSG %s %s\n" % (topic, text)
        for member in list(self.members[topic]):
            if member.transport.get_write_buffer_size() > OUTBOX:
                member.transport.abort()
                self.members[topic].discard(member)
            else:
                member.write(message)
        return len(self.members[topic])


async def serve(kind: str) -> None:
    """Be the broker; print the port."""
    if kind in ("native", "portable"):
        from examples.broker import client

        from netwright import Limits, Listener

        listener = await Listener.bind("127.0.0.1:0", limits=Limits(first_byte=None, idle=None), report=drop_report)
        say(str(listener.address).rpartition(":")[2])
        await listener.serve(client)
    else:
        server = await asyncio.start_server(StreamsBroker().client, "127.0.0.1", 0, limit=64 * 1024, backlog=2000)
        say(str(server.sockets[0].getsockname()[1]))
        await server.serve_forever()


def drop_report(text: str, /, *, exc_info: BaseException | None = None) -> None:
    """Drop the broker's log."""


def command(kind: str) -> list[str]:
    """How to start the broker ``kind``."""
    setting = ["env", f"NETWRIGHT_ENGINE={kind}"] if kind in ("native", "portable") else []
    return [*setting, sys.executable, "-m", "benchmarks.fanout", "--serve", kind]


def measure(kind: str, stalled: int) -> Run:
    """Run one broker in a process of its own and load it."""
    with Server(command(kind)) as server, subscribers(server.port, stalled) as members:
        publish(server.port, members[stalled:], 1)
        before = server.cpu()
        late = publish(server.port, members[stalled:], MESSAGES)
        used = server.cpu() - before
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="utf-8")
        cut = sum(member.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == ECONNRESET for member in members)
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    late.sort()
    return Run(len(late), late[int(len(late) * 0.99)], used, int(peak) * 1024, cut)


def instructions(kind: str) -> float:
    """User instructions per delivery."""
    with counting(command(kind)) as (server, count), subscribers(server.port, 0) as members:
        publish(server.port, members, 2)
        found: float = count(lambda: len(publish(server.port, members, COUNTED)))
    return found


@contextmanager
def subscribers(port: int, stalled: int) -> Iterator[list[socket.socket]]:
    """Connect all subscribers; the first ``stalled`` have a small receive buffer, and nobody reads them."""
    members = [subscribed(port, receive=4096 if number < stalled else 0) for number in range(SUBSCRIBERS)]
    try:
        yield members
    finally:
        for member in members:
            member.close()


def subscribed(port: int, *, receive: int) -> socket.socket:
    """A subscriber; ``receive`` is the size of its kernel's buffer, 0 the system's."""
    member = socket.socket()
    if receive:
        member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    member.connect(("127.0.0.1", port))
    member.sendall(b"SUB t\n")
    assert member.recv(3, socket.MSG_WAITALL) == b"OK\n"
    return member


def publish(port: int, members: list[socket.socket], messages: int) -> list[float]:
    """Publish at a steady rate, and return the seconds that each delivery took."""
    wanted, late = len(members) * messages, list[float]()
    with socket.create_connection(("127.0.0.1", port)) as publisher, selectors.EpollSelector() as readers:
        for member in members:
            member.setblocking(False)
            readers.register(member, selectors.EVENT_READ, bytearray())
        begun, published = time.monotonic(), 0
        while len(late) < wanted and time.monotonic() < begun + messages * GAP + 60:
            if published < messages and time.monotonic() >= begun + published * GAP:
                publisher.sendall(b"PUB t %020d%s\n" % (time.monotonic_ns(), b"x" * SIZE))
                published += 1
            for key, _ in readers.select(0.001):
                late += delivered(key.fileobj, key.data)  # type: ignore[arg-type]  # a socket
    return late


def delivered(member: socket.socket, kept: bytearray) -> list[float]:
    """The age of each message that is whole."""
    kept += member.recv(256 * 1024)
    now, found = time.monotonic_ns(), list[float]()
    while (end := kept.find(b"\n")) >= 0:
        found.append((now - int(kept[6:26])) / 1e9)
        del kept[: end + 1]
    return found


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--instructions", action="store_true", help="count user instructions under callgrind")
    arguments = parser.parse_args()
    if arguments.serve:
        run = importlib.import_module("uvloop").run if arguments.serve == "uvloop" else asyncio.run
        run(serve(arguments.serve))
        return
    allow_descriptors(2 * SUBSCRIBERS + 100)
    try:
        count_instructions() if arguments.instructions else compare()
    except SkipError as reason:
        say(f"skipped: {reason}")


def count_instructions() -> None:
    """Print user instructions per delivery, and their ratio to those of asyncio streams."""
    found = {kind: instructions(kind) for kind in KINDS}
    for kind, each in found.items():
        say(f"{kind:10} {each:8,.0f} user instructions per delivery, {each / found['asyncio']:.2f} of asyncio streams'")


def compare() -> None:
    """Print what each broker costs, and ours beside the others."""
    runs = {}
    for kind in KINDS:
        for stalled in (0, STALLED):
            runs[kind, stalled] = found = measure(kind, stalled)
            say(
                f"{kind:10} {stalled:3} stalled: {found.deliveries} deliveries, p99 {found.p99 * 1000:.1f} ms, "
                f"CPU each {found.each:.2f} us ({found.cpu.system / found.deliveries * 1e6:.2f} in the kernel), "
                f"{found.memory / 1e6:.0f} MB, {found.cut} reset"
            )
    ours, alone, streams = runs["native", STALLED], runs["native", 0], runs["asyncio", STALLED]
    say(f"p99 beside {STALLED} stalled subscribers / without: {ours.p99 / alone.p99:.2f} (2 allowed)")
    say(f"memory beside them: {(ours.memory - alone.memory) / 1e6:+.1f} MB ({STALLED * OUTBOX / 1e6:.1f} allowed)")
    for kind in KINDS:
        if kind != "native":
            say(f"CPU per delivery native / {kind}: {ours.each / runs[kind, STALLED].each:.2f}")
    floor = ours.cpu.system / ours.deliveries * 1e6 / streams.each
    say(f"0.5 of asyncio streams' is wanted; the kernel's part of ours alone is {floor:.2f} of theirs")


if __name__ == "__main__":
    main()
