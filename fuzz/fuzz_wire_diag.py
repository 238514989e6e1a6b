"""Netlink answers and TCP_INFO: ProtocolError or values.

Run: python -m fuzz.fuzz_wire_diag --executions 20000
"""

import random
import struct
import sys

from fuzz.mutate import run
from netwright.core.errors import ProtocolError
from netwright.wire.inet_diag import DiagSocket, parse_diag


def answer(*attributes: tuple[int, bytes]) -> bytes:
    """One socket of the kernel's answer."""
    body = bytes((2, 1, 0, 0)) + bytes(48) + bytes(20)
    for kind, value in attributes:
        body += struct.pack("=2H", 4 + len(value), kind) + value + bytes(-len(value) % 4)
    return struct.pack("=I2H2I", 16 + len(body), 20, 2, 1, 0) + body


DONE = struct.pack("=I2H2Ii", 20, 3, 2, 1, 0, 0)
SEEDS = [
    answer((2, bytes(280)), (4, b"cubic\0"), (7, bytes(36))) + DONE,
    answer((2, bytes(104)), (8, b"\0"), (21, bytes(8))) * 3,
    struct.pack("=I2H2Ii", 20, 2, 0, 1, 0, -2),
]


def once(raw: bytes, chance: random.Random) -> None:
    """Parse, and read what is parsed on demand."""
    try:
        for message in parse_diag(raw):
            found = message.content
            if isinstance(found, DiagSocket):
                str(found)
                assert (found.memory is None) == (len(found.attributes.get(7, b"")) < 36)
                assert found.congestion is not None
                assert found.cgroup is None or found.cgroup >= 0
                assert found.info is None or found.info.rtt >= 0
    except ProtocolError:
        return


if __name__ == "__main__":
    sys.exit(run(once, SEEDS))
