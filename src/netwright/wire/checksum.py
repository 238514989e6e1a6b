"""The Internet checksum (RFC 1071) and the pseudo headers that TCP, UDP and ICMPv6 add to it.  No I/O."""

from netwright.core.errors import UsageError

__all__ = ["checksum", "pseudo_header", "transport_checksum", "update_checksum"]


def checksum(data: bytes) -> int:
    """Complement of the ones' complement sum of 16-bit words; over data that holds its own checksum it is 0.

    2**16 is 1 modulo 65535, so the number that the bytes spell has the same remainder as the sum of its words
    (RFC 1071 §2); only "all zero" and "sums to zero" have to be told apart.
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
    """What precedes a segment of ``length`` bytes in its checksum (RFC 9293 §3.1, RFC 8200 §8.1).

    Raises:
        UsageError: the addresses are not both of 4 or both of 16 bytes, or a number does not fit.
    """
    if len(source) != len(destination) or len(source) not in (4, 16):
        raise UsageError(f"addresses of {len(source)} and {len(destination)} bytes, twice 4 or twice 16 allowed")
    if not 0 <= protocol <= 0xFF or not 0 <= length <= (0xFFFF if len(source) == 4 else 0xFFFFFFFF):
        raise UsageError(f"pseudo header of protocol {protocol} and length {length}")
    if len(source) == 4:
        return source + destination + bytes((0, protocol)) + length.to_bytes(2, "big")
    return source + destination + length.to_bytes(4, "big") + bytes((0, 0, 0, protocol))


def transport_checksum(source: bytes, destination: bytes, protocol: int, segment: bytes) -> int:
    """The checksum of a segment whose checksum field is 0; of one that holds its checksum, 0 if it is right."""
    return checksum(pseudo_header(source, destination, protocol, len(segment)) + segment)
