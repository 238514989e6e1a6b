"""Lesson 4: the same echo with asyncio streams."""

import asyncio
import sys


async def handle_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.readline():
        print(f"Received {data.decode().rstrip()!r} from {writer.get_extra_info('peername')}", flush=True)
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    server = await asyncio.start_server(handle_echo, "127.0.0.1", port)
    print("Serving on port", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
