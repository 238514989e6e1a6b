"""netwright.proto.tcp.congestion.hystart."""

import pytest

from netwright.proto.tcp.congestion.hystart import HyStart, HyStartPlus, SlowStart
from netwright.proto.tcp.congestion.window import INFINITE, Window


def window_of(cwnd: int) -> Window:
    window = Window(10)
    window.cwnd = cwnd
    return window


def round_trips(hystart: SlowStart, window: Window, start: int, *rounds: float, samples: int = 10) -> int:
    """A round of samples, far apart in time, for each given round trip; the next sequence number."""
    for number, rtt in enumerate(rounds):
        for sample in range(samples):
            hystart.sampled(window, rtt, start + 1, start + 100, now=number + sample / 100)
        start += 100
    return start


def test_linux_ends_slow_start_when_a_round_s_ninth_sample_is_long_as_well() -> None:
    """Ha and Rhee 2011, §3.3; tcp_cubic.c, HYSTART_DELAY: an eighth longer than the least round trip."""
    window, hystart = window_of(20), HyStart()
    end = round_trips(hystart, window, 0, 0.1)
    round_trips(hystart, window, end, 0.1130, samples=8)
    before = window.ssthresh
    round_trips(hystart, window, end, 0.1130, samples=1)
    assert (before, window.ssthresh) == (INFINITE, 20)


def test_linux_takes_one_short_sample_of_a_round_for_the_truth() -> None:
    """tcp_cubic.c, hystart_update: the least of a round counts."""
    window, hystart = window_of(20), HyStart()
    end = round_trips(hystart, window, 0, 0.1, 0.1124)
    hystart.sampled(window, 0.1, end + 1, end + 100, 5.0)
    round_trips(hystart, window, end, 0.2)
    assert window.ssthresh == INFINITE


@pytest.mark.parametrize(("paced", "ends_at"), [(False, 52), (True, 102)])
def test_linux_ends_slow_start_when_a_train_lasts_half_a_round_trip(paced: bool, ends_at: int) -> None:
    """Ha and Rhee 2011, §3.2; tcp_cubic.c, HYSTART_ACK_TRAIN: half of (100 + 1) ms; pacing takes the other half."""
    window, hystart = window_of(20), HyStart(paced=paced)
    for milliseconds in range(ends_at):
        assert window.ssthresh == INFINITE, milliseconds
        hystart.sampled(window, 0.1, 1, 100, milliseconds / 1000)
    assert window.ssthresh == INFINITE or milliseconds == ends_at - 1
    hystart.sampled(window, 0.1, 1, 100, ends_at / 1000)
    assert window.ssthresh == 20


def test_linux_does_not_join_trains_over_a_gap() -> None:
    """tcp_cubic.c, hystart_ack_delta_us: 2 ms."""
    window, hystart = window_of(20), HyStart()
    for number in range(40):
        hystart.sampled(window, 0.1, 1, 100, 0.0021 * number)
    assert window.ssthresh == INFINITE


def test_linux_does_not_judge_small_windows() -> None:
    """tcp_cubic.c, hystart_low_window."""
    window, hystart = window_of(15), HyStart()
    round_trips(hystart, window, 0, 0.1, 0.2, 0.3)
    assert window.ssthresh == INFINITE


def test_linux_judges_again_after_a_timeout_only() -> None:
    """tcp_cubic.c, bictcp_state: everything is forgotten in TCP_CA_Loss."""
    window, hystart = window_of(20), HyStart()
    end = round_trips(hystart, window, 0, 0.1, 0.2)
    window.ssthresh = 40
    end = round_trips(hystart, window, end, 0.2)
    before = window.ssthresh
    hystart.restart()
    round_trips(hystart, window, end, 0.1, 0.2)
    assert (before, window.ssthresh) == (40, 20)


def test_linux_counts_all_that_is_delivered() -> None:
    """RFC 9438 §4.10: until it ends, slow start is as ever."""
    assert HyStart().growth(window_of(20), 7) == 7


def test_growing_round_trips_make_slow_start_conservative() -> None:
    """RFC 9406 §4.2: an eighth more, measured in eight samples, and a quarter of the growth."""
    window, hystart = Window(10), HyStartPlus()
    end = round_trips(hystart, window, 0, 0.100, 0.110)
    before = hystart.conservative
    round_trips(hystart, window, end, 0.125)
    assert (before, hystart.conservative) == (False, True)
    assert [hystart.growth(window, 1) for _ in range(8)] == [0, 0, 0, 1, 0, 0, 0, 1]


def test_growth_that_was_noise_is_forgotten() -> None:
    """RFC 9406 §4.2: a round trip below the baseline resumes standard slow start."""
    window, hystart = Window(10), HyStartPlus()
    end = round_trips(hystart, window, 0, 0.1, 0.13)
    before = hystart.conservative
    round_trips(hystart, window, end, 0.11)
    assert (before, hystart.conservative) == (True, False)
    assert hystart.growth(window, 3) == 3


def test_five_conservative_rounds_end_slow_start() -> None:
    """RFC 9406 §4.3: CSS_ROUNDS."""
    window, hystart = Window(10), HyStartPlus()
    end = round_trips(hystart, window, 0, 0.1, 0.13)
    end = round_trips(hystart, window, end, 0.13, 0.13, 0.13, 0.13)
    before = window.in_slow_start
    round_trips(hystart, window, end, 0.13)
    assert (before, window.in_slow_start) == (True, False)


def test_few_samples_say_nothing() -> None:
    """RFC 9406 §4.3: N_RTT_SAMPLE."""
    window, hystart = Window(10), HyStartPlus()
    end = round_trips(hystart, window, 0, 0.1)
    round_trips(hystart, window, end, 0.5, samples=7)
    assert not hystart.conservative


def test_a_later_slow_start_is_not_judged() -> None:
    """RFC 9406 §4.3: after a timeout standard slow start is enough."""
    window, hystart = Window(10), HyStartPlus()
    hystart.restart()
    window.ssthresh = 40
    round_trips(hystart, window, 0, 0.1, 0.2, 0.3)
    assert not hystart.conservative
    assert hystart.growth(window, 3) == 3
