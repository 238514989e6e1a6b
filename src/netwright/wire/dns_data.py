"""Data of DNS records (RFC 1035 §3.3, §3.4 and the RFCs named beside each): bytes to values and back."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import TypeAlias, assert_never

from netwright.core.errors import IncompleteError, ProtocolError
from netwright.wire.dns_names import NameWriter, parse_name
from netwright.wire.fields import address_text, bits, exactly, pack

__all__ = [
    "Address",
    "Data",
    "EdnsOption",
    "Host",
    "Mx",
    "Opaque",
    "Opt",
    "RecordKind",
    "ServiceKey",
    "Soa",
    "Srv",
    "Svcb",
    "Txt",
    "parse_data",
    "serialize_data",
]

_U16, _SRV, _SOA = struct.Struct("!H"), struct.Struct("!3H"), struct.Struct("!5I")
_PAIR = struct.Struct("!2H")


class RecordKind(IntEnum):
    """Types that this package reads (IANA dns-parameters); HTTPS has SVCB's form."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33
    DNAME = 39
    OPT = 41
    SVCB = 64
    HTTPS = 65
    ANY = 255


@dataclass(frozen=True, slots=True)
class Address:
    """A or AAAA (RFC 3596): 4 or 16 bytes."""

    packed: bytes

    def __str__(self) -> str:
        return address_text(self.packed)


@dataclass(frozen=True, slots=True)
class Host:
    """NS, CNAME, PTR, DNAME: one name."""

    name: str


@dataclass(frozen=True, slots=True)
class Mx:
    """Lower ``preference`` first; exchange "" takes no mail (RFC 7505)."""

    preference: int
    exchange: str


@dataclass(frozen=True, slots=True)
class Soa:
    """Start of a zone; the last four are in seconds, ``minimum`` is how long "no" may be kept (RFC 2308 §4)."""

    primary: str
    mailbox: str
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int


@dataclass(frozen=True, slots=True)
class Srv:
    """RFC 2782; target "" says that the service is not there."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Txt:
    """Strings of up to 255 bytes each."""

    strings: tuple[bytes, ...]


class ServiceKey(IntEnum):
    """Keys of service parameters (RFC 9460 §14.3)."""

    MANDATORY = 0
    ALPN = 1
    NO_DEFAULT_ALPN = 2
    PORT = 3
    IPV4_HINT = 4
    ECH = 5
    IPV6_HINT = 6


@dataclass(frozen=True, slots=True)
class Svcb:
    """SVCB or HTTPS (RFC 9460 §2.2); priority 0 is an alias; parameters as (key, bytes), keys rising."""

    priority: int
    target: str
    parameters: tuple[tuple[int, bytes], ...] = ()

    def _value(self, key: int) -> bytes | None:
        return next((value for each, value in self.parameters if each == key), None)

    @property
    def alpn(self) -> tuple[bytes, ...]:
        """Protocols (RFC 9460 §7.1.1).

        Raises:
            ProtocolError: their lengths do not fit.
        """
        return _strings(self._value(ServiceKey.ALPN) or b"", "alpn", "RFC 9460 §7.1.1")

    @property
    def port(self) -> int | None:
        """RFC 9460 §7.2; None for the scheme's own."""
        value = self._value(ServiceKey.PORT)
        return int.from_bytes(value, "big") if value is not None and len(value) == 2 else None

    @property
    def hints(self) -> tuple[bytes, ...]:
        """Addresses of 4 and 16 bytes to try at once (RFC 9460 §7.3)."""
        found = []
        for key, size in ((ServiceKey.IPV4_HINT, 4), (ServiceKey.IPV6_HINT, 16)):
            value = self._value(key) or b""
            found += [value[at : at + size] for at in range(0, len(value) - size + 1, size)]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class EdnsOption:
    """RFC 6891 §6.1.2."""

    code: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Opt:
    """EDNS(0) options; the record's class is the UDP size, its TTL the extended code and flags (RFC 6891 §6.1.3)."""

    options: tuple[EdnsOption, ...] = ()


@dataclass(frozen=True, slots=True)
class Opaque:
    """Data of a type that is not read here (RFC 3597)."""

    raw: bytes


Data: TypeAlias = Address | Host | Mx | Soa | Srv | Txt | Svcb | Opt | Opaque


def parse_data(kind: int, message: bytes, begin: int, end: int) -> Data:
    """Read a record's data, which is ``message[begin:end]``; names in it may point to the rest of the message.

    Raises:
        ProtocolError: it is not as long as its type says.
    """
    parse = _PARSERS.get(kind)
    if parse is None or (begin == end and kind != RecordKind.OPT):  # updates name records without data (RFC 2136 §2.4)
        return Opaque(message[begin:end])
    try:
        data, behind = parse(message[:end], begin)  # a name inside must end inside
    except IncompleteError as error:
        raise ProtocolError(f"record data of type {kind} at byte {begin}: {error}") from error
    if behind != end:
        raise ProtocolError(
            f"record data of type {kind} at byte {begin}: {behind - begin} bytes used of {end - begin}",
            reference="RFC 1035 §3.2.1",
        )
    return data


def _fixed(layout: struct.Struct, message: bytes, at: int) -> tuple[int, ...]:
    if len(message) - at < layout.size:
        raise ProtocolError(f"record data cut at byte {at}: {len(message) - at} of {layout.size} bytes")
    return layout.unpack_from(message, at)


def _address(size: int) -> Callable[[bytes, int], tuple[Data, int]]:
    def parse(message: bytes, at: int) -> tuple[Data, int]:
        if len(message) - at != size:
            raise ProtocolError(f"address of {len(message) - at} bytes at byte {at}, {size} allowed")
        return Address(message[at:]), at + size

    return parse


def _host(message: bytes, at: int) -> tuple[Data, int]:
    name, at = parse_name(message, at)
    return Host(name), at


def _mx(message: bytes, at: int) -> tuple[Data, int]:
    (preference,) = _fixed(_U16, message, at)
    exchange, at = parse_name(message, at + 2)
    return Mx(preference, exchange), at


def _soa(message: bytes, at: int) -> tuple[Data, int]:
    primary, at = parse_name(message, at)
    mailbox, at = parse_name(message, at)
    serial, refresh, retry, expire, minimum = _fixed(_SOA, message, at)
    return Soa(primary, mailbox, serial, refresh, retry, expire, minimum), at + _SOA.size


def _srv(message: bytes, at: int) -> tuple[Data, int]:
    priority, weight, port = _fixed(_SRV, message, at)
    target, at = parse_name(message, at + _SRV.size)
    return Srv(priority, weight, port, target), at


def _txt(message: bytes, at: int) -> tuple[Data, int]:
    return Txt(_strings(message[at:], f"text at byte {at}", "RFC 1035 §3.3.14")), len(message)


def _strings(raw: bytes, what: str, reference: str) -> tuple[bytes, ...]:
    """Strings with a length byte each."""
    found = []
    at = 0
    while at < len(raw):
        end = at + 1 + raw[at]
        if end > len(raw):
            raise ProtocolError(f"{what}: string of {raw[at]} bytes, {len(raw) - at - 1} left", reference=reference)
        found.append(raw[at + 1 : end])
        at = end
    return tuple(found)


def _pairs(message: bytes, at: int, what: str) -> list[tuple[int, bytes]]:
    """(code, value) with a code and a length of 16 bits in front, up to the end."""
    found = []
    while at < len(message):
        code, size = _fixed(_PAIR, message, at)
        at += _PAIR.size
        if len(message) - at < size:
            raise ProtocolError(f"{what} {code} of {size} bytes at byte {at}, {len(message) - at} left")
        found.append((code, message[at : at + size]))
        at += size
    return found


def _svcb(message: bytes, at: int) -> tuple[Data, int]:
    (priority,) = _fixed(_U16, message, at)
    target, at = parse_name(message, at + 2)
    parameters = tuple(_pairs(message, at, "service parameter"))
    keys = [key for key, _ in parameters]
    if any(after <= before for before, after in pairwise(keys)):
        raise ProtocolError(f"service parameters out of order: {keys}", reference="RFC 9460 §2.2")
    return Svcb(priority, target, parameters), len(message)


def _opt(message: bytes, at: int) -> tuple[Data, int]:
    return Opt(tuple(EdnsOption(*pair) for pair in _pairs(message, at, "EDNS option"))), len(message)


_PARSERS: dict[int, Callable[[bytes, int], tuple[Data, int]]] = {
    RecordKind.A: _address(4),
    RecordKind.AAAA: _address(16),
    RecordKind.NS: _host,
    RecordKind.CNAME: _host,
    RecordKind.PTR: _host,
    RecordKind.DNAME: _host,
    RecordKind.MX: _mx,
    RecordKind.SOA: _soa,
    RecordKind.SRV: _srv,
    RecordKind.TXT: _txt,
    RecordKind.SVCB: _svcb,
    RecordKind.HTTPS: _svcb,
    RecordKind.OPT: _opt,
}


def serialize_data(kind: int, data: Data, writer: NameWriter) -> None:
    """Append a record's data; names are compressed only in the types of RFC 1035 (RFC 3597 §4).

    Raises:
        UsageError: a value does not fit.
    """
    match data:
        case Address(packed):
            writer.data += exactly(4 if kind == RecordKind.A else 16, packed)
        case Txt(strings):
            for string in strings:
                writer.data += bits("TXT", (len(string), 8)).to_bytes(1, "big") + string
        case Opt(options):
            writer.data += b"".join(pack(_PAIR, "EDNS", each.code, len(each.value)) + each.value for each in options)
        case Opaque(raw):
            writer.data += raw
        case _:
            _serialize_names(kind, data, writer)


def _serialize_names(kind: int, data: Host | Mx | Soa | Srv | Svcb, writer: NameWriter) -> None:
    match data:
        case Host(name):
            writer.write(name, compress=kind != RecordKind.DNAME)
        case Mx(preference, exchange):
            writer.data += pack(_U16, "MX", preference)
            writer.write(exchange)
        case Soa():
            writer.write(data.primary)
            writer.write(data.mailbox)
            writer.data += pack(_SOA, "SOA", data.serial, data.refresh, data.retry, data.expire, data.minimum)
        case Srv(priority, weight, port, target):
            writer.data += pack(_SRV, "SRV", priority, weight, port)
            writer.write(target, compress=False)
        case Svcb(priority, target, parameters):
            writer.data += pack(_U16, "SVCB", priority)
            writer.write(target, compress=False)
            writer.data += b"".join(pack(_PAIR, "SVCB", key, len(value)) + value for key, value in parameters)
        case _:
            assert_never(data)
