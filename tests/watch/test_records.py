from collections.abc import Sequence
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.watch.records import INTERFACES, LARGEST, LARGEST_BLOCK, Records
from tests.support import splits
from tests.support.frames import RAW, block, pcap, pcapng
from tests.support.limits import around

FRAMES = [
    (1_700_000_000_123_456_000, b"first"),
    (1_700_000_001_000_000_000, b"second!"),
    (1_700_000_001_000_001_000, b""),
]
WANTED = [(frame, len(frame), at, RAW) for at, frame in FRAMES]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [True, False])
def test_pcap_is_read_in_both_byte_orders_and_units(order: str, nanoseconds: bool) -> None:
    assert Records().feed(pcap(FRAMES, order=order, nanoseconds=nanoseconds))[1] == WANTED


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_is_read_in_both_byte_orders(order: str) -> None:
    """draft-ietf-opsawg-pcapng §4.1."""
    assert Records().feed(pcapng(FRAMES, order=order))[1] == WANTED


@given(
    st.lists(st.integers(1, 60), min_size=1), st.sampled_from([pcap(FRAMES), pcapng(FRAMES), pcapng(FRAMES, order=">")])
)
def test_any_split_gives_the_same_records(sizes: list[int], file: bytes) -> None:
    records, kept, found, at = Records(), b"", list[tuple[bytes, int, int, int]](), 0
    while at < len(file):
        for size in sizes:
            kept += file[at : at + size]
            at += size
            used, more = records.feed(kept)
            kept, found = kept[used:], found + more
    assert (found, kept, records.damage) == (WANTED, b"", "")


@pytest.mark.parametrize(
    ("resolution", "value", "at"),
    [(6, 5, 5_000), (9, 5, 5), (3, 5, 5_000_000), (0, 5, 5 * 10**9), (12, 5_000, 5), (0x80 | 10, 1536, 1_500_000_000)],
)
def test_pcapng_time_has_the_interface_s_resolution(resolution: int, value: int, at: int) -> None:
    """draft-ietf-opsawg-pcapng §4.2: if_tsresol is a power of 10, or of 2 with the highest bit."""
    options = pack("<HHB3xHH", 9, 1, resolution, 0, 0)
    assert Records().feed(pcapng([(value, b"x")], options=options))[1] == [(b"x", 1, at, RAW)]


def test_pcapng_time_is_moved_by_the_interface_s_offset() -> None:
    options = pack("<HHB3xHHqHH", 9, 1, 9, 14, 8, 100, 0, 0)
    assert Records().feed(pcapng([(5, b"x")], options=options))[1] == [(b"x", 1, 100 * 10**9 + 5, RAW)]


def test_blocks_that_hold_no_packet_are_skipped_piece_by_piece() -> None:
    start = pcapng([])
    file = start + block(0xBAD, bytes(1000)) + pcapng(FRAMES)[len(start) :]
    records = Records()
    used, first = records.feed(file[: len(start) + 100])
    assert (used, first) == (len(start) + 100, [])
    assert records.feed(file[used:])[1] == WANTED


@pytest.mark.parametrize("size", around(LARGEST))
def test_packet_has_up_to_256_kib(size: int) -> None:
    for file in (pcap([(0, bytes(size))]), pcapng([(0, bytes(size))])):
        records = Records()
        _, found = records.feed(file + file[24:] if file[:4] != b"\x0a\x0d\x0d\x0a" else file)
        if file[:4] == b"\x0a\x0d\x0d\x0a" or size <= LARGEST:
            assert len(found[0][0]) == size
            assert records.damage == ""
        else:
            assert (found, records.damage) == ([], "a packet has more than 262144 bytes: 262145 at byte 24")


@pytest.mark.parametrize("size", [LARGEST_BLOCK - 4, LARGEST_BLOCK, LARGEST_BLOCK + 4])
def test_block_of_a_packet_has_up_to_320_kib(size: int) -> None:
    records, file = Records(), pcapng([(0, bytes(size - 32))])
    _, found = records.feed(file)
    assert len(found) == (size <= LARGEST_BLOCK)
    assert (f"a pcapng block has more than 327680 bytes: {size}" in records.damage) == (size > LARGEST_BLOCK)


@pytest.mark.parametrize("count", around(INTERFACES))
def test_section_has_up_to_256_interfaces(count: int) -> None:
    section, interface = pcapng([])[:28], block(1, pack("<HHI", RAW, 0, 0))
    packet = block(6, pack("<IIIII", count - 1, 0, 0, 1, 1) + b"x")
    for sections in (1, 2):
        records = Records()
        _, found = records.feed((section + interface * count + packet) * sections)
        assert len(found) == (sections if count <= INTERFACES else 0)
        told = "a pcapng section has more than 256 interfaces: 257 at byte"
        assert records.damage.rpartition(" ")[0] == ("" if count <= INTERFACES else told)


@pytest.mark.parametrize("kind", [6, 5, 0xBAD, 0x0A0D0D0A])
@pytest.mark.parametrize("order", ["<", ">"])
def test_block_whose_two_lengths_differ_ends_the_file(kind: int, order: str) -> None:
    """draft-ietf-opsawg-pcapng §3.1."""
    if kind == 0x0A0D0D0A:
        wrong = bytearray(pcapng([], order=order)[:28])
    else:
        wrong = bytearray(block(kind, pack(order + "IIIII", 0, 0, 0, 4, 4) + b"abcd", order=order))
    wrong[-1] ^= 1
    file = pcapng(FRAMES, order=order) + wrong + pcapng(FRAMES, order=order)

    def play(chunks: Sequence[bytes]) -> tuple[int, str]:
        records, kept, count = Records(), b"", 0
        for chunk in chunks:
            kept += chunk
            used, found = records.feed(kept)
            kept, count = kept[used:], count + len(found)
        return count, records.damage

    count, damage = splits.same_for_all(play, file)
    assert count == 3
    assert damage.startswith("the two lengths of a pcapng block differ; the second is ")


def test_simple_packet_has_no_time() -> None:
    file = pcapng([]) + block(3, pack("<I", 5) + b"hello")
    assert Records().feed(file)[1] == [(b"hello", 5, 0, RAW)]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (b"GIF89a" + bytes(40), "not a capture file: it begins with bytes 47 49 46 38 at byte 0"),
        (pcap([]) + pack("<IIII", 0, 0, LARGEST + 1, 9), "a packet has more than 262144 bytes: 262145 at byte 24"),
        (pcapng([]) + pack("<III", 6, 13, 0), "fewer than 12 bytes, or not a multiple of 4: 13 at byte"),
        (pcapng([]) + block(6, bytes(16)), "fewer than 32 bytes: 28"),
        (pcapng([]) + block(6, pack("<IIIII", 7, 0, 0, 0, 0)), "an interface that no block describes: 7"),
        (pcapng([]) + block(6, pack("<IIIII", 0, 0, 0, 99, 99)), "a pcapng packet is longer than its block: 99"),
        (block(0x0A0D0D0A, pack("<IHHq", 0x1A2B3C4E, 1, 0, -1)), "byte order mark of bytes 4e 3c 2b 1a at byte 0"),
    ],
)
def test_lie_about_a_length_ends_the_file_with_its_place(file: bytes, text: str) -> None:
    records = Records()
    used, found = records.feed(file)
    assert (used, found) == (len(file), [])
    assert text in records.damage
    assert records.feed(b"more") == (4, [])


@given(st.binary(max_size=200), st.sampled_from([pcap(FRAMES), pcapng(FRAMES)]), st.integers(0, 200))
def test_garbage_gives_damage_and_no_error(garbage: bytes, file: bytes, at: int) -> None:
    records = Records()
    used, _ = records.feed(file[:at] + garbage + file[at:])
    assert 0 <= used <= len(file) + len(garbage)
