"""Capture files, plain and compressed: ProtocolError or nothing, and the same blocks whatever the chunks.

Run: python -m fuzz.fuzz_wire_capture --executions 20000
"""

import gzip
import random
import sys
from collections.abc import Iterable

from fuzz.mutate import corpus_files, pieces, run
from netwright.core.errors import ProtocolError
from netwright.wire.blocks import Block, Interface, NameRecord, OpaqueBlock, Record, Statistics
from netwright.wire.pcap import PcapWriter
from netwright.wire.pcapng import PcapngWriter
from netwright.wire.read import read_blocks


def seeds() -> list[bytes]:
    """One file of each format, packed and not, and small public captures if there are any here."""
    pcap = PcapWriter(1, nanoseconds=False)
    classic = pcap.header() + pcap.record(1_000_000_000, b"packet one") + pcap.record(2, b"two", 60)
    big = (
        bytes.fromhex("a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000065 00000001 00000002 00000003 00000004")
        + b"abc"
    )
    ng = PcapngWriter()
    eth0 = Interface(1, 100, name="eth0", comments=("a",))
    new = ng.section(comments=["file"]) + ng.interface(eth0)
    new += ng.record(Record(5, b"12345", 60, eth0, ("seen",), 1, 2)) + ng.names([NameRecord(bytes(4), ("host",))])
    new += ng.statistics(Statistics(eth0, 6, 7, 8)) + ng.opaque(OpaqueBlock(3, b"\0\0\0\x05hello\0\0\0"))
    plain = [classic, big, new, classic + classic, new + new]
    return [*plain, *map(gzip.compress, plain), *(raw for raw in corpus_files(30) if len(raw) < 20_000)]


def outcome(chunks: Iterable[bytes]) -> tuple[list[Block], str]:
    """What came, and how it ended."""
    blocks: list[Block] = []
    try:
        blocks.extend(read_blocks(chunks, max_record=100_000))
    except ProtocolError as error:
        return blocks, str(error)
    return blocks, ""


def once(raw: bytes, chance: random.Random) -> None:
    """Read in one piece and in several."""
    assert outcome([raw]) == outcome(pieces(raw, chance))


if __name__ == "__main__":
    sys.exit(run(once, seeds()))
