import math
from typing import Any

import pytest

from netwright.core.errors import UsageError
from netwright.core.limits import STANDARD, UNLIMITED, Limits, check_drain


def test_standard_bounds_every_stage_and_the_count() -> None:
    assert None not in (STANDARD.first_byte, STANDARD.idle, STANDARD.frame, STANDARD.send)
    assert STANDARD.max_connections == 10_000


def test_unlimited_still_bounds_a_close() -> None:
    assert (UNLIMITED.idle, UNLIMITED.send, UNLIMITED.max_connections) == (None, None, 0)
    assert UNLIMITED.close > 0


@pytest.mark.parametrize("name", ["first_byte", "lifetime", "max_connections", "accept_rate"])
def test_negative_bound_is_the_callers_error(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}=-1"):
        Limits(**{name: -1})
    with pytest.raises(UsageError, match=f"{name}=nan"):
        Limits(**dict[str, Any]({name: math.nan}))


@pytest.mark.parametrize(
    ("name", "value"), [("idle", "1"), ("max_connections", 1.5), ("max_per_host", True), ("outbox", None)]
)
def test_a_bound_of_the_wrong_type_is_the_callers_error(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"{name}={value!r}, .*0 or more allowed"):
        Limits(**dict[str, Any]({name: value}))


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, None, "1"])
def test_a_drain_needs_an_end(value: object) -> None:
    with pytest.raises(UsageError, match="0 or more and finite allowed"):
        check_drain(value)
