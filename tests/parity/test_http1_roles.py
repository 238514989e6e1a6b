"""Both ends of one connection: what one writes the other reads, and both agree on what may follow."""

import pytest

from netwright.core.errors import UsageError
from netwright.proto.http1 import (
    END,
    ClientMachine,
    Data,
    End,
    Event,
    HttpLimits,
    Interim,
    Reading,
    Refused,
    Request,
    Response,
    ServerMachine,
    Writing,
    format_fields,
)

HOST = b"host: a\r\n"


class Pair:
    """A client and a server; every byte goes over in one piece and again byte by byte, which must mean the same."""

    def __init__(self, limits: HttpLimits | None = None, *, bytewise: bool = False) -> None:
        self.client, self.server = (
            ClientMachine(limits or HttpLimits(), 0.0),
            ServerMachine(limits or HttpLimits(), 0.0),
        )
        self.bytewise = bytewise

    def ask(self, *parts: bytes) -> list[Event]:
        return self._carry(self.server, b"".join(parts))

    def answer(self, *parts: bytes) -> list[Event]:
        return self._carry(self.client, b"".join(parts))

    def _carry(self, to: ClientMachine | ServerMachine, raw: bytes) -> list[Event]:
        events: list[Event] = []
        for piece in [raw[at : at + 1] for at in range(len(raw))] if self.bytewise else [raw]:
            for event in to.receive(piece, 0.0):
                if isinstance(event, Data) and events and isinstance(events[-1], Data):
                    events[-1] = Data(events[-1].data + event.data)
                else:
                    events.append(event)
        return events

    def next(self) -> None:
        self.client.next_message()
        self.server.next_message()

    @property
    def states(self) -> tuple[Reading, Writing, Reading, Writing]:
        return self.client.reading, self.client.writing, self.server.reading, self.server.writing


@pytest.fixture(params=[False, True], ids=["whole", "bytewise"])
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(bytewise=request.param)


def test_content_and_trailers_go_both_ways(pair: Pair) -> None:
    """RFC 9112 §7.1.2, RFC 9110 §6.5."""
    client, server = pair.client, pair.server
    for _ in range(2):
        raw = (
            client.send_head("POST", "/a", HOST, length=None) + client.send_data(b"ask") + client.send_end([("t", "1")])
        )
        request, data, end = pair.ask(raw)
        assert isinstance(request, Request)
        assert (request.method, request.target, request.length, data) == ("POST", "/a", None, Data(b"ask"))
        assert isinstance(end, End)
        assert end.trailers.pairs == (("t", "1"),)
        raw = server.send_head(200, format_fields([("trailer", "sum")]), length=None)
        response, data, end = pair.answer(raw, server.send_data(b"answer"), server.send_end([("sum", "6")]))
        assert isinstance(response, Response)
        assert (response.status, response.fields["trailer"], data) == (200, "sum", Data(b"answer"))
        assert isinstance(end, End)
        assert end.trailers["sum"] == "6"
        pair.next()


@pytest.mark.parametrize("name", ["Content-Length", "host", "transfer-encoding", "trailer"])
def test_trailer_that_says_how_the_message_is_read_is_not_sent_and_not_taken(pair: Pair, name: str) -> None:
    """RFC 9110 §6.5.1."""
    raw = pair.client.send_head("POST", "/", HOST, length=None)
    with pytest.raises(UsageError, match="in a trailer section"):
        pair.client.send_end([(name, "1")])
    assert pair.client.writing is Writing.BODY
    refused = pair.ask(raw, b"0\r\n%b: 1\r\n\r\n" % name.encode())[-1]
    assert isinstance(refused, Refused)
    assert refused.status == 400


def test_trailers_of_a_counted_message_stay_behind(pair: Pair) -> None:
    """RFC 9112 §7.1.2: only chunked content has a place for them."""
    client = pair.client
    raw = client.send_head("POST", "/", HOST, length=1) + client.send_data(b"x") + client.send_end([("t", "1")])
    assert pair.ask(raw)[-1] == END


def test_content_that_waits_for_100_comes_behind_it(pair: Pair) -> None:
    """RFC 9110 §10.1.1."""
    client, server = pair.client, pair.server
    (request,) = pair.ask(client.send_head("PUT", "/", HOST + b"expect: 100-continue\r\n", length=2))
    assert isinstance(request, Request)
    assert request.expects_continue
    (interim,) = pair.answer(server.send_continue())
    assert isinstance(interim, Interim)
    assert (interim.status, client.reading) == (100, Reading.HEAD)
    assert pair.ask(client.send_data(b"hi"), client.send_end()) == [Data(b"hi"), END]
    assert isinstance(pair.answer(server.send_whole(201, b"", b""))[0], Response)
    pair.next()


def test_final_response_may_come_before_the_request_is_sent_whole(pair: Pair) -> None:
    """RFC 9110 §10.1.1, RFC 9112 §9.3: the connection goes on only if the request is completed."""
    client, server = pair.client, pair.server
    pair.ask(client.send_head("PUT", "/", HOST + b"expect: 100-continue\r\n", length=2))
    response = pair.answer(server.send_whole(413, b"", b"no"))[0]
    assert isinstance(response, Response)
    with pytest.raises(UsageError):
        client.next_message()
    assert pair.ask(client.send_data(b"hi"), client.send_end()) == [Data(b"hi"), END]
    pair.next()


def test_early_hints_come_before_the_response(pair: Pair) -> None:
    """RFC 8297."""
    pair.ask(pair.client.send_head("GET", "/", HOST), pair.client.send_end())
    early = pair.server.send_interim(103, format_fields([("link", "</a>; rel=preload")]))
    interim, response, end = pair.answer(early, pair.server.send_whole(200, b"", b""))
    assert isinstance(interim, Interim)
    assert (interim.status, interim.fields["link"]) == (103, "</a>; rel=preload")
    assert isinstance(response, Response)
    assert end == END


def test_interim_responses_are_bounded() -> None:
    pair = Pair(HttpLimits(interim=3))
    pair.ask(pair.client.send_head("GET", "/", HOST), pair.client.send_end())
    refused = pair.answer(pair.server.send_interim(103) * 4)[-1]
    assert isinstance(refused, Refused)
    assert str(refused.error) == "interim: 4 1xx responses seen, 3 allowed"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 205), ("HEAD", 404)])
@pytest.mark.parametrize("length", [None, 7])
def test_response_without_content_ends_with_its_head(pair: Pair, method: str, status: int, length: int | None) -> None:
    """RFC 9112 §6.3 rule 1; RFC 9110 §9.3.2, §15.3.5, §15.3.6, §15.4.5."""
    for _ in range(2):
        pair.ask(pair.client.send_head(method, "/", HOST), pair.client.send_end())
        raw = pair.server.send_head(status, length=length) + pair.server.send_data(b"content")
        response, end = pair.answer(raw, pair.server.send_end([("t", "1")]))
        assert isinstance(response, Response)
        assert (response.status, end) == (status, END)
        pair.next()


def test_requests_that_come_early_wait_for_their_turn(pair: Pair) -> None:
    """RFC 9112 §9.3.2."""
    asked = [b"GET /%d HTTP/1.1\r\nhost: a\r\n\r\n" % number for number in range(3)]
    events = pair.ask(*asked)
    for number in range(3):
        assert isinstance(events[0], Request)
        assert events[0].target == f"/{number}"
        pair.client.send_head("GET", f"/{number}", HOST)
        pair.client.send_end()
        assert isinstance(pair.answer(pair.server.send_whole(200, b"", b""))[0], Response)
        pair.next()
        events = pair.server.receive(b"", 0.0)
    assert events == []


@pytest.mark.parametrize("by_client", [True, False])
def test_connection_ends_for_both_when_one_says_so(pair: Pair, by_client: bool) -> None:
    """RFC 9112 §9.6."""
    pair.ask(pair.client.send_head("GET", "/", HOST, close=by_client), pair.client.send_end())
    response = pair.answer(pair.server.send_whole(200, b"", b"", close=not by_client))[0]
    assert isinstance(response, Response)
    assert not response.keep_alive
    for machine in (pair.client, pair.server):
        assert not machine.keep_alive
        with pytest.raises(UsageError, match="connection that ends"):
            machine.next_message()


def test_both_switch_and_keep_what_came_early(pair: Pair) -> None:
    """RFC 9110 §7.8."""
    client, server = pair.client, pair.server
    (request, _) = pair.ask(client.send_head("GET", "/", HOST, upgrade="chat"), client.send_end())
    assert isinstance(request, Request)
    assert request.upgrade == "chat"
    response, end = pair.answer(server.send_switch("chat"), b"\x81\x01")
    assert isinstance(response, Response)
    assert (response.status, end) == (101, END)
    assert pair.states == (Reading.SWITCHED, Writing.SWITCHED) * 2
    assert pair.ask(b"\x80") == []
    assert (client.take_rest(), server.take_rest()) == (b"\x81\x01", b"\x80")
    assert client.receive_eof(0.0) == server.receive_eof(0.0) == []


@pytest.mark.parametrize("raw", [b"HTTP/1.1 101 \r\n\r\n", b"HTTP/1.1 101 \r\nupgrade: other\r\n\r\n"])
def test_switch_that_was_not_offered_is_refused(pair: Pair, raw: bytes) -> None:
    """RFC 9110 §7.8: a server must not switch to a protocol that the client did not name."""
    pair.client.send_head("GET", "/", HOST, upgrade="chat")
    pair.client.send_end()
    (refused,) = pair.answer(raw)
    assert isinstance(refused, Refused)
    assert "offered chat" in str(refused.error)


def test_tunnel_begins_behind_the_head_of_a_2xx_to_connect(pair: Pair) -> None:
    """RFC 9112 §6.3 rule 2; a server that is no proxy refuses it (RFC 9110 §9.3.6)."""
    raw = pair.client.send_head("CONNECT", "a:443", b"host: a:443\r\n") + pair.client.send_end()
    (refused,) = pair.ask(raw)[:1]
    assert isinstance(refused, Refused)
    assert refused.status == 501
    assert isinstance(pair.answer(b"HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\n\x16")[0], Response)
    assert pair.client.take_rest() == b"\x16"


def test_response_that_nobody_asked_for_is_refused() -> None:
    """RFC 9112 §9.2: what comes unasked on a kept connection would be taken for the answer to the next request."""
    pair = Pair()
    pair.ask(pair.client.send_head("GET", "/", HOST), pair.client.send_end())
    once = pair.server.send_whole(200, b"", b"")
    pair.answer(once)
    pair.next()
    (refused,) = pair.answer(once)
    assert isinstance(refused, Refused)
    assert "without a request" in str(refused.error)


@pytest.mark.parametrize(
    ("method", "target", "fields"),
    [
        ("G T", "/", HOST),
        ("GET", "a b", HOST),
        ("GET", "", HOST),
        ("GET", "/\n", HOST),
        ("CONNECT", "/", HOST),
        ("GET", "/", b"hostess: a\r\n"),
    ],
)
def test_request_that_would_be_none_is_a_mistake_of_the_caller(method: str, target: str, fields: bytes) -> None:
    """RFC 9112 §3, RFC 9110 §7.2."""
    with pytest.raises(UsageError):
        ClientMachine(HttpLimits(), 0.0).send_head(method, target, fields)


def test_content_over_the_client_s_limit_is_refused_by_its_length(pair: Pair) -> None:
    client = ClientMachine(HttpLimits(body=5), 0.0)
    client.send_head("GET", "/", HOST)
    (refused,) = client.receive(b"HTTP/1.1 200 \r\ncontent-length: 6\r\n\r\n", 0.0)
    assert isinstance(refused, Refused)
    assert "body: 6 bytes seen, 5 allowed" in str(refused.error)
