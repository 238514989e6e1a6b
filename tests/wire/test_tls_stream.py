import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import ProtocolError
from netwright.wire.decode import decode
from netwright.wire.read import read_records
from netwright.wire.tls import (
    Alert,
    ClientHello,
    ContentType,
    Handshake,
    HandshakeKind,
    ServerHello,
    TlsRecord,
    is_grease,
)
from netwright.wire.tls_stream import Encrypted, TlsEvent, TlsStream
from tests.support import limits, splits
from tests.support.corpora import captures
from tests.support.limits import Case
from tests.support.tshark import fields
from tests.wire.test_tls import client_hellos

HELLO = ClientHello(bytes(range(32)), (0x1301, 0x1302))
SERVER = ServerHello(bytes(range(32)), 0x1301)


def record(content_type: int, payload: bytes) -> bytes:
    return TlsRecord(content_type, 0x0303, payload).serialize()


def message(kind: int, hello: ClientHello | ServerHello) -> bytes:
    return Handshake(kind, hello.serialize()).serialize()


def receive(data: bytes, *cuts: int) -> list[TlsEvent]:
    stream = TlsStream()
    return [
        event
        for begin, end in zip((0, *cuts), (*cuts, len(data)), strict=True)
        for event in stream.receive(data[begin:end])
    ]


@given(st.lists(client_hellos, min_size=1, max_size=3), st.integers(1, 60), st.data())
def test_messages_cross_records_and_chunks(hellos: list[ClientHello], size: int, draw: st.DataObject) -> None:
    """RFC 8446 §5.1: messages may share a record or be split over several."""
    whole = b"".join(message(1, hello) for hello in hellos)
    data = b"".join(record(22, whole[at : at + size]) for at in range(0, len(whole), size)) + record(21, b"\2\x28")
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=5)))
    assert receive(data, *cuts) == [*hellos, Alert(2, 40)]


def test_after_change_cipher_spec_nothing_can_be_read() -> None:
    """RFC 5246 §7.1; a Finished and an alert are encrypted then."""
    data = record(22, Handshake(HandshakeKind.SERVER_HELLO_DONE, b"").serialize())
    data += record(20, b"\1") + record(22, bytes(40)) + record(21, bytes(26)) + record(23, bytes(100))
    assert receive(data) == [
        Handshake(HandshakeKind.SERVER_HELLO_DONE, b""),
        Encrypted(ContentType.CHANGE_CIPHER_SPEC, 1),
        Encrypted(ContentType.HANDSHAKE, 40),
        Encrypted(ContentType.ALERT, 26),
        Encrypted(ContentType.APPLICATION_DATA, 100),
    ]


def test_after_application_data_nothing_can_be_read_either() -> None:
    """RFC 8446 appendix D.4: TLS 1.3 sends ChangeCipherSpec only for middleboxes; without it data marks the change."""
    stream = TlsStream()
    assert stream.receive(record(23, bytes(20))) == [Encrypted(23, 20)]
    assert stream.receive(record(21, b"\x02\x28") + record(22, bytes(40))) == [Encrypted(21, 2), Encrypted(22, 40)]


def test_a_second_hello_may_follow_change_cipher_spec() -> None:
    """RFC 8446 §4.1.4 and appendix D.4: after a HelloRetryRequest."""
    data = record(22, message(1, HELLO)) + record(20, b"\1") + record(22, message(1, HELLO))
    assert receive(data) == [HELLO, Encrypted(20, 1), HELLO]


def test_what_is_wrong_comes_after_what_is_right() -> None:
    stream = TlsStream()
    assert stream.receive(record(22, message(2, SERVER)) + b"HTTP/1.1 400") == [SERVER]
    assert repr(stream) == "<TlsStream at byte 49, clear, 12 waiting>"
    for _ in range(2):
        with pytest.raises(ProtocolError, match="not a TLS record"):
            stream.receive(b"")
    with pytest.raises(ProtocolError, match="not a TLS record"):
        TlsStream().receive(b"GET / HTTP/1.1\r\n")


def test_a_handshake_message_is_bounded() -> None:
    with pytest.raises(ProtocolError, match="message 11 of 16777215 bytes"):
        TlsStream().receive(record(22, b"\x0b\xff\xff\xff"))
    with pytest.raises(ProtocolError, match="100 allowed"):
        TlsStream(max_handshake=100).receive(record(22, b"\x0b\0\0\x65"))


def receive_all(stream: TlsStream, chunks: list[bytes]) -> list[TlsEvent]:
    return [event for chunk in chunks for event in stream.receive(chunk)]


@limits.cases
def test_handshake_message_is_bounded_to_the_byte(case: Case) -> None:
    """RFC 8446 §4; a message in pieces is bounded too, the second as the first."""
    stream, size = TlsStream(max_handshake=100), case.size(100)
    tested = Handshake(HandshakeKind.CERTIFICATE, bytes(size)).serialize()
    usual = record(22, Handshake(HandshakeKind.CERTIFICATE, bytes(9)).serialize())
    chunks = case.chunks(usual, record(22, tested[:50]) + record(22, tested[50:]))
    if case.refused:
        with pytest.raises(ProtocolError, match=r"message 11 of 101 bytes in front of byte .*, 100 allowed"):
            receive_all(stream, [*chunks, b""])
        return
    found = receive_all(stream, chunks)
    assert found[-1] == Handshake(11, bytes(size))
    assert len(found) == case.number


@limits.cases
def test_record_is_bounded_to_the_byte(case: Case) -> None:
    """RFC 5246 §6.2.3."""
    stream, size = TlsStream(), case.size(18_432)
    raw = bytes((23, 3, 3)) + size.to_bytes(2, "big") + bytes(size)
    chunks = case.chunks(record(23, b"x"), raw) if case.way != "bytewise" else [raw[:4], raw[4:]]
    if case.refused:
        with pytest.raises(ProtocolError, match="18433 bytes"):
            receive_all(stream, [*chunks, b""])
        return
    assert receive_all(stream, chunks)[-1] == Encrypted(23, size)


def test_error_in_the_middle_of_a_scan_loses_nothing_before_it() -> None:
    good = [HELLO, Alert(2, 40), HELLO]
    data = record(22, message(1, HELLO)) + record(21, b"\2\x28") + record(22, message(1, HELLO))

    def play(chunks: Sequence[bytes]) -> list[TlsEvent | str]:
        stream, found = TlsStream(), list[TlsEvent | str]()
        for chunk in [*chunks, b""]:
            try:
                found += stream.receive(chunk)
            except ProtocolError as error:
                found.append(str(error))
                break
        return found

    *events, error = splits.same_for_all(play, data + b"\x19\3\3\0\0")
    assert events == good
    assert f"not a TLS record at byte {len(data)}" in str(error)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_give_events_or_blame_the_peer(chunks: list[bytes]) -> None:
    stream = TlsStream()
    stream.receive(record(22, message(1, HELLO)))
    try:
        for chunk in chunks:
            stream.receive(chunk)
    except ProtocolError:
        return


def payloads(path: Path) -> Iterator[tuple[int, bytes]]:
    """Frame number and payload of the TCP segments of a public capture."""
    with path.open("rb") as file:
        try:
            for number, each in enumerate(read_records(file), 1):
                packet = decode(each.data, each.interface.link_type, each.length)
                if packet.tcp is not None and packet.payload:
                    yield number, packet.payload
        except ProtocolError:
            return


def ja3(hello: ClientHello) -> str:
    """The fingerprint's text: version, suites, extensions, groups, point formats, without GREASE."""
    lists = (hello.cipher_suites, hello.extension_kinds, hello.groups, hello.point_formats)
    parts = ("-".join(str(each) for each in values if not is_grease(each)) for values in lists)
    return f"{hello.legacy_version}," + ",".join(parts)


def hellos(path: Path) -> dict[int, ClientHello | ServerHello]:
    """The last hello of every frame of a capture that starts a record, as far as one segment holds it."""
    found: dict[int, ClientHello | ServerHello] = {}
    for number, payload in payloads(path):
        if payload[:2] == b"\x16\x03":
            with contextlib.suppress(ProtocolError):
                events = TlsStream().receive(payload)
                found |= {number: each for each in events if isinstance(each, ClientHello | ServerHello)}  # noqa: B035
    return found


@pytest.mark.real
def test_tshark_reads_the_same_hellos() -> None:
    """Judge: tshark 4.0, on hellos that fit one segment of a public capture."""
    names = ["frame.number", *(f"tls.handshake.{name}" for name in ("ja3_full", "ja3s_full", "extensions_server_name"))]
    option = ("-o", "tcp.desegment_tcp_streams:FALSE", "-Y", "tls.handshake.type == 1 || tls.handshake.type == 2")
    compared = 0
    for path, ours in itertools.islice(((path, found) for path in captures() if (found := hellos(path))), 12):
        for number, client, server, host in fields(path, names, *option):
            hello = ours.get(int(number))
            if isinstance(hello, ClientHello):
                assert (ja3(hello), hello.server_name) == (client, host), (path.name, number)
            elif hello is not None:
                kinds = "-".join(str(each.kind) for each in hello.extensions or ())
                assert f"{hello.legacy_version},{hello.cipher_suite},{kinds}" == server, (path.name, number)
            compared += hello is not None
    assert compared >= 10
