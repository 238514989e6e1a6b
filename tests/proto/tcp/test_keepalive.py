"""netwright.proto.tcp.keepalive."""

from math import inf

from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.keepalive import Due, KeepAliveTimer


def test_probes_follow_silence_and_end_in_giving_up() -> None:
    """RFC 9293 §3.8.4 (MUST-26, MUST-27)."""
    timer, asked = KeepAliveTimer(), []
    timer.start(KeepAlive(10, 5, 2), 0.0)
    while timer.at != inf and Due.GIVE_UP not in asked:
        at = timer.at
        asked.append(timer.due(at, 0.0, busy=False))
    assert asked == [Due.PROBE, Due.PROBE, Due.GIVE_UP]
    assert at == 20.0


def test_what_was_heard_or_is_in_flight_postpones() -> None:
    """RFC 9293 §3.8.4: only when no data or acknowledgements came within the interval."""
    timer = KeepAliveTimer()
    timer.start(KeepAlive(10, 5, 2), 0.0)
    assert timer.due(10.0, 4.0, busy=False) is Due.NOTHING
    assert timer.at == 14.0
    assert timer.due(14.0, 4.0, busy=True) is Due.NOTHING
    assert timer.at == 24.0


def test_never_started_is_never_due() -> None:
    """RFC 9293 §3.8.4 (MUST-25): off by default."""
    timer = KeepAliveTimer()
    timer.start(None, 0.0)
    assert timer.at == inf
