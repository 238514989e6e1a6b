"""Framings under random bytes: any split gives the same messages, and only ProtocolError or LimitError.

Run: python -m fuzz.fuzz_framing --executions 20000 --seed 1
"""

import argparse
import random
import sys
from typing import Any

from tests.support.framings import decoded

from netwright.proto.framing import Delimited, Framing, LengthPrefixed, Lines, Struct, Varint

LIMIT = 60
FRAMINGS: list[Framing[Any]] = [
    Delimited(b"\r\n", LIMIT),
    Delimited(b"aab", LIMIT),
    Lines(LIMIT),
    *(LengthPrefixed(width, limit=LIMIT) for width in (1, 2, 4, 8)),
    LengthPrefixed(2, "little", LIMIT, includes_header=True),
    Varint(LIMIT),
    Struct("!IHH"),
]
SPICE = [b"\r\n", b"\n", b"\r", b"aab", b"a", b"\0\0\0\5", b"\5\0", b"\x80", b"\xff" * 9, b"\0" * 8, b"x" * 58]


def garbage(chance: random.Random) -> bytes:
    """Pieces that mean something to one framing or another, and bytes that mean nothing."""
    pieces = [chance.choice([*SPICE, chance.randbytes(chance.randrange(12))]) for _ in range(chance.randrange(12))]
    return b"".join(pieces)


def split(data: bytes, chance: random.Random) -> list[bytes]:
    """The same bytes in up to nine pieces."""
    ends = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(9)))
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


def main() -> int:
    """1 and the input if a property breaks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--executions", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance, messages, errors = random.Random(options.seed), 0, 0
    for _ in range(options.executions):
        framing, data = chance.choice(FRAMINGS), garbage(chance)
        whole = decoded(framing, [data])
        if decoded(framing, split(data, chance)) != whole:
            print(f"fuzz_framing: {framing} splits {data!r} in two ways")  # noqa: T201  # a target's output
            return 1
        if not all(len(message) <= LIMIT for message in whole[0]):
            print(f"fuzz_framing: {framing} lets a message of more than {LIMIT} bytes pass: {data!r}")  # noqa: T201  # a target's output
            return 1
        messages, errors = messages + len(whole[0]), errors + bool(whole[1])
    print(f"fuzz_framing: {options.executions} inputs, {messages} messages, {errors} refused")  # noqa: T201  # a target's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
