"""A TCP client that sends lines and prints what comes back.  python -m examples.tcp_client HOST:PORT [LINE ...]"""

import asyncio
import sys

from netwright import connect


async def main(address: str, lines: list[str]) -> None:
    """Send each line and wait for its answer; the last one is followed by FIN."""
    async with await connect(address, timeout=5.0) as stream:
        for line in lines:
            await stream.send(line.encode() + b"\n", timeout=5.0)
            print((await stream.readline(timeout=5.0)).decode(), end="")
        await stream.send_eof()


if __name__ == "__main__":
    address, *lines = sys.argv[1:] or ["127.0.0.1:10000"]
    asyncio.run(main(address, lines or ["hello"]))
