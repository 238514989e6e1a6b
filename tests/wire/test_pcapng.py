import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.blocks import Block, Interface, NameRecord, OpaqueBlock, Record, Section, Statistics
from netwright.wire.pcapng import PcapngParser, PcapngWriter, is_pcapng
from tests.support.tshark import fields


def parse_all(data: bytes, *cuts: int) -> list[Block]:
    parser = PcapngParser()
    blocks: list[Block] = []
    for begin, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        blocks += parser.receive(data[begin:end])
    parser.finish()
    return blocks


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "2H", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str, options: bytes = b"") -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "I2Hq", 0x1A2B3C4D, 1, 0, -1) + options)


def interface(order: str, options: bytes = b"", link_type: int = 1, snap_length: int = 96) -> bytes:
    return block(order, 1, struct.pack(order + "2HI", link_type, 0, snap_length) + options)


def packet(order: str, index: int, ticks: int, data: bytes, length: int, options: bytes = b"") -> bytes:
    head = struct.pack(order + "5I", index, ticks >> 32, ticks & 0xFFFFFFFF, len(data), length)
    return block(order, 6, head + data + bytes(-len(data) % 4) + options)


@pytest.mark.parametrize("order", ["<", ">"])
def test_blocks_by_the_book_in_both_byte_orders(order: str) -> None:
    """draft-ietf-opsawg-pcapng §4.1 to §4.6, appendix A."""
    options = option(order, 2, b"eth0") + option(order, 3, b"uplink") + option(order, 9, b"\x09") + bytes(4)
    drops = (
        option(order, 1, b"seen late")
        + option(order, 2, struct.pack(order + "I", 2))
        + option(order, 4, struct.pack(order + "Q", 7))
    )
    data = (
        section(order, option(order, 1, b"a file") + option(order, 4, b"dumpcap") + bytes(4))
        + interface(order, options)
        + packet(order, 0, 1_500_000_000_000_000_001, b"abcde", 60, drops)
        + block(order, 3, struct.pack(order + "I", 100) + bytes(96) + b"xxxx")
        + block(order, 2, struct.pack(order + "2H4I", 0, 3, 1, 0, 4, 4) + b"four")
        + block(order, 4, option(order, 1, b"\x7f\0\0\1localhost\0") + bytes(4))
        + block(order, 5, struct.pack(order + "3I", 0, 0, 9) + option(order, 5, struct.pack(order + "Q", 11)))
        + block(order, 0x0BAD, b"what")
    )
    eth0 = Interface(1, 96, 0, 10**9, 0, "eth0", "uplink")
    assert parse_all(data) == [
        Section("pcapng", order == "<", ("a file",), application="dumpcap"),
        eth0,
        Record(1_500_000_000_000_000_001, b"abcde", 60, eth0, ("seen late",), 7, 2),
        Record(None, bytes(96), 100, eth0),
        Record(1 << 32, b"four", 4, eth0, lost=3),
        NameRecord(b"\x7f\0\0\1", ("localhost",)),
        Statistics(eth0, 9, dropped=11),
        OpaqueBlock(0x0BAD, b"what"),
    ]


@pytest.mark.parametrize(
    ("resolution", "ticks", "at_ns"),
    [
        (None, 1_000_001, 1_000_001_000),
        (6, 1_000_001, 1_000_001_000),
        (0, 3, 3_000_000_000),
        (3, 3, 3_000_000),
        (9, 3, 3),
        (12, 3999, 3),
        (0x80 | 10, 1536, 1_500_000_000),
        (0x80 | 32, 1 << 31, 500_000_000),
    ],
)
def test_every_time_resolution(resolution: int | None, ticks: int, at_ns: int) -> None:
    """draft-ietf-opsawg-pcapng §4.2, if_tsresol: a power of ten or, with the top bit, of two."""
    options = b"" if resolution is None else option("<", 9, bytes((resolution,)))
    record = parse_all(section("<") + interface("<", options) + packet("<", 0, ticks, b"", 0))[2]
    assert isinstance(record, Record)
    assert record.at_ns == at_ns


def test_the_interface_offsets_its_times() -> None:
    """draft-ietf-opsawg-pcapng §4.2, if_tsoffset: signed seconds."""
    options = option("<", 14, struct.pack("<q", -2))
    record = parse_all(section("<") + interface("<", options) + packet("<", 0, 5_000_000, b"", 0))[2]
    assert isinstance(record, Record)
    assert record.at_ns == 3_000_000_000


def test_interfaces_belong_to_their_section() -> None:
    """draft-ietf-opsawg-pcapng §4.1: each section may have its own byte order and counts interfaces from 0."""
    data = section("<") + interface("<") + interface("<", link_type=113) + packet("<", 1, 0, b"x", 1)
    data += section(">") + interface(">", link_type=101) + packet(">", 0, 0, b"y", 1)
    links = [each.interface.link_type for each in parse_all(data) if isinstance(each, Record)]
    assert links == [113, 101]
    with pytest.raises(ProtocolError, match=r"packet of interface 1 .* 1 described so far"):
        parse_all(data + packet(">", 1, 0, b"z", 1))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
counters = st.none() | st.integers(0, 2**64 - 1)
interfaces = st.builds(
    Interface,
    st.integers(0, 65535),
    st.integers(0, 2**32 - 1),
    name=texts,
    description=texts,
    filter=texts,
    check_length=st.integers(-1, 255),
    comments=st.lists(texts.filter(bool), max_size=2).map(tuple),
)


@given(
    st.lists(interfaces, min_size=1, max_size=3),
    st.lists(
        st.tuples(
            st.integers(0, 2**64 - 1),
            st.binary(max_size=20),
            st.lists(texts.filter(bool), max_size=2),
            st.integers(0, 2**32 - 1),
        ),
        max_size=4,
    ),
    st.tuples(counters, counters, counters, counters, counters),
    st.data(),
)
def test_written_files_read_back_whatever_the_split(
    described: list[Interface],
    packets: list[tuple[int, bytes, list[str], int]],
    counts: tuple[int | None, int | None, int | None, int | None, int | None],
    draw: st.DataObject,
) -> None:
    writer = PcapngWriter()
    data = writer.section(application="test", comments=["one", "two"])
    expected: list[Block] = [Section("pcapng", True, ("one", "two"), application="test")]
    seen = []
    for index, each in enumerate(described):
        data += writer.interface(each)
        seen.append(
            Interface(
                each.link_type,
                each.snap_length,
                index,
                10**9,
                0,
                each.name,
                each.description,
                each.filter,
                each.check_length,
                each.comments,
            )
        )
    expected += seen
    for number, (at_ns, body, comments, flags) in enumerate(packets):
        index = number % len(seen)
        record = Record(at_ns, body, len(body) + number, seen[index], tuple(comments), number, flags)
        data += writer.record(record, index)
        expected.append(record)
    statistics = Statistics(seen[0], 17, *counts)
    names = NameRecord(b"\x20\x01" + bytes(14), ("a.example", "b.example"))
    data += writer.statistics(statistics) + writer.names([names]) + writer.opaque(OpaqueBlock(9, b"1234"))
    expected += [statistics, names, OpaqueBlock(9, b"1234")]
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=4)))
    assert parse_all(data, *cuts) == expected


@pytest.mark.real
def test_tshark_reads_what_is_written(tmp_path: Path) -> None:
    """Judge: tshark 4.0: time to the nanosecond, lengths, comments, interface, drops, names."""
    writer = PcapngWriter()
    eth0, tun0 = Interface(1, 96, name="eth0"), Interface(101, name="tun0", description="tunnel")
    data = writer.section(comments=["a capture"]) + writer.interface(eth0) + writer.interface(tun0)
    data += writer.record(Record(1_700_000_000_123_456_789, bytes(60), 1500, eth0, ("slow", "retransmitted"), 3, 1), 0)
    data += writer.names([NameRecord(b"\x7f\0\0\1", ("here.example",))])
    data += writer.record(Record(1_700_000_001_000_000_001, b"\x45" + bytes(19), 20, tun0), 1)
    data += writer.statistics(Statistics(eth0, 1_700_000_002_000_000_000, 100, 7)) + writer.opaque(
        OpaqueBlock(0xBAD, b"")
    )
    path = tmp_path / "written.pcapng"
    path.write_bytes(data)
    names = ["frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_name", "frame.comment"]
    names += ["frame.drop_count", "frame.packet_flags_direction"]
    assert fields(path, names) == [
        ["1700000000.123456789", "1500", "60", "eth0", "retransmitted", "3", "0x00000001"],
        ["1700000001.000000001", "20", "20", "tun0", "", "", ""],
    ]


GOOD = section("<") + interface("<") + packet("<", 0, 1, b"abcd", 4)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xd4\xc3\xb2\xa1" + bytes(20), "not a pcapng file"),
        (b"\x0a\x0d\x0d\x0a" + bytes(20), "byte order 00000000 at byte 8"),
        (GOOD + struct.pack("<2I", 1, 13) + bytes(20), "block of 13 bytes at byte"),
        (GOOD + struct.pack("<2I", 1, 8) + bytes(20), "block of 8 bytes at byte"),
        (GOOD + struct.pack("<2I", 1, 1 << 30) + bytes(20), "block of 1073741824 bytes"),
        (GOOD + struct.pack("<2I4xI", 1, 16, 20), "says 16 bytes in front"),
        (GOOD + block("<", 1, b"\1\0"), "interface description of 4 bytes"),
        (GOOD + block("<", 6, struct.pack("<5I", 0, 0, 0, 100, 100) + b"short"), "packet of 100 bytes"),
        (GOOD + block("<", 2, struct.pack("<2H4I", 0, 0, 0, 0, 100, 100) + b"short"), "packet of 100 bytes"),
        (GOOD + block("<", 6, b"1234"), "enhanced packet of 4 bytes"),
        (GOOD + packet("<", 0, 0, b"", 0, struct.pack("<2H", 1, 5)), "option 1 of 5 bytes"),
        (GOOD + block("<", 4, struct.pack("<2H", 1, 50)), "name record of 50 bytes"),
        (GOOD + block("<", 0x0A0D0D0A, struct.pack("<I2Hq", 0x1A2B3C4D, 2, 0, -1)), "pcapng version 2"),
    ],
)
def test_broken_files_are_refused_with_the_place(data: bytes, text: str) -> None:
    with pytest.raises(ProtocolError, match=text):
        parse_all(data)


@pytest.mark.parametrize("limit", [100, pytest.param(65536, marks=pytest.mark.long)])
def test_interfaces_are_bounded(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet block of the old kind has 16 bits for one; 65537 of them are a broken file."""
    if limit < 65536:
        monkeypatch.setattr("netwright.wire.pcapng._MAX_INTERFACES", limit)
    parser = PcapngParser()
    parser.receive(section("<") + interface("<") * limit)
    with pytest.raises(ProtocolError, match=f"more than {limit} interfaces"):
        parser.receive(interface("<"))


def test_options_and_names_may_end_without_a_mark() -> None:
    """draft-ietf-opsawg-pcapng §3.5, §4.5: nrb_record_end and opt_endofopt; unknown records and sizes are skipped."""
    data = section("<") + interface("<", option("<", 9, b"") + option("<", 14, b"1234"), snap_length=0)
    data += block("<", 4, option("<", 9, b"?") + option("<", 1, b"12") + option("<", 2, bytes(16) + b"v6\0two\0"))
    data += block("<", 3, struct.pack("<I", 4) + b"whole")
    data += block("<", 2, struct.pack("<2H4I", 0, 0xFFFF, 0, 5, 0, 0))
    plain = Interface(1, 0)
    assert parse_all(data)[1:] == [
        plain,
        NameRecord(bytes(16), ("v6", "two")),
        Record(None, b"whol", 4, plain),
        Record(5000, b"", 0, plain),
    ]


def test_a_cut_file_is_incomplete_at_every_byte() -> None:
    ends = {len(section("<")), len(section("<") + interface("<")), len(GOOD)}
    for have in range(len(GOOD)):
        if have in ends:
            parse_all(GOOD[:have])
        else:
            with pytest.raises(IncompleteError, match="capture file cut"):
                parse_all(GOOD[:have])


def test_writer_refuses_what_the_format_cannot_say() -> None:
    writer = PcapngWriter()
    assert is_pcapng(writer.section())
    record = Record(0, b"", 0, Interface(1))
    with pytest.raises(UsageError, match="interface 0, 0 described"):
        writer.record(record)
    writer.interface(Interface(1))
    with pytest.raises(UsageError, match="without a time"):
        writer.record(Record(None, b"", 0, Interface(1)))
    with pytest.raises(UsageError, match="out of range"):
        writer.record(Record(-1, b"", 0, Interface(1)))
    with pytest.raises(UsageError, match="interface 1, 1 described"):
        writer.statistics(Statistics(Interface(1)), 1)
