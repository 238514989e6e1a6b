"""The wire engine: any bytes give a report and no error, in any pieces the same, and now and then the pure one's.

Run: python -m fuzz.fuzz_watch --executions 1000000
"""

import gzip
import random
import sys

from tests.support.frames import ETHERNET, FIN, RST, SYN, ethernet, pcap, pcapng, sack, stamp, syn_options, tcp
from tests.support.talk import ISN, Talk

from fuzz.mutate import corpus_files, mutated, pieces, run
from netwright.watch.capture import Engine
from netwright.watch.engine import Engine as PureEngine
from netwright.watch.flow import flow_of
from netwright.watch.verdicts import NAMES, Mode

PURE = 50  # executions for each that the specification repeats


def seeds() -> list[bytes]:
    """A conversation with every repair, fragments, IPv6, in each format; and small public captures."""
    talk = Talk().handshake().client(30, 0, 0, 100).client(30, 100, 0, 100, options=stamp(3)).client(80, 100, 0, 100)
    talk.server(90, 0, 0, options=sack((ISN + 101, ISN + 201))).client(90.1, 0, 0, 100).server(91, 0, 200, window=0)
    talk.client(300, 199, 0).client(400, 200, 0, 1).server(500, 0, 200, flags=RST).client(900, 9**9, flags=SYN)
    piece = tcp(data=bytes(16), ident=7)
    frames = [*talk.frames, (10**9, tcp("[::1]:1", "[::2]:2", flags=FIN, options=syn_options()))]
    frames += [(10**9, piece[:6] + b"\x20\0" + piece[8:36]), (10**9, piece[:6] + b"\0\2" + piece[8:20] + piece[36:])]
    tagged = [(at, ethernet(b"\0\1\x08\0" + frame, kind=0x8100)) for at, frame in frames]
    files = [
        pcap(frames),
        pcap(tagged, link=ETHERNET, order=">"),
        pcapng(frames),
        pcapng(tagged, link=ETHERNET, order=">"),
    ]
    small = [gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw for raw in corpus_files(60)]
    return files + [raw for raw in small if len(raw) < 6000]


def outcome(engine: PureEngine, chunks: list[bytes]) -> tuple[object, ...]:
    """All that the engine tells about a file that comes in chunks."""
    kept, columns = b"", [b"", b"", b""]
    for chunk in chunks:
        kept += chunk
        used = engine.feed(kept)
        assert 0 <= used <= len(kept)
        kept = kept[used:]
        columns = [before + more for before, more in zip(columns, engine.take_columns(), strict=True)]
    assert not kept or len(kept) < 330_000
    return columns, engine.rows(), engine.totals(), engine.damage, engine.packets, engine.evicted, kept


def once(raw: bytes, chance: random.Random) -> None:
    """Whole, in pieces, and sometimes by the specification."""
    mode: Mode = chance.choice(("exact", "wireshark"))
    flows = chance.choice((1, 2, 100))
    whole = outcome(Engine(mode, max_flows=flows, columns=True), [raw])
    assert whole == outcome(Engine(mode, max_flows=flows, columns=True), pieces(raw, chance))
    if chance.randrange(PURE) == 0:
        pure = PureEngine(mode, max_flows=flows, columns=True)
        assert whole == outcome(pure, [raw])
        for row in pure.rows():
            flow_of(row, NAMES[mode]).as_dict()
    frame = mutated([raw[40:200] or b"\x45"], chance)
    single = Engine(mode, max_flows=2)
    single.add(frame, chance.getrandbits(62), link=chance.choice((0, 1, 9, 50, 101, 104, 108, 113, 276)), wire=9)
    assert single.packets == 1


if __name__ == "__main__":
    sys.exit(run(once, seeds()))
