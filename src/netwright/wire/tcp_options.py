"""TCP options (RFC 9293 §3.1, IANA tcp-parameters): bytes to values and back.

Authentication (MD5, TCP-AO), multipath and unknown options stay opaque: kind and bytes.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from netwright.core.errors import ProtocolError, UsageError
from netwright.wire.fields import bits, pack

__all__ = [
    "AccEcn",
    "FastOpen",
    "MaximumSegmentSize",
    "NoOperation",
    "OpaqueOption",
    "Sack",
    "SackPermitted",
    "TcpOption",
    "TcpOptionKind",
    "Timestamps",
    "UserTimeout",
    "WindowScale",
    "parse_tcp_options",
    "serialize_tcp_options",
]

_U16, _2U32 = struct.Struct("!H"), struct.Struct("!2I")
_LIMIT = 40  # bytes of options that a header can hold (RFC 9293 §3.1)


class TcpOptionKind(IntEnum):
    """Kinds with a name in this package (IANA tcp-parameters)."""

    END = 0
    NO_OPERATION = 1
    MAXIMUM_SEGMENT_SIZE = 2
    WINDOW_SCALE = 3
    SACK_PERMITTED = 4
    SACK = 5
    TIMESTAMPS = 8
    MD5 = 19  # RFC 2385
    USER_TIMEOUT = 28
    AUTHENTICATION = 29  # RFC 5925
    MULTIPATH = 30  # RFC 8684
    FAST_OPEN = 34
    ACC_ECN_0 = 172
    ACC_ECN_1 = 174
    EXPERIMENT_1 = 253  # RFC 6994: two or four bytes of identifier first
    EXPERIMENT_2 = 254


@dataclass(frozen=True, slots=True)
class NoOperation:
    """One byte of padding between options."""

    def serialize(self) -> bytes:
        """Option bytes."""
        return b"\x01"


@dataclass(frozen=True, slots=True)
class MaximumSegmentSize:
    """The largest segment that the sender of this SYN accepts, in bytes (RFC 9293 §3.7.1)."""

    size: int

    def serialize(self) -> bytes:
        """Option bytes."""
        return b"\x02\x04" + pack(_U16, "MSS", self.size)


@dataclass(frozen=True, slots=True)
class WindowScale:
    """``shift`` as sent; more than 14 counts as 14 (RFC 7323 §2.3)."""

    shift: int

    def serialize(self) -> bytes:
        """Option bytes."""
        return b"\x03\x03" + bits("window scale", (self.shift, 8)).to_bytes(1, "big")


@dataclass(frozen=True, slots=True)
class SackPermitted:
    """The sender of this SYN accepts selective acknowledgments (RFC 2018 §2)."""

    def serialize(self) -> bytes:
        """Option bytes."""
        return b"\x04\x02"


@dataclass(frozen=True, slots=True)
class Sack:
    """Blocks of [left, right) in the order sent: the first may be a D-SACK (RFC 2018 §3, RFC 2883 §4)."""

    blocks: tuple[tuple[int, int], ...]

    def serialize(self) -> bytes:
        """Option bytes."""
        raw = b"".join(pack(_2U32, "SACK", left, right) for left, right in self.blocks)
        return bits("SACK", (5, 8), (2 + len(raw), 8)).to_bytes(2, "big") + raw


@dataclass(frozen=True, slots=True)
class Timestamps:
    """TSval and TSecr (RFC 7323 §3.2)."""

    value: int
    echo: int

    def serialize(self) -> bytes:
        """Option bytes."""
        return b"\x08\x0a" + pack(_2U32, "timestamps", self.value, self.echo)


@dataclass(frozen=True, slots=True)
class UserTimeout:
    """In seconds; the wire has seconds below 32768 and minutes above (RFC 5482 §3)."""

    timeout: int

    def serialize(self) -> bytes:
        """Option bytes."""
        minutes = self.timeout > 0x7FFF
        if minutes and self.timeout % 60:
            raise UsageError(f"user timeout {self.timeout} s, whole minutes above 32767", reference="RFC 5482 §3")
        count = self.timeout // 60 if minutes else self.timeout
        return b"\x1c\x04" + bits("user timeout", (minutes, 1), (count, 15)).to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class FastOpen:
    """A cookie of 4 to 16 bytes; empty is the request for one (RFC 7413 §4.1.1)."""

    cookie: bytes

    def serialize(self) -> bytes:
        """Option bytes."""
        return b"\x22" + bits("fast open", (2 + len(self.cookie), 8)).to_bytes(1, "big") + self.cookie


@dataclass(frozen=True, slots=True)
class AccEcn:
    """Byte counters of 24 bits: ECT(0), CE, ECT(1), in order 1 reversed; fewer may be sent (RFC 9768 §3.2.3)."""

    order: int
    counters: tuple[int, ...]

    def serialize(self) -> bytes:
        """Option bytes."""
        raw = b"".join(bits("AccECN", (counter, 24)).to_bytes(3, "big") for counter in self.counters)
        if len(raw) > 9 or self.order not in (0, 1):
            raise UsageError(
                f"AccECN with {len(self.counters)} counters in order {self.order}, 0 to 3 in order 0 or 1 allowed",
                reference="RFC 9768 §3.2.3",
            )
        return bytes((TcpOptionKind.ACC_ECN_0 + 2 * self.order, 2 + len(raw))) + raw


@dataclass(frozen=True, slots=True)
class OpaqueOption:
    """An option that is not read here, or a known one whose length is not the one that its RFC requires."""

    kind: int
    value: bytes

    def serialize(self) -> bytes:
        """Option bytes."""
        return bits("TCP option", (self.kind, 8), (2 + len(self.value), 8)).to_bytes(2, "big") + self.value


TcpOption: TypeAlias = (
    NoOperation
    | MaximumSegmentSize
    | WindowScale
    | SackPermitted
    | Sack
    | Timestamps
    | UserTimeout
    | FastOpen
    | AccEcn
    | OpaqueOption
)


def parse_tcp_options(options: bytes) -> list[TcpOption]:
    """Split a header's option bytes; bytes after End of Option List are padding and are dropped.

    Raises:
        ProtocolError: an option's length is below 2 or points beyond the header.
    """
    found: list[TcpOption] = []
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == TcpOptionKind.END:
            break
        if kind == TcpOptionKind.NO_OPERATION:
            found.append(_NO_OPERATION)
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            raise ProtocolError(
                f"TCP option {kind} of {size} bytes at byte {at} of {len(options)}", reference="RFC 9293 §3.1"
            )
        found.append(_parse_option(kind, options[at + 2 : at + size]))
        at += size
    return found


def serialize_tcp_options(options: Sequence[TcpOption]) -> bytes:
    """Option bytes, padded with End of Option List to a multiple of 4.

    Raises:
        UsageError: they take more than 40 bytes.
    """
    raw = b"".join(option.serialize() for option in options)
    if len(raw) > _LIMIT:
        raise UsageError(f"TCP options of {len(raw)} bytes, {_LIMIT} allowed", reference="RFC 9293 §3.1")
    return raw + bytes(-len(raw) % 4)


_NO_OPERATION, _SACK_PERMITTED = NoOperation(), SackPermitted()


def _parse_option(kind: int, value: bytes) -> TcpOption:
    match kind, len(value):
        case TcpOptionKind.TIMESTAMPS, 8:
            return Timestamps(*_2U32.unpack(value))
        case TcpOptionKind.SACK, size if size and size % 8 == 0:
            return Sack(tuple(_2U32.iter_unpack(value)))
        case TcpOptionKind.MAXIMUM_SEGMENT_SIZE, 2:
            return MaximumSegmentSize(*_U16.unpack(value))
        case TcpOptionKind.WINDOW_SCALE, 1:
            return WindowScale(value[0])
        case TcpOptionKind.SACK_PERMITTED, 0:
            return _SACK_PERMITTED
        case _:
            return _parse_rare_option(kind, value)


def _parse_rare_option(kind: int, value: bytes) -> TcpOption:
    match kind, len(value):
        case TcpOptionKind.USER_TIMEOUT, 2:
            (count,) = _U16.unpack(value)
            timeout = (count & 0x7FFF) * 60 if count & 0x8000 else count
            if (timeout > 0x7FFF) == bool(count & 0x8000):
                return UserTimeout(timeout)
        case TcpOptionKind.FAST_OPEN, _:
            return FastOpen(value)
        case ((TcpOptionKind.ACC_ECN_0 | TcpOptionKind.ACC_ECN_1), (0 | 3 | 6 | 9)):
            counters = tuple(int.from_bytes(value[at : at + 3], "big") for at in range(0, len(value), 3))
            return AccEcn(int(kind == TcpOptionKind.ACC_ECN_1), counters)
    return OpaqueOption(kind, value)
