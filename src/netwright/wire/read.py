"""Iterate over the blocks of a capture, pcap or pcapng; plain, gzip or zstd.  The caller opens the file."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeAlias, runtime_checkable

from netwright.core.errors import IncompleteError, ProtocolError
from netwright.wire.blocks import Block, CaptureParser, Record
from netwright.wire.compression import PIECE, decompressed
from netwright.wire.pcap import MAX_RECORD, PcapParser, is_pcap
from netwright.wire.pcapng import PcapngParser, is_pcapng

__all__ = ["Readable", "Source", "capture_parser", "read_blocks", "read_records"]


@runtime_checkable
class Readable(Protocol):
    """A file open for reading bytes, or an object with the same ``read``."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; b"" at the end."""


Source: TypeAlias = Readable | Iterable[bytes] | Callable[[int], bytes]


def read_records(source: Source, *, max_record: int = MAX_RECORD) -> Iterator[Record]:
    """Yield the packets of a capture in the order of the file; memory is bounded by one chunk and one packet.

    Args:
        source: a file open for reading bytes; an iterable of chunks; or a function that takes a number of bytes and
            returns at most that many, b"" at the end.
        max_record: largest packet in bytes; a longer one is an error in the file.

    Raises:
        IncompleteError: the capture ends inside a packet; every complete packet was yielded before.
        ProtocolError: not a capture, or malformed at the byte that the error names.
        UsageError: it is compressed with zstd and no zstd decoder is installed.
    """
    return (block for block in read_blocks(source, max_record=max_record) if isinstance(block, Record))


def read_blocks(source: Source, *, max_record: int = MAX_RECORD) -> Iterator[Block]:
    """Yield every block of a capture: packets, sections, interfaces, names, statistics.  See ``read_records``."""
    parser: CaptureParser | None = None
    beginning = b""
    for chunk in decompressed(_chunks(source)):
        if parser is None:
            beginning += chunk
            if len(beginning) < 4:
                continue
            parser = capture_parser(beginning, max_record=max_record)
            yield from parser.receive(beginning)
        else:
            yield from parser.receive(chunk)
        if parser.error is not None:  # before the decompressor can raise a fault further on in the file
            raise parser.error
    if parser is None:
        raise IncompleteError(f"capture file of {len(beginning)} bytes, 4 wanted for its magic number")
    parser.finish()


def capture_parser(beginning: bytes, *, max_record: int = MAX_RECORD) -> CaptureParser:
    """Return a parser for the format of a file that starts with these four bytes.

    Raises:
        ProtocolError: the format is neither pcap nor pcapng.
    """
    if is_pcap(beginning):
        return PcapParser(max_record=max_record)
    if is_pcapng(beginning):
        return PcapngParser(max_record=max_record)
    raise ProtocolError(f"not a capture file: {beginning[:4].hex()} at byte 0, pcap or pcapng allowed")


def _chunks(source: Source) -> Iterator[bytes]:
    match source:
        case Readable():
            return iter(lambda: source.read(PIECE), b"")
        case Iterable():
            return iter(source)
        case _:
            return iter(lambda: source(PIECE), b"")
