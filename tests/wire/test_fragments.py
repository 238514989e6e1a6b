import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.wire.build import build
from netwright.wire.checksum import checksum
from netwright.wire.decode import Packet, decode_ip
from netwright.wire.fields import pack_address
from netwright.wire.fragments import Counts, Reassembler
from netwright.wire.ip import IPv4
from netwright.wire.ip6 import Extension, Fragment, IPv6
from netwright.wire.udp import Udp
from tests.support import books
from tests.support.limits import around

A, B = pack_address("192.0.2.1"), pack_address("192.0.2.2")
A6, B6 = pack_address("2001:db8::1"), pack_address("2001:db8::2")
IP4 = IPv4(A, B, 17, ident=7, flags=0)


def pieces4(header: IPv4, payload: bytes, *cuts: int) -> list[Packet]:
    """Fragments as a router makes them (RFC 791 §3.2); a cut counts 8 bytes."""
    places = [0, *(8 * cut for cut in cuts), len(payload)]
    return [
        decode_ip(build(replace(header, flags=int(end < len(payload)), fragment_offset=begin), payload[begin:end]))
        for begin, end in itertools.pairwise(places)
    ]


def pieces6(payload: bytes, *cuts: int) -> list[Packet]:
    places = [0, *(8 * cut for cut in cuts), len(payload)]
    return [
        decode_ip(
            build(
                IPv6(A6, B6, 60),
                Extension(60, 44, bytes(6)),
                Fragment(17, begin, end < len(payload), 9),
                payload[begin:end],
            )
        )
        for begin, end in itertools.pairwise(places)
    ]


@given(st.binary(min_size=17, max_size=300), st.data())
def test_any_order_gives_the_datagram(payload: bytes, data: st.DataObject) -> None:
    """RFC 791 §3.2, RFC 8200 §4.5."""
    datagram = build(IP4, Udp(53, 5353), payload)[20:]
    cuts = sorted(data.draw(st.sets(st.integers(1, (len(datagram) - 1) // 8), min_size=1)))
    for fragments in (pieces4(IP4, datagram, *cuts), pieces6(datagram, *cuts)):
        machine = Reassembler()
        order = data.draw(st.permutations(fragments))
        assert all(each.fragment for each in order)
        *early, last = [machine.receive(each, 1.0) for each in order]
        assert early == [None] * len(early)
        assert last is not None
        whole = decode_ip(last)
        assert (whole.payload, whole.error, whole.fragment) == (payload, None, False)
        assert whole.udp is not None
        assert whole.udp.source_port == 53
        assert machine.counts == Counts(reassembled=1)
        assert len(machine) == 0
        assert repr(machine) == "<Reassembler 0 waiting, 0 of 4194304 bytes>"


def test_the_whole_packet_has_right_headers() -> None:
    """RFC 791 §3.2: total length and checksum; RFC 8200 §4.5: no fragment header, next header of the one before."""
    payload = bytes(range(40))
    one, two = pieces4(IP4, payload, 2)
    machine = Reassembler()
    machine.receive(one, 0)
    whole = machine.receive(two, 0)
    assert whole is not None
    assert whole[20:] == payload
    assert checksum(whole[:20]) == 0
    assert decode_ip(whole).find(IPv4) == replace(IP4, protocol=17).sealed(payload)
    one, two = pieces6(payload, 2)
    machine.receive(two, 0)
    whole = machine.receive(one, 0)
    assert whole == build(IPv6(A6, B6, 60), Extension(60, 17, bytes(6)), payload)


def test_datagrams_are_told_apart_by_their_key() -> None:
    """RFC 791 §3.2: identification, addresses, protocol."""
    machine = Reassembler()
    keys = [IP4, replace(IP4, ident=8), replace(IP4, protocol=6), replace(IP4, source=B), replace(IP4, destination=A)]
    for header in keys:
        assert machine.receive(pieces4(header, bytes(24), 1)[0], 0) is None
    assert len(machine) == 5
    for header in keys:
        assert machine.receive(pieces4(header, bytes(24), 1)[1], 0) is not None


@pytest.mark.parametrize("begin", [0, 8, 16])
def test_overlapping_fragments_drop_the_datagram_and_what_still_comes(begin: int) -> None:
    """RFC 5722 §4."""
    one, two, three = pieces4(IP4, bytes(48), 2, 4)
    wrong = decode_ip(build(replace(IP4, flags=1, fragment_offset=begin), b"\xff" * 24))
    machine = Reassembler()
    for each in (two, wrong, one, two, three):
        assert machine.receive(each, 0) is None
    assert machine.counts == Counts(overlapping=1)
    machine.expire(60)
    assert len(machine) == 0
    assert machine.counts == Counts(overlapping=1)


def test_an_exact_duplicate_is_ignored() -> None:
    """RFC 8200 §4.5: it may be, unlike an overlap."""
    one, two = pieces4(IP4, bytes(24), 1)
    machine = Reassembler()
    assert machine.receive(one, 0) is None
    assert machine.receive(one, 0) is None
    assert machine.receive(two, 0) is not None
    assert machine.counts == Counts(reassembled=1, duplicate=1)


def test_time_runs_out() -> None:
    """RFC 8200 §4.5: 60 seconds from the first fragment that came."""
    one, two, three = pieces4(IP4, bytes(40), 1, 2)
    machine = Reassembler()
    machine.receive(one, 100.0)
    machine.receive(two, 159.9)
    assert len(machine) == 1
    assert machine.receive(three, 160.0) is None
    assert machine.counts == Counts(expired=1)
    assert len(machine) == 1


@pytest.mark.parametrize(("later", "there"), [(59.999, 1), (60.0, 0)])
def test_each_datagram_waits_as_long_as_the_first(later: float, there: int) -> None:
    machine = Reassembler()
    for round_number in range(3):
        start = 1000.0 * round_number
        machine.receive(pieces4(IP4, bytes(40), 1, 2)[0], start)
        machine.expire(start + later)
        assert len(machine) == there
        machine.expire(start + 60.0)
        books.empty(books.sizes(machine))
    assert machine.counts == Counts(expired=3)


@pytest.mark.parametrize("beyond", around(0))
def test_bytes_are_bounded_to_the_byte(beyond: int) -> None:
    """200 bytes a datagram and a fragment, beside the payload."""
    machine = Reassembler(max_bytes=2 * (400 + 808))
    for ident in (1, 2):
        size = 808 if ident == 1 else 808 + 8 * beyond
        machine.receive(pieces4(replace(IP4, ident=ident), bytes(size + 8), size // 8)[0], 0)
    assert len(machine) == 2 - (beyond > 0)
    machine.expire(1e9)
    books.empty(books.sizes(machine))


@pytest.mark.parametrize("total", range(65_526, 65_538))
def test_datagram_has_up_to_65535_bytes(total: int) -> None:
    """RFC 8200 §4.5: the last piece at 65,528 has up to 7 bytes."""
    machine, last = Reassembler(), total // 8 * 8 if total % 8 else total - 8
    header = replace(IP4, fragment_offset=min(last, 65_528))
    first, second = decode_ip(build(replace(IP4, flags=1), bytes(8))), decode_ip(build(header, bytes(total - last)))
    if last > 65_528:  # no offset field can say it
        return
    machine.receive(first, 0)
    machine.receive(second, 0)
    assert machine.counts == Counts(malformed=int(total > 65_535))


def test_bytes_are_bounded() -> None:
    """The datagram that waits longest goes; nothing grows without end."""
    machine = Reassembler(max_bytes=10_000)
    for ident in range(1000):
        machine.receive(pieces4(replace(IP4, ident=ident), bytes(808), 100)[0], 0)
    assert 5 < len(machine) <= 10
    assert machine.counts.evicted == 1000 - len(machine)
    assert machine.receive(pieces4(replace(IP4, ident=999), bytes(808), 100)[1], 0) is not None
    assert machine.receive(pieces4(replace(IP4, ident=0), bytes(808), 100)[1], 0) is None


def test_malformed_fragments_are_counted() -> None:
    """RFC 8200 §4.5: not a multiple of 8 bytes; more than 65535; an end inside what is there already; an empty one."""
    machine = Reassembler()
    odd = decode_ip(build(replace(IP4, flags=1), bytes(9)))
    long = decode_ip(build(replace(IP4, fragment_offset=65528), bytes(8)))
    empty = decode_ip(build(replace(IP4, flags=1)))
    for each in (odd, long, empty):
        assert machine.receive(each, 0) is None
    assert machine.counts == Counts(malformed=3)
    assert len(machine) == 0
    early_end = decode_ip(build(replace(IP4, fragment_offset=8), bytes(8)))
    late = decode_ip(build(replace(IP4, flags=1, fragment_offset=16), bytes(8)))
    for order in ((early_end, late), (late, early_end)):
        machine = Reassembler()
        assert [machine.receive(each, 0) for each in order] == [None, None]
        assert machine.counts == Counts(malformed=1)


def test_a_fragment_that_the_capture_cut_is_counted() -> None:
    raw = pieces4(IP4, bytes(24), 1)[0].serialize()
    machine = Reassembler()
    assert machine.receive(decode_ip(raw[:-1], len(raw)), 0) is None
    assert machine.counts == Counts(cut=1)


def test_a_datagram_longer_than_its_length_field_has_none() -> None:
    """65520 bytes of payload come in fragments, and no header can say so: 0, as from Linux before segmentation."""
    one, two = pieces4(IP4, bytes(65520), 4000)
    machine = Reassembler()
    machine.receive(one, 0)
    whole = machine.receive(two, 0)
    assert whole is not None
    packet = decode_ip(whole)
    assert packet.ip is not None
    assert (len(packet.ip.serialize()), packet.length + 8) == (20, 65520)


def test_fragments_of_6_in_ipv4_are_the_inner_ones() -> None:
    payload = bytes(24)
    machine = Reassembler()
    for begin, more in ((0, True), (16, False)):
        raw = build(IPv4(A, B, 41), IPv6(A6, B6, 44), Fragment(17, begin, more, 9), payload[begin : begin + 16])
        whole = machine.receive(decode_ip(raw), 0)
    assert whole == build(IPv6(A6, B6, 17), payload)


def test_what_is_no_fragment_is_not_kept() -> None:
    machine = Reassembler()
    assert machine.receive(decode_ip(build(IP4, Udp(1, 2))), 0) is None
    assert (len(machine), machine.counts) == (0, Counts())


def test_the_largest_datagram_fits() -> None:
    """RFC 791 §3.1: 65535 bytes with the header."""
    payload = bytes(65515)
    one, two = pieces4(IP4, payload, 4000)
    machine = Reassembler()
    machine.receive(one, 0)
    whole = machine.receive(two, 0)
    assert whole is not None
    assert len(whole) == 65535
