"""The Internet checksum (RFC 1071) and the pseudo headers that TCP, UDP and ICMPv6 add to it."""

from netwright.core.errors import UsageError

__all__ = ["checksum", "pseudo_header", "transport_checksum", "update_checksum"]


def checksum(data: bytes) -> int:
    """The ones' complement of the ones' complement sum of all 16-bit words; 0 over data that holds its own checksum.

    2**16 is 1 modulo 65535, so the data read as one big-endian number has the same remainder as the sum of its words
    (RFC 1071 §2).  A remainder of 0 is ambiguous: the words are all zero, or their sum is a multiple of 65535.
    """
    if len(data) % 2:
        data += b"\0"
    number = int.from_bytes(data, "big")
    remainder = number % 0xFFFF
    if remainder == 0 and number:
        return 0
    return 0xFFFF - remainder


def update_checksum(old: int, was: int, now: int) -> int:
    """The checksum after one 16-bit word changed from ``was`` to ``now`` (RFC 1624 §3, equation 3)."""
    total = (old ^ 0xFFFF) + (was ^ 0xFFFF) + now
    total = (total & 0xFFFF) + (total >> 16)
    return ((total & 0xFFFF) + (total >> 16)) ^ 0xFFFF


def pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    """The pseudo header that the checksum of a segment of ``length`` bytes covers (RFC 9293 §3.1, RFC 8200 §8.1).

    Raises:
        UsageError: the addresses are not both of 4 or both of 16 bytes, or a number does not fit.
    """
    if len(source) != len(destination) or len(source) not in (4, 16):
        raise UsageError(f"addresses of {len(source)} and {len(destination)} bytes, twice 4 or twice 16 allowed")
    if not 0 <= protocol <= 0xFF or not 0 <= length <= (0xFFFF if len(source) == 4 else 0xFFFFFFFF):
        raise UsageError(f"protocol {protocol} or length {length} does not fit into the pseudo header")
    if len(source) == 4:
        return source + destination + bytes((0, protocol)) + length.to_bytes(2, "big")
    return source + destination + length.to_bytes(4, "big") + bytes((0, 0, 0, protocol))


def transport_checksum(source: bytes, destination: bytes, protocol: int, segment: bytes) -> int:
    """Checksum of a segment with its pseudo header; 0 if the segment holds its own, correct checksum."""
    return checksum(pseudo_header(source, destination, protocol, len(segment)) + segment)
