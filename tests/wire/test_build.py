from pathlib import Path

import pytest

from netwright.core.errors import UsageError
from netwright.wire.build import build, seal
from netwright.wire.checksum import checksum, transport_checksum
from netwright.wire.decode import decode, decode_ip
from netwright.wire.ethernet import Ethernet, EtherType
from netwright.wire.fields import pack_address, pack_mac
from netwright.wire.icmp import Icmp, Icmp6
from netwright.wire.ip import IPProtocol, IPv4
from netwright.wire.ip6 import Extension, IPv6
from netwright.wire.pcap import PcapWriter
from netwright.wire.tcp import Tcp, TcpFlag
from netwright.wire.tunnel import Gre
from netwright.wire.udp import Udp
from netwright.wire.vlan import Ppp, Pppoe
from tests.support.tshark import fields
from tests.wire.test_decode import STACKS

A, B = pack_address("192.0.2.1"), pack_address("192.0.2.2")
A6, B6 = pack_address("2001:db8::1"), pack_address("2001:db8::2")
ETHERNET = Ethernet(pack_mac("02:00:00:00:00:02"), pack_mac("02:00:00:00:00:01"), EtherType.IPV4)


def test_build_fills_in_lengths_and_checksums() -> None:
    """RFC 791 §3.1, RFC 9293 §3.1."""
    raw = build(ETHERNET, IPv4(A, B, IPProtocol.TCP), Tcp(1, 2, flags=TcpFlag.SYN), b"hello")
    assert len(raw) == 14 + 20 + 20 + 5
    assert checksum(raw[14:34]) == 0
    assert transport_checksum(A, B, 6, raw[34:]) == 0
    packet = decode(raw)
    assert (packet.payload, packet.error) == (b"hello", None)
    assert packet.ip is not None
    assert packet.ip.source == A


def test_build_covers_extension_headers_and_tunnels() -> None:
    """RFC 8200 §8.1: the pseudo header has the upper layer's length, the IPv6 header the whole."""
    raw = build(
        IPv4(A, B, IPProtocol.IPV6), IPv6(A6, B6, 0), Extension(0, IPProtocol.UDP, bytes(6)), Udp(53, 5353), b"hello"
    )
    packet = decode_ip(raw)
    assert [type(layer).__name__ for layer in packet.layers] == ["IPv4", "IPv6", "Extension", "Udp"]
    assert transport_checksum(A6, B6, 17, raw[-13:]) == 0
    inner = packet.ip
    assert isinstance(inner, IPv6)
    assert inner.payload_length == 8 + 8 + 5


def test_build_gives_pppoe_its_length() -> None:
    """RFC 2516 §4: PPP's protocol field counts."""
    pppoe, *_ = seal(Pppoe(7), Ppp(0x21), IPv4(A, B, 17), Udp(1, 2))
    assert pppoe == Pppoe(7, length=2 + 20 + 8)


def test_a_sealed_packet_is_its_own_seal() -> None:
    parts = seal(ETHERNET, IPv4(A, B, IPProtocol.TCP), Tcp(1, 2), b"x")
    assert seal(*parts) == parts


def test_icmp_checksums_cover_what_each_version_says() -> None:
    """RFC 792: the message; RFC 4443 §2.3: a pseudo header too; RFC 2784 §2.5: GRE's header and payload."""
    assert checksum(build(Icmp(8), b"ping")) == 0
    assert transport_checksum(A6, B6, 58, build(IPv6(A6, B6, 58), Icmp6(128), b"ping")[40:]) == 0
    assert checksum(build(Gre(0x0800, checksum=0, sequence=7), IPv4(A, B, 1), Icmp(8))) == 0


@pytest.mark.real
@pytest.mark.parametrize("name", STACKS)
def test_tshark_finds_lengths_and_checksums_right(name: str, tmp_path: Path) -> None:
    """Judge: tshark 4.0, told to verify: 1 is "good"; nothing is malformed."""
    link_type, layers = STACKS[name]
    writer = PcapWriter(link_type)
    path = tmp_path / "built.pcap"
    path.write_bytes(writer.header() + writer.record(1_700_000_000_123_456_789, build(*layers, b"payload")))
    names = ["ip.checksum.status", "tcp.checksum.status", "tcp.seq_raw", "tcp.len", "_ws.malformed", "frame.time_epoch"]
    ip_status = "1" if any(isinstance(each, IPv4) for each in layers) else ""
    (row,) = fields(path, names, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE")
    assert row == [ip_status, "1", "5", "7", "", "1700000000.123456789"]


def test_tcp_needs_addresses_for_its_checksum() -> None:
    with pytest.raises(UsageError, match="Tcp without an IP header"):
        build(Tcp(1, 2))
