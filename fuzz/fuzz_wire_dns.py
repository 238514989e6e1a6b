"""DNS messages: ProtocolError or a message whose bytes give the same message again.

Run: python -m fuzz.fuzz_wire_dns --executions 20000
"""

import random
import sys

from fuzz.mutate import run
from netwright.core.errors import ProtocolError
from netwright.wire.dns import Message, Question, ResourceRecord, parse_message
from netwright.wire.dns_data import Address, EdnsOption, Host, Mx, Opt, Soa, Srv, Svcb, Txt

NAME = "www.example.org"
RECORDS = (
    ResourceRecord(NAME, 1, Address(bytes(4)), 60),
    ResourceRecord("a.example.org", 28, Address(bytes(16))),
    ResourceRecord(NAME, 5, Host("b.example.org")),
    ResourceRecord("example.org", 15, Mx(1, "mx.example.org")),
    ResourceRecord("example.org", 6, Soa("ns.example.org", "root.example.org", 1, 2, 3, 4, 5)),
    ResourceRecord("_s._tcp.example.org", 33, Srv(1, 2, 3, NAME)),
    ResourceRecord(NAME, 16, Txt((b"one", b"two"))),
    ResourceRecord(NAME, 65, Svcb(1, "", ((1, b"\2h2"), (3, b"\1\xbb"), (4, bytes(4))))),
    ResourceRecord("", 41, Opt((EdnsOption(10, bytes(8)),)), class_number=1232),
)
SEEDS = [Message(1, (Question(NAME),), (record,)).serialize() for record in RECORDS]
SEEDS.append(Message(2, (Question(NAME, 255),), RECORDS, RECORDS[:2], RECORDS[-1:], response=True).serialize())


def once(raw: bytes, _: random.Random) -> None:
    """Parse, write, parse."""
    try:
        message = parse_message(raw)
    except ProtocolError:
        return
    if len(raw) < 4096:  # without compression of its own a message could become too long to write
        assert parse_message(message.serialize()) == message


if __name__ == "__main__":
    sys.exit(run(once, SEEDS))
