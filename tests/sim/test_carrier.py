"""netwright.sim.carrier: a link on a loop's clock."""

import asyncio
from random import Random

import pytest

from netwright.proto.tcp.segment import ACK, CE, ECT, NOT_ECT, Segment
from netwright.sim.carrier import Carrier, corrupted, marked
from netwright.sim.codec import Flow, parse, serialize
from netwright.sim.link import Path, Verdict

V4 = Flow(b"\x0a\0\0\x01", 40000, b"\x0a\0\0\x02", 80)
V6 = Flow(bytes(15) + b"\x01", 40000, bytes(15) + b"\x02", 80)


async def test_packets_arrive_in_order_after_the_delay_of_the_path() -> None:
    loop = asyncio.get_running_loop()
    arrived: list[tuple[float, bytes]] = []
    carrier = Carrier(Path(delay=5.0, rate=800), loop, lambda packet: arrived.append((loop.time(), packet)), seed=1)
    began = loop.time()
    for number in range(3):
        assert carrier.carry(bytes([number]) * 100).verdict is Verdict.PASS
    assert carrier.under_way == 3
    await asyncio.sleep(9)
    assert [packet[0] for _, packet in arrived] == [0, 1, 2]
    assert [round(at - began) for at, _ in arrived] == [6, 7, 8]
    assert carrier.under_way == 0


async def test_a_path_holds_so_many_packets_and_no_more() -> None:
    carrier = Carrier(Path(delay=1.0), asyncio.get_running_loop(), lambda packet: None, seed=1, most=2)
    fates = [carrier.carry(b"x").verdict for _ in range(3)]
    assert fates == [Verdict.PASS, Verdict.PASS, Verdict.QUEUE_FULL]
    assert carrier.overflows == 1
    await asyncio.sleep(2)


async def test_a_corrupted_packet_differs_in_one_bit() -> None:
    arrived: list[bytes] = []
    carrier = Carrier(Path(corrupt=1.0, duplicate=1.0), asyncio.get_running_loop(), arrived.append, seed=1)
    carrier.carry(bytes(50))
    await asyncio.sleep(1)
    assert [int.from_bytes(packet, "big").bit_count() for packet in arrived] == [1, 1]
    assert corrupted(bytes(9), Random(1)) == corrupted(bytes(9), Random(1))


@pytest.mark.parametrize("flow", [V4, V6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize(("ecn", "then"), [(ECT, CE), (1, CE), (CE, CE), (NOT_ECT, NOT_ECT)])
def test_a_mark_is_for_who_takes_part_and_keeps_the_checksum_right(flow: Flow, ecn: int, then: int) -> None:
    """RFC 3168 §5, RFC 1624 §3."""
    packet = serialize(Segment(1, 2, ACK, 3, b"data", ecn=ecn), flow)
    assert parse(marked(packet))[1].ecn == then  # it looks at the checksum


async def test_a_marking_path_marks() -> None:
    """RFC 3168 §5: above a length of the queue."""
    arrived: list[bytes] = []
    carrier = Carrier(Path(rate=8000, mark_above=1), asyncio.get_running_loop(), arrived.append, seed=1)
    for _ in range(2):
        carrier.carry(serialize(Segment(1, 2, ACK, 3, ecn=ECT), V4))
    await asyncio.sleep(1)
    assert [parse(packet)[1].ecn for packet in arrived] == [ECT, CE]
