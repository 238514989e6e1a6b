"""A capture of any kind as an iterator of blocks: pcap or pcapng, plain, gzip or zstd.  The caller opens the file."""

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
    """A file open for reading bytes, or what behaves like one."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; b"" at the end."""


Source: TypeAlias = Readable | Iterable[bytes] | Callable[[int], bytes]


def read_records(source: Source, *, max_record: int = MAX_RECORD) -> Iterator[Record]:
    """The packets of a capture, in the order of the file; memory is one chunk and one packet.

    Args:
        source: a file open for reading bytes, chunks, or a function that gives at most so many bytes, b"" at the end.
        max_record: bytes of one packet; a longer one is a broken file.

    Raises:
        IncompleteError: the capture ends in the middle of a packet; every whole one was given.
        ProtocolError: not a capture, or broken at the byte that the error names.
        UsageError: it is zstd and this Python has no zstd.
    """
    return (block for block in read_blocks(source, max_record=max_record) if isinstance(block, Record))


def read_blocks(source: Source, *, max_record: int = MAX_RECORD) -> Iterator[Block]:
    """The same with everything else that the file holds: sections, interfaces, names, statistics."""
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
        if parser.error is not None:  # before the source finds a fault of its own, further on
            raise parser.error
    if parser is None:
        raise IncompleteError(f"capture file of {len(beginning)} bytes, 4 wanted for its magic number")
    parser.finish()


def capture_parser(beginning: bytes, *, max_record: int = MAX_RECORD) -> CaptureParser:
    """The parser for a file that starts with these four bytes.

    Raises:
        ProtocolError: neither pcap nor pcapng.
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
