"""netwright.proto.tcp.congestion.bbr: through an endpoint and a link whose bandwidth and delay are known."""

import pytest

from netwright.proto.tcp.congestion.bbr import CYCLE, Bbr, Mode
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.settings import Settings
from tests.support.tcp_pair import Link, Pair, random_fate

RATE, DELAY = 1.25e6, 0.02  # 10 Mbit/s, 40 ms both ways
PACKETS = RATE / 1500  # a second


def run(seconds: float, *, queue: int = 500_000, loss: float = 0.0, congestion: str = "bbr") -> Pair:
    """A bulk transfer, watched for its modes and round trips."""
    pair = Pair(
        Settings(congestion=congestion, send_buffer=4 << 20),
        Settings(receive_buffer=4 << 20),
        there=Link(DELAY, rate=RATE, queue=queue, fate=random_fate(1, loss=loss)),
        back=Link(DELAY),
    ).connect()
    pair.left.to_send = bytes(int(seconds * RATE * 2))
    pair.run(until=pair.now + seconds)
    return pair


def bbr_of(pair: Pair) -> Bbr:
    bbr = pair.left.endpoint.sender.bbr
    assert bbr is not None
    return bbr


def utilisation(pair: Pair, seconds: float) -> float:
    return len(pair.right.received) * 1500 / 1448 / RATE / seconds


def test_the_model_finds_bandwidth_and_propagation() -> None:
    """draft-cardwell-iccrg-bbr-congestion-control-00 §4.1.1, §4.1.2."""
    bbr = bbr_of(run(8.0))
    assert bbr.mode is Mode.PROBE_BW
    assert bbr.bandwidth == pytest.approx(PACKETS, rel=0.05)
    assert 2 * DELAY <= bbr.propagation < 2 * DELAY + 0.005


def test_a_deep_queue_stays_short_and_the_link_full() -> None:
    """§1: where loss-based control fills any buffer, the queue here is a fraction of a round trip."""
    pair = run(10.0)
    assert utilisation(pair, 10.0) > 0.93
    assert pair.left.endpoint.sender.rtt.srtt < 1.5 * 2 * DELAY
    assert run(10.0, congestion="cubic").left.endpoint.sender.rtt.srtt > 3 * 2 * DELAY


def test_random_loss_costs_little() -> None:
    """§1: loss is no signal; at 1 % CUBIC has a third of this link."""
    assert utilisation(run(10.0, loss=0.01), 10.0) > 0.85
    assert utilisation(run(10.0, loss=0.01, congestion="cubic"), 10.0) < 0.5


def test_modes_come_in_their_order() -> None:
    """§4.3: startup, drain, probing bandwidth, and after 10 s a look at the round trip."""
    pair = Pair(
        Settings(congestion="bbr", send_buffer=4 << 20),
        Settings(receive_buffer=4 << 20),
        there=Link(DELAY, rate=RATE, queue=500_000),
        back=Link(DELAY),
    )
    modes: list[Mode] = []
    windows: dict[Mode, int] = {}

    def check(endpoint: Endpoint, now: float) -> None:
        mode = bbr_of(pair).mode
        if not modes or modes[-1] is not mode:
            modes.append(mode)
        windows[mode] = endpoint.sender.window.cwnd

    pair.left.check = check
    pair.connect()
    pair.left.to_send = bytes(30_000_000)
    pair.run(until=12.0)
    assert modes == [Mode.STARTUP, Mode.DRAIN, Mode.PROBE_BW, Mode.PROBE_RTT, Mode.PROBE_BW]
    assert windows[Mode.PROBE_RTT] == 4
    assert sum(CYCLE) == len(CYCLE)  # §4.3.4.1: on average the rate is the bandwidth


def test_everything_arrives_though_a_fifth_is_lost() -> None:
    """§4.2.3.4: recovery and timeouts are the same machine's."""
    pair = Pair(Settings(congestion="bbr"), there=Link(DELAY, rate=RATE, fate=random_fate(3, loss=0.2))).connect()
    pair.left.to_send = bytes(200_000)
    pair.run(until=300.0, stop=lambda: len(pair.right.received) == 200_000)
    assert len(pair.right.received) == 200_000


def test_a_program_with_little_to_say_does_not_lower_the_model() -> None:
    """§4.1.1.4: application-limited samples count only if they raise the bandwidth."""
    pair = run(5.0)
    known = bbr_of(pair).bandwidth
    while pair.left.endpoint.sender.unsent or pair.left.endpoint.sender.board.out:
        pair.left.to_send = pair.left.to_send[: pair.left.offset]
        pair.run(until=pair.now + 1.0)
    for _ in range(20):
        pair.left.to_send += bytes(100)
        pair.run(until=pair.now + 0.1)
    assert bbr_of(pair).bandwidth == pytest.approx(known, rel=0.05)
