import gzip
import io
from pathlib import Path

import pytest

from netwright.core.errors import IncompleteError, ProtocolError
from netwright.wire.blocks import Interface, Record, Section
from netwright.wire.pcap import PcapWriter
from netwright.wire.pcapng import PcapngWriter
from netwright.wire.read import capture_parser, read_blocks, read_records
from tests.support import zstd
from tests.support.corpora import captures

_PCAP = PcapWriter(1)
PCAP = _PCAP.header() + _PCAP.record(1, b"one") + _PCAP.record(2, b"two")
_PCAPNG = PcapngWriter()
PCAPNG = _PCAPNG.section() + _PCAPNG.interface(Interface(1)) + _PCAPNG.record(Record(1, b"one", 3, Interface(1)))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize(("raw", "count"), [(PCAP, 2), (PCAPNG, 1)], ids=["pcap", "pcapng"])
def test_every_kind_of_source_and_packing(raw: bytes, count: int, compress: type[bytes]) -> None:
    data = compress(raw)
    for source in (io.BytesIO(data), [data[at : at + 5] for at in range(0, len(data), 5)], io.BytesIO(data).read):
        records = list(read_records(source))
        assert [record.data for record in records] == [b"one", b"two"][:count]


def test_read_blocks_gives_what_records_leave_out() -> None:
    first, second, *_ = read_blocks([PCAPNG])
    assert isinstance(first, Section)
    assert isinstance(second, Interface)


@pytest.mark.parametrize("data", [b"", b"\xd4", b"\xd4\xc3\xb2"])
def test_an_empty_file_is_incomplete(data: bytes) -> None:
    with pytest.raises(IncompleteError, match=f"capture file of {len(data)} bytes"):
        list(read_blocks([data]))


def test_other_files_are_refused() -> None:
    with pytest.raises(ProtocolError, match="not a capture file: 7f454c46"):
        capture_parser(b"\x7fELF")


def test_a_cut_file_gives_its_whole_records_first() -> None:
    records = read_records([PCAP[:-1]])
    assert next(records).data == b"one"
    with pytest.raises(IncompleteError):
        next(records)


def test_any_split_of_a_public_capture_gives_the_same_blocks() -> None:
    for path in captures()[:40]:
        data = path.read_bytes()
        assert outcome([data]) == outcome([data[at : at + 61] for at in range(0, len(data), 61)]), path.name


def outcome(chunks: list[bytes]) -> tuple[list[object], str]:
    """What came, and how it ended."""
    blocks: list[object] = []
    try:
        blocks.extend(read_blocks(chunks))
    except ProtocolError as error:
        return blocks, str(error)
    return blocks, ""


@pytest.mark.parametrize("size", [1, 20, 1000])
def test_the_fault_in_front_is_the_one_that_is_raised(size: int) -> None:
    """A broken record inside, and a broken gzip stream behind it."""
    broken = _PCAP.header() + _PCAP.record(1, b"one") + b"\xff" * 16
    raw = gzip.compress(broken)[:-8] + bytes(8)
    blocks, error = outcome([raw[at : at + size] for at in range(0, len(raw), size)])
    assert len(blocks) == 3
    assert "record of 4294967295 bytes at byte 43" in error


def test_reading_is_streaming() -> None:
    """The next chunk is not asked for before the blocks of the last one were taken."""
    asked = []

    def chunks() -> object:
        for at in range(0, len(PCAP), 10):
            asked.append(at)
            yield PCAP[at : at + 10]

    next(read_records(chunks()))  # type: ignore[arg-type]
    assert max(asked) < 50


def test_files_are_sources(tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(PCAP)
    with path.open("rb") as file:
        assert len(list(read_records(file))) == 2
