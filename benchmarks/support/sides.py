"""Programs of the two ends of a slow path.  python -m benchmarks.support.sides answer|age   (prints its port)
python -m benchmarks.support.sides ask|feed netwright|plain HOST PORT

``ask`` sends a head and a body in two sends, waits for one byte that ``answer`` gives when it has both, again and
again, and prints the median time.  ``feed`` sends records with the time in them, as fast as they are taken, and
``age`` prints the median age of a record on arrival, with the rate, when the connection ends.
"""

import asyncio
import json
import socket
import statistics
import struct
import sys
import time
from collections.abc import Callable

from netwright.aio import connect

HEAD, BODY = b"h" * 4, b"b" * 100
ASKS = 40
RECORD = 1024  # bytes, the time of its making in front
STAMP = struct.Struct("!d")
FEED_TIME, SETTLE_TIME = 4.0, 1.5  # seconds: of feeding, and of them not counted


def answer() -> None:
    """One byte for each head and body, for one client."""
    connection = _accept()
    while connection.recv(len(HEAD) + len(BODY), socket.MSG_WAITALL):
        connection.sendall(b".")


def age() -> None:
    """Read records of one client to its end."""
    stream = _accept().makefile("rb")
    rows = []
    while len(record := stream.read(RECORD)) == RECORD:
        seen = time.monotonic()
        rows.append((seen, seen - STAMP.unpack_from(record)[0]))
    counted = [row for row in rows if row[0] > rows[0][0] + SETTLE_TIME]
    span = counted[-1][0] - counted[0][0]
    result = {"age": statistics.median(age for _, age in counted), "rate": len(counted) * RECORD / span}
    sys.stdout.write(json.dumps(result) + "\n")


def _accept() -> socket.socket:
    with socket.create_server(("0.0.0.0", 0)) as listener:  # the far side of a path of our own
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        return listener.accept()[0]


async def ask_netwright(host: str, port: int) -> list[float]:
    """Our default: no Nagle."""
    times = []
    async with await connect((host, port)) as stream:
        for _ in range(ASKS):
            begin = time.monotonic()
            await stream.send(HEAD)
            await stream.send(BODY)
            await stream.read_exactly(1)
            times.append(time.monotonic() - begin)
    return times


def ask_plain(host: str, port: int) -> list[float]:
    """A socket as it comes: Nagle's algorithm waits for the acknowledgement that the peer delays."""
    times = []
    with socket.create_connection((host, port)) as sock:
        for _ in range(ASKS):
            begin = time.monotonic()
            sock.sendall(HEAD)
            sock.sendall(BODY)
            sock.recv(1)
            times.append(time.monotonic() - begin)
    return times


def _record() -> bytes:
    return STAMP.pack(time.monotonic()).ljust(RECORD)


async def feed_netwright(host: str, port: int) -> None:
    """Our default: TCP_NOTSENT_LOWAT."""
    async with await connect((host, port)) as stream:
        end = time.monotonic() + FEED_TIME
        while time.monotonic() < end:
            await stream.send(_record())


async def feed_plain(host: str, port: int) -> None:
    """asyncio streams as they come: a record waits in the kernel, behind all that was written before it."""
    _, writer = await asyncio.open_connection(host, port)
    end = time.monotonic() + FEED_TIME
    while time.monotonic() < end:
        writer.write(_record())
        await writer.drain()
    writer.close()


SIDES: dict[tuple[str, ...], Callable[..., object]] = {
    ("answer",): answer,
    ("age",): age,
    ("ask", "netwright"): lambda host, port: asyncio.run(ask_netwright(host, int(port))),
    ("ask", "plain"): lambda host, port: ask_plain(host, int(port)),
    ("feed", "netwright"): lambda host, port: asyncio.run(feed_netwright(host, int(port))),
    ("feed", "plain"): lambda host, port: asyncio.run(feed_plain(host, int(port))),
}


if __name__ == "__main__":
    side = tuple(sys.argv[1:3])
    times = SIDES[side](*sys.argv[3:])
    if isinstance(times, list):
        sys.stdout.write(json.dumps({"time": statistics.median(times)}) + "\n")
