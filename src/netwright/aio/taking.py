"""Take a whole line, frame or delimited message from a buffer; or return None and leave the buffer as it was."""

from typing import TypeVar

from netwright.core.buffer import ReceiveBuffer
from netwright.core.errors import LimitError, NetwrightError, UsageError
from netwright.proto.framing import Framing

__all__ = [
    "check_delimiter",
    "check_unread",
    "take_delimited",
    "take_frames",
    "take_lines",
    "take_rest",
    "whole_number",
]

M = TypeVar("M")


def take_delimited(buffer: ReceiveBuffer, delimiter: bytes, limit: int, name: str = "limit") -> bytes | None:
    """Take up to ``delimiter``, which counts for ``limit``.

    Raises:
        LimitError: so many bytes came without it.
    """
    end = buffer.find(delimiter)
    size = end + len(delimiter) if end >= 0 else len(buffer) + 1
    if size > limit:
        raise LimitError(name, size, limit)
    return buffer.take(size) if end >= 0 else None


def take_lines(buffer: ReceiveBuffer, limit: int) -> list[bytes] | None:
    """Take every complete line, without its end; a line that is too long is left, and fails the next call.

    Raises:
        LimitError: the first line is.
    """
    end = buffer.rfind(b"\n")
    if end < 0:
        if len(buffer) >= limit:
            raise LimitError("line", len(buffer) + 1, limit)
        return None
    lines = buffer.take(end + 1)[:-1].split(b"\n")
    if end >= limit:
        lines = _up_to_the_long(buffer, lines, limit)
    return _without_ends(lines)


def take_rest(buffer: ReceiveBuffer) -> list[bytes]:
    """Take the line that EOF ended; none if there is nothing."""
    rest = buffer.take_all()
    return _without_ends([rest]) if rest else []


def take_frames(buffer: ReceiveBuffer, framing: Framing[M]) -> list[M] | None:
    """Take every complete message; a malformed one behind others is left, and fails the next call."""
    batch: list[M] = []
    try:
        while buffer and (message := framing.decode(buffer)) is not None:
            batch.append(message)
    except NetwrightError:
        if not batch:
            raise
    return batch or None


def whole_number(name: str, value: object, least: int) -> int:
    """Return ``value`` if it is a whole number of at least ``least``; else raise UsageError."""
    if not isinstance(value, int) or value < least:
        raise UsageError(f"{name}={value!r}, {least} or more allowed")
    return value


def check_delimiter(delimiter: object) -> None:
    """Raise UsageError unless ``delimiter`` is one or more bytes."""
    if not isinstance(delimiter, bytes) or not delimiter:
        raise UsageError(f"delimiter {delimiter!r}, 1 or more bytes allowed")


def check_unread(data: object) -> None:
    """Raise UsageError unless ``data`` is bytes."""
    if not isinstance(data, bytes):
        raise UsageError(f"unread of {type(data).__name__}, bytes allowed")


def _up_to_the_long(buffer: ReceiveBuffer, lines: list[bytes], limit: int) -> list[bytes]:
    """Return the lines before the first that is too long; put that one and the rest back into the buffer."""
    good = next((index for index, line in enumerate(lines) if len(line) >= limit), len(lines))
    if good < len(lines):
        buffer.prepend(b"\n".join([*lines[good:], b""]))
        if not good:
            raise LimitError("line", len(lines[0]) + 1, limit)
    return lines[:good]


def _without_ends(lines: list[bytes]) -> list[bytes]:
    return [line[:-1] if line.endswith(b"\r") else line for line in lines]
