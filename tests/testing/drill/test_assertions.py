import pytest

from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.assertions import check, tcp_info
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError

FRESH = Endpoint(Settings(), iss=0)


def test_assertion_that_holds_says_nothing() -> None:
    check("\n  assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd\n  assert tcpi_unacked == 0 and True\n", FRESH, {}, 0.0)


def test_assertion_that_does_not_hold_shows_the_value() -> None:
    with pytest.raises(DrillError, match=r"tcpi_snd_cwnd < 10 does not hold: tcpi_snd_cwnd=10"):
        check("assert tcpi_snd_cwnd < 10", FRESH, {}, 0.0)


@pytest.mark.parametrize("code", ["import os", "assert tcpi_fackets == 1", "assert (lambda: 1)()", "assert [", "x = y"])
def test_more_than_assertions_is_not_run(code: str) -> None:
    with pytest.raises(UnsupportedError):
        check(code, FRESH, {}, 0.0)


def test_numbers_are_in_the_kernels_units() -> None:
    assert tcp_info(FRESH, 0.0)["tcpi_rto"] == 1_000_000
