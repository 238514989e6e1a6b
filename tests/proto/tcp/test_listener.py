"""netwright.proto.tcp.listener."""

from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import End
from netwright.proto.tcp.listener import Listener
from netwright.proto.tcp.segment import ACK, FIN, RST, SYN, Segment
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from tests.support import books


def listener_of(**limits: int) -> Listener:
    return Listener(Settings(), draw=lambda peer: (0, 0), **limits)  # type: ignore[arg-type]  # limits are int


def syn(seq: int = 100) -> Segment:
    return Segment(seq, 0, SYN, 65535)


def finish(listener: Listener, peer: Hashable, now: float = 0.1) -> Endpoint | None:
    """SYN and the last ACK of a handshake."""
    listener.receive(peer, syn(), now)
    return listener.receive(peer, Segment(101, 1, ACK, 65535), now)


def test_a_handshake_ends_in_the_accept_queue() -> None:
    """RFC 9293 §3.10.7.2, §3.10.7.4."""
    listener = listener_of()
    assert listener.receive("a", syn(), 0.0) is None
    ((peer, answer),) = listener.take_segments()
    assert (peer, answer.flags, answer.ack) == ("a", SYN | ACK, 101)
    endpoint = listener.receive("a", Segment(101, 1, ACK, 65535), 0.1)
    assert endpoint is not None
    assert endpoint.state is State.ESTABLISHED
    assert listener.accept() == ("a", endpoint)
    assert listener.accept() is None


def test_other_segments_are_refused() -> None:
    """RFC 9293 §3.10.7.2: an ACK gets RST, anything else nothing."""
    listener = listener_of()
    listener.receive("a", Segment(5, 9, ACK, 0), 0.0)
    listener.receive("b", Segment(5, 0, RST, 0), 0.0)
    listener.receive("c", Segment(5, 0, FIN, 0), 0.0)
    listener.receive("d", Segment(5, 0, SYN | FIN, 0), 0.0)
    assert listener.take_segments() == [("a", Segment(9, 0, RST, 0))]


def test_syn_ack_is_repeated_and_then_forgotten() -> None:
    """RFC 9293 §3.8.3; Linux, tcp_synack_retries: 5 repeats, at 1, 3, 7, 15 and 31 s."""
    listener, times = listener_of(), []
    listener.receive("a", syn(), 0.0)
    listener.take_segments()
    while (at := listener.deadline) is not None:
        listener.expire(at)
        times += [at] * len(listener.take_segments())
    assert times == [1.0, 3.0, 7.0, 15.0, 31.0]
    assert listener.half_open == 0


def test_a_full_syn_queue_drops_syns() -> None:
    """RFC 4987 §3: a flood must not grow without bound; Linux drops without cookies."""
    listener = listener_of(syn_backlog=2)
    for peer in range(5):
        listener.receive(peer, syn(), 0.0)
    assert (listener.half_open, listener.drops) == (2, 3)


def test_a_full_accept_queue_holds_the_last_ack_back_until_there_is_room() -> None:
    """listen(2), tcp(7) tcp_abort_on_overflow=0: the ACK is dropped, and the SYN,ACK is repeated."""
    listener = listener_of(backlog=1)
    listener.receive("late", syn(), 0.0)
    assert finish(listener, "a") is not None
    assert finish(listener, "b") is not None
    last = Segment(101, 1, ACK, 65535)
    assert listener.receive("late", last, 0.2) is None
    assert (listener.overflows, listener.half_open) == (1, 1)
    listener.receive("more", syn(), 0.2)
    assert listener.drops == 1
    listener.accept()
    assert listener.receive("late", last, 1.2) is not None


def test_a_rst_ends_a_handshake_silently() -> None:
    """RFC 9293 §3.10.7.4, second: a passive open returns to LISTEN."""
    listener = listener_of()
    listener.receive("a", syn(), 0.0)
    listener.take_segments()
    assert listener.receive("a", Segment(101, 0, RST, 0), 0.1) is None
    assert (listener.half_open, listener.take_segments(), listener.deadline) == (0, [], None)


def test_the_last_ack_may_bring_data_and_fin() -> None:
    """RFC 9293 §3.10.7.4: the rest of the segment is processed in ESTABLISHED."""
    listener = listener_of()
    listener.receive("a", syn(), 0.0)
    endpoint = listener.receive("a", Segment(101, 1, ACK | FIN, 65535, b"hi"), 0.1)
    assert endpoint is not None
    assert (endpoint.state, endpoint.read(10, 0.1), endpoint.at_eof) == (State.CLOSE_WAIT, b"hi", True)


def test_close_resets_what_nobody_accepted() -> None:
    """RFC 9293 §3.10.4, §3.10.5."""
    listener = listener_of()
    finish(listener, "a")
    listener.receive("b", syn(), 0.2)
    (abandoned,) = listener.close(0.3)
    assert abandoned.end is End.ABORTED
    assert (listener.half_open, listener.waiting) == (0, 0)


segments = st.builds(
    Segment,
    st.integers(98, 104),
    st.integers(-1, 3),
    st.integers(0, 255),
    st.integers(0, 65535),
    st.sampled_from([b"", b"x", b"xyz"]),
)


@given(st.lists(st.tuples(st.integers(0, 5), segments, st.floats(0, 20)), max_size=40))
def test_queues_stay_within_their_limits_whatever_comes(steps: list[tuple[int, Segment, float]]) -> None:
    """RFC 4987 §3: no sequence of segments makes more state than the settings allow."""
    listener, now = listener_of(backlog=2, syn_backlog=3), 0.0
    for peer, segment, wait in steps:
        now += wait
        listener.expire(now)
        listener.receive(peer, segment, now)
        listener.take_segments()
        assert listener.half_open <= 3
        assert listener.waiting <= 3


def test_handshakes_under_way_can_be_looked_at() -> None:
    """RFC 9293 §3.3.2: they are in SYN-RECEIVED."""
    listener = listener_of()
    listener.receive("a", syn(), 0.0)
    assert [endpoint.state for endpoint in listener.half_open_endpoints()] == [State.SYN_RECEIVED]


@pytest.mark.parametrize("backlog", [0, 1, 5])
def test_the_accept_queue_takes_one_more_than_its_backlog_and_no_second(backlog: int) -> None:
    """Linux sk_acceptq_is_full: more than, not at; also after a place became free."""
    listener = listener_of(backlog=backlog)
    for number in range(backlog + 1):
        assert finish(listener, number) is not None
    for _ in range(2):
        assert finish(listener, "late") is None
        assert listener.waiting == backlog + 1
        assert listener.accept() is not None
        assert finish(listener, object()) is not None


@pytest.mark.parametrize("syn_backlog", [1, 2, 7])
def test_the_syn_queue_takes_its_limit_and_no_more(syn_backlog: int) -> None:
    listener = listener_of(syn_backlog=syn_backlog)
    for number in range(syn_backlog + 2):
        listener.receive(number, syn(), 0.0)
    assert (listener.half_open, listener.drops) == (syn_backlog, 2)


def test_books_are_empty_after_many_handshakes() -> None:
    """Accepted, reset, and given up ones leave nothing."""
    listener = listener_of()
    for number in range(50):
        listener.receive(("reset", number), syn(), 0.0)
        listener.receive(("reset", number), Segment(101, 1, RST, 0), 0.0)
        assert finish(listener, ("done", number), 0.0) is not None
        assert listener.accept() is not None
        listener.receive(("lost", number), syn(), 0.0)
    now = 0.0
    while (deadline := listener.deadline) is not None:
        now = deadline
        listener.expire(now)
    listener.take_segments()
    assert (listener.half_open, listener.waiting, listener.deadline) == (0, 0, None)
    assert listener.half_open_endpoints() == []
    assert books.sizes(listener) == dict.fromkeys(books.sizes(listener), 0)


def test_a_syn_that_comes_again_does_not_use_up_the_retransmissions() -> None:
    """Linux: only timeouts count, and the timer begins anew."""
    listener = listener_of()
    for tick in range(20):
        listener.receive("a", syn(), tick * 0.1)
    assert len(listener.take_segments()) == 20
    assert listener.deadline == pytest.approx(1.9 + 1.0)
    listener.expire(2.91)
    assert (len(listener.take_segments()), listener.half_open) == (1, 1)


@pytest.mark.parametrize("flags", [RST, RST | ACK])
def test_a_full_accept_queue_takes_a_rst(flags: int) -> None:
    """RFC 9293 §3.10.7.4, second: RST returns SYN-RECEIVED to LISTEN; only the ACK of a handshake waits for room."""
    listener = listener_of(backlog=0)
    assert finish(listener, "a") is not None
    listener.backlog = 1
    listener.receive("b", syn(), 0.2)
    listener.backlog = 0
    listener.receive("b", Segment(101, 1, flags, 0), 0.3)
    assert (listener.half_open, listener.overflows) == (0, 0)
