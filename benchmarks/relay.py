"""Short tunnels: a proxy passes one request and its answer between a client and a server, then both sides end.

``python -m benchmarks.relay`` counts the proxy's user instructions per tunnel under callgrind: with ``Stream.relay`` on
both engines, and with two copying tasks on asyncio streams.  Accept, connect and close of both sides are in it.
"""

import argparse
import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.support.callgrind import counting
from benchmarks.support.claim import SkipError, say

TUNNELS, WARM = 500, 50
REQUEST = b"x" * 100
KINDS = ("native", "portable", "asyncio")


async def serve_ours(server: int) -> None:
    """Proxy to the port ``server`` with ``relay``."""
    from netwright import Listener, Stream, connect

    async def client(stream: Stream) -> None:
        async with await connect(f"127.0.0.1:{server}") as other:
            await stream.relay(other)

    listener = await Listener.bind("127.0.0.1:0")
    say(str(listener.address).rpartition(":")[2])
    await listener.serve(client)


async def serve_streams(server: int) -> None:
    """The same with asyncio streams."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", server)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(copy(there, writer))
                await copy(reader, back)
        finally:
            back.close()
            writer.close()

    listener = await asyncio.start_server(client, "127.0.0.1", 0)
    say(str(listener.sockets[0].getsockname()[1]))
    await listener.serve_forever()


@contextmanager
def answering() -> Iterator[int]:
    """The port of a server that answers each connection's request with as many bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:  # shut down
                    return
                with peer:
                    peer.sendall(peer.recv(len(REQUEST), socket.MSG_WAITALL))
                    peer.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def talk(port: int, tunnels: int) -> int:
    """Use so many tunnels one after the other; return their number."""
    for _ in range(tunnels):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(REQUEST)
            assert client.recv(len(REQUEST), socket.MSG_WAITALL) == REQUEST
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
    return tunnels


def instructions(kind: str) -> float:
    """User instructions per tunnel."""
    setting = ["env", f"NETWRIGHT_ENGINE={kind}"] if kind != "asyncio" else []
    with answering() as server:
        command = [*setting, sys.executable, "-m", "benchmarks.relay", "--serve", kind, str(server)]
        with counting(command) as (proxy, count):
            talk(proxy.port, WARM)
            found: float = count(lambda: talk(proxy.port, TUNNELS))
    return found


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args().serve
    if chosen:
        kind, server = chosen
        asyncio.run(serve_streams(int(server)) if kind == "asyncio" else serve_ours(int(server)))
        return
    try:
        found = {kind: instructions(kind) for kind in KINDS}
    except SkipError as reason:
        say(f"skipped: {reason}")
        return
    for kind, each in found.items():
        say(f"{kind:10} {each:9,.0f} user instructions per tunnel, {each / found['asyncio']:.2f} of asyncio streams'")


if __name__ == "__main__":
    main()
