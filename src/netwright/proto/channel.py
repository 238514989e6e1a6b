"""The carrier of a stream's bytes: a descriptor, a stack's connection, or a TLS session around another channel."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Channel", "Ready", "Wrap"]

Ready = Callable[[], None]


class Channel(ABC):
    """Bytes in both directions, never waiting; a stream's pipe owns one and is its only user.

    Every method may raise OSError: the connection is broken, its errno says how.
    """

    __slots__ = ()

    @abstractmethod
    def receive(self, size: int) -> bytes | None:
        """Take 1 to ``size`` bytes that are here; b"" is EOF, None means nothing is here yet."""

    @abstractmethod
    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Give ``data`` to the other side; returns how many bytes were accepted, 0 if there is no room now."""

    @abstractmethod
    def finish(self) -> None:
        """Send the end of this direction (FIN); ``receive`` goes on."""

    @abstractmethod
    def close(self, *, reset: bool = False) -> None:
        """Close both directions; with ``reset`` at once and with RST where the transport has one.  Idempotent."""

    @abstractmethod
    def watch(self, readable: Ready | None, writable: Ready | None) -> None:
        """Call ``readable`` when ``receive`` may have something, ``writable`` when ``send`` may have room.

        Both are called from the loop, again and again while it is so; None stops it.
        """

    @abstractmethod
    def info(self, name: str) -> Any:
        """A fact about the transport, None where it has none.

        "descriptor" (int), "tcp_info" (a function, bytes), "wraps" (True: another channel lies below; see ``Wrap``).
        """


Wrap: TypeAlias = Callable[[Channel], Channel]
"""Puts a channel around another, to encrypt, count or delay: what ``Engine.open`` takes.

The outer channel answers ``info("wraps")`` with True and everything else as the inner one.  It watches the inner one as
it needs: it may have to receive before it can send, and the other way round.  It may hold bytes of which the inner one
says nothing any more: its user calls ``receive`` until that gives None or b"", and only then relies on ``readable``.
"""
