"""HTTP over a TCP of our own, on a TUN device.  Needs Linux and root: sudo python examples/own_tcp.py

    curl http://10.9.0.2/bytes/10000000 | sha256sum      # that many bytes
    curl --data-binary @file http://10.9.0.2/hash        # counted and hashed as it comes
    ping 10.9.0.2
    curl http://10.9.0.2:81/                             # refused: nobody listens there

The kernel's side of the device is 10.9.0.1 and fd00:9::1, ours 10.9.0.2 and fd00:9::2.  Until Ctrl-C.
"""

import asyncio
import contextlib
import hashlib

from netwright import App, Request, Response
from netwright.http import HttpLimits
from netwright.sim.tun import Tun

MOST = 1 << 30  # bytes of a body, either way
PIECE = bytes(range(256)) * 256

app = App("own tcp", http=HttpLimits(body=MOST))
app.http("10.9.0.2:80")
app.http("[fd00:9::2]:80")


@app.get("/bytes/{count}")
async def give(request: Request) -> Response:
    """So many bytes: 0 to 255, again and again."""
    count = min(int(request.params["count"]), MOST)
    return Response((PIECE * (count // len(PIECE) + 1))[:count])


@app.post("/hash")
async def take(request: Request) -> Response:
    """Size and SHA-256 of the body."""
    size, digest = 0, hashlib.sha256()
    async for piece in request:
        size += len(piece)
        digest.update(piece)
    return Response(f"{size} {digest.hexdigest()}\n")


async def main() -> None:
    """Serve until somebody stops it."""
    async with Tun(kernel=["10.9.0.1/24", "fd00:9::1/64"], ours=["10.9.0.2", "fd00:9::2"]) as tun, app:
        print(f"{tun.device.name}: http://10.9.0.2/ and http://[fd00:9::2]/", flush=True)
        await app.wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
