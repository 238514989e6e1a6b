"""An App on a loopback port and bytes against it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from netwright.aio import Stream, connect
from netwright.core.record import ConnectionRecord
from netwright.http import App, Request
from netwright.proto.http1 import ClientMachine, Data, End, Fields, HttpLimits, Refused, Response

_BIG = HttpLimits(body=1 << 30)


class Answered(NamedTuple):
    """One response; ``whole`` is False if the connection ended inside of it."""

    status: int
    fields: Fields
    body: bytes
    whole: bool = True

    @property
    def text(self) -> str:
        return self.body.decode()


class Peer:
    """The asking side, bytewise where a test wants it."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._rest = b""

    async def send(self, *parts: bytes) -> None:
        await self.stream.send(*parts)

    async def answer(self, method: str = "GET") -> Answered:
        """The next final response."""
        machine = ClientMachine(_BIG, 0.0)
        machine.send_head(method, "/", b"host: a\r\n")
        events = machine.receive(self._rest, 0.0)
        while not events or not isinstance(events[-1], End | Refused):
            data = await self.stream.read()
            events += machine.receive(data, 0.0) if data else machine.receive_eof(0.0)
        self._rest = machine.take_rest()
        head = next((event for event in events if isinstance(event, Response)), None)
        if head is None:
            raise AssertionError(f"no response: {events}")
        body = b"".join(event.data for event in events if isinstance(event, Data))
        return Answered(head.status, head.fields, body, isinstance(events[-1], End))

    async def ask(self, method: str, target: str, fields: bytes = b"", body: bytes = b"") -> Answered:
        length = b"content-length: %d\r\n" % len(body) if body else b""
        await self.send(
            b"%b %b HTTP/1.1\r\nhost: a\r\n%b%b\r\n" % (method.encode(), target.encode(), fields, length), body
        )
        return await self.answer(method)

    async def rest(self) -> bytes:
        """Everything until the end."""
        return self._rest + b"".join([data async for data in self.stream])


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[App]:
    """The app, started on a free port."""
    app.http(0)
    async with app:
        yield app


@asynccontextmanager
async def asking(app: App) -> AsyncIterator[Peer]:
    """A connection to the app's last port."""
    stream = await connect(app.listeners[-1].address, timeout=None)
    try:
        yield Peer(stream)
    finally:
        stream.abort()


async def closed_record(app: App) -> ConnectionRecord:
    """The record of the one connection that the app had, when it is closed."""
    closed = asyncio.Event()
    app.recorder.on_close(lambda _: closed.set())
    if not app.recorder.recent:
        await closed.wait()
    (record,) = app.recorder.recent
    return record


class Reports(list[tuple[str, Exception | None]]):
    def __call__(self, text: str, error: Exception | None) -> None:
        self.append((text, error))


def shop(**settings: object) -> App:
    """One handler of each kind."""
    app = App("shop", **settings)  # type: ignore[arg-type]

    @app.get("/")
    async def root(request: Request) -> str:
        return "hello"

    @app.post("/echo")
    async def echo(request: Request) -> bytes:
        return await request.body()

    @app.post("/ignore")
    async def ignore(request: Request) -> str:
        return "ignored"

    @app.post("/count")
    async def count(request: Request) -> str:
        sizes = [len(piece) async for piece in request]
        return str(sum(sizes))

    @app.get("/count")
    async def pieces(request: Request) -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"%d " % number

    @app.get("/bug")
    async def bug(request: Request) -> str:
        raise ValueError("planted")

    return app
