"""Contents of capture files as values: packets with time and interface, names, counters; the base of their parsers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TypeAlias

from netwright.core.errors import IncompleteError, ProtocolError

__all__ = ["Block", "CaptureParser", "Interface", "NameRecord", "OpaqueBlock", "Record", "Section", "Statistics"]


@dataclass(frozen=True, slots=True)
class Section:
    """A pcapng section, or a whole pcap file; ``format`` is "pcap" or "pcapng"."""

    format: str
    little_endian: bool
    comments: tuple[str, ...] = ()
    hardware: str = ""
    system: str = ""
    application: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """Where packets were captured; ``index`` counts within the section, ``units`` is time stamps per second.

    ``snap_length`` 0 is no limit; ``offset`` is seconds to add to every time stamp; ``check_length`` is the bytes of
    frame check sequence behind each packet, -1 where the file does not say.
    """

    link_type: int
    snap_length: int = 0
    index: int = 0
    units: int = 1_000_000
    offset: int = 0
    name: str = ""
    description: str = ""
    filter: str = ""
    check_length: int = -1
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One packet: ``at_ns`` since 1970 (None if the file has no time), ``data`` as captured, ``length`` on the wire.

    ``lost`` is how many packets were dropped between this one and the one before on its interface, where the file
    says; ``flags`` is pcapng's epb_flags (two low bits: 1 inbound, 2 outbound).
    """

    at_ns: int | None
    data: bytes
    length: int
    interface: Interface
    comments: tuple[str, ...] = ()
    lost: int = 0
    flags: int = 0

    @property
    def missing(self) -> int:
        """Bytes that the snap length cut off."""
        return max(0, self.length - len(self.data))


@dataclass(frozen=True, slots=True)
class NameRecord:
    """An address's names, from a Name Resolution Block; ``address`` is 4 or 16 bytes."""

    address: bytes
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters of one interface from an Interface Statistics Block; None where the file does not say."""

    interface: Interface
    at_ns: int | None = None
    received: int | None = None
    dropped: int | None = None  # by the interface, for want of resources
    filter_accepted: int | None = None
    system_dropped: int | None = None
    delivered: int | None = None
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpaqueBlock:
    """A pcapng block that is passed on unread: secrets, journal entries, custom blocks."""

    kind: int
    body: bytes = field(repr=False)


Block: TypeAlias = Section | Interface | Record | NameRecord | Statistics | OpaqueBlock


class CaptureParser(ABC):
    """Incremental parser: takes the chunks of a file, returns blocks; keeps at most one chunk and one block in memory.

    Subclasses read one block.  A fault is raised only after every block before it was returned, so that any split
    into chunks gives the same blocks and the same error.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._start = 0  # offset in the file of the first byte of _data
        self._needed = 1  # bytes of _data below which no block can be read
        self.error: ProtocolError | None = None  # raised by the next call

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at byte {self._start}, {len(self._data)} waiting>"

    def receive(self, data: bytes) -> list[Block]:
        """Take the file's next bytes; return the blocks that are complete.

        Raises:
            ProtocolError: the file is malformed; the text has the byte offset.
        """
        if self.error is not None:
            raise self.error
        self._data += data
        if len(self._data) < self._needed:
            return []
        found: list[Block] = []
        try:
            self._walk(bytes(self._data), found)
        except ProtocolError as error:
            self.error = error
            if not found:
                raise
        return found

    def finish(self) -> None:
        """Declare the end of the file.

        Raises:
            IncompleteError: the file ends inside its header or inside a block.
            ProtocolError: a fault that ``receive`` has found and not raised yet.
        """
        if self.error is not None:
            raise self.error
        if self._data or not self._begun():
            raise IncompleteError(
                f"capture file cut: {len(self._data)} of {self._needed} bytes at byte {self._start}",
                partial=bytes(self._data),
            )

    def _walk(self, data: bytes, found: list[Block]) -> None:
        at = 0
        try:
            while True:
                size = self._read(data, at, found)
                if size <= 0:
                    self._needed = -size
                    return
                at += size
        finally:
            del self._data[:at]
            self._start += at

    @abstractmethod
    def _begun(self) -> bool:
        """True if the file's header has been read."""

    @abstractmethod
    def _read(self, data: bytes, at: int, found: list[Block]) -> int:
        """Read the block at ``at`` and return its size; if it is incomplete, return minus the bytes that it needs."""
