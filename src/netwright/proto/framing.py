"""Messages in a stream of bytes: delimiter, length prefix, varint, fixed structure, line.

``decode`` takes one whole message from the front of a buffer or leaves the buffer as it is; ``encode`` gives the parts
to send.  A stream that ends inside a message is the caller's to report (IncompleteError).
"""

import struct
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import LimitError, ProtocolError, UsageError

__all__ = ["Delimited", "Framing", "LengthPrefixed", "Lines", "Struct", "Varint"]

M = TypeVar("M")
MESSAGE_LIMIT = 1024 * 1024
LINE_LIMIT = 64 * 1024
_VARINT_MAX = 10  # bytes of a 64-bit varint (protobuf encoding, "Base 128 Varints")


class Framing(Protocol[M]):
    """One way to mark where a message ends."""

    def decode(self, buffer: ReceiveBuffer) -> M | None:
        """Take the next message; None, and no byte taken, if it is not whole yet.

        A framing that must look at all bytes of a message keeps its place in ``buffer.resume``: each call then looks
        at new bytes only.

        Raises:
            ProtocolError: the bytes can never become a message.
            LimitError: the message is larger than the limit that was set.
        """

    def encode(self, message: M) -> tuple[bytes, ...]:
        """The parts to send for one message."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """A message ends with ``delimiter``, which is not part of it; ``limit`` counts the message alone."""

    delimiter: bytes
    limit: int = LINE_LIMIT

    def __post_init__(self) -> None:
        if not self.delimiter:
            raise UsageError("delimiter of 0 bytes, 1 or more allowed")

    def decode(self, buffer: ReceiveBuffer) -> bytes | None:
        """Take one message and its delimiter."""
        end = buffer.find(self.delimiter)
        if end < 0:
            _check("message", len(buffer) - len(self.delimiter) + 1, self.limit)
            return None
        _check("message", end, self.limit)
        message = buffer.take(end)
        buffer.skip(len(self.delimiter))
        return message

    def encode(self, message: bytes) -> tuple[bytes, ...]:
        """The message and its delimiter."""
        if self.delimiter in message:
            raise UsageError(f"message with its delimiter {self.delimiter!r} at byte {message.index(self.delimiter)}")
        return message, self.delimiter


@dataclass(frozen=True, slots=True)
class Lines:
    r"""A message ends with ``\n`` or ``\r\n``, neither is part of it; it is sent with ``\n``."""

    limit: int = LINE_LIMIT

    def decode(self, buffer: ReceiveBuffer) -> bytes | None:
        """Take one line."""
        end = buffer.find(b"\n")
        if end < 0:
            _check("line", len(buffer) - 1, self.limit)  # the last byte may be the \r of its end
            return None
        _check("line", end, self.limit + 1)
        line = buffer.peek(end).removesuffix(b"\r")
        _check("line", len(line), self.limit)
        buffer.skip(end + 1)
        return line

    def encode(self, message: bytes) -> tuple[bytes, ...]:
        r"""The line and ``\n``."""
        if b"\n" in message:
            raise UsageError(f"line with a line end at byte {message.index(10)}")
        return message, b"\n"


@dataclass(frozen=True, slots=True)
class LengthPrefixed:
    """An unsigned length of ``width`` bytes, then the message; ``includes_header`` counts the length's own bytes in."""

    width: Literal[1, 2, 4, 8] = 4
    order: Literal["big", "little"] = "big"
    limit: int = MESSAGE_LIMIT
    includes_header: bool = False

    def __post_init__(self) -> None:
        if self.width not in (1, 2, 4, 8):
            raise UsageError(f"width={self.width}, 1, 2, 4 or 8 allowed")

    def decode(self, buffer: ReceiveBuffer) -> bytes | None:
        """Take one message and its length."""
        if len(buffer) < self.width:
            return None
        size = int.from_bytes(buffer.peek(self.width), self.order)
        if self.includes_header:
            if size < self.width:
                raise ProtocolError(f"length {size} does not include its own {self.width} bytes")
            size -= self.width
        _check("message", size, self.limit)
        if len(buffer) < self.width + size:
            return None
        buffer.skip(self.width)
        return buffer.take(size)

    def encode(self, message: bytes) -> tuple[bytes, ...]:
        """The length and the message."""
        size = len(message) + (self.width if self.includes_header else 0)
        if size >> (8 * self.width):
            raise UsageError(
                f"message of {len(message)} bytes, a {self.width}-byte length allows {256**self.width - 1}"
            )
        return size.to_bytes(self.width, self.order), message


@dataclass(frozen=True, slots=True)
class Varint:
    """A length in base 128, low groups first (protobuf encoding, "Base 128 Varints"), then the message."""

    limit: int = MESSAGE_LIMIT

    def decode(self, buffer: ReceiveBuffer) -> bytes | None:
        """Take one message and its length."""
        head = buffer.peek(_VARINT_MAX)
        size = 0
        for index, byte in enumerate(head):
            size |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                break
        else:
            if len(head) == _VARINT_MAX:
                raise ProtocolError(f"varint without an end in {_VARINT_MAX} bytes: {head.hex()}", reference="protobuf")
            return None
        if index and not head[index]:
            raise ProtocolError(f"varint longer than its value needs: {head[: index + 1].hex()}", reference="protobuf")
        _check("message", size, self.limit)
        if len(buffer) < index + 1 + size:
            return None
        buffer.skip(index + 1)
        return buffer.take(size)

    def encode(self, message: bytes) -> tuple[bytes, ...]:
        """The length and the message."""
        size, head = len(message), bytearray()
        while size >= 0x80:
            head.append(size & 0x7F | 0x80)
            size >>= 7
        head.append(size)
        return bytes(head), message


@dataclass(frozen=True, slots=True)
class Struct:
    """A fixed structure in the notation of the standard library's ``struct``; a message is its tuple of values."""

    format: str
    _struct: struct.Struct = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "_struct", struct.Struct(self.format))
        except struct.error as error:
            raise UsageError(f"structure {self.format!r}: {error}") from error
        if not self._struct.size:
            raise UsageError(f"structure {self.format!r} of 0 bytes, 1 or more allowed")

    def decode(self, buffer: ReceiveBuffer) -> tuple[Any, ...] | None:
        """Take one structure."""
        if len(buffer) < self._struct.size:
            return None
        return self._struct.unpack(buffer.take(self._struct.size))

    def encode(self, message: tuple[Any, ...]) -> tuple[bytes, ...]:
        """The structure's bytes."""
        try:
            return (self._struct.pack(*message),)
        except struct.error as error:
            raise UsageError(f"values {message!r} for structure {self.format!r}: {error}") from error


def _check(name: str, seen: int, allowed: int) -> None:
    if seen > allowed:
        raise LimitError(name, seen, allowed)
