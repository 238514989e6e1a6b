"""The simulated sender against the formulas of the literature: goodput under random loss, windows under regular loss.

A window here is what is acknowledged in a round trip, in segments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from random import Random

import pytest

from netwright.proto.tcp.congestion.cubic import ALPHA, BETA, C
from netwright.proto.tcp.settings import Settings
from netwright.sim.link import Path
from netwright.sim.loss import Bernoulli, Every, Loss
from netwright.sim.pair import Pair, send_all

RTT, SEGMENT, BUFFER = 0.1, 1448, 16 << 20
LINUX, EACH = 16, 1 << 30  # acknowledgements at the start that do not wait; all, so that b = 1


@dataclass(slots=True)
class Spread:
    """A loss after 1 to ``2 * mean - 1`` packets, evenly spread.

    Of RFC 9438's equal distances each W_max that the curve reaches before the next loss follows itself, so that the
    window a run ends with depends on the one it began with.  These forget it.
    """

    mean: int
    left: int = 0

    def __call__(self, random: Random) -> bool:
        if not self.left:
            self.left = random.randrange(1, 2 * self.mean)
        self.left -= 1
        return not self.left


def mean_window(
    control: str, loss: Loss, seconds: float, *, warm: float, seed: int = 1, quick_acks: int = LINUX
) -> float:
    """Segments a round trip, in ``seconds`` after the first ``warm`` ones."""
    settings = Settings(
        congestion=control, send_buffer=BUFFER, receive_buffer=BUFFER, window_scale=10, quick_acks=quick_acks
    )
    pair = Pair(
        client=settings, server=settings, there=Path(delay=RTT / 2, loss=loss), back=Path(delay=RTT / 2), seed=seed
    )
    pair.client.program = send_all(None)
    pair.run(until=warm)
    before = pair.client.endpoint.sender.snd_una
    pair.run(until=warm + seconds)
    return (pair.client.endpoint.sender.snd_una - before) / SEGMENT * RTT / seconds


def mathis(p: float) -> float:
    """Mathis, Semke, Mahdavi and Ott 1997, with one acknowledgement a segment, b = 1."""
    return sqrt(1.5 / p)


def cubic_response(p: float) -> float:
    """RFC 9438 §5.1, figure 6: the mean window of CUBIC alone, with one loss in 1/p segments."""
    return float((C * (3 + BETA) / (4 * (1 - BETA))) ** 0.25 * (RTT / p) ** 0.75)


def cubic_fluid(p: float) -> float:
    """The mean window of an epoch of 1/p segments that ends at the W_max it started with.

    RFC 9438 §5.1 has either W_cubic or W_est; between the two an epoch has both.  This takes the larger one of §4.2
    and §4.3 at any time, and looks for the W_max by bisection.
    """
    low, high = 1.0, 10 * cubic_response(p)
    while high - low > 0.01:
        w_max = (low + high) / 2
        segments, _ = _epoch(w_max)
        low, high = (w_max, high) if segments < 1 / p else (low, w_max)
    segments, seconds = _epoch(low)
    return segments * RTT / seconds


def _epoch(w_max: float) -> tuple[float, float]:
    k = (w_max * (1 - BETA) / C) ** (1 / 3)
    now = segments = 0.0
    while now < k and BETA * w_max + ALPHA * now / RTT < w_max:
        segments += max(w_max + C * (now - k) ** 3, BETA * w_max + ALPHA * now / RTT) / 100
        now += RTT / 100
    return segments, now


@pytest.mark.long
@pytest.mark.parametrize(("p", "seconds"), [(1e-3, 300.0), (3e-3, 200.0), (1e-2, 200.0), (3e-2, 300.0)])
def test_reno_s_goodput_under_random_loss_is_mathis_s_within_10_percent(p: float, seconds: float) -> None:
    """RFC 5681 §3.1; a receiver that waits for a second segment (b between 1 and 2) costs 7 % at p = 3 %."""
    assert mean_window("reno", Bernoulli(p), seconds, warm=10.0, quick_acks=EACH) == pytest.approx(mathis(p), rel=0.1)


@pytest.mark.truth
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("p", "seconds", "seeds"),
    [(3e-4, 400.0, 2), (1e-3, 400.0, 4), (3e-3, 300.0, 6), (1e-2, 200.0, 12), (3e-2, 200.0, 12)],
)
def test_reno_s_goodput_is_mathis_s_on_the_mean_of_seeds(p: float, seconds: float, seeds: int) -> None:
    """As above, from 0.03 % on."""
    windows = [
        mean_window("reno", Bernoulli(p), seconds, warm=10.0, seed=seed, quick_acks=EACH)
        for seed in range(1, seeds + 1)
    ]
    assert sum(windows) / seeds == pytest.approx(mathis(p), rel=0.1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("nth", "warm", "seconds", "expected"),
    [(1000, 20.0, 100.0, cubic_fluid), (3333, 30.0, 80.0, cubic_response)],
)
def test_cubic_s_window_under_regular_loss_is_the_rfc_s_within_5_percent(
    nth: int, warm: float, seconds: float, expected: Callable[[float], float]
) -> None:
    """RFC 9438 §5.1; with one loss in 1000 segments the Reno-friendly region has its share."""
    window = mean_window("cubic-rfc9438", Every(nth), seconds, warm=warm)
    assert window == pytest.approx(expected(1 / nth), rel=0.05)


@pytest.mark.truth
@pytest.mark.timeout(300)
def test_cubic_s_large_windows_are_the_rfc_s_within_5_percent() -> None:
    """RFC 9438 §5.1, p = 1e-4."""
    assert mean_window("cubic-rfc9438", Every(10_000), 300.0, warm=60.0) == pytest.approx(
        cubic_response(1e-4), rel=0.05
    )


@pytest.mark.truth
@pytest.mark.timeout(600)
@pytest.mark.parametrize("control", ["cubic", "cubic-rfc9438"])
@pytest.mark.parametrize(("mean", "seconds"), [(1000, 300.0), (3333, 400.0)])
def test_cubic_s_window_under_spread_loss_is_the_rfc_s_within_5_percent(
    control: str, mean: int, seconds: float
) -> None:
    """RFC 9438 §5.1, or §4.3's share where that is more (§5.2): Linux's arithmetic and the RFC's alike."""
    windows = [mean_window(control, Spread(mean), seconds, warm=60.0, seed=seed) for seed in range(1, 4)]
    expected = max(cubic_response(1 / mean), mathis(1 / mean))
    assert sum(windows) / len(windows) == pytest.approx(expected, rel=0.05)


@pytest.mark.long
def test_linux_s_cubic_is_a_sixth_above_the_rfc_s() -> None:
    """net/ipv4/tcp_cubic.c rounds targets up below W_max; a kernel's window on such a path was 97, the RFC's is 82."""
    assert mean_window("cubic", Every(3333), 60.0, warm=30.0) == pytest.approx(97.2, rel=0.03)


def test_the_fluid_is_the_formula_where_cubic_is_alone() -> None:
    """Two derivations of RFC 9438 §5.1, and of §4.3: 1.22 over the root of p."""
    assert cubic_fluid(1e-5) == pytest.approx(cubic_response(1e-5), rel=0.01)
    assert cubic_fluid(0.05) == pytest.approx(mathis(0.05), rel=0.1)
