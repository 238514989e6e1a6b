import csv
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from struct import unpack

import pytest

from netwright.core.errors import UsageError
from netwright.watch.capture import Engine
from netwright.watch.engine import Engine as PureEngine
from netwright.watch.verdicts import Mode
from tests.support.corpora import captures, corpus
from tests.support.frames import RAW, SYN, pcap, tcp
from tests.support.talk import Talk

# The copy in the corpus lost carriage returns (its name, the SHA-1, is of another file): tshark reads 5 packets of it.
DAMAGED = {"bf34dceaa480.pcap"}


def _syn(number: int) -> bytes:
    return tcp(f"10.0.{number // 256}.{number % 256}:1000", flags=SYN)


def test_flows_are_bounded_and_the_one_not_seen_for_longest_gives_way() -> None:
    engine = PureEngine(max_flows=4)
    for number in range(4):
        engine.add(_syn(number), number, link=RAW)
    engine.add(_syn(4), 10, link=RAW)  # a turn of the hand takes every mark, then flow 0 goes
    engine.add(_syn(1), 11, link=RAW)
    engine.add(_syn(5), 12, link=RAW)  # flow 1 was seen since: flow 2 goes
    assert [row[0] for row in engine.rows()] == [1, 3, 4, 5]
    assert (engine.opened, engine.evicted) == (6, 2)


def test_counts_of_evicted_flows_stay_in_the_totals() -> None:
    engine = PureEngine(max_flows=1)
    for number in range(3):
        for at in (0, 10**9):
            engine.add(_syn(number), at, link=RAW)
    assert engine.totals()[0] == 6
    assert engine.totals()[3] == 3  # retransmissions
    assert engine.gone()[3] == 2


def test_silent_flow_goes_after_the_idle_timeout() -> None:
    engine = PureEngine(idle_timeout=60)
    for number, at in ((0, 0), (1, 50), (2, 100), (3, 101)):
        engine.add(_syn(number), at * 10**9, link=RAW)
    assert [row[0] for row in engine.rows()] == [1, 2, 3]


def test_packets_that_are_no_tcp_have_a_row_without_a_flow() -> None:
    engine = PureEngine(columns=True)
    engine.add(b"\x45", 0, link=RAW)
    assert engine.take_columns() == (b"\xff" * 4, bytes(4), b"\xff" * 8)
    assert (engine.packets, engine.segments) == (1, 0)


def test_fragments_are_judged_when_the_last_one_comes() -> None:
    """RFC 791 §3.2."""
    whole = tcp(data=bytes(100), ident=7)
    first = whole[:2] + b"\0\x58" + whole[4:6] + b"\x20\0" + whole[8:88]
    second = whole[:2] + b"\0\x4c" + whole[4:6] + b"\0\x08" + whole[8:20] + whole[84:]
    engine = PureEngine()
    engine.add(first[: 20 + 64], 0, link=RAW)
    assert engine.segments == 0
    engine.add(second, 1, link=RAW)
    assert engine.segments == 1


def test_columns_are_those_of_the_last_feed_alone() -> None:
    talk, header = Talk().handshake(), pcap([])
    for engine in (Engine(columns=True), PureEngine(columns=True)):
        engine.feed(pcap(talk.frames))
        engine.feed(pcap(talk.frames[:2])[len(header) :])
        assert len(engine.take_segments()) == 2
        engine.feed(pcap(talk.frames)[len(header) :])
        engine.feed(pcap(talk.frames[:1])[len(header) :])
        assert [len(column) for column in engine.take_columns()] == [4, 4, 8]
        assert engine.take_columns() == (b"", b"", b"")
        assert engine.take_segments() == []


@pytest.mark.parametrize("new", [0, 1, 99, 100, 300])
def test_partial_retransmission_counts_only_its_old_bytes_as_sent_again(new: int) -> None:
    """100 bytes, then from the same start the last 60 of them and ``new`` more."""
    talk = Talk().handshake().client(100, 0, 0, 100).client(400, 40, 0, 60 + new)
    for engine in (Engine(), PureEngine()):
        engine.feed(pcap(talk.frames))
        assert engine.totals()[1:3] == (160 + new, 60)


@pytest.mark.parametrize("wrong", [{"mode": "tcptrace"}, {"max_flows": 0}, {"max_flows": -1}, {"max_flows": 1 << 25}])
def test_settings_out_of_range_are_the_caller_s_fault(wrong: dict[str, object]) -> None:
    for engine in (Engine, PureEngine):
        with pytest.raises(UsageError, match="allowed"):
            engine(**wrong)  # type: ignore[arg-type]  # that is the test


def test_columns_are_kept_only_if_asked_for() -> None:
    for engine in (Engine(), PureEngine()):
        engine.feed(pcap(Talk().handshake().frames))
        with pytest.raises(UsageError, match="columns=True"):
            engine.take_columns()


def judged(data: bytes, mode: Mode) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Flow numbers and flags, one a packet."""
    engine = Engine(mode, columns=True)
    engine.feed(data)
    flows, flags, _ = engine.take_columns()
    return unpack(f"{len(flows) // 4}I", flows), unpack(f"{len(flags) // 4}I", flags)


def read(path: Path) -> bytes:
    """A capture's bytes, decompressed."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _differences(path: Path) -> Iterator[str]:
    """Packets on which the mode "wireshark" and tshark 4.0.17 differ; tshark's first flag covers the next two."""
    flows, flags = judged(read(path), "wireshark")
    verdicts = path.parent / "tshark" / f"{path.name.split('.')[0]}.csv"
    for row in csv.reader(verdicts.read_text().splitlines()):
        number = int(row[0])
        wanted = sum(bool(value) << bit for bit, value in enumerate(row[2:17]))
        seen = flags[number - 1] | (flags[number - 1] & 6 != 0)
        if seen != wanted:
            yield f"{path.name} packet {number} flow {flows[number - 1]}: {seen:015b}, tshark {wanted:015b}"


def test_every_flag_of_every_public_packet_is_tshark_s() -> None:
    files = [path for path in captures() if path.name not in DAMAGED]
    assert [line for path in files for line in _differences(path)] == []
    assert len(files) > 200


def test_capture_left_out_is_not_the_one_that_tshark_judged() -> None:
    path = corpus("pcaps") / "bf34dceaa480.pcap"
    assert hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()[:12] != path.stem
    assert len(judged(path.read_bytes(), "wireshark")[0]) == 5
