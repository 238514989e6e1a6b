"""netwright.proto.tcp.nagle."""

import pytest

from netwright.proto.tcp.nagle import reason_to_wait


@pytest.mark.parametrize(
    ("size", "available", "changed", "reason"),
    [
        (0, 10, {}, "silly window"),
        (400, 1000, {}, "silly window"),
        (500, 1000, {}, ""),  # half of the largest window, RFC 9293 §3.8.6.2.1 rule 3
        (100, 100, {}, ""),
        (100, 100, {"small_out": True}, "Nagle"),  # §3.7.4
        (100, 100, {"small_out": True, "nodelay": True}, ""),  # MUST-17
        (100, 100, {"corked": True}, "cork"),
        (100, 100, {"corked": True, "small_out": True, "finishing": True}, ""),
    ],
)
def test_a_small_segment_waits_for_a_reason(size: int, available: int, changed: dict[str, bool], reason: str) -> None:
    """RFC 9293 §3.8.6.2.1, §3.7.4."""
    flags = {"finishing": False, "corked": False, "nodelay": False, "small_out": False, **changed}
    assert reason_to_wait(size, available, largest_window=1000, **flags) == reason
