"""The plain chunks of a message: size line without extension or leading zeros, data, CRLF (RFC 9112 §7.1).

A peer may send each byte in a chunk of its own; ``_chunks.pyx`` beside this file is the native twin that such a peer
makes necessary.  Every other line (an extension, the last chunk, a fault) is left to ``ChunkedBody``.
"""

import re

from netwright._native import enabled

__all__ = ["pure_take_chunks", "take_chunks"]

_SIZE_LINE = re.compile(rb"([1-9A-Fa-f][0-9A-Fa-f]{0,7})\r\n")


def take_chunks(data: bytes, at: int, room: int) -> tuple[bytes, int]:
    """Return the content of the plain chunks that lie whole in ``data`` from ``at`` on, and the place behind them.

    Content beyond ``room`` bytes is left.
    """
    parts = []
    while line := _SIZE_LINE.match(data, at):
        start = line.end()
        end = start + int(line[1], 16)
        if end - start > room or data[end : end + 2] != b"\r\n":
            break
        parts.append(data[start:end])
        room -= end - start
        at = end + 2
    return b"".join(parts), at


pure_take_chunks = take_chunks

if enabled("netwright.proto.http1._chunks"):
    from netwright.proto.http1._chunks import take_chunks as take_chunks
