"""The two readers of captures agree: ``wire`` (values, lossless) and ``watch`` (a capture's fast path).

Where they differ on purpose, the difference is listed here; docs/design.md says why there are two.
"""

from typing import NamedTuple

import pytest

from netwright.core.errors import ProtocolError
from netwright.watch.records import Records
from netwright.watch.segment import Fragment, Segment
from netwright.watch.segment import decode as short_decode
from netwright.wire.decode import decode
from netwright.wire.ip import IPv4
from netwright.wire.read import read_records
from tests.support.corpora import captures
from tests.support.frames import ETHERNET, pcap, pcapng
from tests.watch.test_engine import DAMAGED, read
from tests.watch.test_segment import ENCAPSULATIONS, ENCAPSULATIONS6


class Seen(NamedTuple):
    """A TCP segment as both describe it."""

    source: bytes
    target: bytes
    ports: tuple[int, int]
    numbers: tuple[int, int]
    length: int
    flags: int
    window: int
    ident: int
    ttl: int
    options: bytes


def by_wire(frame: bytes, length: int, link: int) -> Seen | str | None:
    packet = decode(frame, link, length)
    if packet.fragment:
        return "fragment"
    tcp, ip = packet.tcp, packet.ip
    if tcp is None or ip is None:
        return None
    ident = ip.ident if isinstance(ip, IPv4) else 0
    ports, numbers = (tcp.source_port, tcp.destination_port), (tcp.seq, tcp.ack)
    flags = tcp.flags | tcp.reserved << 9
    return Seen(ip.source, ip.destination, ports, numbers, packet.length, flags, tcp.window, ident, ip.ttl, tcp.options)


def by_watch(frame: bytes, length: int, link: int) -> Seen | str | None:
    s = short_decode(frame, length, link)
    if not isinstance(s, Segment):
        return "fragment" if isinstance(s, Fragment) else None
    ports, numbers = (s.source_port, s.target_port), (s.seq, s.ack)
    return Seen(s.source, s.target, ports, numbers, s.length, s.flags, s.window, s.ident, s.ttl, s.options)


WATCH_ONLY = (50, 104)  # link types: PPP in HDLC-like framing, Cisco HDLC
BOTH = [each for each in ENCAPSULATIONS + ENCAPSULATIONS6 if each[0] not in WATCH_ONLY]


@pytest.mark.parametrize(
    ("link", "frame"), [each for each in ENCAPSULATIONS + ENCAPSULATIONS6 if each[0] not in WATCH_ONLY]
)
def test_every_encapsulation_is_read_alike_whole_and_cut(link: int, frame: bytes) -> None:
    for size in range(len(frame) + 1):
        ours, theirs = by_watch(frame[:size], len(frame), link), by_wire(frame[:size], len(frame), link)
        assert ours == theirs, size


def test_segment_cut_inside_its_options_is_read_by_watch_alone() -> None:
    """A snap length of 64 or 68 bytes cuts there."""
    frame = bytes(12) + b"\x08\0" + b"\x45\0\0\x34" + bytes(4) + b"\x40\x06" + bytes(10)
    frame += bytes(12) + b"\x80\x10" + bytes(6) + bytes(12)
    for size in range(len(frame) - 12, len(frame)):
        assert by_wire(frame[:size], len(frame), ETHERNET) is None
        assert by_watch(frame[:size], len(frame), ETHERNET) is not None
    assert by_wire(frame, len(frame), ETHERNET) == by_watch(frame, len(frame), ETHERNET)


def test_public_captures_are_read_alike() -> None:
    """Every packet: its bytes, length and time, and what it is."""
    packets = 0
    for path in captures()[:150]:
        if path.name in DAMAGED:
            continue
        data = read(path)
        ours = Records().feed(data)[1]
        try:
            theirs = list(read_records([data]))
        except ProtocolError as error:
            pytest.fail(f"{path.name}: {error}")
        assert [row[:3] for row in ours] == [(each.data, each.length, each.at_ns or 0) for each in theirs], path.name
        for frame, length, _, link in ours:
            wire_length = max(length, len(frame))
            assert by_watch(frame, wire_length, link) == by_wire(frame, wire_length, link), path.name
        packets += len(ours)
    assert packets > 3000


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", [pcap, pcapng])
def test_files_are_read_alike_in_both_byte_orders(form: type, order: str) -> None:
    frames = [(0, b"a"), (10**18 + 1, b""), ((2**32 - 1) * 10**9 + 999_999_999, b"abc")]
    data = form(frames, link=147, order=order)
    ours = [(frame, at, link) for frame, _, at, link in Records().feed(data)[1]]
    assert ours == [(each.data, each.at_ns, each.interface.link_type) for each in read_records([data])]
    assert len(ours) == 3
