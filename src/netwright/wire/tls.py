"""The unencrypted parts of TLS: records, hellos, alerts (RFC 8446, RFC 5246 for 1.2).

Only structure is checked: a hello that a server would refuse is a value here, with all fields that fingerprints use in
the order sent.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from netwright.core.errors import IncompleteError, ProtocolError
from netwright.wire.fields import bits, exactly, pack

__all__ = [
    "Alert",
    "AlertDescription",
    "ClientHello",
    "ContentType",
    "ExtensionKind",
    "Handshake",
    "HandshakeKind",
    "ServerHello",
    "TlsExtension",
    "TlsRecord",
    "is_grease",
    "parse_alert",
    "parse_certificates",
    "parse_client_hello",
    "parse_record",
    "parse_server_hello",
]

_RECORD = struct.Struct("!BHH")  # content type, version, length
MAX_RECORD = (1 << 14) + 2048  # bytes of an encrypted record's payload (RFC 5246 §6.2.3; 1.3 allows less)


class ContentType(IntEnum):
    """RFC 8446 §5.1."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    HEARTBEAT = 24


class HandshakeKind(IntEnum):
    """Kinds of RFC 8446 §4 and of TLS 1.2."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20
    CERTIFICATE_STATUS = 22


class ExtensionKind(IntEnum):
    """Extensions that this module reads (IANA tls-extensiontype-values)."""

    SERVER_NAME = 0
    SUPPORTED_GROUPS = 10
    POINT_FORMATS = 11
    SIGNATURE_ALGORITHMS = 13
    ALPN = 16
    PRE_SHARED_KEY = 41
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    KEY_SHARE = 51


class AlertDescription(IntEnum):
    """Descriptions of RFC 8446 §6.2 and of earlier versions."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    RECORD_OVERFLOW = 22
    HANDSHAKE_FAILURE = 40
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    INAPPROPRIATE_FALLBACK = 86
    USER_CANCELED = 90
    NO_RENEGOTIATION = 100
    MISSING_EXTENSION = 109
    UNSUPPORTED_EXTENSION = 110
    UNRECOGNIZED_NAME = 112
    BAD_CERTIFICATE_STATUS_RESPONSE = 113
    UNKNOWN_PSK_IDENTITY = 115
    CERTIFICATE_REQUIRED = 116
    NO_APPLICATION_PROTOCOL = 120


def is_grease(value: int) -> bool:
    """True for the reserved values that a receiver must ignore (RFC 8701 §2): 0x0a0a, 0x1a1a ... 0xfafa."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


@dataclass(frozen=True, slots=True)
class TlsRecord:
    """``version`` is the record layer's; it does not tell the version of TLS in use (RFC 8446 §5.1)."""

    content_type: int
    version: int
    payload: bytes

    @property
    def size(self) -> int:
        """Bytes of the whole record."""
        return _RECORD.size + len(self.payload)

    def serialize(self) -> bytes:
        """Record bytes."""
        return pack(_RECORD, "TLS record", self.content_type, self.version, len(self.payload)) + self.payload


def parse_record(data: bytes, offset: int = 0, *, position: int = 0) -> TlsRecord:
    """Read one record; ``position`` is where in the stream ``data`` starts, for errors.

    Raises:
        IncompleteError: the data ends inside it.
        ProtocolError: not a TLS record: an unknown type, a version that is not 3.x, or too long.
    """
    if len(data) - offset < _RECORD.size:
        raise _cut("record header", len(data) - offset, _RECORD.size, position + offset)
    content_type, version, size = _RECORD.unpack_from(data, offset)
    if not 20 <= content_type <= 24 or version >> 8 != 3 or size > MAX_RECORD:
        raise ProtocolError(
            f"not a TLS record at byte {position + offset}: type {content_type}, version {version:#06x}, {size} bytes; "
            f"20 to 24, 0x03.., up to {MAX_RECORD} allowed",
            reference="RFC 8446 §5.1",
        )
    payload = data[offset + _RECORD.size : offset + _RECORD.size + size]
    if len(payload) < size:
        raise _cut("record", len(payload), size, position + offset)
    return TlsRecord(content_type, version, payload)


def _cut(what: str, have: int, wanted: int, at: int) -> IncompleteError:
    return IncompleteError(f"TLS {what} cut: {have} of {wanted} bytes at byte {at}", reference="RFC 8446 §5.1")


class _Reader:
    """Reads a message from its front; raises ProtocolError for a length that does not fit."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._at, self._what = data, 0, what

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ProtocolError(
                f"{self._what}: {size} bytes wanted at byte {self._at}, {len(taken)} left", reference="RFC 8446 §3.4"
            )
        self._at += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """Bytes with a length of ``size`` bytes in front (RFC 8446 §3.4)."""
        return self.take(self.number(size))

    def end(self) -> None:
        if self:
            raise ProtocolError(
                f"{self._what}: {len(self._data) - self._at} bytes behind its end at byte {self._at}",
                reference="RFC 8446 §4",
            )


def _u16s(raw: bytes, what: str) -> tuple[int, ...]:
    if len(raw) % 2:
        raise ProtocolError(f"{what} of {len(raw)} bytes, an even number allowed", reference="RFC 8446 §3.4")
    return tuple(int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2))


def _vector(size: int, value: bytes) -> bytes:
    return bits("TLS vector", (len(value), 8 * size)).to_bytes(size, "big") + value


@dataclass(frozen=True, slots=True)
class TlsExtension:
    """One extension, its data as sent."""

    kind: int
    data: bytes = b""


_Extensions: TypeAlias = tuple[TlsExtension, ...]


def _parse_extensions(reader: _Reader) -> _Extensions | None:
    """None where the hello ends before them, as before RFC 3546."""
    if not reader:
        return None
    inside = _Reader(reader.vector(2), "extensions")
    found = []
    while inside:
        kind = inside.number(2)
        found.append(TlsExtension(kind, inside.vector(2)))
    return tuple(found)


def _serialize_extensions(extensions: _Extensions | None) -> bytes:
    if extensions is None:
        return b""
    raw = (bits("extension", (each.kind, 16)).to_bytes(2, "big") + _vector(2, each.data) for each in extensions)
    return _vector(2, b"".join(raw))


def _find(extensions: _Extensions | None, kind: int) -> bytes | None:
    return next((each.data for each in extensions or () if each.kind == kind), None)


def _names(data: bytes) -> tuple[bytes, ...]:
    """ALPN's list (RFC 7301 §3.1)."""
    reader = _Reader(data, "ALPN")
    inside = _Reader(reader.vector(2), "ALPN list")
    reader.end()
    found = []
    while inside:
        found.append(inside.vector(1))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ClientHello:
    """RFC 8446 §4.1.2; everything in the order sent, GREASE included.

    The properties that read an extension raise ProtocolError if its data is broken, and give "", () or False if it is
    not there.
    """

    random: bytes
    cipher_suites: tuple[int, ...]
    extensions: _Extensions | None = ()
    legacy_version: int = 0x0303
    session_id: bytes = b""
    compressions: bytes = b"\0"

    @property
    def extension_kinds(self) -> tuple[int, ...]:
        """Numbers in the order sent."""
        return tuple(each.kind for each in self.extensions or ())

    @property
    def server_name(self) -> str:
        """The requested host (RFC 6066 §3)."""
        data = _find(self.extensions, ExtensionKind.SERVER_NAME)
        inside = _Reader(_Reader(data, "server name").vector(2) if data else b"", "server name list")
        while inside:
            kind, name = inside.number(1), inside.vector(2)
            if kind == 0:
                return name.decode("ascii", errors="backslashreplace")
        return ""

    @property
    def alpn(self) -> tuple[bytes, ...]:
        """Application protocols, the preferred one first (RFC 7301 §3.1)."""
        data = _find(self.extensions, ExtensionKind.ALPN)
        return () if data is None else _names(data)

    @property
    def versions(self) -> tuple[int, ...]:
        """Versions offered: the extension's, else the legacy field (RFC 8446 §4.2.1)."""
        data = _find(self.extensions, ExtensionKind.SUPPORTED_VERSIONS)
        if data is None:
            return (self.legacy_version,)
        return _u16s(_Reader(data, "supported versions").vector(1), "supported versions")

    @property
    def groups(self) -> tuple[int, ...]:
        """Key exchange groups (RFC 8446 §4.2.7)."""
        return self._list(ExtensionKind.SUPPORTED_GROUPS, "supported groups")

    @property
    def signature_algorithms(self) -> tuple[int, ...]:
        """RFC 8446 §4.2.3."""
        return self._list(ExtensionKind.SIGNATURE_ALGORITHMS, "signature algorithms")

    @property
    def point_formats(self) -> tuple[int, ...]:
        """RFC 8422 §5.1.2."""
        data = _find(self.extensions, ExtensionKind.POINT_FORMATS)
        return () if data is None else tuple(_Reader(data, "point formats").vector(1))

    @property
    def key_shares(self) -> tuple[int, ...]:
        """Groups for which a key comes with the hello (RFC 8446 §4.2.8)."""
        data = _find(self.extensions, ExtensionKind.KEY_SHARE)
        inside = _Reader(b"" if data is None else _Reader(data, "key share").vector(2), "key share")
        found = []
        while inside:
            found.append(inside.number(2))
            inside.vector(2)
        return tuple(found)

    @property
    def resumes(self) -> bool:
        """True if the client offers to resume a session (RFC 8446 §4.2.11) or sends early data."""
        return bool({ExtensionKind.PRE_SHARED_KEY, ExtensionKind.EARLY_DATA} & set(self.extension_kinds))

    def _list(self, kind: int, what: str) -> tuple[int, ...]:
        data = _find(self.extensions, kind)
        return () if data is None else _u16s(_Reader(data, what).vector(2), what)

    def serialize(self) -> bytes:
        """The message's body, without the handshake header."""
        suites = b"".join(bits("cipher suite", (suite, 16)).to_bytes(2, "big") for suite in self.cipher_suites)
        return (
            bits("version", (self.legacy_version, 16)).to_bytes(2, "big")
            + exactly(32, self.random)
            + _vector(1, self.session_id)
            + _vector(2, suites)
            + _vector(1, self.compressions)
            + _serialize_extensions(self.extensions)
        )


def parse_client_hello(body: bytes) -> ClientHello:
    """Read the body of a handshake message of that kind.

    Raises:
        ProtocolError: a length does not fit, or bytes follow its end.
    """
    reader = _Reader(body, "ClientHello")
    version, random, session_id = reader.number(2), reader.take(32), reader.vector(1)
    suites, compressions = _u16s(reader.vector(2), "cipher suites"), reader.vector(1)
    extensions = _parse_extensions(reader)
    reader.end()
    return ClientHello(random, suites, extensions, version, session_id, compressions)


# SHA-256 of "HelloRetryRequest": the random of a ServerHello that is one (RFC 8446 §4.1.3)
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@dataclass(frozen=True, slots=True)
class ServerHello:
    """RFC 8446 §4.1.3."""

    random: bytes
    cipher_suite: int
    extensions: _Extensions | None = ()
    legacy_version: int = 0x0303
    session_id: bytes = b""
    compression: int = 0

    @property
    def is_retry(self) -> bool:
        """True for a HelloRetryRequest (RFC 8446 §4.1.4)."""
        return self.random == _RETRY

    @property
    def version(self) -> int:
        """The version chosen (RFC 8446 §4.2.1)."""
        data = _find(self.extensions, ExtensionKind.SUPPORTED_VERSIONS)
        return self.legacy_version if data is None else _Reader(data, "selected version").number(2)

    @property
    def alpn(self) -> bytes:
        """The protocol chosen; b"" if there is none, or in TLS 1.3, which encrypts it (RFC 7301 §3.1)."""
        data = _find(self.extensions, ExtensionKind.ALPN)
        return b"".join(_names(data)[:1]) if data is not None else b""

    def serialize(self) -> bytes:
        """The message's body, without the handshake header."""
        return (
            bits("version", (self.legacy_version, 16)).to_bytes(2, "big")
            + exactly(32, self.random)
            + _vector(1, self.session_id)
            + bits("ServerHello", (self.cipher_suite, 16), (self.compression, 8)).to_bytes(3, "big")
            + _serialize_extensions(self.extensions)
        )


def parse_server_hello(body: bytes) -> ServerHello:
    """Read the body of a handshake message of that kind.

    Raises:
        ProtocolError: a length does not fit, or bytes follow its end.
    """
    reader = _Reader(body, "ServerHello")
    version, random, session_id = reader.number(2), reader.take(32), reader.vector(1)
    suite, compression = reader.number(2), reader.number(1)
    extensions = _parse_extensions(reader)
    reader.end()
    return ServerHello(random, suite, extensions, version, session_id, compression)


@dataclass(frozen=True, slots=True)
class Alert:
    """RFC 8446 §6; level 1 warns, 2 is fatal."""

    level: int
    description: int

    @property
    def name(self) -> str:
        """The description's name, such as ``handshake_failure``; its number if it has none here."""
        known = AlertDescription.__members__.values()
        return AlertDescription(self.description).name.lower() if self.description in known else str(self.description)

    def serialize(self) -> bytes:
        """Alert bytes."""
        return bits("alert", (self.level, 8), (self.description, 8)).to_bytes(2, "big")


def parse_alert(payload: bytes) -> Alert:
    """Read an alert that is not encrypted.

    Raises:
        ProtocolError: it is not 2 bytes with a level of 1 or 2: an encrypted one.
    """
    if len(payload) != 2 or payload[0] not in (1, 2):
        raise ProtocolError(f"alert of {len(payload)} bytes, 2 allowed", reference="RFC 8446 §6")
    return Alert(payload[0], payload[1])


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake message; ``body`` without the header (RFC 8446 §4)."""

    kind: int
    body: bytes

    def serialize(self) -> bytes:
        """Message bytes."""
        return bits("handshake", (self.kind, 8), (len(self.body), 24)).to_bytes(4, "big") + self.body


def parse_certificates(body: bytes) -> tuple[bytes, ...]:
    """DER certificates of a Certificate message of TLS 1.2, the peer's own first (RFC 5246 §7.4.2).

    Raises:
        ProtocolError: a length does not fit.
    """
    reader = _Reader(body, "Certificate")
    return tuple(_certificates(_Reader(reader.vector(3), "certificate list")))


def _certificates(reader: _Reader) -> Iterator[bytes]:
    while reader:
        yield reader.vector(3)
