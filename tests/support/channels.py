"""Channels around another one: what a TLS session does to the bytes below it, without TLS."""

import os
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


class Masked(Through):
    """Turns every bit over."""

    def receive(self, size: int) -> bytes | None:
        data = self.inner.receive(size)
        return data and _masked(data)

    def send(self, data: bytes | bytearray | memoryview) -> int:
        return self.inner.send(_masked(data))


def _masked(data: bytes | bytearray | memoryview) -> bytes:
    return bytes(data).translate(bytes(255 - value for value in range(256)))


class Broken(Through):
    """Its first receive and its first send fail."""

    def __init__(self, inner: Channel, number: int) -> None:
        super().__init__(inner)
        self.number = number

    def receive(self, _size: int) -> bytes | None:
        raise OSError(self.number, os.strerror(self.number))

    def send(self, _data: bytes | bytearray | memoryview) -> int:
        raise OSError(self.number, os.strerror(self.number))


class Greeting(Through):
    """As a handshake: sends one byte first, and nothing more before the other side's byte is here."""

    def __init__(self, inner: Channel) -> None:
        super().__init__(inner)
        self.greeted = self.heard = False
        self.readable: Ready | None = None
        self.writable: Ready | None = None

    def receive(self, size: int) -> bytes | None:
        return self.inner.receive(size) if self._shaken() else None

    def send(self, data: bytes | bytearray | memoryview) -> int:
        return self.inner.send(data) if self._shaken() else 0

    def watch(self, readable: Ready | None, writable: Ready | None) -> None:
        self.readable, self.writable = readable, writable
        if (self.greeted and self.heard) or not (readable or writable):
            self.inner.watch(readable, writable)
        else:
            self.inner.watch(self._go_on, None if self.greeted else self._go_on)

    def _go_on(self) -> None:
        self._shaken()
        self.watch(self.readable, self.writable)

    def _shaken(self) -> bool:
        self.greeted = self.greeted or bool(self.inner.send(b"!"))
        self.heard = self.heard or bool(self.inner.receive(1))
        return self.greeted and self.heard
