"""Frames and capture files made by hand, independent of the code under test."""

from ipaddress import ip_address
from struct import pack

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
RAW, ETHERNET = 101, 1
STAMPS = 0x0101080A
CLIENT, SERVER = "10.0.0.1:40000", "10.0.0.2:80"


def tcp(
    source: str = CLIENT,
    target: str = SERVER,
    *,
    seq: int = 0,
    ack: int | None = None,
    data: bytes = b"",
    flags: int = 0,
    window: int = 1000,
    ident: int = 0,
    options: bytes = b"",
    fragment: int = 0,
) -> bytes:
    """An IP packet with a TCP segment; checksums are left out."""
    (host, port), (other, other_port) = source.rsplit(":", 1), target.rsplit(":", 1)
    options += bytes(-len(options) % 4)
    flags |= 0 if ack is None else ACK
    offset = (5 + len(options) // 4) << 12
    head = pack("!HHIIHHHH", int(port), int(other_port), seq % 2**32, (ack or 0) % 2**32, offset | flags, window, 0, 0)
    return ip(host, other, 6, head + options + data, ident=ident, fragment=fragment)


def ip(source: str, target: str, protocol: int, payload: bytes, *, ident: int = 0, fragment: int = 0) -> bytes:
    """An IPv4 or IPv6 packet, by the addresses' form (RFC 791 §3.1, RFC 8200 §3)."""
    a, b = ip_address(source.strip("[]")), ip_address(target.strip("[]"))
    if a.version == 6:
        return pack("!IHBB", 0x60000000, len(payload), protocol, 64) + a.packed + b.packed + payload
    head = pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, fragment, 64, protocol, 0)
    return head + a.packed + b.packed + payload


def ethernet(packet: bytes, *, kind: int = 0) -> bytes:
    """An Ethernet frame; the type is that of the packet's version unless given."""
    return bytes(12) + pack("!H", kind or (0x0800 if packet[0] >> 4 == 4 else 0x86DD)) + packet


def syn_options(*, scale: int | None = 7, sack: bool = True) -> bytes:
    """MSS, SACK permitted, window scale."""
    return (
        pack("!BBH", 2, 4, 1460) + (b"\x04\x02" if sack else b"") + (bytes((3, 3, scale)) if scale is not None else b"")
    )


def sack(*blocks: tuple[int, int]) -> bytes:
    """RFC 2018 §3."""
    return bytes((5, 2 + 8 * len(blocks))) + b"".join(pack("!II", start % 2**32, end % 2**32) for start, end in blocks)


def stamp(value: int, echo: int = 0) -> bytes:
    """RFC 7323 §3.2, laid out as its appendix A has it."""
    return pack("!III", STAMPS, value % 2**32, echo % 2**32)


def pcap(frames: list[tuple[int, bytes]], *, link: int = RAW, order: str = "<", nanoseconds: bool = True) -> bytes:
    """A pcap file of (time in ns, frame)."""
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    out = [pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for at, frame in frames:
        out.append(pack(order + "IIII", at // 10**9, at % 10**9 // unit, len(frame), len(frame)) + frame)
    return b"".join(out)


def block(kind: int, body: bytes, *, order: str = "<") -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    return pack(order + "II", kind, len(body) + 12) + body + pack(order + "I", len(body) + 12)


def pcapng(frames: list[tuple[int, bytes]], *, link: int = RAW, order: str = "<", options: bytes = b"") -> bytes:
    """A pcapng file of one section and one interface with nanoseconds."""
    out = [block(0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order=order)]
    out.append(
        block(1, pack(order + "HHI", link, 0, 0) + (options or pack(order + "HHB3xHH", 9, 1, 9, 0, 0)), order=order)
    )
    for at, frame in frames:
        head = pack(order + "IIIII", 0, at >> 32, at & 0xFFFFFFFF, len(frame), len(frame))
        out.append(block(6, head + frame, order=order))
    return b"".join(out)
