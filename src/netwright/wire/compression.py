"""Compressed capture files, as a stream and with bounded memory: gzip (RFC 1952), zstd (RFC 8878).

zstd needs Python 3.14 or the ``zstandard`` package (extra "capture").
"""

import contextlib
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

from netwright.core.errors import IncompleteError, ProtocolError, UsageError

__all__ = ["PIECE", "decompressed"]

PIECE = 256 * 1024  # largest chunk that decompression yields, in bytes
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW_LOG = 27  # 128 MiB, the limit of `zstd --long`
_ZSTD_FEED = 512  # bytes of input at once: 4 bytes may become a block of 128 KiB (RFC 8878 §3.1.1.2), so 16 MiB
_GZIP_WINDOW = 31  # zlib's number for a gzip header and a window of 32 KiB


def decompressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the decompressed stream, in chunks of any size; a stream that is not compressed is passed through.

    Raises:
        IncompleteError: the compressed stream ends early.
        ProtocolError: it is malformed.
        UsageError: it is compressed with zstd and no zstd decoder is installed.
    """
    source = iter(chunks)
    beginning = b""
    while len(beginning) < 4 and (chunk := next(source, None)) is not None:
        beginning += chunk
    whole = chain([beginning], source)
    if beginning[:2] == _GZIP:
        return _gunzip(whole)
    return _unzstd(whole) if beginning[:4] == _ZSTD else whole


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress gzip; consecutive members form one stream (RFC 1952 §2.2)."""
    inflate = zlib.decompressobj(_GZIP_WINDOW)
    taken = 0
    for chunk in chunks:
        rest = chunk
        while rest:
            if inflate.eof:
                rest = rest.lstrip(b"\0")  # padding, as tape and block devices leave it
                if not rest:
                    break
                inflate = zlib.decompressobj(_GZIP_WINDOW)
            before = inflate.copy()
            try:
                piece = inflate.decompress(rest, PIECE)
            except zlib.error as error:
                piece, at = _up_to_the_fault(before, rest)
                yield piece
                place = taken + len(chunk) - len(rest) + at
                raise ProtocolError(f"gzip malformed at byte {place}: {error}", reference="RFC 1952") from error
            if piece:
                yield piece
            rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        taken += len(chunk)
    if not inflate.eof:
        yield inflate.flush()
        raise IncompleteError(f"gzip stream cut at byte {taken}", reference="RFC 1952")


def _up_to_the_fault(inflate: "zlib._Decompress", rest: bytes) -> tuple[bytes, int]:
    """Decompress byte by byte up to the fault: the output that zlib discards with its error, and the fault's offset."""
    found, at = b"", 0
    with contextlib.suppress(zlib.error):
        while at < len(rest):
            found += inflate.decompress(rest[at : at + 1])
            at += 1
    return found, at


class _Frame(Protocol):
    """The interface that both zstd libraries share."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def _zstd_frames() -> tuple[Callable[[], _Frame], type[Exception]]:
    """A factory of decompressors, one for each frame, and the exception that they raise."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd

            options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
            return lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError
        else:  # mypy follows versions by branches only
            import zstandard

            limits = zstandard.ZstdDecompressor(max_window_size=1 << _ZSTD_WINDOW_LOG)
            return limits.decompressobj, zstandard.ZstdError
    except ImportError as error:
        raise UsageError("no zstd decoder is installed", advice="pip install 'netwright[capture]'") from error


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress zstd; consecutive frames form one stream (RFC 8878 §3)."""
    frames, broken = _zstd_frames()
    frame = frames()
    taken = 0
    for chunk in chunks:
        rest = chunk
        while rest:
            if frame.eof:
                frame = frames()
            try:
                pieces = frame.decompress(rest[:_ZSTD_FEED])
            except broken as error:
                raise ProtocolError(f"zstd malformed after byte {taken}: {error}", reference="RFC 8878") from error
            for at in range(0, len(pieces), PIECE):
                yield pieces[at : at + PIECE]
            rest = (frame.unused_data if frame.eof else b"") + rest[_ZSTD_FEED:]
        taken += len(chunk)
    if not frame.eof:
        raise IncompleteError(f"zstd stream cut at byte {taken}", reference="RFC 8878")
