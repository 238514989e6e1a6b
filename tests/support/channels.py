"""Channels around another one: what a TLS session does to the bytes below it, without TLS."""

from typing import Any

from netwright.proto.channel import Channel, Ready

SMALL = 300  # bytes of a connection that pass in the smallest steps; those behind them in larger ones


class Through(Channel):
    """Passes everything on."""

    def __init__(self, inner: Channel) -> None:
        self.inner = inner

    def receive(self, size: int) -> bytes | None:
        return self.inner.receive(size)

    def send(self, data: bytes | bytearray | memoryview) -> int:
        return self.inner.send(data)

    def finish(self) -> None:
        self.inner.finish()

    def close(self, *, reset: bool = False) -> None:
        self.inner.close(reset=reset)

    def watch(self, readable: Ready | None, writable: Ready | None) -> None:
        self.inner.watch(readable, writable)

    def info(self, name: str) -> Any:
        return True if name == "wraps" else self.inner.info(name)


class Halting(Through):
    """Holds back what came, gives it byte by byte, and takes at most 7 bytes of a send."""

    def __init__(self, inner: Channel) -> None:
        super().__init__(inner)
        self.held = b""
        self.given = self.taken = 0

    def receive(self, size: int) -> bytes | None:
        if not self.held:
            data = self.inner.receive(64 * 1024)
            if not data:
                return data
            self.held = data
        most = min(size, 1 if self.given < SMALL else 40_000)
        data, self.held = self.held[:most], self.held[most:]
        self.given += len(data)
        return data

    def send(self, data: bytes | bytearray | memoryview) -> int:
        sent = self.inner.send(data[: 7 if self.taken < SMALL else 50_000])
        self.taken += sent
        return sent
