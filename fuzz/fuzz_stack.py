"""A wire that breaks, repeats, invents and withholds packets between two hosts: no exception, nothing without bound.

    python -m fuzz.fuzz_stack --executions 20000 [--seed 1]

An execution is a conversation of two stacks over up to 60 steps.  Half of the broken packets get right checksums, so
that what is behind the checksum is reached; some are ICMP errors that quote what was sent.  Then the wire is whole
again, and both hosts must come to an end by themselves.
"""

import sys
from random import Random

from fuzz.mutate import converse
from netwright.core.errors import LimitError
from netwright.sim.limits import StackLimits
from netwright.sim.stack import Connection, Stack
from netwright.wire.build import build
from netwright.wire.checksum import checksum, transport_checksum
from netwright.wire.icmp import Icmp, Icmp6, Icmp6Kind, IcmpKind
from netwright.wire.ip import IPProtocol, IPv4
from netwright.wire.ip6 import IPv6

HOSTS = {4: ("10.0.0.1", "10.0.0.2"), 6: ("fd00::1", "fd00::2")}
LIMITS = StackLimits(connections=4, backlog=2, syn_backlog=3, answers=20, fragments=20_000)
LONGEST = 100_000.0  # virtual seconds until the last timer of a host alone has run out


def sound(packet: bytes) -> bytes:
    """The packet with its length and checksums put right, as far as it has them."""
    raw = bytearray(packet)
    if len(raw) >= 40 and raw[0] >> 4 == 6:
        raw[4:6] = (len(raw) - 40 & 0xFFFF).to_bytes(2, "big")
        _seal(raw, raw[6], 40, bytes(raw[8:24]), bytes(raw[24:40]))
    elif len(raw) >= 20 and raw[0] >> 4 == 4:
        size = 4 * (raw[0] & 15)
        raw[2:4] = (len(raw) & 0xFFFF).to_bytes(2, "big")
        _seal(raw, raw[9], size, bytes(raw[12:16]), bytes(raw[16:20]))
        raw[10:12] = bytes(2)
        raw[10:12] = checksum(bytes(raw[:size])).to_bytes(2, "big")
    return bytes(raw)


def _seal(raw: bytearray, protocol: int, start: int, source: bytes, destination: bytes) -> None:
    offset = {6: 16, 17: 6, 58: 2, 1: 2}.get(protocol)
    if offset is None or start < 20 or start + offset + 2 > len(raw):
        return
    at = start + offset
    raw[at : at + 2] = bytes(2)
    text = bytes(raw[start:])
    right = checksum(text) if protocol == 1 else transport_checksum(source, destination, protocol, text)
    raw[at : at + 2] = right.to_bytes(2, "big")


def broken(packet: bytes, random: Random) -> bytes:
    """A few bytes changed, cut or doubled; half of the time with right checksums."""
    raw = bytearray(packet)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(raw) + 1)
        match random.randrange(5):
            case 0 | 1:
                raw[at : at + 1] = bytes((random.choice((0, 1, 2, 4, 16, 127, 128, 255, random.randrange(256))),))
            case 2:
                raw[at:at] = raw[: random.randrange(60)]
            case 3:
                del raw[at : at + random.randrange(20)]
            case _:
                start = random.randrange(20, 60)  # headers and options, rather than data
                raw[start : start + 1] = bytes((random.randrange(256),))
    return sound(bytes(raw)) if random.random() < 0.5 else bytes(raw)


def complaint(packet: bytes, random: Random) -> bytes:
    """What a router, or somebody who says that he is one, says about a packet."""
    mtu = random.choice((0, 1, 67, 68, 512, 576, 1280, 1400, 1500, 65535))
    if packet[0] >> 4 == 4:
        kind, code = random.choice(((IcmpKind.UNREACHABLE, random.randrange(16)), (IcmpKind.TIME_EXCEEDED, 0)))
        message = Icmp(kind, random.choice((4, code)), bytes(2) + mtu.to_bytes(2, "big"))
        return build(IPv4(packet[16:20], packet[12:16], IPProtocol.ICMP), message, packet[: random.randrange(80)])
    kind6 = random.choice((Icmp6Kind.PACKET_TOO_BIG, Icmp6Kind.UNREACHABLE, Icmp6Kind.PARAMETER_PROBLEM))
    message6 = Icmp6(kind6, 0, mtu.to_bytes(4, "big"))
    return build(IPv6(packet[24:40], packet[8:24], IPProtocol.ICMPV6), message6, packet[: random.randrange(120)])


def bounded(stack: Stack) -> None:
    """Everything that has a limit is within it."""
    assert len(stack.connections) <= LIMITS.connections
    for connection in stack.connections:
        endpoint = connection.endpoint
        assert endpoint.readable <= endpoint.settings.receive_buffer
        assert len(endpoint.sender.board.outstanding()) == endpoint.sender.board.out
        assert endpoint.sender.unsent <= endpoint.settings.send_buffer
    deadline = stack.deadline
    assert deadline is None or deadline < float("inf")


def use(connection: Connection, random: Random, now: float) -> None:
    """A program does something with its connection."""
    match random.randrange(7):
        case 0 | 1:
            if connection.endpoint.writable:
                connection.send(bytes(random.choice((1, 100, 3000, 50_000))), now)
        case 2 | 3:
            connection.read(random.choice((1, 1000, 1 << 20)), now)
        case 4:
            connection.send_eof(now)
        case 5:
            connection.close(now)
        case _:
            if random.random() < 0.2:
                connection.abort(now)


def conversation(random: Random) -> None:
    """One conversation."""
    hosts = HOSTS[random.choice((4, 6))]
    stacks = [Stack([host], entropy=random.randbytes, limits=LIMITS, mtu=random.choice((1280, 1500))) for host in hosts]
    port, now = stacks[1].listen(hosts[1], 80), 0.0
    sent: list[bytes] = []
    for _ in range(random.randint(5, 60)):
        try:
            if random.random() < 0.1 or not stacks[0].connections:
                stacks[0].connect(hosts[1], random.choice((80, 80, 80, 81)), now)
        except LimitError:
            pass
        port.accept()
        for stack in stacks:
            if stack.connections and random.random() < 0.5:
                use(random.choice(stack.connections), random, now)
        sent = _carry(stacks, sent, random, now)
        now += random.choice((0.0, 0.001, 0.05, 1.0, 60.0))
        for stack in stacks:
            stack.expire(now)
            bounded(stack)
    _settle(stacks, now)


def _carry(stacks: list[Stack], sent: list[bytes], random: Random, now: float) -> list[bytes]:
    """Everything that waits goes over the wire; the last packets are kept, to come again."""
    for index, stack in enumerate(stacks):
        for outgoing in stack.take_packets():
            packet = outgoing.data
            sent = [*sent[-20:], packet]
            roll = random.random()
            if roll < 0.15:
                continue
            if roll < 0.3:
                packet = broken(packet, random)
            stacks[1 - index].receive(packet, now)
            if roll > 0.9:
                stacks[1 - index].receive(broken(random.choice(sent), random), now)
            elif roll > 0.85:
                stack.receive(complaint(random.choice(sent), random), now)
    return sent


def _settle(stacks: list[Stack], now: float) -> None:
    """Everybody closes on a whole wire; what a broken packet has confused ends by its timers."""
    for stack in stacks:
        for connection in stack.connections:
            connection.read(1 << 30, now)
            connection.close(now)
    end = now + LONGEST
    while now < end and any(stack.connections for stack in stacks):
        for index, stack in enumerate(stacks):
            for outgoing in stack.take_packets():
                stacks[1 - index].receive(outgoing.data, now)
            for connection in stack.connections:
                connection.read(1 << 30, now)
                connection.close(now)  # also those whose handshake is done only now
        now = max(now, min((at for stack in stacks if (at := stack.deadline) is not None), default=end))
        for stack in stacks:
            stack.expire(now)
    assert not any(stack.connections for stack in stacks), [stack.connections for stack in stacks]


def main() -> int:
    """Run; the first failure ends it."""
    return converse(lambda random, _: conversation(random), "fuzz_stack", "fuzz a TCP/IP stack")


if __name__ == "__main__":
    sys.exit(main())
