"""The native loop and its specification give equal results: public captures, conversations of chance, garbage."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright._native import kernels
from netwright.watch.capture import Engine
from netwright.watch.engine import Engine as PureEngine
from netwright.watch.verdicts import Mode
from tests.support.corpora import captures, corpus
from tests.support.frames import ETHERNET, RAW, ethernet, pcap, pcapng, sack, stamp, syn_options, tcp
from tests.watch.test_engine import read
from tests.watch.test_segment import ENCAPSULATIONS

pytestmark = pytest.mark.skipif(not kernels()["netwright.watch._engine"], reason="kernel not built")
MODES: tuple[Mode, Mode] = ("exact", "wireshark")
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
    ident=st.one_of(st.integers(0, 70), st.integers(0, 65535)),
    options=_options,
)
_segment6 = st.builds(tcp, st.sampled_from(ENDS[3:]), st.sampled_from(ENDS[3:]), seq=_number, ack=_number)
_steps = st.lists(
    st.tuples(
        st.sampled_from([0, 10_000, 1_000_000, 25_000_000, 300_000_000]), st.one_of(_segment, _segment, _segment6)
    ),
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


@pytest.mark.parametrize(("link", "frame"), ENCAPSULATIONS)
def test_every_encapsulation_gives_equal_results(link: int, frame: bytes) -> None:
    for size in range(len(frame) + 1):
        same(pcap([(0, frame[:size]), (1, frame)], link=link), "exact")


def test_one_frame_at_a_time_is_a_file_without_the_file() -> None:
    for engine in (Engine(columns=True), PureEngine(columns=True)):
        engine.add(tcp(flags=2), 5, link=RAW)
        engine.add(tcp(flags=2), 2 * 10**9, link=RAW)
        assert engine.take_columns() == (bytes(4), b"\x21\0\0\0", b"\xff" * 8)
        engine.add(b"", 7)
        assert (engine.packets, engine.segments, engine.last_at) == (3, 2, 2 * 10**9)
