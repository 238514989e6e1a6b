"""Helpers of every codec: errors for cut input and impossible values, addresses as text."""

import struct
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Protocol

from netwright.core.errors import IncompleteError, UsageError

__all__ = ["Layer", "address_text", "bits", "cut", "exactly", "mac_text", "pack", "pack_address", "pack_mac"]


class Layer(Protocol):
    """A header as a value, with the fields as they are on the wire."""

    @property
    def header_length(self) -> int:
        """Length of what ``serialize`` returns, in bytes."""

    def serialize(self) -> bytes:
        """The header's bytes; fields are not checked, so a parsed header gives the bytes that were parsed."""


def cut(what: str, data: bytes, offset: int, wanted: int, reference: str) -> IncompleteError:
    """Return the error for a header of ``wanted`` bytes at ``offset`` whose end is missing."""
    have = max(0, len(data) - offset)
    return IncompleteError(
        f"{what} cut: {have} of {wanted} bytes at byte {offset}", partial=bytes(data[offset:]), reference=reference
    )


def pack(layout: struct.Struct, what: str, *values: int | bytes) -> bytes:
    """Pack fields with ``layout``.

    Raises:
        UsageError: a value is out of its field's range.
    """
    try:
        return layout.pack(*values)
    except struct.error as error:
        raise UsageError(f"{what} field out of range: {error} in {values!r}") from error


def bits(what: str, *fields: tuple[int, int]) -> int:
    """Join bit fields, given as (value, width), into one number; the first is the highest.

    Raises:
        UsageError: a value does not fit its width.
    """
    joined = 0
    for value, width in fields:
        if not 0 <= value < 1 << width:
            raise UsageError(f"{what} field out of range: {value}, 0 to {(1 << width) - 1} allowed")
        joined = joined << width | value
    return joined


def exactly(size: int, value: bytes) -> bytes:
    """Return ``value`` if it has ``size`` bytes; struct would pad or cut it silently.

    Raises:
        UsageError: it has another length.
    """
    if len(value) != size:
        raise UsageError(f"field of {len(value)} bytes: {value!r}, {size} allowed")
    return value


def pack_address(text: str) -> bytes:
    """The 4 or 16 bytes of an IP address's text form.

    Raises:
        UsageError: not an IP address.
    """
    try:
        return ip_address(text).packed
    except ValueError as error:
        raise UsageError(f"not an IP address: {text!r}", reference="RFC 4291 §2.2") from error


def address_text(packed: bytes) -> str:
    """Text form of 4 or 16 bytes (RFC 5952 for IPv6).

    Raises:
        UsageError: another number of bytes.
    """
    try:
        return str(IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed))
    except AddressValueError as error:
        raise UsageError(f"IP address of {len(packed)} bytes: {packed!r}, 4 or 16 allowed") from error


def pack_mac(text: str) -> bytes:
    """The 6 bytes of ``02:00:00:00:00:01``.

    Raises:
        UsageError: not six pairs of hexadecimal digits.
    """
    try:
        packed = bytes.fromhex(text.replace(":", "").replace("-", ""))
    except ValueError as error:
        raise UsageError(f"not a MAC address: {text!r}", reference="IEEE 802-2014 §8.1") from error
    if len(packed) != 6:
        raise UsageError(f"MAC address of {len(packed)} bytes: {text!r}, 6 allowed", reference="IEEE 802-2014 §8.1")
    return packed


def mac_text(packed: bytes) -> str:
    """Text form of a link-layer address of any length: ``02:00:00:00:00:01``."""
    return packed.hex(":")
