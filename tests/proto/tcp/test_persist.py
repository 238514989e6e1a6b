"""netwright.proto.tcp.persist: RFC 9293 §3.8.6.1."""

from math import inf

import pytest

from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.events import End
from netwright.proto.tcp.persist import Persist
from netwright.proto.tcp.rtt import RoundTrip
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from tests.support.tcp_dialogue import Dialogue, established


def made() -> Persist:
    settings = Settings(rto_initial=1.0, rto_max=60.0)
    return Persist(settings, RoundTrip(settings))


def test_the_interval_doubles_up_to_the_largest_rto() -> None:
    """MUST-36, MUST-37: exponential back-off."""
    persist, waits = made(), []
    persist.begin(10.0)
    for _ in range(9):
        waits.append(persist.next_at(None, 10.0) - 10.0)
        persist.back_off(10.0, 10.0)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_the_second_closed_window_begins_anew() -> None:
    persist = made()
    persist.begin(0.0)
    for _ in range(5):
        persist.back_off(0.0, 1.0)
    assert persist.unanswered == 5
    persist.end()
    assert (persist.since, persist.unanswered) == (inf, 0)
    persist.begin(100.0)
    assert persist.next_at(None, 100.0) == 101.0
    assert not persist.is_over(3.0, 102.9)
    assert persist.is_over(3.0, 103.0)


@pytest.mark.parametrize(
    ("now", "at", "over"), [(0.0, 1.0, False), (2.5, 3.0, False), (3.0, 3.0, True), (9.0, 9.0, True)]
)
def test_the_user_timeout_counts_from_the_first_moment(now: float, at: float, over: bool) -> None:
    """RFC 5482 §4."""
    persist = made()
    persist.begin(0.0)
    persist.begin(2.0)
    assert (persist.next_at(3.0, now), persist.is_over(3.0, now)) == (at, over)
    assert not persist.is_over(None, 1e9)


def test_an_answer_begins_the_count_of_unanswered_probes_anew() -> None:
    persist = made()
    for heard_at, now, unanswered in (
        (-inf, 1.0, 1),
        (-inf, 2.0, 2),
        (2.5, 3.0, 1),
        (2.5, 4.0, 2),
        (4.5, 5.0, 1),
        (5.0, 6.0, 1),
    ):
        persist.back_off(heard_at, now)
        assert persist.unanswered == unanswered


def closed(**changed: object) -> Dialogue:
    """The peer has acknowledged 1000 bytes and closed its window; 1000 more wait."""
    values = {"timestamps": False, "window_scale": None, "mss": 1000, "rto_min": 1.0, **changed}
    talk = established(Settings(**values))  # type: ignore[arg-type]  # by name
    close_window(talk, 1001)
    return talk


def close_window(talk: Dialogue, ack: int) -> None:
    talk.send(1000)
    talk.skip()
    talk.hear(f". 1:1 ack {ack} win 0")
    talk.send(1000)


def test_a_peer_that_died_behind_a_closed_window_is_found() -> None:
    """RFC 9293 §3.8.3, Linux tcp_probe_timer: as many probes without an answer as there would be retransmissions."""
    talk = closed(retries=5)
    talk.wait(63 * 1.01 - 0.1)  # probes after 1.01 s, twice, 4, 8 and 16 times that; then 32 times
    assert talk.endpoint.state is State.ESTABLISHED
    assert len(talk.skip()) == 5
    talk.wait(0.2)
    assert talk.endpoint.end is End.TIMED_OUT


@pytest.mark.parametrize("way", ["close", "keepalive"])
def test_nothing_else_keeps_it_alive(way: str) -> None:
    """In FIN-WAIT-1, and where a keepalive leaves it to the persist timer, which has data to send."""
    talk = closed(keepalive=KeepAlive(10, 10, 3) if way == "keepalive" else None)
    if way == "close":
        talk.endpoint.close(talk.now)
    talk.wait(3600.0)
    assert (talk.endpoint.state, talk.endpoint.deadline) == (State.CLOSED, None)


def test_a_peer_that_answers_may_keep_its_window_closed_for_days() -> None:
    """RFC 9293 §3.8.6.1 (MUST-37)."""
    talk = closed(retries=3)
    for _ in range(100):
        talk.wait(talk.endpoint.sender.timer_at - talk.now + 1e-6)
        assert len(talk.skip()) == 1
        talk.hear(". 1:1 ack 1001 win 0")
    assert talk.now > 3 * 3600
    assert talk.endpoint.state is State.ESTABLISHED


def test_the_second_closed_window_is_probed_as_soon_as_the_first() -> None:
    """The back-off of the first is over."""
    talk = closed()
    for _ in range(4):
        talk.wait(talk.endpoint.sender.timer_at - talk.now + 1e-6)
        talk.hear(". 1:1 ack 1001 win 0")
    talk.hear(". 1:1 ack 1001 win 65535")
    talk.skip()
    talk.hear(". 1:1 ack 2001 win 65535")
    close_window(talk, 3001)
    talk.quiet()
    talk.wait(talk.endpoint.sender.rtt.rto + 0.001)
    talk.say(". 3000:3000 ack 1")


def test_two_closed_windows_have_a_user_timeout_each() -> None:
    """RFC 5482 §4: time in which data went through does not count."""
    talk = closed(user_timeout=10.0)
    talk.wait(8.0)
    talk.hear(". 1:1 ack 1001 win 65535")
    talk.skip()
    talk.wait(0.1)
    talk.hear(". 1:1 ack 2001 win 65535")
    close_window(talk, 3001)
    talk.wait(9.9)
    assert talk.endpoint.state is State.ESTABLISHED
    talk.wait(0.2)
    assert talk.endpoint.end is End.USER_TIMEOUT


def test_a_window_closed_with_data_in_flight_does_not_kill_a_peer_that_answers() -> None:
    """RFC 9293 SHLD-17; Linux tcp_rtx_probe0_timed_out."""
    talk = established(Settings(timestamps=False, window_scale=None, mss=1000, retries=3))
    talk.send(1000)
    talk.hear(". 1:1 ack 1 win 0")
    for _ in range(30):
        talk.wait(121.0)
        assert talk.skip()
        talk.hear(". 1:1 ack 1 win 0")
    assert talk.endpoint.state is State.ESTABLISHED
    talk.hear(". 1:1 ack 1001 win 65535")
    assert talk.endpoint.sender.board.out == 0


def test_a_dead_peer_behind_a_shrunk_window_is_found_after_two_of_the_largest_rto() -> None:
    """Linux: TCP_RTO_MAX * 2 since the peer was heard."""
    talk = established(Settings(timestamps=False, window_scale=None, mss=1000, retries=3, rto_max=20.0))
    talk.send(1000)
    talk.hear(". 1:1 ack 1 win 0")
    talk.wait(39.0)
    assert talk.endpoint.state is State.ESTABLISHED
    talk.wait(60.0)
    assert talk.endpoint.end is End.TIMED_OUT
