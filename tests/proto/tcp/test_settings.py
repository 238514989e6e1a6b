"""netwright.proto.tcp.settings."""

from typing import Any

import pytest

from netwright.core.errors import UsageError
from netwright.proto.tcp.settings import Settings


def test_defaults_are_linux() -> None:
    """RFC 6298 §2.1 (1 s), RFC 6928 (10 segments); Linux: 0.2 s, CUBIC, 6 and 5 repeats of a SYN, 60 s TIME-WAIT."""
    settings = Settings()
    assert (settings.rto_initial, settings.rto_min, settings.initial_window) == (1.0, 0.2, 10)
    assert (settings.congestion, settings.syn_retries, settings.synack_retries) == ("cubic", 6, 5)
    assert (settings.time_wait, settings.fin_timeout, settings.delayed_ack) == (60.0, 60.0, 0.04)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mss": 63},
        {"mss": 65536},
        {"receive_buffer": 0},
        {"receive_buffer": 100, "window_scale": 7},  # RFC 7323 §2.2: a scaled window of 0 would be all it could say
        {"window_scale": 15},  # RFC 7323 §2.3: 14 at most
        {"rto_max": 0.1},
        {"ecn": "on"},
        {"congestion": "vegas"},
        {"reassembly_limit": 0},
        {"delayed_ack": 0.0},
    ],
)
def test_a_value_out_of_range_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(wrong))}=|window_scale="):
        Settings(**wrong)
