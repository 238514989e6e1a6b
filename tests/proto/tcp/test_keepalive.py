"""netwright.proto.tcp.keepalive."""

from math import inf

from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.events import End
from netwright.proto.tcp.keepalive import Due, KeepAliveTimer
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from tests.support.tcp_dialogue import established


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


def test_a_user_timeout_takes_the_place_of_the_count() -> None:
    """RFC 5482 §4.2, Linux tcp_keepalive_timer: not before the first probe."""
    for user_timeout, last in ((22.0, 25.0), (25.0, 25.0), (25.1, 30.0), (3.0, 15.0)):
        timer = KeepAliveTimer()
        timer.start(KeepAlive(10, 5, 100), 0.0)
        while timer.due(at := timer.at, 0.0, busy=False, user_timeout=user_timeout) is not Due.GIVE_UP:
            pass
        assert at == last


def test_a_peer_that_answered_once_is_probed_as_often_the_second_time() -> None:
    """MUST-28: a probe without an answer is no proof; the count begins anew."""
    talk = established(Settings(keepalive=KeepAlive(10, 5, 3), timestamps=False, window_scale=None))
    for _ in range(3):
        talk.wait(10.0 + 2 * 5.0 + 0.1)
        assert [segment.seq for segment in talk.skip()] == [0, 0, 0]
        talk.hear(". 1:1 ack 1")
    talk.wait(10.0 + 2 * 5.0 + 0.1)
    assert len(talk.skip()) == 3
    assert talk.endpoint.state is State.ESTABLISHED
    talk.wait(5.0)
    assert talk.endpoint.end is End.SILENT


def test_a_forged_reset_does_not_keep_a_dead_connection_alive() -> None:
    """RFC 5961 §3.2: it is dropped, and so is not a sign of life."""
    talk = established(Settings(keepalive=KeepAlive(10, 10, 3), timestamps=False, window_scale=None))
    for _ in range(9):
        talk.wait(5.0)
        talk.hear("R 500000000:500000000")
    assert talk.endpoint.end is End.SILENT


def test_nothing_is_left_of_the_timer_when_the_connection_waits() -> None:
    """In TIME-WAIT nobody probes."""
    talk = established(Settings(keepalive=KeepAlive(10, 10, 3), timestamps=False, window_scale=None))
    talk.endpoint.send_eof(talk.now)
    talk.hear("F. 1:1 ack 2")
    talk.skip()
    talk.wait(59.0)
    talk.quiet()
    talk.wait(2.0)
    assert (talk.endpoint.end, talk.endpoint.deadline) == (End.CLOSED, None)


def test_half_closed_connections_end_a_minute_after_close() -> None:
    """``send_eof``, the peer's ACK, ``close``: FIN-WAIT-2 of a program that is gone has an end (tcp_fin_timeout)."""
    talk = established(Settings(timestamps=False, window_scale=None))
    talk.endpoint.send_eof(talk.now)
    talk.hear(". 1:1 ack 2")
    talk.wait(600.0)
    assert talk.endpoint.state is State.FIN_WAIT_2
    talk.endpoint.close(talk.now)
    talk.wait(30.0)
    talk.endpoint.close(talk.now)
    talk.wait(29.9)
    assert talk.endpoint.state is State.FIN_WAIT_2
    talk.wait(0.2)
    assert (talk.endpoint.end, talk.endpoint.deadline) == (End.CLOSED, None)
