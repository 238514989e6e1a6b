"""netwright.proto.tcp.rtt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.settings import Settings


def test_first_sample_sets_srtt_and_half_of_it_as_variation() -> None:
    """RFC 6298 §2.2."""
    rtt = RoundTrip(Settings())
    assert rtt.rto == 1.0
    rtt.sample(0.1, 0.0)
    assert (rtt.srtt, rtt.rttvar) == (0.1, 0.05)
    assert rtt.rto == pytest.approx(0.3)


def test_later_samples_move_variation_before_srtt() -> None:
    """RFC 6298 §2.3: RTTVAR uses SRTT of before."""
    rtt = RoundTrip(Settings())
    rtt.sample(0.1, 0.0)
    rtt.sample(0.2, 0.1)
    assert rtt.rttvar == pytest.approx(0.75 * 0.05 + 0.25 * 0.1)
    assert rtt.srtt == pytest.approx(0.1125)


def test_a_steady_path_keeps_the_least_variation() -> None:
    """RFC 6298 §2.4 has 1 s as least; Linux, followed here, has srtt + 0.2 s."""
    rtt = RoundTrip(Settings())
    for number in range(200):
        rtt.sample(0.05, number)
    assert rtt.rto == pytest.approx(0.25)


def test_back_off_doubles_up_to_the_most() -> None:
    """RFC 6298 §5.5, §2.5."""
    rtt = RoundTrip(Settings(rto_max=3.0))
    seen = []
    for _ in range(4):
        seen.append(rtt.timeout)
        rtt.back_off()
    assert seen == [1.0, 2.0, 3.0, 3.0]


def test_rto_is_three_seconds_after_a_lost_syn_without_sample() -> None:
    """RFC 6298 §5.7."""
    rtt = RoundTrip(Settings())
    rtt.syn_was_repeated()
    assert rtt.rto == 3.0
    rtt.sample(0.1, 0.0)
    rtt.syn_was_repeated()
    assert rtt.rto < 1.0


def test_minimum_forgets_after_its_window() -> None:
    """RFC 8985 §6.2 step 1: min_RTT is windowed, so that a longer path is believed in the end."""
    rtt = RoundTrip(Settings())
    rtt.sample(0.01, 0.0)
    rtt.sample(0.1, 299.0)
    assert rtt.minimum == 0.01
    rtt.sample(0.1, 301.0)
    assert rtt.minimum == 0.1


def test_patience_of_15_retries_is_linux_924_seconds() -> None:
    """RFC 9293 §3.8.3 (R2 at least 100 s); Linux tcp(7), tcp_retries2: 924.6 s with the least RTO of 0.2 s."""
    assert RoundTrip(Settings()).patience(15) == pytest.approx(924.6)


@given(st.lists(st.floats(1e-6, 100.0), min_size=1, max_size=60))
def test_rto_stays_between_its_limits(samples: list[float]) -> None:
    """RFC 6298 §2.4, §2.5."""
    rtt = RoundTrip(Settings())
    for at, seconds in enumerate(samples):
        rtt.sample(seconds, at)
        assert 0.2 < rtt.rto <= 120.0
        assert min(samples) - 1e-9 <= rtt.srtt <= max(samples) + 1e-9
