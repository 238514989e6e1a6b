import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.blocks import Block, Interface, Record, Section
from netwright.wire.pcap import PcapParser, PcapWriter, is_pcap
from tests.support import limits
from tests.support.limits import Case

MAGICS = {  # magic number: time stamps a second, bytes behind the file header, bytes behind a record header
    0xA1B2C3D4: (10**6, 0, 0),
    0xA1B23C4D: (10**9, 0, 0),
    0xA1B2CD34: (10**6, 0, 8),
    0x1C0001AC: (10**9, 4, 0),
    0x1C0001AB: (10**9, 4, 0),
}


def parse_all(data: bytes, *cuts: int) -> list[Block]:
    parser = PcapParser()
    blocks: list[Block] = []
    for begin, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        blocks += parser.receive(data[begin:end])
    parser.finish()
    return blocks


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", MAGICS)
def test_every_magic_number_in_both_byte_orders(magic: int, order: str) -> None:
    """draft-ietf-opsawg-pcap §4; libpcap sf-pcap.c; wiretap libpcap.c."""
    units, behind, extra = MAGICS[magic]
    data = struct.pack(f"{order}I2H4I", magic, 2, 4, 0, 0, 96, 101) + bytes(behind)
    data += struct.pack(f"{order}4I", 1000, units - 1, 3, 60) + bytes(extra) + b"abc"
    assert is_pcap(data)
    section, interface, record = parse_all(data)
    assert section == Section("pcap", order == "<")
    assert interface == Interface(101, 96, units=units)
    at_ns = 1000 * 10**9 + (units - 1) * (10**9 // units)
    assert record == Record(at_ns, b"abc", 60, Interface(101, 96, units=units))


@pytest.mark.parametrize(("minor", "size", "length"), [(2, 60, 3), (3, 60, 3), (3, 3, 60), (4, 3, 60)])
def test_old_versions_had_the_lengths_swapped(minor: int, size: int, length: int) -> None:
    """libpcap sf-pcap.c: always before 2.3, and in 2.3 where the first is the larger."""
    data = struct.pack("<I2H4I", 0xA1B2C3D4, 2, minor, 0, 0, 96, 1) + struct.pack("<4I", 1, 0, size, length) + b"abc"
    record = parse_all(data)[2]
    assert isinstance(record, Record)
    assert (record.data, record.length) == (b"abc", 60)


def test_link_type_field_says_the_check_sequence() -> None:
    """draft-ietf-opsawg-pcap §4: bit 26 and four bits that count 16-bit words."""
    data = struct.pack("<I2H4I", 0xA1B2C3D4, 2, 4, 0, 0, 96, 0x24000001)
    assert parse_all(data)[1] == Interface(1, 96, check_length=4)


records = st.lists(
    st.tuples(st.integers(0, 2**32 * 10**9 - 1), st.binary(max_size=40), st.integers(0, 100)), max_size=6
)


@given(records, st.booleans(), st.integers(0, 65535), st.data())
def test_written_files_read_back_whatever_the_split(
    packets: list[tuple[int, bytes, int]], nanoseconds: bool, link_type: int, draw: st.DataObject
) -> None:
    writer = PcapWriter(link_type, snap_length=30, nanoseconds=nanoseconds)
    data = writer.header() + b"".join(writer.record(at, body, len(body) + cut) for at, body, cut in packets)
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=4)))
    step = 1 if nanoseconds else 1000
    interface = Interface(link_type, 30, units=10**9 // step)
    assert parse_all(data, *cuts) == [
        Section("pcap", True),
        interface,
        *(Record(at // step * step, body[:30], len(body) + cut, interface) for at, body, cut in packets),
    ]


def test_a_cut_file_gives_its_whole_records_then_the_place() -> None:
    writer = PcapWriter(1)
    data = writer.header() + writer.record(0, b"first") + writer.record(1, b"second")
    parser = PcapParser()
    assert len(parser.receive(data[:-3])) == 3
    with pytest.raises(IncompleteError, match="19 of 22 bytes at byte 45"):
        parser.finish()


@pytest.mark.parametrize("have", range(24))
def test_a_cut_header_is_incomplete(have: int) -> None:
    parser = PcapParser()
    assert parser.receive(PcapWriter(1).header()[:have]) == []
    with pytest.raises(IncompleteError):
        parser.finish()


def test_a_record_above_the_limit_is_refused_with_its_place() -> None:
    parser = PcapParser(max_record=5)
    writer = PcapWriter(1)
    assert len(parser.receive(writer.header() + writer.record(0, b"12345") + writer.record(0, b"123456"))) == 3
    with pytest.raises(ProtocolError, match="record of 6 bytes at byte 45, 5 allowed"):
        parser.finish()


@limits.cases
def test_record_is_bounded_to_the_byte(case: Case) -> None:
    parser, writer = PcapParser(max_record=50), PcapWriter(1)
    tested = writer.record(0, bytes(case.size(50)))
    found = []
    chunks = [writer.header(), *case.chunks(writer.record(0, b"usual"), tested)]
    try:
        for chunk in chunks:
            found += parser.receive(chunk)
        parser.finish()
    except ProtocolError as error:
        assert case.refused
        assert "record of 51 bytes" in str(error)  # noqa: PT017  # what came before counts too
    assert len(found) == 2 + case.number - case.refused


@pytest.mark.parametrize("fraction", [0, 1, 999_999, 999_999_999])
@pytest.mark.parametrize("seconds", [0, 1, 2**31, 2**32 - 1])
def test_times_have_their_whole_range(seconds: int, fraction: int) -> None:
    at = seconds * 10**9 + fraction
    writer = PcapWriter(1)
    (_, _, found) = PcapParser().receive(writer.header() + writer.record(at, b"x"))
    assert isinstance(found, Record)
    assert found.at_ns == at


def test_other_files_are_refused() -> None:
    with pytest.raises(ProtocolError, match="magic number 50450304"):
        PcapParser().receive(b"PE\3\4" + bytes(20))
    with pytest.raises(ProtocolError, match=r"version 3\.4"):
        PcapParser().receive(struct.pack("<I2H4I", 0xA1B2C3D4, 3, 4, 0, 0, 96, 1))


@pytest.mark.parametrize("at_ns", [-1, 2**32 * 10**9])
def test_writer_refuses_times_that_the_format_cannot_say(at_ns: int) -> None:
    """draft-ietf-opsawg-pcap §5: seconds are 32 bits without a sign."""
    with pytest.raises(UsageError, match="out of range"):
        PcapWriter(1).record(at_ns, b"")
