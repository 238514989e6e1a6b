"""netwright.proto.tcp.congestion.hystart."""

from netwright.proto.tcp.congestion.hystart import HyStart
from netwright.proto.tcp.congestion.window import INFINITE, Window
from netwright.proto.tcp.settings import Settings


def round_trips(hystart: HyStart, window: Window, start: int, *rounds: float) -> int:
    """A round of ten samples for each given round trip; the next sequence number."""
    for rtt in rounds:
        for _ in range(10):
            hystart.sampled(window, rtt, start + 1, start + 100)
        start += 100
    return start


def test_growing_round_trips_make_slow_start_conservative() -> None:
    """RFC 9406 §4.2: 8 samples, and more than max(4 ms, min(lastRTT / 8, 16 ms))."""
    window, hystart = Window(Settings()), HyStart()
    end = round_trips(hystart, window, 0, 0.100, 0.110)
    before = hystart.conservative
    round_trips(hystart, window, end, 0.125)
    assert (before, hystart.conservative) == (False, True)
    assert [hystart.growth(1) for _ in range(8)] == [0, 0, 0, 1, 0, 0, 0, 1]


def test_growth_that_was_noise_is_forgotten() -> None:
    """RFC 9406 §4.2: below the baseline, standard slow start resumes."""
    window, hystart = Window(Settings()), HyStart()
    end = round_trips(hystart, window, 0, 0.1, 0.13)
    before = hystart.conservative
    round_trips(hystart, window, end, 0.11)
    assert (before, hystart.conservative) == (True, False)
    assert hystart.growth(3) == 3
    assert window.ssthresh == INFINITE


def test_five_conservative_rounds_end_slow_start() -> None:
    """RFC 9406 §4.3: CSS_ROUNDS."""
    window, hystart = Window(Settings()), HyStart()
    end = round_trips(hystart, window, 0, 0.1, 0.13)
    end = round_trips(hystart, window, end, 0.13, 0.13, 0.13, 0.13)
    assert window.ssthresh == INFINITE
    round_trips(hystart, window, end, 0.13)
    assert window.ssthresh == window.cwnd


def test_few_samples_say_nothing() -> None:
    """RFC 9406 §4.2: N_RTT_SAMPLE."""
    window, hystart = Window(Settings()), HyStart()
    end = round_trips(hystart, window, 0, 0.1)
    for _ in range(7):
        hystart.sampled(window, 0.5, end + 1, end + 100)
    assert not hystart.conservative
