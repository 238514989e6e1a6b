"""The readable part of one direction of a TLS connection (RFC 8446 §5.1, §4).

Handshake messages may be split over records and share them.  After ChangeCipherSpec, handshake records are encrypted;
so are alerts, and all records that TLS 1.3 sends as application data.
"""

from dataclasses import dataclass
from typing import TypeAlias

from netwright.core.errors import IncompleteError, ProtocolError
from netwright.wire.tls import (
    Alert,
    ClientHello,
    ContentType,
    Handshake,
    HandshakeKind,
    ServerHello,
    parse_alert,
    parse_client_hello,
    parse_record,
    parse_server_hello,
)

__all__ = ["Encrypted", "TlsEvent", "TlsStream"]

MAX_HANDSHAKE = 1 << 18  # bytes of one message: certificate chains are the long ones; OpenSSL takes 100 KiB


@dataclass(frozen=True, slots=True)
class Encrypted:
    """An encrypted record with ``size`` bytes of payload; a ChangeCipherSpec record is reported as one too."""

    content_type: int
    size: int


TlsEvent: TypeAlias = ClientHello | ServerHello | Handshake | Alert | Encrypted


class TlsStream:
    """Takes the bytes of one direction, returns events; ``max_handshake`` is the largest handshake message in bytes."""

    def __init__(self, *, max_handshake: int = MAX_HANDSHAKE) -> None:
        self._max_handshake = max_handshake
        self._data = bytearray()
        self._handshake = bytearray()
        self._encrypted = False
        self._taken = 0
        self._needed = 5  # bytes of _data without which there is nothing to do
        self._error: ProtocolError | None = None

    def __repr__(self) -> str:
        state = "encrypted" if self._encrypted else "clear"
        return f"<TlsStream at byte {self._taken}, {state}, {len(self._data)} waiting>"

    def receive(self, data: bytes) -> list[TlsEvent]:
        """Take the next bytes; return events.  A fault is raised only after every event before it was returned.

        Raises:
            ProtocolError: not TLS, a malformed hello, or a handshake message above ``max_handshake``.
        """
        if self._error is not None:
            raise self._error
        self._data += data
        if len(self._data) < self._needed:
            return []
        found: list[TlsEvent] = []
        try:
            self._read_records(found)
        except ProtocolError as error:
            self._error = error
            if not found:
                raise
        return found

    def _read_records(self, found: list[TlsEvent]) -> None:
        raw, begin, at = bytes(self._data), self._taken, 0
        try:
            while at < len(raw):
                record = parse_record(raw, at, position=begin)
                at += record.size
                self._taken = begin + at
                self._read(record.content_type, record.payload, found)
        except IncompleteError:  # the rest of the record is still to come
            pass
        finally:
            del self._data[:at]
            self._needed = 5 + int.from_bytes(self._data[3:5], "big") if len(self._data) >= 5 else 5

    def _read(self, content_type: int, payload: bytes, found: list[TlsEvent]) -> None:
        if content_type == ContentType.HANDSHAKE and (not self._encrypted or _is_hello(payload)):
            self._handshake += payload
            self._read_messages(found)
            return
        if content_type == ContentType.ALERT and not self._encrypted:
            found.append(parse_alert(payload))
            return
        if content_type in (ContentType.CHANGE_CIPHER_SPEC, ContentType.APPLICATION_DATA):
            self._encrypted = True
        found.append(Encrypted(content_type, len(payload)))

    def _read_messages(self, found: list[TlsEvent]) -> None:
        while len(self._handshake) >= 4:
            kind, size = self._handshake[0], int.from_bytes(self._handshake[1:4], "big")
            if size > self._max_handshake:
                raise ProtocolError(
                    f"TLS handshake message {kind} of {size} bytes in front of byte {self._taken}, "
                    f"{self._max_handshake} allowed",
                    reference="RFC 8446 §4",
                )
            if len(self._handshake) < 4 + size:
                return
            body = bytes(self._handshake[4 : 4 + size])
            del self._handshake[: 4 + size]
            found.append(_message(kind, body))


def _is_hello(payload: bytes) -> bool:
    """True if the record is one complete hello, which may follow ChangeCipherSpec (RFC 8446 §4.1.4, appendix D.4)."""
    return payload[:1] in (b"\x01", b"\x02") and int.from_bytes(payload[1:4], "big") == len(payload) - 4


def _message(kind: int, body: bytes) -> TlsEvent:
    if kind == HandshakeKind.CLIENT_HELLO:
        return parse_client_hello(body)
    if kind == HandshakeKind.SERVER_HELLO:
        return parse_server_hello(body)
    return Handshake(kind, body)
