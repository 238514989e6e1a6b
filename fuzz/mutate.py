"""What fuzz targets share: seeds, mutations, the command line.  Failures print the seed number."""

import argparse
import os
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 192, 253, 254, 255]
WORDS = [b"\0\0", b"\xff\xff", b"\0\1", b"\x80\0", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\x10\0"]


def corpus_files(limit: int) -> list[bytes]:
    """The smallest public captures, where they are on this machine (NETWRIGHT_CORPORA or ../shared/corpora)."""
    root = Path(__file__).resolve().parents[1]
    places = [
        Path(os.environ.get("NETWRIGHT_CORPORA", root.parent / "shared/corpora")),
        root.parents[1] / "shared/corpora",
    ]
    files = next((list((place / "pcaps").glob("*.pcap*")) for place in places if (place / "pcaps").is_dir()), [])
    return [path.read_bytes() for path in sorted(files, key=lambda path: path.stat().st_size)[:limit]]


def mutated(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """A seed with a few bytes flipped, set to edges, cut, doubled or replaced by part of another seed."""
    raw = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(5)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(7):
            case 0:
                raw[at : at + 1] = bytes((chance.randrange(256),))
            case 1:
                raw[at : at + 1] = bytes((chance.choice(EDGES),))
            case 2:
                word = chance.choice(WORDS)
                raw[at : at + len(word)] = word
            case 3:
                del raw[at : at + chance.choice(EDGES)]
            case 4:
                raw[at:at] = raw[at : at + chance.choice(EDGES)]
            case 5:
                other = chance.choice(seeds)
                begin = chance.randrange(len(other) + 1)
                raw[at : at + 64] = other[begin : begin + 64]
            case _:
                del raw[at:]
    return bytes(raw)


def pieces(raw: bytes, chance: random.Random) -> list[bytes]:
    """The same bytes in up to five chunks."""
    cuts = sorted(chance.randrange(len(raw) + 1) for _ in range(chance.randrange(5)))
    return [raw[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


def run(once: Callable[[bytes, random.Random], None], seeds: Sequence[bytes]) -> int:
    """Call ``once`` with mutated input as often as the command line says; what it does not catch is a failure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--executions", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for number in range(options.executions):
        chance = random.Random(f"{options.seed}/{number}")
        raw = mutated(seeds, chance)
        try:
            once(raw, chance)
        except Exception:
            print(f"execution {number} of seed {options.seed}: {raw.hex()}", file=sys.stderr)  # noqa: T201  # the report
            raise
    print(f"{Path(sys.argv[0]).stem}: {options.executions} executions, seed {options.seed}, no failure")  # noqa: T201
    return 0


def converse(once: Callable[[random.Random, int], None], name: str, about: str) -> int:
    """Call ``once`` with a generator and its seed as often as the command line says; what it raises is a failure."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--executions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for seed in range(arguments.seed, arguments.seed + arguments.executions):
        try:
            once(random.Random(seed), seed)
        except BaseException:
            print(f"{name}: failure with --seed {seed} --executions 1", file=sys.stderr)  # noqa: T201  # its output
            raise
    print(f"{name}: {arguments.executions} executions, no failure")  # noqa: T201  # its output
    return 0
