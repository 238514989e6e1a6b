"""TLS records and hellos: ProtocolError or events, the same whatever the chunks; hellos give their bytes again.

Run: python -m fuzz.fuzz_wire_tls --executions 20000
"""

import contextlib
import random
import sys

from fuzz.mutate import pieces, run
from netwright.core.errors import ProtocolError
from netwright.wire.tls import Alert, ClientHello, Handshake, ServerHello, TlsExtension, TlsRecord, parse_client_hello
from netwright.wire.tls_stream import TlsEvent, TlsStream

EXTENSIONS = (
    TlsExtension(0, bytes.fromhex("0010 00 000d") + b"a.example.org"),
    TlsExtension(10, bytes.fromhex("0004 001d 0017")),
    TlsExtension(11, b"\1\0"),
    TlsExtension(13, bytes.fromhex("0004 0403 0804")),
    TlsExtension(16, b"\0\3\2h2"),
    TlsExtension(43, bytes.fromhex("04 0304 0303")),
    TlsExtension(51, bytes.fromhex("0008 001d 0004 01020304")),
)
CLIENT = Handshake(
    1, ClientHello(bytes(32), (0x1301, 0xC02F), EXTENSIONS, session_id=bytes(32)).serialize()
).serialize()
SERVER = Handshake(2, ServerHello(bytes(32), 0x1301, (TlsExtension(43, b"\3\4"),)).serialize()).serialize()


def record(kind: int, payload: bytes) -> bytes:
    """A record of TLS 1.2."""
    return TlsRecord(kind, 0x0303, payload).serialize()


SEEDS = [
    record(22, CLIENT),
    record(22, SERVER) + record(20, b"\1") + record(23, bytes(30)),
    record(22, CLIENT[:50]) + record(22, CLIENT[50:]) + record(21, Alert(2, 40).serialize()),
    record(22, SERVER + CLIENT) + record(20, b"\1") + record(22, bytes(40)),
]
LAZY = ("server_name", "alpn", "versions", "groups", "signature_algorithms", "point_formats", "key_shares")


def outcome(chunks: list[bytes]) -> tuple[list[TlsEvent], str]:
    """What came, and how it ended."""
    stream, events = TlsStream(max_handshake=10_000), list[TlsEvent]()
    try:
        for chunk in [*chunks, b""]:
            events += stream.receive(chunk)
    except ProtocolError as error:
        return events, str(error)
    return events, ""


def once(raw: bytes, chance: random.Random) -> None:
    """Read in one piece and in several; look into every hello."""
    events, text = outcome([raw])
    assert outcome(pieces(raw, chance)) == (events, text)
    for event in events:
        if isinstance(event, ClientHello):
            assert parse_client_hello(event.serialize()) == event
            for name in LAZY:
                with contextlib.suppress(ProtocolError):
                    getattr(event, name)


if __name__ == "__main__":
    sys.exit(run(once, SEEDS))
