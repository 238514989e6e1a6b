import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.tls import (
    Alert,
    ClientHello,
    ContentType,
    ExtensionKind,
    Handshake,
    HandshakeKind,
    ServerHello,
    TlsExtension,
    TlsRecord,
    is_grease,
    parse_alert,
    parse_certificates,
    parse_client_hello,
    parse_record,
    parse_server_hello,
)
from tests.support.limits import around

u16 = st.integers(0, 65535)
extensions = st.none() | st.lists(st.builds(TlsExtension, u16, st.binary(max_size=20)), max_size=4).map(tuple)
random = st.binary(min_size=32, max_size=32)
session = st.binary(max_size=32)
client_hellos = st.builds(
    ClientHello, random, st.lists(u16, max_size=6).map(tuple), extensions, u16, session, st.binary(max_size=3)
)
server_hellos = st.builds(ServerHello, random, u16, extensions, u16, session, st.integers(0, 255))


@given(client_hellos)
def test_client_hello_round_trip(hello: ClientHello) -> None:
    """RFC 8446 §4.1.2."""
    body = hello.serialize()
    assert parse_client_hello(body) == hello
    with pytest.raises(ProtocolError):
        parse_client_hello(body + b"\0")


@given(server_hellos)
def test_server_hello_round_trip(hello: ServerHello) -> None:
    """RFC 8446 §4.1.3."""
    assert parse_server_hello(hello.serialize()) == hello


def openssl_hello(version: ssl.TLSVersion) -> tuple[ssl.SSLContext, ClientHello]:
    """What OpenSSL sends first."""
    context = ssl.create_default_context()
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, version
    context.set_ciphers(
        "ECDHE+AESGCM:ECDHE+CHACHA20"
    )  # Debian's list has PSK suites, which no hello offers without a key
    context.set_alpn_protocols(["h2", "http/1.1"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname="www.example.org")
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    record = parse_record(outgoing.read())
    assert record.content_type == ContentType.HANDSHAKE
    assert record.payload[0] == HandshakeKind.CLIENT_HELLO
    hello = parse_client_hello(record.payload[4:])
    assert Handshake(HandshakeKind.CLIENT_HELLO, hello.serialize()).serialize() == record.payload
    return context, hello


def test_a_hello_of_openssl() -> None:
    """Judge: the context that made it."""
    context, hello = openssl_hello(ssl.TLSVersion.TLSv1_3)
    assert hello.server_name == "www.example.org"
    assert hello.alpn == (b"h2", b"http/1.1")
    assert hello.versions == (0x0304, 0x0303)
    ours = {suite for suite in hello.cipher_suites if suite != 0x00FF}  # a signal, no suite (RFC 5746 §3.3)
    assert ours == {int(each["id"]) & 0xFFFF for each in context.get_ciphers()}
    assert 0x001D in hello.groups  # x25519
    assert set(hello.key_shares) <= set(hello.groups)
    assert 0x0403 in hello.signature_algorithms
    assert hello.point_formats[0] == 0
    assert not hello.resumes
    assert ExtensionKind.SERVER_NAME in hello.extension_kinds


def test_only_a_host_is_a_name() -> None:
    """RFC 6066 §3: kind 0."""
    hello = ClientHello(bytes(32), (), (TlsExtension(ExtensionKind.SERVER_NAME, b"\0\x08\1\0\1x\0\0\1h"),))
    assert hello.server_name == "h"


def test_before_1_3_the_legacy_field_is_the_version() -> None:
    """RFC 8446 §4.2.1."""
    _, hello = openssl_hello(ssl.TLSVersion.TLSv1_2)
    assert hello.versions == (0x0303,)
    assert hello.key_shares == ()


def test_what_is_not_offered_is_empty() -> None:
    for extensions in ((), None):
        hello = ClientHello(bytes(32), (), extensions)
        assert (hello.server_name, hello.alpn, hello.groups, hello.point_formats) == ("", (), (), ())
        assert (hello.signature_algorithms, hello.key_shares, hello.resumes) == ((), (), False)
    assert ServerHello(bytes(32), 1, None).version == 0x0303
    assert ServerHello(bytes(32), 1).alpn == b""
    assert ClientHello(bytes(32), (), (TlsExtension(41),)).resumes


def test_a_server_hello_by_the_book() -> None:
    """RFC 8446 §4.1.3, §4.2.1, RFC 7301 §3.1; the random is that of §4.1.3 for a retry."""
    retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    hello = ServerHello(
        retry,
        0x1301,
        (TlsExtension(ExtensionKind.SUPPORTED_VERSIONS, b"\3\4"), TlsExtension(ExtensionKind.ALPN, b"\0\3\2h2")),
    )
    assert (hello.is_retry, hello.version, hello.alpn) == (True, 0x0304, b"h2")
    assert not ServerHello(bytes(32), 1).is_retry


@pytest.mark.parametrize(
    ("kind", "data", "name"),
    [
        (ExtensionKind.SERVER_NAME, b"\0\x05\0\0\x09", "server_name"),
        (ExtensionKind.ALPN, b"\0\3\5h2", "alpn"),
        (ExtensionKind.ALPN, b"\0\3\2h2x", "alpn"),
        (ExtensionKind.SUPPORTED_GROUPS, b"\0\3\0\1\2", "groups"),
        (ExtensionKind.SUPPORTED_VERSIONS, b"\5\3\4", "versions"),
        (ExtensionKind.SIGNATURE_ALGORITHMS, b"", "signature_algorithms"),
        (ExtensionKind.POINT_FORMATS, b"\2\0", "point_formats"),
        (ExtensionKind.KEY_SHARE, b"\0\4\0\x1d\0\x09", "key_shares"),
    ],
)
def test_broken_extensions_are_refused_where_they_are_read(kind: int, data: bytes, name: str) -> None:
    hello = ClientHello(bytes(32), (0x1301,), (TlsExtension(kind, data),))
    assert parse_client_hello(hello.serialize()) == hello
    with pytest.raises(ProtocolError):
        getattr(hello, name)


@given(u16)
def test_grease_is_sixteen_values(value: int) -> None:
    """RFC 8701 §2."""
    assert is_grease(value) == (
        f"{value:04x}"[1] == f"{value:04x}"[3] == "a" and f"{value:04x}"[0] == f"{value:04x}"[2]
    )
    assert sum(map(is_grease, range(65536))) == 16


@given(st.integers(20, 24), st.integers(0x0300, 0x0304), st.binary(max_size=40))
def test_record_round_trip(content_type: int, version: int, payload: bytes) -> None:
    """RFC 8446 §5.1."""
    record = TlsRecord(content_type, version, payload)
    raw = record.serialize()
    assert parse_record(b"xx" + raw + b"more", 2) == record
    assert record.size == len(raw)
    for have in range(len(raw)):
        with pytest.raises(IncompleteError):
            parse_record(raw[:have])


@pytest.mark.parametrize("raw", ["4745542f20", "80460103 01", "1903030001", "1602000001", "16030348 01"])
def test_what_is_no_record_is_refused(raw: str) -> None:
    """HTTP, SSL 2, an unknown type, a wrong version, a length that no version allows."""
    with pytest.raises(ProtocolError, match="not a TLS record at byte 0"):
        parse_record(bytes.fromhex(raw) + bytes(20))


@pytest.mark.parametrize("size", around(16384 + 2048))
def test_record_has_up_to_18432_bytes(size: int) -> None:
    """RFC 5246 §6.2.3: 2^14 + 2048 in TLS 1.2."""
    raw = TlsRecord(23, 0x0303, bytes(size)).serialize()
    if size <= 18_432:
        assert len(parse_record(raw).payload) == size
        return
    with pytest.raises(ProtocolError, match=r"18433 bytes; 20 to 24, 0x03\.\., up to 18432 allowed"):
        parse_record(raw)


def test_record_has_one_of_five_types() -> None:
    """RFC 8446 §5.1, RFC 6520 §3."""
    for content_type in range(256):
        raw = bytes((content_type, 3, 3, 0, 1, 9))
        if 20 <= content_type <= 24:
            assert parse_record(raw).content_type == content_type
        else:
            with pytest.raises(ProtocolError, match=f"type {content_type},"):
                parse_record(raw)


@pytest.mark.parametrize(("version", "taken"), [(0x02FF, 0), (0x0300, 1), (0x03FF, 1), (0x0400, 0)])
def test_record_has_version_3(version: int, taken: bool) -> None:
    raw = TlsRecord(22, version, b"x").serialize()
    if taken:
        assert parse_record(raw).version == version
        return
    with pytest.raises(ProtocolError, match="not a TLS record"):
        parse_record(raw)


def test_alerts_have_names() -> None:
    """RFC 8446 §6.2."""
    assert parse_alert(b"\x02\x28") == Alert(2, 40)
    assert Alert(2, 40).name == "handshake_failure"
    assert Alert(1, 99).name == "99"
    assert Alert(1, 0).serialize() == b"\x01\x00"
    for payload in (b"", b"\x02", b"\x03\x28", bytes(20)):
        with pytest.raises(ProtocolError):
            parse_alert(payload)


def test_certificates_of_1_2() -> None:
    """RFC 5246 §7.4.2."""
    assert parse_certificates(bytes.fromhex("00000a 000002 aabb 000002 ccdd".replace(" ", ""))) == (
        b"\xaa\xbb",
        b"\xcc\xdd",
    )
    with pytest.raises(ProtocolError):
        parse_certificates(bytes.fromhex("00000a000009aabb"))


@pytest.mark.parametrize(
    "hello",
    [
        ClientHello(b"short", ()),
        ClientHello(bytes(32), (65536,)),
        ClientHello(bytes(32), (), session_id=bytes(256)),
        ClientHello(bytes(32), (), (TlsExtension(1, bytes(65536)),)),
        ServerHello(bytes(32), 65536),
        TlsRecord(256, 0x0303, b""),
        Handshake(1, bytes(1 << 24)),
    ],
)
def test_serialize_refuses_what_does_not_fit(hello: ClientHello | ServerHello | TlsRecord | Handshake) -> None:
    with pytest.raises(UsageError):
        hello.serialize()


@given(st.binary(max_size=80))
def test_any_bytes_give_values_or_blame_the_peer(data: bytes) -> None:
    for parse in (parse_client_hello, parse_server_hello, parse_certificates, parse_alert, parse_record):
        for body in (data, b"\3\3" + bytes(32) + data):
            try:
                parse(body)
            except ProtocolError:
                continue
