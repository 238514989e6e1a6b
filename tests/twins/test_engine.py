"""The native loop and its specification give equal results: public captures, conversations of chance, garbage."""

from functools import partial
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright._native import kernels
from netwright.watch.capture import Engine
from netwright.watch.engine import Engine as PureEngine
from netwright.watch.reassembly import SLOTS
from netwright.watch.records import INTERFACES, LARGEST, LARGEST_BLOCK
from netwright.watch.verdicts import Mode
from tests.support.corpora import captures, corpus
from tests.support.frames import ETHERNET, RAW, SYN, block, ethernet, ip, pcap, pcapng, sack, stamp, syn_options, tcp
from tests.support.limits import around
from tests.watch.test_engine import read
from tests.watch.test_segment import ENCAPSULATIONS, ENCAPSULATIONS6

pytestmark = pytest.mark.skipif(not kernels()["netwright.watch._engine"], reason="kernel not built")
MODES: tuple[Mode, Mode] = ("exact", "wireshark")
# Around each time at which a verdict changes: local, near, Wireshark's unknown round trip, clocked, fast, MIN_RTO.
STEPS = [0, 10_000, 1_000_000, 25_000_000, 300_000_000, -5_000_000]
STEPS += [at + off for at in (200_000, 500_000, 1_500_000, 3_000_000, 20_000_000, 200_000_000) for off in (-1, 0, 1)]
IDENTS = [*range(254, 259), *range(510, 515), 32767, 32768, 32769, 65535]
ENDS = ["10.0.0.1:1000", "10.0.0.2:80", "10.0.0.2:1000", "[::1]:1000", "[::2]:80"]


def results(engine: PureEngine, data: bytes, sizes: list[int]) -> list[Any]:
    """Everything that an engine tells about a file that comes in pieces of these sizes."""
    kept, at, columns, skipping = b"", 0, [], []
    while at < len(data):
        for size in sizes:
            kept += data[at : at + size]
            at += size
            kept = kept[engine.feed(kept) :]
            columns.append(engine.take_columns())
            skipping.append(engine.skipping)
    whole = [b"".join(column) for column in zip(*columns, strict=True)]
    counts = (engine.packets, engine.segments, engine.opened, engine.evicted, engine.first_at, engine.last_at)
    found = [whole, engine.rows(), engine.totals(), engine.gone(), engine.damage, counts, kept]
    return [*found, skipping, engine.unreadable, segments(engine, data)]


def segments(engine: PureEngine, data: bytes) -> list[Any]:
    """The segments of a file that comes whole, in both modes."""
    found = []
    for mode in MODES:
        again = type(engine)(mode, columns=True)
        again.feed(data)
        found.append(again.take_segments())
    return found


def same(data: bytes, mode: Mode, sizes: list[int] | None = None, **settings: Any) -> None:
    """Both engines, fed in the same pieces, tell the same."""
    pieces = sizes or [len(data) or 1]
    native, pure = (kind(mode, columns=True, **settings) for kind in (Engine, PureEngine))
    assert native is not pure
    assert type(native) is not type(pure)
    assert results(native, data, pieces) == results(pure, data, pieces)


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_public_captures_give_equal_results(mode: Mode) -> None:
    for path in captures():
        same(read(path), mode)


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_kernel_captures_give_equal_results(mode: Mode) -> None:
    for path in sorted(corpus("kernel-truth").glob("*.gz")):
        same(read(path)[:100_000], mode)


_number = st.one_of(st.integers(0, 40).map(lambda k: 1000 + 100 * k), st.integers(0, 2**32 - 1))
_options = st.one_of(
    st.just(b""),
    st.builds(
        syn_options,
        scale=st.none() | st.sampled_from([0, 7, 13, 14, 15, 255]) | st.integers(0, 255),
        sack=st.booleans(),
    ),
    st.builds(stamp, st.integers(0, 20)),
    st.lists(st.tuples(_number, _number), min_size=1, max_size=4).map(lambda blocks: sack(*blocks)),
    st.builds(lambda value, one: stamp(value) + b"\1\1" + sack(one), st.integers(0, 9), st.tuples(_number, _number)),
    st.binary(max_size=12),
)
_segment = st.builds(
    tcp,
    st.sampled_from(ENDS[:3]),
    st.sampled_from(ENDS[:3]),
    seq=_number,
    ack=st.none() | _number,
    data=st.sampled_from([0, 0, 1, 100, 200]).map(bytes),
    flags=st.sampled_from([0, 0, 0, 1, 2, 4, 18, 24]),
    window=st.sampled_from([0, 100, 1000, 65535]),
    ident=st.one_of(st.integers(0, 70), st.sampled_from(IDENTS), st.integers(0, 65535)),
    options=_options,
)
_segment6 = st.builds(tcp, st.sampled_from(ENDS[3:]), st.sampled_from(ENDS[3:]), seq=_number, ack=_number)
_steps = st.lists(
    st.tuples(st.sampled_from(STEPS), st.one_of(_segment, _segment, _segment6)),
    max_size=60,
)


@given(_steps, st.sampled_from(MODES), st.sampled_from([pcap, pcapng]), st.lists(st.integers(1, 900), max_size=4))
def test_conversations_of_chance_give_equal_results(
    steps: list[tuple[int, bytes]], mode: Mode, form: Any, sizes: list[int]
) -> None:
    frames, at = [], 10**18
    for step, packet in steps:
        at += step
        frames.append((at, ethernet(packet)))
    same(form(frames, link=ETHERNET), mode, sizes)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 200)), max_size=60), st.integers(1, 6), st.integers(0, 90))
def test_bounded_tables_evict_the_same_flows(seen: list[tuple[int, int]], flows: int, idle: int) -> None:
    frames, at = [], 0
    for client, step in seen:
        at += step * 10**9
        frames.append((at, tcp(f"10.0.0.1:{client}", flags=2)))
    for mode in MODES:
        same(pcap(frames), mode, max_flows=flows, idle_timeout=idle or None)


def _small() -> list[Path]:
    return [path for path in captures() if path.stat().st_size < 3000]


@given(st.data())
def test_garbled_captures_give_equal_results(data: st.DataObject) -> None:
    file = bytearray(read(data.draw(st.sampled_from(_small()))))
    for _ in range(data.draw(st.integers(1, 8))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    same(bytes(file), data.draw(st.sampled_from(MODES)), data.draw(st.lists(st.integers(1, 900), max_size=4)))


@pytest.mark.parametrize(("link", "frame"), ENCAPSULATIONS + ENCAPSULATIONS6)
def test_every_encapsulation_gives_equal_results(link: int, frame: bytes) -> None:
    for size in range(len(frame) + 1):
        same(pcap([(0, frame[:size]), (1, frame)], link=link), "exact")


@pytest.mark.parametrize(("link", "frame"), ENCAPSULATIONS + ENCAPSULATIONS6)
def test_each_bit_of_a_frame_changed_alone_gives_equal_results(link: int, frame: bytes) -> None:
    changed = [bytearray(frame) for _ in range(8 * len(frame))]
    for at, each in enumerate(changed):
        each[at // 8] ^= 1 << at % 8
    same(pcap([(at, bytes(each)) for at, each in enumerate(changed)], link=link), "exact")


FILES = [pcap, pcapng, partial(pcap, order=">", nanoseconds=False), partial(pcapng, order=">")]


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
@pytest.mark.parametrize("form", FILES)
def test_each_byte_of_a_file_changed_alone_gives_equal_results(form: Any, flip: int) -> None:
    file = form([(10**18, tcp(flags=2)), (10**18 + 5, tcp(flags=2))]) + block(0xBAD, bytes(8)) * (form is pcapng)
    for at in range(len(file)):
        changed = bytearray(file)
        changed[at] ^= flip
        same(bytes(changed), "exact", [7])


@pytest.mark.parametrize("resolution", [0, *range(5, 21), 127, *range(127, 135), 157, 158, 190, 191, 192, 255])
def test_every_resolution_of_time_gives_equal_results(resolution: int) -> None:
    options = pack("<HHB3xHHqHH", 9, 1, resolution, 14, 8, -3, 0, 0)
    values = (0, 1, 10**9, 2**62 - 1, 2**63, 2**64 - 1)
    same(pcapng([(value, tcp(flags=2, seq=value)) for value in values], options=options), "exact")


@pytest.mark.parametrize("count", around(INTERFACES))
def test_interfaces_up_to_the_bound_give_equal_results(count: int) -> None:
    frame = tcp(flags=2)
    packet = block(6, pack("<IIIII", count - 1, 0, 0, len(frame), len(frame)) + frame)
    same(pcapng([])[:28] + block(1, pack("<HHI", RAW, 0, 0)) * count + packet, "exact")


@pytest.mark.parametrize("size", [LARGEST - 1, LARGEST, LARGEST + 1])
@pytest.mark.parametrize("form", [pcap, pcapng])
def test_largest_packets_give_equal_results(form: Any, size: int) -> None:
    frame = tcp(flags=2)
    same(form([(0, frame + bytes(size - len(frame)))]), "exact")
    same(pcapng([]) + block(3, pack("<I", 9) + bytes(LARGEST_BLOCK - 16 + size - LARGEST)), "exact")


def pieces(size: int) -> list[bytes]:
    """A datagram with ``size`` bytes behind its IP header, in two fragments of IPv4 and in two of IPv6."""
    whole = tcp(data=bytes(40))[20:] + bytes(size - 60)
    last = size // 8 * 8 if size % 8 else size - 8
    found = []
    for begin, end in ((0, last), (last, size)):
        more = int(end < size)
        head = bytes((6, 0)) + (begin | more).to_bytes(2, "big") + b"\0\0\0\7"
        raw = ip("[::1]", "[::2]", 44, b"")
        found.append(raw + head + whole[begin:end])  # length 0: to the end of the frame
        short = ip("10.0.0.1", "10.0.0.2", 6, b"", ident=7, fragment=more << 13 | begin // 8)
        found.append(short[:2] + b"\0\0" + short[4:] + whole[begin:end])
    return found


@pytest.mark.parametrize("size", range(65_524, 65_538))
def test_fragments_up_to_65535_bytes_give_equal_results(size: int) -> None:
    frames = list(enumerate(pieces(min(size, 65_536))))
    for order in (frames, frames[::-1]):
        same(pcap(order), "exact")
    engine = Engine()
    engine.feed(pcap(frames))
    assert engine.segments == (2 if size <= 65_535 else 0)


@pytest.mark.parametrize("datagrams", around(SLOTS))
def test_datagrams_in_the_making_up_to_the_bound_give_equal_results(datagrams: int) -> None:
    whole, frames = tcp(data=bytes(100)), []
    for first in (True, False):
        for ident in range(1, datagrams + 1):
            head = ip("10.0.0.1", "10.0.0.2", 6, b"", ident=ident, fragment=0x2000 if first else 8)
            frames.append(head[:2] + b"\0\0" + head[4:] + (whole[20:84] if first else whole[84:]))
    same(pcap(list(enumerate(frames))), "exact")


def test_data_beyond_the_end_of_a_datagram_gives_equal_results() -> None:
    """The missing piece would be in the TCP header: memory that nothing has written must not be judged."""
    whole = tcp(data=bytes(100), ident=7)
    frames = []
    for begin, end, more in ((0, 8, 1), (800, 816, 1), (24, 120, 0)):
        head = ip("10.0.0.1", "10.0.0.2", 6, b"", ident=7, fragment=more << 13 | begin // 8)
        frames.append(head[:2] + b"\0\0" + head[4:] + (whole[20:][begin:end] or bytes(end - begin)))
    same(pcap(list(enumerate(frames))), "exact")
    engine = Engine()
    engine.feed(pcap(list(enumerate(frames))))
    assert engine.segments == 0


def test_length_zero_ends_with_the_frame_in_both() -> None:
    frame = tcp(flags=2, data=bytes(9))
    same(pcap([(0, frame[:2] + b"\0\0" + frame[4:])]), "exact")


LINE = ("10.0.0.1:1000", "10.0.0.2:80")


def _ack(number: int, *blocks: tuple[int, int], **fields: Any) -> bytes:
    return tcp(*LINE[::-1], seq=9, ack=number, options=sack(*blocks) if blocks else b"", **fields)


def _line(*packets: bytes, step: int = 1_000_000) -> bytes:
    """SYN, SYN/ACK and ACK, then these packets."""
    shake = [
        tcp(*LINE, seq=0, flags=SYN, options=syn_options()),
        tcp(*LINE[::-1], seq=8, ack=1, flags=SYN, options=syn_options()),
        tcp(*LINE, seq=1, ack=9),
    ]
    return pcap([(number * step, packet) for number, packet in enumerate([*shake, *packets])])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("holes", around(16))
def test_holes_up_to_the_bound_give_equal_results(mode: Mode, holes: int) -> None:
    late = [tcp(*LINE, seq=1 + 200 * number, ack=9, data=bytes(50)) for number in range(holes)]
    jumps = [tcp(*LINE, seq=101 + 200 * number, ack=9, data=bytes(100)) for number in range(holes)]
    middle = [tcp(*LINE, seq=26 + 200 * number, ack=9, data=bytes(20)) for number in range(holes)]
    for order in (late, late[::-1], middle + late):
        same(_line(*jumps, *order, _ack(150), _ack(10**5)), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", [7, 8, 9, 15, 16, 17])
@pytest.mark.parametrize("step", [1_000_000, 21_000_000, 250_000_000])
def test_what_is_remembered_up_to_the_bound_gives_equal_results(mode: Mode, count: int, step: int) -> None:
    """Acknowledgments' times and starts of resent segments: 8 of each, in a ring."""
    data = [tcp(*LINE, seq=1 + 100 * number, ack=9, data=bytes(100)) for number in range(count)]
    dsacks = [_ack(1 + 100 * (number + 1), (1 + 100 * number, 101 + 100 * number)) for number in range(count)]
    same(_line(*data, *[_ack(1)] * count, *data, *dsacks, step=step), mode)
    same(_line(*data, *data[::-1], *dsacks[::-1], *dsacks, step=step), mode)


@pytest.mark.parametrize("count", around(4096))
def test_segments_that_wait_for_their_acknowledgment_up_to_the_bound_give_equal_results(count: int) -> None:
    data = [tcp(*LINE, seq=1 + number, ack=9, data=b"x") for number in range(count)]
    same(_line(*data, _ack(4096), _ack(4097), _ack(4098), *data[:2], step=1000), "wireshark")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rtt", around(1 << 40))
def test_round_trips_up_to_the_longest_give_equal_results(mode: Mode, rtt: int) -> None:
    frames = [(0, tcp(*LINE, seq=1, ack=9, data=b"x")), (rtt, _ack(2)), (rtt, tcp(*LINE, seq=2, ack=9, data=b"x"))]
    same(pcap([*frames, (rtt + 5, _ack(3))]), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [*range(18), 31, 32, 127, 128, 255])
def test_every_window_scale_gives_equal_results(mode: Mode, scale: int) -> None:
    """RFC 7323 §2.3: more than 14 counts as 14."""
    frames = []
    for offered in (scale, 3):
        ends = LINE if offered == scale else LINE[::-1]
        frames.append(tcp(*ends, flags=SYN, ack=None if ends is LINE else 1, options=syn_options(scale=offered)))
    frames += [tcp(*LINE, seq=1, ack=1, window=3)]
    full = 3 << min(scale, 14)
    frames += [tcp(*LINE[::-1], seq=1, ack=1, data=bytes(min(full, 60_000)))]
    if full > 60_000:
        frames += [tcp(*LINE[::-1], seq=1 + full - 9, ack=1, data=bytes(9))]
    same(pcap(list(enumerate(frames))), mode)


def test_one_frame_at_a_time_is_a_file_without_the_file() -> None:
    for engine in (Engine(columns=True), PureEngine(columns=True)):
        engine.add(tcp(flags=2), 5, link=RAW)
        engine.add(tcp(flags=2), 2 * 10**9, link=RAW)
        assert engine.take_columns() == (bytes(4), b"\x21\0\0\0", b"\xff" * 8)
        engine.add(b"", 7)
        assert (engine.packets, engine.segments, engine.last_at) == (3, 2, 2 * 10**9)
