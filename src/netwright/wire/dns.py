"""DNS messages (RFC 1035 §4): bytes to values and back.

The two bytes of length before a message over TCP (RFC 1035 §4.2.2) are not part of it.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from netwright.core.errors import IncompleteError, ProtocolError, UsageError
from netwright.wire.dns_data import Data, Opt, RecordKind, parse_data, serialize_data
from netwright.wire.dns_names import NameWriter, parse_name
from netwright.wire.fields import bits, pack

__all__ = ["Message", "Question", "ResourceRecord", "ResponseCode", "parse_message"]

_HEADER = struct.Struct("!6H")  # ident, flags, questions, answers, authorities, additional
_QUESTION = struct.Struct("!2H")  # type, class
_RECORD = struct.Struct("!2HiH")  # type, class, TTL, length of data
_U16 = struct.Struct("!H")
IN = 1  # the Internet's class (RFC 1035 §3.2.4)
_LARGEST = 65535  # bytes of a message (RFC 1035 §4.2.2)


class ResponseCode(IntEnum):
    """Codes of RFC 1035 §4.1.1, and what EDNS adds."""

    NO_ERROR = 0
    FORMAT_ERROR = 1
    SERVER_FAILURE = 2
    NAME_ERROR = 3
    NOT_IMPLEMENTED = 4
    REFUSED = 5
    BAD_VERSION = 16  # RFC 6891 §9


@dataclass(frozen=True, slots=True)
class Question:
    """A question (RFC 1035 §4.1.2)."""

    name: str
    kind: int = RecordKind.A
    class_number: int = IN


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """A resource record; ``ttl`` in seconds, where a negative number counts as 0 (RFC 2181 §8)."""

    name: str
    kind: int
    data: Data
    ttl: int = 0
    class_number: int = IN


@dataclass(frozen=True, slots=True)
class Message:
    """A query or a response; ``code`` is the header's four bits, ``full_code`` with EDNS's eight."""

    ident: int
    questions: tuple[Question, ...] = ()
    answers: tuple[ResourceRecord, ...] = ()
    authorities: tuple[ResourceRecord, ...] = ()
    additional: tuple[ResourceRecord, ...] = ()
    response: bool = False
    opcode: int = 0
    authoritative: bool = False
    truncated: bool = False
    recursion_desired: bool = True
    recursion_available: bool = False
    reserved: int = 0
    authentic: bool = False  # AD and CD: RFC 4035 §3.2
    checking_disabled: bool = False
    code: int = 0

    @property
    def edns(self) -> ResourceRecord | None:
        """The OPT record (RFC 6891 §6.1.1)."""
        return next((record for record in self.additional if isinstance(record.data, Opt)), None)

    @property
    def full_code(self) -> int:
        """The response code with the upper bits that EDNS adds (RFC 6891 §6.1.3)."""
        edns = self.edns
        return self.code | (edns.ttl >> 24 & 0xFF) << 4 if edns is not None else self.code

    def serialize(self) -> bytes:
        """Message bytes with compressed names.

        Raises:
            UsageError: a value does not fit, or the message is longer than 65535 bytes.
        """
        flags = bits(
            "DNS",
            (self.response, 1),
            (self.opcode, 4),
            (self.authoritative, 1),
            (self.truncated, 1),
            (self.recursion_desired, 1),
            (self.recursion_available, 1),
            (self.reserved, 1),
            (self.authentic, 1),
            (self.checking_disabled, 1),
            (self.code, 4),
        )
        sections = (self.questions, self.answers, self.authorities, self.additional)
        writer = NameWriter(pack(_HEADER, "DNS", self.ident, flags, *map(len, sections)))
        for question in self.questions:
            writer.write(question.name)
            writer.data += pack(_QUESTION, "question", question.kind, question.class_number)
        for record in (*self.answers, *self.authorities, *self.additional):
            _write_record(record, writer)
        if len(writer.data) > _LARGEST:
            raise UsageError(f"DNS message of {len(writer.data)} bytes, {_LARGEST} allowed", reference="RFC 1035 §4")
        return bytes(writer.data)


def _write_record(record: ResourceRecord, writer: NameWriter) -> None:
    writer.write(record.name)
    writer.data += pack(_RECORD, "record", record.kind, record.class_number, record.ttl, 0)
    begin = len(writer.data)
    serialize_data(record.kind, record.data, writer)
    writer.data[begin - 2 : begin] = pack(_U16, "record data", len(writer.data) - begin)


def parse_message(message: bytes) -> Message:
    """Read a whole message.

    Raises:
        IncompleteError: it ends before its header's counts are reached.
        ProtocolError: a name or a record's data is broken, or bytes follow the last record.
    """
    if len(message) < _HEADER.size:
        raise IncompleteError(f"DNS header cut: {len(message)} of 12 bytes", partial=message, reference="RFC 1035 §4")
    ident, flags, *counts = _HEADER.unpack_from(message)
    at = _HEADER.size
    questions = []
    for _ in range(counts[0]):
        question, at = _parse_question(message, at)
        questions.append(question)
    answers, at = _parse_records(message, at, counts[1])
    authorities, at = _parse_records(message, at, counts[2])
    additional, at = _parse_records(message, at, counts[3])
    if at != len(message):
        raise ProtocolError(f"{len(message) - at} bytes behind the last record, at byte {at}", reference="RFC 1035 §4")
    return Message(
        ident,
        tuple(questions),
        answers,
        authorities,
        additional,
        bool(flags & 0x8000),
        flags >> 11 & 0xF,
        bool(flags & 0x0400),
        bool(flags & 0x0200),
        bool(flags & 0x0100),
        bool(flags & 0x0080),
        flags >> 6 & 1,
        bool(flags & 0x0020),
        bool(flags & 0x0010),
        flags & 0xF,
    )


def _parse_question(message: bytes, at: int) -> tuple[Question, int]:
    name, at = parse_name(message, at)
    if len(message) - at < _QUESTION.size:
        raise IncompleteError(f"DNS question cut at byte {at}", partial=message[at:], reference="RFC 1035 §4.1.2")
    kind, class_number = _QUESTION.unpack_from(message, at)
    return Question(name, kind, class_number), at + _QUESTION.size


def _parse_records(message: bytes, at: int, count: int) -> tuple[tuple[ResourceRecord, ...], int]:
    """Read ``count`` records.  A count that is too large ends with the message: each record takes at least 11 bytes."""
    records = []
    for _ in range(count):
        record, at = _parse_record(message, at)
        records.append(record)
    return tuple(records), at


def _parse_record(message: bytes, at: int) -> tuple[ResourceRecord, int]:
    name, at = parse_name(message, at)
    if len(message) - at < _RECORD.size:
        raise IncompleteError(f"DNS record cut at byte {at}", partial=message[at:], reference="RFC 1035 §4.1.3")
    kind, class_number, ttl, size = _RECORD.unpack_from(message, at)
    at += _RECORD.size
    if len(message) - at < size:
        raise IncompleteError(
            f"DNS record data cut: {len(message) - at} of {size} bytes at byte {at}", reference="RFC 1035 §4.1.3"
        )
    return ResourceRecord(name, kind, parse_data(kind, message, at, at + size), ttl, class_number), at + size
