"""Packets of every link type: ``decode`` raises nothing and keeps every byte; options and quotes blame the peer only.

Run: python -m fuzz.fuzz_wire_packet --executions 20000
"""

import random
import sys

from fuzz.mutate import corpus_files, mutated, run
from netwright.core.errors import ProtocolError
from netwright.wire.build import build
from netwright.wire.decode import Packet, decode
from netwright.wire.ethernet import Ethernet, EtherType, Llc, Snap
from netwright.wire.fields import Layer
from netwright.wire.fragments import Reassembler
from netwright.wire.icmp import Icmp, Icmp6, parse_icmp_extensions
from netwright.wire.ip import IPv4, parse_ipv4_options
from netwright.wire.ip6 import Extension, Fragment, IPv6
from netwright.wire.link_types import LinkType
from netwright.wire.read import read_records
from netwright.wire.tcp import Tcp
from netwright.wire.tcp_options import MaximumSegmentSize, Sack, Timestamps, parse_tcp_options, serialize_tcp_options
from netwright.wire.tunnel import Geneve, Gre, Vxlan, parse_geneve_options
from netwright.wire.udp import Udp
from netwright.wire.vlan import Mpls, Ppp, Pppoe, Vlan

MAC, A4, A6 = bytes(6), bytes((192, 0, 2, 1)), bytes(16)
IP, IP6 = EtherType.IPV4, EtherType.IPV6
OPTIONS = serialize_tcp_options([MaximumSegmentSize(1460), Timestamps(1, 2), Sack(((1, 2), (3, 4)))])
TCP = Tcp(1, 2, options=OPTIONS)
STACKS: list[list[Layer]] = [
    [Ethernet(MAC, MAC, IP), IPv4(A4, A4, 6, options=bytes(8)), TCP],
    [Ethernet(MAC, MAC, EtherType.VLAN), Vlan(1, IP6), IPv6(A6, A6, 0), Extension(0, 6, bytes(6)), TCP],
    [Ethernet(MAC, MAC, EtherType.MPLS), Mpls(1, False), Mpls(2, True), IPv4(A4, A4, 17), Udp(1, 2)],
    [
        Ethernet(MAC, MAC, EtherType.PPPOE_SESSION),
        Pppoe(1),
        Ppp(0x21),
        IPv4(A4, A4, 1),
        Icmp(3, 4),
        IPv4(A4, A4, 6),
        TCP,
    ],
    [Ethernet(MAC, MAC, 48), Llc(0xAA, 0xAA, b"\3"), Snap(IP), IPv4(A4, A4, 6), TCP],
    [
        Ethernet(MAC, MAC, IP),
        IPv4(A4, A4, 47),
        Gre(0x6558, 0, 1, 2),
        Ethernet(MAC, MAC, 0x0800),
        IPv4(A4, A4, 6),
    ],
    [
        Ethernet(MAC, MAC, IP),
        IPv4(A4, A4, 17),
        Udp(1, 4789),
        Vxlan(1),
        Ethernet(MAC, MAC, 0x86DD),
        IPv6(A6, A6, 6),
    ],
    [
        Ethernet(MAC, MAC, IP),
        IPv4(A4, A4, 17),
        Udp(1, 6081),
        Geneve(1, 0x0800, bytes(8)),
        IPv4(A4, A4, 6),
        TCP,
    ],
    [Ethernet(MAC, MAC, IP6), IPv6(A6, A6, 58), Icmp6(1, 0, b"\x10\0\0\0"), IPv6(A6, A6, 6), TCP],
    [Ethernet(MAC, MAC, IP6), IPv6(A6, A6, 44), Fragment(17, 8, True, 1)],
    [Ethernet(MAC, MAC, IP), IPv4(A4, A4, 17, flags=1)],
]
SEEDS = [build(*stack, bytes(16)) for stack in STACKS]


def public_packets() -> list[bytes]:
    """Packets of public captures, if there are any here."""
    found: list[bytes] = []
    for raw in corpus_files(40):
        try:
            found += [record.data for record in read_records([raw])]
        except ProtocolError:
            continue
    return found[:2000]


def look_inside(packet: Packet) -> None:
    """Everything that is parsed on demand; only ProtocolError may come out."""
    for layer in packet.layers:
        try:
            match layer:
                case Tcp():
                    parse_tcp_options(layer.options)
                case IPv4():
                    parse_ipv4_options(layer.options)
                case Geneve():
                    parse_geneve_options(layer.options)
                case Icmp() | Icmp6():
                    parse_icmp_extensions(layer, packet.payload)
        except ProtocolError:
            continue


def once(raw: bytes, chance: random.Random) -> None:
    """Decode twice, as captured whole and cut, and feed a reassembler."""
    link = chance.choice([LinkType.ETHERNET, LinkType.ETHERNET, LinkType.ETHERNET, *LinkType])
    packet = decode(raw, link)
    assert packet.serialize() == raw
    assert packet.missing == 0
    have = chance.randrange(len(raw) + 1)
    cut = decode(raw[:have], link, len(raw))
    assert cut.serialize() == raw[:have]
    assert cut.missing == len(raw) - have or cut.trailer or packet.trailer or cut.error is not None
    look_inside(packet)
    if packet.quoted is not None:
        look_inside(packet.quoted)
    machine = Reassembler(max_bytes=10_000)
    for at in range(4):
        whole = machine.receive(decode(mutated([raw], chance), link), float(at))
        if whole is not None:
            decode(whole, LinkType.RAW)


if __name__ == "__main__":
    sys.exit(run(once, SEEDS + public_packets()))
