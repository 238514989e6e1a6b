"""netwright.proto.tcp.congestion.bbr: through an endpoint and a link whose bandwidth and delay are known."""

import pytest

from netwright.proto.tcp.congestion.bbr import CYCLE, Bbr, Mode
from netwright.proto.tcp.congestion.control import PathSample
from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.delivery import RateSample
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.settings import Settings
from tests.support.tcp_pair import Link, Pair, random_fate

RATE, DELAY = 1.25e6, 0.02  # 10 Mbit/s, 40 ms both ways
PACKETS = RATE / 1500  # a second

pytestmark = pytest.mark.long


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
    bbr = pair.left.endpoint.sender.control
    assert isinstance(bbr, Bbr)
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


class Steering:
    """A model that is told everything by hand: 100 segments a second, 100 ms, so that 10 fill the pipe."""

    def __init__(self) -> None:
        self.bbr, self.window = Bbr(10), Window(10)
        self.now, self.total = 1.0, 0

    def steer(self, *, wait: float = 0.11, limited: bool = False, recovering: bool = False, **seen: int) -> None:
        """An acknowledgement that starts a round, unless ``delivered`` is named."""
        self.now += wait
        prior = self.total if "delivered" not in seen else -1
        values = {"delivered": 10, "lost": 0, "prior_flight": 10, "in_flight": 10, **seen}
        self.total += values["delivered"]
        path = PathSample(total=self.total, rtt=0.1, **values)
        sample = RateSample(100.0 if prior >= 0 else 0.0, prior, limited)
        self.bbr.steer(self.window, sample, path, recovering=recovering, now=self.now)

    def probing(self) -> "Steering":
        """Until the bandwidth is known and the cycle has come to its high gain."""
        for _ in range(50):
            self.steer(in_flight=0 if self.bbr.mode is Mode.DRAIN else 10)
            if self.bbr.mode is Mode.PROBE_BW and self.gain() > 1.2:
                return self
        raise AssertionError(self.bbr)

    def gain(self) -> float:
        return 1 / self.bbr.interval(self.window, 0.1) / 99.0


def test_rounds_of_a_limited_program_do_not_fill_the_pipe() -> None:
    """§4.3.2.2: only rounds in which the sender tried say that the bandwidth has stopped growing."""
    model = Steering()
    for _ in range(10):
        model.steer(limited=True)
    assert model.bbr.mode is Mode.STARTUP
    for _ in range(4):
        model.steer()
    assert model.bbr.mode is not Mode.STARTUP


def test_high_gain_lasts_a_round_trip_even_if_something_is_lost() -> None:
    """§4.3.4.3: at least RTprop, then until the queue was seen or something was lost."""
    model = Steering().probing()
    model.steer(wait=0.01, lost=1, delivered=1)
    assert model.gain() == pytest.approx(1.25)
    model.steer(wait=0.11, lost=1, delivered=1)
    assert model.gain() == pytest.approx(0.75)


def test_the_window_is_two_pipes_and_a_little() -> None:
    """§4.2.3.2: cwnd_gain * BtlBw * RTprop + 3 * send_quantum; it grows no further."""
    model = Steering().probing()
    for _ in range(5):
        model.steer()
    assert model.window.cwnd == 2 * 10 + 3


def test_recovery_begins_with_a_round_of_packet_conservation() -> None:
    """§4.2.3.4: what is lost leaves the window; the window of before comes back at the end."""
    model = Steering().probing()
    before = model.window.cwnd
    model.steer(recovering=True, delivered=1, in_flight=20)
    assert model.window.cwnd == 21
    model.steer(recovering=True, delivered=1, in_flight=10, lost=3)
    assert model.window.cwnd == 18
    model.steer(delivered=1, in_flight=10)
    assert model.window.cwnd == before


def test_a_silence_of_the_program_is_no_reason_to_probe_the_round_trip() -> None:
    """§4.3.4.4, §4.3.5: an idle path has no queue, so the filter is as good as new."""
    for resumes, mode in ((True, Mode.PROBE_BW), (False, Mode.PROBE_RTT)):
        model = Steering().probing()
        if resumes:
            model.bbr.resumed(20.0)
        model.steer(wait=20.0)
        assert model.bbr.mode is mode


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
