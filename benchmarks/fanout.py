"""Fan-out: the broker of ``examples/broker.py`` sends each message to 1,000 subscribers, of which 10 stop reading.

``python -m benchmarks.fanout`` prints, of one run: the 99th percentile of the other subscribers with and without the
stalled ones, the broker's memory, and its CPU time per delivery beside the same broker on asyncio streams, on asyncio's
loop and on uvloop.
"""

import argparse
import asyncio
import importlib.util
import json
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass

SUBSCRIBERS, STALLED, MESSAGES, SIZE, GAP = 1000, 10, 200, 2000, 0.05
OUTBOX = 256 * 1024
KINDS = ("netwright", "asyncio", *(("uvloop",) if importlib.util.find_spec("uvloop") else ()))


@dataclass(frozen=True, slots=True)
class Run:
    """One broker under load; seconds, and bytes of memory."""

    deliveries: int
    p99: float
    cpu: float
    memory: int


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
    """Be the broker until standard input ends; say the port, then CPU seconds and memory since then."""
    stop = asyncio.Event()
    if kind == "netwright":
        from examples.broker import client

        from netwright import Limits, Listener

        listener = await Listener.bind("127.0.0.1:0", limits=Limits(first_byte=None, idle=None), report=print_error)
        serving: object = asyncio.get_running_loop().create_task(listener.serve(client))
        port = int(str(listener.address).rpartition(":")[2])
    else:
        server = await asyncio.start_server(StreamsBroker().client, "127.0.0.1", 0, limit=64 * 1024, backlog=2000)
        serving, port = server, server.sockets[0].getsockname()[1]
    say(port)
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    await stop.wait()
    used = resource.getrusage(resource.RUSAGE_SELF)
    say(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
    del serving


def print_error(text: str, /, *, exc_info: BaseException | None = None) -> None:
    """Where the broker's log goes."""


def measure(kind: str, stalled: int) -> Run:
    """Run one broker in a process of its own and load it."""
    command = [sys.executable, "-m", "benchmarks.fanout", "--serve", kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = ("127.0.0.1", int(process.stdout.readline()))
        late = load(address, stalled)
        process.stdin.write("\n")
        process.stdin.close()
        cpu, memory = json.loads(process.stdout.readline())
        process.kill()
    late.sort()
    return Run(len(late), late[int(len(late) * 0.99)], cpu, memory)


def load(address: tuple[str, int], stalled: int) -> list[float]:
    """Subscribe, publish at a steady rate, and return the seconds that each delivery took."""
    readers = selectors.EpollSelector()
    members = [subscribed(address, receive=4096 if number < stalled else 0) for number in range(SUBSCRIBERS)]
    for member in members[stalled:]:
        member.setblocking(False)
        readers.register(member, selectors.EVENT_READ, bytearray())
    wanted, late = (SUBSCRIBERS - stalled) * MESSAGES, list[float]()
    with socket.create_connection(address) as publisher:
        begun, published = time.monotonic(), 0
        while len(late) < wanted and time.monotonic() < begun + MESSAGES * GAP + 60:
            if published < MESSAGES and time.monotonic() >= begun + published * GAP:
                publisher.sendall(b"PUB t %020d%s\n" % (time.monotonic_ns(), b"x" * SIZE))
                published += 1
            for key, _ in readers.select(0.001):
                late += delivered(key.fileobj, key.data)  # type: ignore[arg-type]  # a socket
        publisher.close()
    for member in members:
        member.close()
    readers.close()
    return late


def subscribed(address: tuple[str, int], *, receive: int) -> socket.socket:
    """A subscriber; ``receive`` is the size of its kernel's buffer, 0 the system's."""
    member = socket.socket()
    if receive:
        member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    member.connect(address)
    member.sendall(b"SUB t\n")
    assert member.recv(3, socket.MSG_WAITALL) == b"OK\n"
    return member


def delivered(member: socket.socket, kept: bytearray) -> list[float]:
    """The age of each message that is whole."""
    kept += member.recv(256 * 1024)
    now, found = time.monotonic_ns(), list[float]()
    while (end := kept.find(b"\n")) >= 0:
        found.append((now - int(kept[6:26])) / 1e9)
        del kept[: end + 1]
    return found


def say(line: object) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    chosen = parser.parse_args().serve
    if chosen:
        run = importlib.import_module("uvloop").run if chosen == "uvloop" else asyncio.run
        run(serve(chosen))
        return
    runs = {}
    for kind in KINDS:
        for stalled in (0, STALLED):
            runs[kind, stalled] = found = measure(kind, stalled)
            say(
                f"{kind:10} {stalled:3} stalled: {found.deliveries} deliveries, p99 {found.p99 * 1000:.1f} ms, "
                f"{found.cpu / found.deliveries * 1e6:.2f} us of CPU each, {found.memory / 1e6:.0f} MB"
            )
    ours, alone = runs["netwright", STALLED], runs["netwright", 0]
    say(f"p99 beside {STALLED} stalled subscribers / without: {ours.p99 / alone.p99:.2f} (2 allowed)")
    say(f"memory beside them: {(ours.memory - alone.memory) / 1e6:+.1f} MB ({STALLED * OUTBOX / 1e6:.1f} allowed)")
    for kind in KINDS[1:]:
        theirs = runs[kind, STALLED]
        ratio = (ours.cpu / ours.deliveries) / (theirs.cpu / theirs.deliveries)
        say(
            f"CPU per delivery netwright / {kind} streams: {ratio:.2f}" + (" (0.5 wanted)" if kind == "asyncio" else "")
        )


if __name__ == "__main__":
    main()
