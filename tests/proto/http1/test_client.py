import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.proto.http1 import (
    END,
    ClientMachine,
    Data,
    End,
    Event,
    HttpLimits,
    Interim,
    Refused,
    Request,
    Response,
    ServerMachine,
    format_fields,
)

HOST = b"host: a\r\n"


def asked(method: str = "GET") -> ClientMachine:
    machine = ClientMachine(HttpLimits(), 0.0)
    machine.send_head(method, "/", HOST)
    machine.send_end()
    return machine


def test_request_is_written_with_its_framing() -> None:
    """RFC 9112 §3, §6; RFC 9110 §8.6."""
    head = ClientMachine(HttpLimits(), 0.0).send_head
    assert head("GET", "/a", HOST) == b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n"
    head = ClientMachine(HttpLimits(), 0.0).send_head
    assert head("POST", "/", HOST) == b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n"
    head = ClientMachine(HttpLimits(), 0.0).send_head
    assert head("PUT", "/", HOST, length=None) == b"PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    again = ClientMachine(HttpLimits(), 0.0)
    again.send_head("GET", "/", HOST)
    with pytest.raises(UsageError, match="where body belongs"):
        again.send_head("GET", "/", HOST)
    with pytest.raises(UsageError, match="no token"):
        ClientMachine(HttpLimits(), 0.0).send_head("G T", "/", HOST)


def test_interim_heads_come_before_the_final_one() -> None:
    """RFC 9110 §15.2."""
    raw = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 \r\n\r\n"
    raw += b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
    early, again, final, data, end = asked().receive(raw, 0.0)
    assert isinstance(early, Interim)
    assert (early.status, early.fields["link"]) == (103, "x")
    assert isinstance(again, Interim)
    assert isinstance(final, Response)
    assert (final.status, final.reason, final.length, data) == (200, "OK", 2, Data(b"hi"))
    assert isinstance(end, End)


def test_response_without_a_length_ends_with_the_connection() -> None:
    """RFC 9112 §6.3 rule 8."""
    machine = asked()
    events = machine.receive(b"HTTP/1.1 200 OK\r\n\r\npart", 0.0)
    assert isinstance(events[0], Response)
    assert (events[0].length, events[0].keep_alive, events[1]) == (None, False, Data(b"part"))
    assert machine.receive_eof(0.0) == [END]
    with pytest.raises(UsageError, match="ends"):
        machine.next_message()


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"])
def test_end_inside_of_an_answer_is_a_fault(raw: bytes) -> None:
    """RFC 9112 §8."""
    machine = asked()
    machine.receive(raw, 0.0)
    (refused,) = machine.receive_eof(0.0)
    assert isinstance(refused, Refused)


def test_answer_to_head_has_no_content_whatever_its_length_says() -> None:
    """RFC 9112 §6.3 rule 1."""
    machine = asked("HEAD")
    _, end = machine.receive(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 0.0)
    assert isinstance(end, End)
    machine.next_message()


contents = st.lists(st.binary(max_size=20), max_size=3)


@given(contents, contents, st.booleans(), st.booleans(), st.data())
def test_both_ends_understand_each_other(
    asking: list[bytes], answering: list[bytes], counted: bool, whole: bool, data: st.DataObject
) -> None:
    """Two exchanges on one connection, in pieces of any size."""
    client, server = ClientMachine(HttpLimits(), 0.0), ServerMachine(HttpLimits(), 0.0)
    for _ in range(2):
        length = sum(map(len, asking)) if counted else None
        raw = client.send_head("POST", "/", HOST, length=length)
        raw += b"".join(client.send_data(part) for part in asking) + client.send_end()
        request, content = received(server, raw, data)
        assert isinstance(request, Request)
        assert content == b"".join(asking)
        if whole:
            raw = server.send_whole(200, format_fields([("x", "y")]), b"".join(answering))
        else:
            raw = server.send_head(200, length=None)
            raw += b"".join(server.send_data(part) for part in answering) + server.send_end()
        response, content = received(client, raw, data)
        assert isinstance(response, Response)
        assert content == b"".join(answering)
        server.next_message()
        client.next_message()


def received(machine: ClientMachine | ServerMachine, raw: bytes, data: st.DataObject) -> tuple[Event, bytes]:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=5)))
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        events += machine.receive(raw[start:end], 0.0)
    assert isinstance(events[-1], End)
    return events[0], b"".join(event.data for event in events if isinstance(event, Data))
