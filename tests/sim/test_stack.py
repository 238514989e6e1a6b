"""netwright.sim.stack: packets in, packets and events out."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import LimitError, UsageError
from netwright.core.moment import Kind
from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.segment import ACK, FIN, RST, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.sim.codec import Flow, parse, serialize
from netwright.sim.limits import StackLimits
from netwright.sim.link import Path
from netwright.sim.stack import Stack
from netwright.wire.build import build
from netwright.wire.decode import decode_ip
from netwright.wire.icmp import Icmp, Icmp6, Icmp6Kind, IcmpKind
from netwright.wire.ip import IPProtocol, IPv4
from netwright.wire.ip6 import Extension, IPv6
from netwright.wire.tcp import Tcp
from netwright.wire.udp import Udp
from tests.support import books
from tests.support.stacks import LEFT, RIGHT, Wire, opened, stack_of, transfer

FOUR = Flow(b"\x0a\0\0\x02", 40000, b"\x0a\0\0\x01", 80)  # what arrives at LEFT
SIX = Flow(
    bytes.fromhex("fd000000000000000000000000000002"), 40000, bytes.fromhex("fd000000000000000000000000000001"), 80
)
FLOWS = pytest.mark.parametrize("flow", [FOUR, SIX], ids=["IPv4", "IPv6"])
HOSTS = pytest.mark.parametrize("host", RIGHT, ids=["IPv4", "IPv6"])


def syn(seq: int = 1000) -> Segment:
    return Segment(seq, 0, SYN, 65535, syn=SynOptions(1460, 7, sack_permitted=True))


def answers(stack: Stack, packet: bytes, now: float = 0.0) -> list[bytes]:
    stack.receive(packet, now)
    return [outgoing.data for outgoing in stack.take_packets()]


def pair(path: Path | None = None, **options: object) -> Wire:
    made: Callable[..., Stack] = stack_of
    return Wire(made(LEFT, seed=1, **options), made(RIGHT, seed=2, **options), path)


@HOSTS
@pytest.mark.parametrize("path", [Path(delay=0.01), Path(delay=0.01, loss=0.03, reorder=0.02, duplicate=0.01)])
def test_bytes_arrive_as_they_were_both_ways(host: str, path: Path) -> None:
    """RFC 9293 §3.8: whatever the path does."""
    wire = pair(path)
    data = random.Random(3).randbytes(300_000)
    client, server, _ = opened(wire, host)
    assert transfer(wire, client, server, data) == data
    assert transfer(wire, server, client, data[::-1]) == data[::-1]
    for end in (client, server):
        end.close(wire.now)
    wire.run(wire.now + 200)
    assert [stack.connections for stack in wire.stacks] == [[], []]
    assert {client.endpoint.end, server.endpoint.end} == {End.CLOSED}


def test_what_the_path_corrupts_is_counted_and_sent_again() -> None:
    """RFC 9293 §3.1, checksum: a segment that fails it is as good as lost."""
    wire = pair(Path(delay=0.001))
    client, server, _ = opened(wire, "10.0.0.2")
    client.send(b"hello", wire.now)
    (packet,) = wire.stacks[0].take_packets()
    broken = bytearray(packet.data)
    broken[-1] ^= 4
    assert wire.stacks[1].receive(bytes(broken), wire.now) == []
    assert wire.stacks[1].counts.checksum == 1
    wire.run(wire.now + 3, act=lambda: server.endpoint.readable == 5)
    assert server.read(9, wire.now) == b"hello"


@FLOWS
def test_closed_port_resets_who_asks_but_no_reset(flow: Flow) -> None:
    """RFC 9293 §3.10.7.1."""
    stack = stack_of(LEFT)
    (answer,) = answers(stack, serialize(syn(1000), flow))
    back, segment = parse(answer)
    assert (back, segment.seq, segment.ack, segment.flags) == (flow.reversed(), 0, 1001, RST | ACK)
    (answer,) = answers(stack, serialize(Segment(7, 555, ACK, 1), flow))
    _, segment = parse(answer)
    assert (segment.seq, segment.flags) == (555, RST)
    assert answers(stack, serialize(Segment(7, 0, RST, 0), flow)) == []
    assert stack.counts.closed_port == 3


@FLOWS
def test_handshake_gives_a_connection_to_accept(flow: Flow) -> None:
    """RFC 9293 §3.10.7.2, §3.10.7.4."""
    stack = stack_of(LEFT)
    port = stack.listen("10.0.0.1" if flow is FOUR else "::", 80)
    (answer,) = answers(stack, serialize(syn(), flow))
    _, segment = parse(answer)
    assert (segment.flags, segment.ack) == (SYN | ACK, 1001)
    assert segment.syn is not None
    assert segment.syn.mss == (1460 if flow is FOUR else 1440)
    assert port.accept() is None
    ((connection, events),) = stack.receive(serialize(Segment(1001, segment.seq + 1, ACK, 100), flow), 0.1)
    assert events == [Event.CONNECTED]
    assert port.accept() is connection
    assert str(connection.peer) in ("10.0.0.2:40000", "[fd00::2]:40000")


def test_sequence_numbers_cross_the_end_of_32_bits() -> None:
    """RFC 9293 §3.4: arithmetic modulo 2**32."""
    wire = pair()
    for _ in range(200):  # some initial number lies in the last 2 MB before the edge, or this takes longer
        client, server, port = opened(wire, "10.0.0.2")
        port.close(wire.now)
        if client.endpoint.sender.snd_nxt % 2**32 > 2**32 - 300_000_000:
            break
        client.abort(wire.now)
        wire.run(wire.now + 37)
    data = bytes(2_000_000)
    assert transfer(wire, client, server, data) == data


def ping(ip: IPv4 | IPv6) -> bytes:
    message: Icmp | Icmp6 = (
        Icmp(IcmpKind.ECHO, 0, b"\0\1\0\2") if isinstance(ip, IPv4) else Icmp6(Icmp6Kind.ECHO, 0, b"\0\1\0\2")
    )
    return build(ip, message, b"payload")


@FLOWS
def test_ping_is_answered_with_its_own_bytes(flow: Flow) -> None:
    """RFC 1122 §3.2.2.6, RFC 4443 §4.2."""
    ip: IPv4 | IPv6 = (
        IPv4(flow.source, flow.destination, 1) if flow is FOUR else IPv6(flow.source, flow.destination, 58)
    )
    (answer,) = answers(stack_of(LEFT), ping(ip))
    packet = decode_ip(answer)
    message = packet.layers[-1]
    assert isinstance(message, Icmp | Icmp6)
    assert (message.kind, message.rest, packet.payload) == (0 if flow is FOUR else 129, b"\0\1\0\2", b"payload")
    assert packet.ip is not None
    assert packet.ip.destination == flow.source


@FLOWS
def test_udp_is_unreachable(flow: Flow) -> None:
    """RFC 1122 §4.1.3.1, RFC 4443 §3.1: the answer quotes the datagram."""
    ip: IPv4 | IPv6 = (
        IPv4(flow.source, flow.destination, 17) if flow is FOUR else IPv6(flow.source, flow.destination, 17)
    )
    datagram = build(ip, Udp(5, 53), b"?")
    stack = stack_of(LEFT)
    (answer,) = answers(stack, datagram)
    packet = decode_ip(answer)
    message = packet.layers[-1]
    assert isinstance(message, Icmp | Icmp6)
    assert (message.kind, message.code) == ((3, 3) if flow is FOUR else (1, 4))
    assert packet.payload == datagram
    assert stack.counts.closed_port == 1


def test_unknown_protocol_is_said_to_be_unknown() -> None:
    """RFC 1122 §3.2.2.1, RFC 8200 §4."""
    stack = stack_of(LEFT)
    (answer,) = answers(stack, build(IPv4(FOUR.source, FOUR.destination, 132), b"sctp"))
    message = decode_ip(answer).layers[-1]
    assert isinstance(message, Icmp)
    assert (message.kind, message.code) == (3, 2)
    (answer,) = answers(stack, build(IPv6(SIX.source, SIX.destination, 132), b"sctp"))
    parameter = decode_ip(answer).layers[-1]
    assert isinstance(parameter, Icmp6)
    assert (parameter.kind, parameter.code, parameter.rest) == (4, 1, b"\0\0\0\6")


def test_answers_keep_to_their_rate() -> None:
    """RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)."""
    stack = stack_of(LEFT, limits=StackLimits(answers=5))
    packet = serialize(syn(), FOUR)
    assert sum(len(answers(stack, packet, 1.0)) for _ in range(20)) == 5
    assert stack.counts.muted == 15
    assert len(answers(stack, packet, 1.25)) == 1


@pytest.mark.parametrize(
    ("source", "destination", "name"),
    [
        ("0a000002", "0a000009", "not_ours"),
        ("0a000001", "0a000001", "no_source"),  # "land": from ourselves
        ("e0000001", "0a000001", "no_source"),
        ("7f000001", "0a000001", "no_source"),
        ("0a000002", "e0000001", "not_ours"),
    ],
)
def test_addresses_that_cannot_be_are_counted_and_not_answered(source: str, destination: str, name: str) -> None:
    """RFC 1122 §3.2.1.3."""
    stack = stack_of(LEFT)
    flow = Flow(bytes.fromhex(source), 1, bytes.fromhex(destination), 80)
    stack.listen("10.0.0.1", 80)
    assert answers(stack, serialize(syn(), flow)) == []
    assert getattr(stack.counts, name) == 1


def test_fragments_are_put_together() -> None:
    """RFC 791 §3.2."""
    stack = stack_of(LEFT)
    stack.listen("10.0.0.1", 80)
    text = serialize(syn(), FOUR)[20:]
    ip = IPv4(FOUR.source, FOUR.destination, IPProtocol.TCP, ident=9)
    first = build(IPv4(ip.source, ip.destination, 6, ident=9, flags=1), text[:16])
    second = build(IPv4(ip.source, ip.destination, 6, ident=9, flags=0, fragment_offset=16), text[16:])
    assert answers(stack, second) == []
    (answer,) = answers(stack, first)
    assert parse(answer)[1].flags == SYN | ACK
    assert (stack.counts.fragments, stack.reassembler.counts.reassembled) == (2, 1)


def test_tcp_behind_options_and_extension_headers_is_found() -> None:
    """RFC 791 §3.1, RFC 8200 §4.1."""
    stack = stack_of(LEFT)
    tcp = Tcp(40000, 81, 5, flags=SYN)
    four = build(IPv4(FOUR.source, FOUR.destination, 6, options=b"\1\1\1\1"), tcp)
    six = build(IPv6(SIX.source, SIX.destination, 60), Extension(60, 6, bytes(6)), tcp)
    for packet in (four, six):
        (answer,) = answers(stack, packet)
        assert parse(answer)[1].flags == RST | ACK
    wrong = bytearray(four)
    wrong[8] -= 1  # the time to live, without its checksum
    assert answers(stack, bytes(wrong)) == []
    assert stack.counts.checksum == 1


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x45\0", b"\x60\0\0\0", b"\x46"]))
def test_garbage_is_counted_and_never_raised(data: bytes, start: bytes) -> None:
    stack = stack_of(LEFT)
    stack.listen("10.0.0.1", 80)
    assert stack.receive(start + data, 0.0) == []
    counts = stack.counts
    assert counts.received == 1
    assert counts.malformed + counts.checksum + counts.not_ours + counts.no_source + counts.unknown == 1


@given(st.integers(0, 59), st.integers(1, 255), st.sampled_from(["syn", "ping", "udp", "fragment"]))
def test_a_changed_byte_is_never_raised(at: int, change: int, kind: str) -> None:
    packets = {
        "syn": serialize(syn(), FOUR),
        "ping": ping(IPv4(FOUR.source, FOUR.destination, 1)),
        "udp": build(IPv4(FOUR.source, FOUR.destination, 17), Udp(5, 53), b"?"),
        "fragment": build(IPv4(FOUR.source, FOUR.destination, 6, flags=1), bytes(16)),
    }
    packet = bytearray(packets[kind])
    packet[at % len(packet)] ^= change
    stack = stack_of(LEFT)
    stack.listen("10.0.0.1", 80)
    assert stack.receive(bytes(packet), 0.0) == []


def test_connections_are_limited_and_one_in_time_wait_makes_room() -> None:
    limits = StackLimits(connections=2)
    wire = Wire(stack_of(LEFT, limits=limits), stack_of(RIGHT, seed=2))
    client, server, _ = opened(wire, "10.0.0.2")
    second = wire.stacks[0].connect("10.0.0.2", 80, wire.now)
    with pytest.raises(LimitError, match="connections: 3 connections seen, 2 allowed"):
        wire.stacks[0].connect("10.0.0.2", 80, wire.now)
    client.close(wire.now)
    wire.run(wire.now + 1, act=lambda: server.endpoint.at_eof)
    server.close(wire.now)
    wire.run(wire.now + 1, act=lambda: client.endpoint.state is State.TIME_WAIT)
    third = wire.stacks[0].connect("10.0.0.2", 80, wire.now)
    assert wire.stacks[0].connections == [second, third]
    with pytest.raises(LimitError, match="connections: 3 connections seen, 2 allowed"):  # the place is taken
        wire.stacks[0].connect("10.0.0.2", 80, wire.now)
    assert books.sizes(wire.stacks[0])["_waiting"] == 0


def test_a_syn_without_room_is_dropped_and_counted() -> None:
    stack = stack_of(LEFT, limits=StackLimits(connections=1))
    stack.listen("10.0.0.1", 80)
    stack.connect("10.0.0.2", 80, 0.0)
    stack.take_packets()
    assert answers(stack, serialize(syn(), FOUR)) == []
    assert stack.counts.full == 1


def test_handshakes_count_as_connections() -> None:
    """Or as many more than the limit as were half-open at once would come through."""
    stack = stack_of(LEFT, limits=StackLimits(connections=2))
    stack.listen("10.0.0.1", 80)
    for number in range(3):
        stack.receive(serialize(syn(), Flow(FOUR.source, 1000 + number, FOUR.destination, 80)), 0.0)
    assert (len(stack.take_packets()), stack.counts.full) == (2, 1)


def test_half_open_connections_are_limited() -> None:
    """RFC 4987 §2: a flood of SYNs takes no more than its queue."""
    stack = stack_of(LEFT, limits=StackLimits(syn_backlog=4))
    port = stack.listen("10.0.0.1", 80)
    for number in range(20):
        stack.receive(serialize(syn(), Flow(FOUR.source, 1000 + number, FOUR.destination, 80)), 0.0)
    assert (port.listener.half_open, port.listener.drops, len(stack.take_packets())) == (4, 16, 4)
    assert stack.deadline is not None
    for second in range(300):
        stack.expire(float(second))
    assert port.listener.half_open == 0


def test_a_new_connection_takes_the_place_of_one_in_time_wait() -> None:
    """RFC 9293 §3.10.7.4, MAY-2; RFC 6191."""
    wire = pair()
    client, server, port = opened(wire, "10.0.0.2")
    server.close(wire.now)
    wire.run(wire.now + 1, act=lambda: client.endpoint.at_eof)
    client.close(wire.now)
    wire.run(wire.now + 1, act=lambda: server.endpoint.state is State.TIME_WAIT)
    again = wire.stacks[0].connect("10.0.0.2", 80, wire.now + 2, source_port=client.local.port)
    wire.now += 2
    wire.run(wire.now + 1, act=lambda: bool(port.arrived))
    assert again.endpoint.state is State.ESTABLISHED
    assert server.endpoint.end is End.REPLACED


def test_closing_a_port_resets_who_waits() -> None:
    """RFC 9293 §3.10.4: nobody will ever accept them."""
    wire = pair()
    port = wire.stacks[1].listen("10.0.0.2", 80)
    client = wire.stacks[0].connect("10.0.0.2", 80, 0.0)
    wire.run(1, act=lambda: bool(port.arrived))
    port.close(wire.now)
    port.close(wire.now)
    assert port.accept() is None
    wire.run(2)
    assert client.endpoint.end is End.RESET
    assert wire.stacks[1].connections == []


def test_initial_numbers_and_ports_are_not_guessed() -> None:
    """RFC 6528 §3, RFC 6056 §3.3.1, RFC 9293 §3.4.1: another flow has another, the same flow a later one."""
    stack = stack_of(LEFT)
    made = [stack.connect("10.0.0.2", 80, 0.0) for _ in range(10)]
    assert len({connection.endpoint.sender.snd_una for connection in made}) == 10
    assert len({connection.local.port for connection in made}) == 10
    first, port = made[0].endpoint.sender.snd_una, made[0].local.port
    made[0].abort(0.0)
    again = stack.connect("10.0.0.2", 80, 1.0, source_port=port)
    assert again.endpoint.sender.snd_una - first == 250_000


def test_misuse_is_refused() -> None:
    stack = stack_of(("10.0.0.1",))
    with pytest.raises(UsageError, match="an address of"):
        stack.listen("10.0.0.3", 80)
    stack.listen("10.0.0.1", 80)
    with pytest.raises(UsageError, match=r"port 80 at 10\.0\.0\.1 is taken"):
        stack.listen("10.0.0.1", 80)
    with pytest.raises(UsageError, match="family"):
        stack.connect("fd00::2", 80, 0.0)
    with pytest.raises(UsageError, match="an address of"):
        stack.connect("10.0.0.2", 80, 0.0, source="10.0.0.7")
    first = stack.connect("10.0.0.2", 80, 0.0, source_port=5000)
    with pytest.raises(UsageError, match="in use by"):
        stack.connect("10.0.0.2", 80, 0.0, source_port=5000)
    assert first.endpoint.state is State.SYN_SENT
    with pytest.raises(UsageError, match="mtu=100"):
        Stack(["10.0.0.1"], entropy=bytes, mtu=100)
    assert stack.listen("10.0.0.1", 0).number >= 49152
    assert stack.listen("0.0.0.0", 80).number == 80


def too_big(packet: bytes, mtu: int) -> bytes:
    """What a router says (RFC 1191 §4, RFC 4443 §3.2)."""
    ip = decode_ip(packet).ip
    rest = mtu.to_bytes(4, "big")
    if isinstance(ip, IPv4):
        return build(IPv4(b"\x0a\0\0\x63", ip.source, 1), Icmp(IcmpKind.UNREACHABLE, 4, rest), packet[:28])
    assert ip is not None
    return build(IPv6(ip.destination, ip.source, 58), Icmp6(Icmp6Kind.PACKET_TOO_BIG, 0, rest), packet[:1000])


@HOSTS
def test_a_narrow_path_makes_segments_smaller_and_costs_no_timeout(host: str) -> None:
    """RFC 1191 §6.4, RFC 8201 §4, §5.4."""
    wire = pair(Path(delay=0.01))
    client, server, _ = opened(wire, host)
    wire.links[0].path = Path(delay=0.01, mtu=1300)
    wire.router = lambda packet: too_big(packet, 1300)
    data = random.Random(5).randbytes(200_000)
    assert transfer(wire, client, server, data) == data
    assert client.endpoint.sender.mss == 1300 - (40 if "." in host else 60) - 12
    assert wire.now < 0.5
    assert client.endpoint.sender.rtt.backoff == 0


def test_a_guess_about_the_path_is_ignored() -> None:
    """RFC 5927 §4.1: the quoted number must be in flight.  RFC 8201 §4: 1280 is the least of IPv6."""
    wire = pair()
    client, _, _ = opened(wire, "10.0.0.2")
    before = client.endpoint.sender.mss
    stale = serialize(Segment(client.endpoint.sender.snd_una - 5, 0, ACK, 0, b"x"), client.flow)
    wire.stacks[0].receive(too_big(stale, 600), wire.now)
    other = Flow(client.flow.source, 1, client.flow.destination, 80)
    wire.stacks[0].receive(too_big(serialize(Segment(5, 0, ACK, 0), other), 600), wire.now)
    assert (client.endpoint.sender.mss, wire.stacks[0].counts.ignored) == (before, 2)
    client, _, _ = opened(wire, "fd00::2")
    client.send(b"x", wire.now)
    (packet,) = wire.stacks[0].take_packets()
    wire.stacks[0].receive(too_big(packet.data, 500), wire.now)
    assert client.endpoint.sender.mss == 1280 - 60 - 12


def unreachable(packet: bytes, code: int) -> bytes:
    ip = decode_ip(packet).ip
    assert ip is not None
    return build(IPv4(b"\x0a\0\0\x63", ip.source, 1), Icmp(IcmpKind.UNREACHABLE, code), packet[:28])


def test_an_unreachable_host_ends_what_is_opening_and_only_that() -> None:
    """RFC 5461 §2.1: there is nothing to lose yet; RFC 1122 §4.2.3.9: later it is a hint; RFC 5927 §4.1: or a guess."""
    wire = pair()
    stack = wire.stacks[0]
    opening = stack.connect("10.0.0.9", 80, 0.0)
    (packet,) = stack.take_packets()
    guess = bytearray(packet.data)
    guess[24] ^= 1  # of the sequence number
    assert stack.receive(unreachable(bytes(guess), 1), 0.1) == []
    assert stack.receive(unreachable(packet.data, 1), 0.1) == [(opening, [Event.CLOSED])]
    assert (opening.icmp_error, opening.endpoint.end, stack.connections) == ("ICMP 3.1", End.ABORTED, [])
    client, _, _ = opened(wire, "10.0.0.2")
    client.send(b"x", wire.now)
    (packet,) = stack.take_packets()
    assert stack.receive(unreachable(packet.data, 1), wire.now) == []
    assert (client.endpoint.state, stack.counts.ignored) == (State.ESTABLISHED, 2)


def test_packets_have_the_reasons_for_them() -> None:
    wire = Wire(stack_of(LEFT, explain=True), stack_of(RIGHT, seed=2, settings=Settings(delayed_ack=0.5)))
    client, _, _ = opened(wire, "10.0.0.2")
    client.send(b"hello", wire.now)
    wire.stacks[0].take_packets()  # lost
    wire.stacks[0].take_remarks()
    deadline = wire.stacks[0].deadline
    assert deadline is not None
    wire.stacks[0].expire(deadline)
    (outgoing,) = wire.stacks[0].take_packets()
    assert {moment.kind for moment in outgoing.reasons} == {Kind.CONGESTION, Kind.RETRANSMIT}
    wire.stacks[0].receive(serialize(Segment(1, 0, ACK | FIN, 5), client.arrival), deadline)
    refused = wire.stacks[0].take_remarks() + wire.stacks[0].take_packets()[0].reasons
    assert [moment.kind for moment in refused] == [Kind.REFUSED]


def test_reprs_say_where_and_how() -> None:
    wire = pair()
    client, _, port = opened(wire, "fd00::2")
    assert repr(client).startswith(f"<Connection [fd00::1]:{client.local.port} > [fd00::2]:80 <Endpoint ESTABLISHED")
    assert repr(port).startswith("<Port fd00::2 80 ")
    assert repr(wire.stacks[0]) == "<Stack 10.0.0.1 fd00::1 1 connections, 0 ports>"


def test_a_timer_heap_does_not_grow_with_connections_that_are_gone() -> None:
    """A connection with a long keepalive on top of the heap, and a thousand that came and went."""
    stack = stack_of(LEFT, settings=Settings(keepalive=KeepAlive(7200, 75, 9), time_wait=1.0))
    port = stack.listen(LEFT[0], 80)
    for number in range(1000):
        flow = replace(FOUR, source_port=1024 + number)
        opening, *_ = answers(stack, serialize(syn(), flow), now := number * 0.01)
        ours = parse(opening)[1].seq + 1
        answers(stack, serialize(Segment(1001, ours, ACK, 65535), flow), now)
        connection = port.accept()
        assert connection is not None
        if number:
            answers(stack, serialize(Segment(1001, ours, RST | ACK, 0), flow), now)
    found = books.sizes(stack)
    assert len(stack.connections) == 1
    assert found["_due"] < 100
    assert (found["_waiting"], found["_connections"]) == (0, 1)


def test_a_connection_that_replaces_one_in_time_wait_begins_above_it() -> None:
    """RFC 9293 §3.10.7.4 MAY-2: a larger ISS than any number of before, however fast that one sent."""
    stack = stack_of(LEFT, settings=Settings(initial_window=4000, window_scale=10))
    port = stack.listen(LEFT[0], 80)
    wide = Segment(1000, 0, SYN, 65535, syn=SynOptions(1460, 10))
    opening, *_ = answers(stack, serialize(wide, FOUR), 1.0)
    iss = parse(opening)[1].seq
    answers(stack, serialize(Segment(1001, iss + 1, ACK, 65535), FOUR), 1.0)
    connection = port.accept()
    assert connection is not None
    assert connection.send(bytes(1_000_000), 1.0) == 1_000_000
    answers(stack, serialize(Segment(1001, iss + 1_000_001, ACK, 65535), FOUR), 1.0)
    connection.close(1.0)
    stack.take_packets()
    answers(stack, serialize(Segment(1001, iss + 1_000_002, FIN | ACK, 65535), FOUR), 1.0)
    assert connection.endpoint.state is State.TIME_WAIT
    again, *_ = answers(stack, serialize(Segment(90_000, 0, SYN, 65535), FOUR), 2.0)
    assert (parse(again)[1].seq - (iss + 1_000_002)) % 2**32 == 65537
    other, *_ = answers(stack, serialize(syn(), replace(FOUR, source_port=7)), 2.0)
    assert parse(other)[1].seq != parse(again)[1].seq
