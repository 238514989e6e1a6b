import pytest

from netwright.core.errors import UsageError
from netwright.core.tuning import BULK, INTERACTIVE, Tuning


def test_defaults_are_the_measured_ones() -> None:
    assert INTERACTIVE.nodelay
    assert INTERACTIVE.notsent_lowat == 16384
    assert BULK.notsent_lowat == 0


@pytest.mark.parametrize("name", ["notsent_lowat", "user_timeout", "backlog"])
def test_negative_value_names_the_knob(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        Tuning(**{name: -1})  # type: ignore[arg-type]  # the name is the parameter
