from typing import Any

import pytest

from netwright.core.errors import UsageError
from netwright.core.tuning import BULK, INTERACTIVE, KeepAlive, Tuning


def test_defaults_are_the_measured_ones() -> None:
    assert INTERACTIVE.nodelay
    assert INTERACTIVE.notsent_lowat == 16384
    assert BULK.notsent_lowat == 0


@pytest.mark.parametrize("name", ["notsent_lowat", "user_timeout", "backlog"])
def test_negative_value_names_the_knob(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        Tuning(**{name: -1})  # type: ignore[arg-type]  # the name is the parameter


@pytest.mark.parametrize(
    "values",
    [
        {"idle": 15.5},
        {"idle": 0},
        {"idle": 86_400},
        {"interval": 32_768},
        {"count": 128},
        {"count": True},
    ],
    ids=str,
)
def test_probe_that_no_kernel_sends_is_refused(values: dict[str, Any]) -> None:
    """tcp(7) and MAX_TCP_KEEPIDLE; setsockopt would refuse it, or cut it to an integer."""
    with pytest.raises(UsageError, match=rf"KeepAlive\.{next(iter(values))}="):
        KeepAlive(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"user_timeout": 3e6},
        {"user_timeout": 0.0004},
        {"user_timeout": float("nan")},
        {"notsent_lowat": 1 << 33},
        {"notsent_lowat": 1.5},
        {"backlog": 1 << 40},
        {"nodelay": "no"},
        {"congestion": "a" * 16},
        {"unix_mode": 0o1000},
        {"options": ((1, 2),)},
    ],
    ids=str,
)
def test_value_that_no_kernel_takes_is_refused_and_named(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(values))):
        Tuning(**values)
