import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import IncompleteError, LimitError, ProtocolError, UsageError
from netwright.proto.http1 import (
    ClientMachine,
    Data,
    Event,
    HttpLimits,
    Machine,
    Reading,
    Refused,
    Request,
    ServerMachine,
)

POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"
PARTS = [
    b"GET / HTTP/1.1\r\n",
    b"POST /a HTTP/1.0\r\n",
    b"host: a\r\n",
    b"content-length: 3\r\n",
    b"transfer-encoding: chunked\r\n",
    b"connection: close\r\n",
    b"expect: 100-continue\r\n",
    b"\r\n",
    b"abc",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"\n",
    b" ",
    b"\0",
]


def run(machine: Machine, pieces: list[bytes]) -> list[Event]:
    """The events, neighbouring ``Data`` joined: their borders are the network's."""
    joined: list[Event] = []
    for piece in pieces:
        for event in machine.receive(piece, 0.0):
            if isinstance(event, Data) and joined and isinstance(joined[-1], Data):
                joined[-1] = Data(joined[-1].data + event.data)
            else:
                joined.append(event)
    return joined


def shown(events: list[Event]) -> list[str]:
    return [str(event.error) if isinstance(event, Refused) else repr(event) for event in events]


@given(st.lists(st.sampled_from(PARTS), max_size=10), st.data())
def test_any_split_gives_the_same_events(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)))))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    once, split = ServerMachine(HttpLimits(), 0.0), ServerMachine(HttpLimits(), 0.0)
    assert shown(run(once, [whole])) == shown(run(split, pieces))
    assert once.take_rest() == split.take_rest()


@given(st.binary(max_size=200))
def test_garbage_is_refused_by_culprit_or_waits_for_more(raw: bytes) -> None:
    machine = ServerMachine(HttpLimits(), 0.0)
    for event in machine.receive(raw, 0.0) + machine.receive_eof(0.0):
        if isinstance(event, Refused):
            assert isinstance(event.error, ProtocolError | LimitError)
            assert 400 <= event.status <= 505


def test_nothing_is_read_after_a_refusal() -> None:
    machine = ServerMachine(HttpLimits(), 0.0)
    (refused,) = machine.receive(b"\0\r\n", 0.0)
    assert isinstance(refused, Refused)
    assert machine.receive(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", 0.0) == []
    assert machine.reading is Reading.CLOSED


def test_refusal_knows_its_subject_once_the_request_line_was_read() -> None:
    machine = ServerMachine(HttpLimits(body=1), 0.0)
    (refused,) = machine.receive(POST, 0.0)
    assert isinstance(refused, Refused)
    assert (refused.subject, refused.status) == ("POST /", 413)


def test_bytes_after_a_message_are_kept_until_the_next() -> None:
    """RFC 9112 §9.3.2: an answer decides what they are."""
    machine = ServerMachine(HttpLimits(), 0.0)
    get = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
    assert len(machine.receive(get + get, 0.0)) == 2
    assert machine.receive(b"", 0.0) == []
    machine.send_whole(200, b"", b"")
    machine.next_message()
    assert len(machine.receive(b"", 0.0)) == 2
    assert machine.take_rest() == b""


def test_next_message_before_the_end_is_a_mistake_of_the_caller() -> None:
    machine = ServerMachine(HttpLimits(), 0.0)
    machine.receive(POST, 0.0)
    with pytest.raises(UsageError, match="reads BODY, writes HEAD"):
        machine.next_message()


# time


def test_head_has_one_deadline_from_the_first_byte() -> None:
    machine = ServerMachine(HttpLimits(head_timeout=10.0, next_request=75.0), 100.0)
    assert (machine.deadline(100.0), machine.stage) == (110.0, "first byte")
    machine.receive(b"GET", 105.0)
    machine.receive(b" / ", 109.0)
    assert (machine.deadline(109.0), machine.stage) == (110.0, "request head")
    machine.receive(b"HTTP/1.1\r\nhost: a\r\n\r\n", 109.5)
    assert machine.deadline(109.5) is None
    machine.send_whole(200, b"", b"")
    machine.next_message()
    machine.wait(120.0)
    assert (machine.deadline(130.0), machine.stage) == (195.0, "next request")
    machine.receive(b"G", 190.0)
    assert (machine.deadline(190.0), machine.stage) == (200.0, "request head")


def test_body_is_given_grace_and_the_time_of_its_bytes_and_only_waits_count() -> None:
    machine = ServerMachine(HttpLimits(body_grace=20.0, body_rate=1.0), 0.0)
    machine.receive(POST, 0.0)
    machine.wait(0.0)
    assert (machine.deadline(0.0), machine.stage) == (20.0, "request body")
    machine.receive(b"x", 15.0)  # 15 of 20 s used, 1 s earned
    machine.wait(100.0)
    assert machine.deadline(100.0) == 106.0  # the handler's own 85 s do not count
    machine.receive(b"x", 106.0)
    machine.wait(106.0)
    assert machine.deadline(106.0) == 107.0
    assert machine.receive(b"12345678", 107.0)[1:] != []
    assert machine.deadline(107.0) is None


def test_deadline_is_a_query() -> None:
    """Asked twice, for a repr or a log line, it gives the same time."""
    left = []
    for asked in ([0.0], [0.0, 9.9], []):
        machine = ServerMachine(HttpLimits(body_grace=20.0), 0.0)
        machine.receive(POST, 0.0)
        machine.wait(0.0)
        for at in asked:
            assert machine.deadline(at) == 20.0
        machine.receive(b"x", 10.0)
        left.append(machine.deadline(10.0))
    assert left == [20.0 + 1 / 1024] * 3


def test_wait_that_was_given_up_is_charged_and_the_time_until_the_next_is_not() -> None:
    machine = ServerMachine(HttpLimits(body_grace=20.0, body_rate=1.0), 0.0)
    machine.receive(POST, 0.0)
    machine.wait(0.0)
    machine.wait(3.0)  # still the same wait
    machine.pause(5.0)
    assert machine.deadline(50.0) == 65.0
    machine.wait(50.0)
    assert machine.deadline(60.0) == 65.0


def test_deadline_that_passes_inside_of_a_message_refuses_it_with_what_was_allowed() -> None:
    """RFC 9110 §15.5.9: the whole time of the head counts, not that of its last read."""
    machine = ServerMachine(HttpLimits(head_timeout=10.0), 0.0)
    machine.receive(b"GET / HT", 9.0)
    (refused,) = machine.expire(10.0)
    assert isinstance(refused, Refused)
    assert refused.status == 408
    assert str(refused.error) == "request head: not complete after 10 s, 10 s allowed (HttpLimits.head_timeout)"
    machine = ServerMachine(HttpLimits(body_grace=20.0), 0.0)
    machine.receive(POST, 0.0)
    machine.wait(100.0)
    (refused,) = machine.expire(120.0)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.subject) == (408, "POST /")
    assert "request body: not complete after 20 s, 20 s allowed" in str(refused.error)
    assert machine.reading is Reading.CLOSED


def test_deadline_that_passes_between_messages_is_no_fault() -> None:
    machine = ServerMachine(HttpLimits(), 0.0)
    assert machine.expire(10.0) == []
    assert machine.reading is Reading.CLOSED


@pytest.mark.parametrize("pieces", [[b"hi\r\n"], [b"hi", b"\r\n"], [b"hi", b"\r", b"\n"], [b"hi\r"]])
def test_empty_line_behind_a_body_begins_no_head(pieces: list[bytes]) -> None:
    """RFC 9112 §2.2: some clients end a body with CRLF."""
    machine = ServerMachine(HttpLimits(next_request=75.0), 0.0)
    machine.receive(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n" + pieces[0], 0.0)
    machine.send_whole(200, b"", b"")
    machine.next_message()
    for piece in [b"", *pieces[1:]]:
        assert machine.receive(piece, 1.0) == []
    machine.wait(1.0)
    assert (machine.deadline(1.0), machine.stage) == (76.0, "next request")
    assert machine.receive_eof(2.0) == []


def test_second_empty_line_is_refused() -> None:
    machine = ServerMachine(HttpLimits(), 0.0)
    assert machine.receive(b"\r\n", 0.0) == []
    (refused,) = machine.receive(b"\r\n", 0.0)
    assert isinstance(refused, Refused)


def test_client_waits_for_a_response_as_long_as_its_limit_says_and_again_after_each_interim_one() -> None:
    machine = ClientMachine(HttpLimits(response_timeout=60.0), 0.0)
    machine.send_head("GET", "/", b"host: a\r\n")
    machine.wait(5.0)
    assert machine.deadline(7.0) == 65.0
    machine.receive(b"HTTP/1.1 103 \r\n\r\n", 50.0)
    machine.wait(50.0)
    assert (machine.deadline(50.0), machine.stage) == (110.0, "next response")
    machine.receive(b"HTTP/1.1 2", 100.0)
    assert (machine.deadline(100.0), machine.stage) == (110.0, "response head")


# the peer's end


def test_end_between_messages_is_none_and_inside_of_one_a_fault() -> None:
    """RFC 9112 §8."""
    machine = ServerMachine(HttpLimits(), 0.0)
    assert machine.receive_eof(0.0) == []
    assert machine.reading is Reading.CLOSED
    for part, place in ((b"GET /", "head"), (POST + b"x", "body")):
        machine = ServerMachine(HttpLimits(), 0.0)
        machine.receive(part, 0.0)
        (refused,) = machine.receive_eof(0.0)
        assert isinstance(refused, Refused)
        assert isinstance(refused.error, IncompleteError)
        assert f"ended in a {place}" in str(refused.error)
        assert machine.receive_eof(0.0) == []


# writing


def test_content_keeps_to_its_length() -> None:
    machine = ServerMachine(HttpLimits(), 0.0)
    machine.receive(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", 0.0)
    with pytest.raises(UsageError, match="where head belongs"):
        machine.send_data(b"x")
    machine.send_head(200, length=3)
    assert machine.send_data(b"ab") == b"ab"
    with pytest.raises(UsageError, match="2 bytes of content, 1 left"):
        machine.send_data(b"cd")
    with pytest.raises(UsageError, match="1 bytes before"):
        machine.send_end()
    machine.send_data(b"c")
    assert machine.send_end() == b""
    with pytest.raises(UsageError):
        machine.send_end()


def test_chunks_are_written_with_their_size_and_trailers() -> None:
    """RFC 9112 §7.1."""
    machine = ServerMachine(HttpLimits(), 0.0)
    machine.receive(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", 0.0)
    machine.send_head(200, length=None)
    assert machine.send_data(b"0123456789abcdef") == b"10\r\n0123456789abcdef\r\n"
    assert machine.send_data(b"") == b""
    assert machine.send_end((("x", "y"),)) == b"0\r\nx: y\r\n\r\n"


def test_request_event_is_the_machine_s_request() -> None:
    machine = ServerMachine(HttpLimits(), 0.0)
    request = machine.receive(POST, 0.0)[0]
    assert isinstance(request, Request)
    assert machine.request is request
    assert "reads BODY" in repr(machine)
