"""Lesson 5, what not to do: a coroutine that calls a blocking function stops every other client."""

import asyncio
import sys
import time

PAUSE = 0.5


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    if line == b"slow\n":
        time.sleep(PAUSE)  # the lesson: this should be `await asyncio.sleep(PAUSE)`
    writer.write(line)
    await writer.drain()
    writer.close()


async def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    server = await asyncio.start_server(handle, "127.0.0.1", port)
    print("Serving on port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
