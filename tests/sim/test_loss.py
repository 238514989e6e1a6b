from random import Random

import pytest

from netwright.core.errors import UsageError
from netwright.sim.loss import Bernoulli, Every, GilbertElliott, Numbered


def draws(model: object, count: int, seed: int = 1) -> list[bool]:
    random = Random(seed)
    assert callable(model)
    return [model(random) for _ in range(count)]


def test_bernoulli_loses_its_share() -> None:
    assert 900 < sum(draws(Bernoulli(0.1), 10_000)) < 1100
    assert not any(draws(Bernoulli(0.0), 100))
    assert all(draws(Bernoulli(1.0), 100))


def test_bursts_have_the_length_that_was_asked_for() -> None:
    """Gilbert 1960: sojourn in the bad state is geometric, mean 1 / to_good; share of time bad is a / (a + b)."""
    lost = draws(GilbertElliott(to_bad=0.01, to_good=0.25), 200_000)
    bursts = sum(after and not before for before, after in zip([False, *lost], lost, strict=False))
    assert sum(lost) / bursts == pytest.approx(4.0, rel=0.1)
    assert sum(lost) / len(lost) == pytest.approx(0.01 / 0.26, rel=0.1)


def test_every_nth_is_lost() -> None:
    assert draws(Every(3), 7) == [False, False, True, False, False, True, False]


def test_numbered_packets_are_lost() -> None:
    assert draws(Numbered({1, 4}), 5) == [True, False, False, True, False]


@pytest.mark.parametrize("make", [lambda: Bernoulli(2), lambda: GilbertElliott(0.1, -1), lambda: Every(0)])
def test_value_that_is_no_probability_is_named(make: object) -> None:
    assert callable(make)
    with pytest.raises(UsageError, match="allowed"):
        make()
