"""Lesson 4: several asyncio clients at once, each with its own message."""

import asyncio
import sys


async def tcp_echo_client(port: int, message: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(message.encode() + b"\n")
    await writer.drain()
    data = await reader.readline()
    print(f"Received: {data.decode().rstrip()!r}", flush=True)
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    await asyncio.gather(*(tcp_echo_client(port, f"Hello World {number}!") for number in range(5)))


if __name__ == "__main__":
    asyncio.run(main())
