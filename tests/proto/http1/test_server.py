import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.proto.http1 import Data, End, Event, HttpLimits, Reading, Refused, Request, ServerMachine
from tests.support.corpora import corpus

VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2"]
GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


def machine_after(raw: bytes, limits: HttpLimits | None = None) -> ServerMachine:
    machine = ServerMachine(limits or HttpLimits(), 0.0)
    machine.receive(raw, 0.0)
    return machine


def test_request_is_reported_with_what_its_head_says() -> None:
    raw = b"\r\nPOST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi"
    request, data, end = ServerMachine(HttpLimits(), 0.0).receive(raw, 0.0)
    assert isinstance(request, Request)
    assert (request.method, request.target, request.version, request.length) == ("POST", "/a?b", "1.1", 2)
    assert (request.keep_alive, request.expects_continue, request.upgrade) == (True, True, "")
    assert (data, isinstance(end, End)) == (Data(b"hi"), True)


def test_fields_that_repeat_are_read_once_and_never_mixed_up() -> None:
    machine = ServerMachine(HttpLimits(), 0.0)
    seen = []
    for block in (b"host: a\r\n", b"host: a\r\n", b"host: b\r\nconnection: close\r\n"):
        (request, _) = machine.receive(b"GET / HTTP/1.1\r\n" + block + b"\r\n", 0.0)
        assert isinstance(request, Request)
        seen.append((request.fields["host"], request.keep_alive, request.fields))
        machine.send_whole(200, b"", b"")
        if machine.keep_alive:
            machine.next_message()
    assert [entry[:2] for entry in seen] == [("a", True), ("a", True), ("b", False)]
    assert seen[0][2] is seen[1][2]


def test_same_fields_mean_another_thing_in_another_version() -> None:
    """RFC 9112 §9.3: the memo must not carry keep-alive from 1.1 to 1.0."""
    machine = machine_after(GET)
    machine.send_whole(200, b"", b"")
    machine.next_message()
    (request, _) = machine.receive(GET.replace(b"1.1", b"1.0"), 0.0)
    assert isinstance(request, Request)
    assert not request.keep_alive


@pytest.mark.parametrize(
    ("raw", "status", "length", "wanted"),
    [
        (GET, 200, 5, b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\n\r\n"),
        (GET, 299, 5, b"HTTP/1.1 299 \r\nx: y\r\ncontent-length: 5\r\n\r\n"),
        (GET, 204, 5, b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n"),
        (GET, 205, 5, b"HTTP/1.1 205 Reset Content\r\nx: y\r\ncontent-length: 0\r\n\r\n"),
        (GET, 304, 5, b"HTTP/1.1 304 Not Modified\r\nx: y\r\n\r\n"),
        (GET, 200, None, b"HTTP/1.1 200 OK\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n"),
        (GET.replace(b"GET", b"HEAD"), 200, 5, b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\n\r\n"),
        (GET.replace(b"1.1", b"1.0"), 200, None, b"HTTP/1.1 200 OK\r\nx: y\r\nconnection: close\r\n\r\n"),
        (
            b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
            200,
            5,
            b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n",
        ),
        (
            b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            200,
            0,
            b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
    ],
)
def test_head_is_framed_for_its_request(raw: bytes, status: int, length: int | None, wanted: bytes) -> None:
    """RFC 9112 §6, §9.3; RFC 9110 §8.6, §6.4.1."""
    assert machine_after(raw).send_head(status, b"x: y\r\n", length=length) == wanted


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("status", [200, 204, 205, 304])
def test_content_that_may_not_go_out_is_left_out(method: bytes, status: int) -> None:
    """RFC 9110 §6.4.1, §9.3.2, §15.3.6."""
    allowed = method == b"GET" and status == 200
    raw = GET.replace(b"GET", method)
    assert machine_after(raw).send_whole(status, b"", b"content").endswith(b"content") is allowed
    machine = machine_after(raw)
    machine.send_head(status, length=7)
    assert machine.send_data(b"content") == (b"content" if allowed else b"")
    assert machine.send_end() == b""
    machine = machine_after(raw)
    machine.send_head(status, length=None)
    assert (machine.send_data(b"content") + machine.send_end() != b"") is allowed
    machine.next_message()


def test_answer_to_what_was_refused_closes() -> None:
    machine = machine_after(b"\0\r\n")
    assert b"connection: close\r\n" in machine.send_whole(400, b"", b"")
    with pytest.raises(UsageError, match="ends"):
        machine.next_message()


def test_last_request_is_answered_with_close() -> None:
    machine = machine_after(GET, HttpLimits(requests=1))
    assert b"connection: close\r\n" in machine.send_whole(200, b"", b"")


@pytest.mark.parametrize("status", [100, 199, 600, 0])
def test_final_status_is_200_to_599(status: int) -> None:
    """RFC 9110 §15."""
    with pytest.raises(UsageError):
        machine_after(GET).send_head(status, length=0)


def test_second_response_to_one_request_is_a_mistake_of_the_caller() -> None:
    machine = machine_after(GET)
    machine.send_whole(200, b"", b"")
    with pytest.raises(UsageError):
        machine.send_whole(200, b"", b"")


def test_continue_is_sent_once_and_only_to_who_waits() -> None:
    """RFC 9110 §10.1.1."""
    head = b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    machine = machine_after(head)
    assert [machine.send_continue(), machine.send_continue()] == [b"HTTP/1.1 100 Continue\r\n\r\n", b""]
    assert machine_after(GET).send_continue() == b""
    late = machine_after(head)
    late.send_head(200, length=None)
    assert late.send_continue() == b""  # the final head is out
    assert machine_after(head.replace(b": 2", b": 0")).send_continue() == b""


def test_switch_keeps_the_first_bytes_of_the_new_protocol() -> None:
    """RFC 9110 §7.8."""
    upgrade = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket, chat\r\n\r\n\x81\x00"
    machine = machine_after(upgrade)
    answer = machine.send_switch("chat", [("x", "y")])
    assert answer == b"HTTP/1.1 101 Switching Protocols\r\nupgrade: chat\r\nconnection: upgrade\r\nx: y\r\n\r\n"
    assert machine.take_rest() == b"\x81\x00"
    assert machine.reading is Reading.SWITCHED
    with pytest.raises(UsageError, match="offered"):
        machine_after(GET).send_switch("websocket")


UPGRADE = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: chat\r\nexpect: 100-continue\r\n"


def test_switch_comes_behind_the_whole_request_and_behind_100() -> None:
    """RFC 9110 §7.8."""
    machine = machine_after(UPGRADE + b"content-length: 4\r\n\r\n")
    with pytest.raises(UsageError, match="switch to another protocol where body belongs"):
        machine.send_switch("chat")
    assert machine.send_continue() != b""
    machine.receive(b"body\x81", 0.0)
    assert machine.send_switch("chat").startswith(b"HTTP/1.1 101 ")
    assert machine.take_rest() == b"\x81"
    at_once = machine_after(UPGRADE + b"content-length: 4\r\n\r\nbody")
    assert at_once.send_switch("chat").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 ")


def test_interim_response_goes_out_before_the_final_one_and_never_to_a_1_0_client() -> None:
    """RFC 9110 §15.2, RFC 8297."""
    machine = machine_after(GET)
    early = machine.send_interim(103, b"link: </a>; rel=preload\r\n")
    assert early == b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
    for status in (100, 101, 200):
        with pytest.raises(UsageError, match="102 to 199"):
            machine.send_interim(status)
    machine.send_whole(200, b"", b"")
    with pytest.raises(UsageError, match="interim head where nothing"):
        machine.send_interim(103)
    assert machine_after(GET.replace(b"1.1", b"1.0")).send_interim(103) == b""


@pytest.mark.parametrize(
    ("line", "authority", "scheme"),
    [
        (b"GET http://B.example:81/x HTTP/1.1", "b.example:81", "http"),
        (b"GET HTTPS://b HTTP/1.1", "b", "https"),
        (b"GET / HTTP/1.1", "a", ""),
        (b"GET http://[::1]:80/ HTTP/1.1", "[::1]:80", "http"),
    ],
)
def test_absolute_form_overrides_the_host_field(line: bytes, authority: str, scheme: str) -> None:
    """RFC 9112 §3.2.2; the request after it has its own authority again, with the same fields."""
    machine = ServerMachine(HttpLimits(), 0.0)
    for asked, wanted in ((line, (authority, scheme)), (b"GET / HTTP/1.1", ("a", ""))):
        request = machine.receive(asked + b"\r\nhost: A\r\n\r\n", 0.0)[0]
        assert isinstance(request, Request)
        assert (request.authority, request.scheme) == wanted
        machine.send_whole(200, b"", b"")
        machine.next_message()


@given(st.sampled_from([b"GET", b"HEAD", b"PO ST"]), st.binary(max_size=4), st.sampled_from(VERSIONS), st.data())
def test_request_with_known_fields_is_read_as_if_they_were_new(
    method: bytes, target: bytes, version: bytes, data: st.DataObject
) -> None:
    limits = HttpLimits(request_line=24, head=80)
    blocks = [b"host: a\r\n", b"host: a\r\nconnection: close\r\n", b"host: a\r\nexpect: 100-continue\r\n"]
    first, second = data.draw(st.sampled_from(blocks)), data.draw(st.sampled_from(blocks))
    raw = method + b" /" + target + b" " + version + b"\r\n" + second + b"\r\n"
    knowing, fresh = ServerMachine(limits, 0.0), ServerMachine(limits, 0.0)
    knowing.receive(b"GET / HTTP/1.1\r\n" + first + b"\r\n", 0.0)
    answer = knowing.send_whole(200, b"", b"content")
    if not knowing.keep_alive:
        assert b"connection: close" in answer
        return
    knowing.next_message()
    assert shown(knowing.receive(raw, 0.0)) == shown(fresh.receive(raw, 0.0))
    assert knowing.send_whole(200, b"", b"content") == fresh.send_whole(200, b"", b"content")
    assert (knowing.keep_alive, knowing.must_continue) == (fresh.keep_alive, fresh.must_continue)


def shown(events: list[Event]) -> list[str]:
    return [repr(event) + (str(event.fields.pairs) if isinstance(event, Request) else "") for event in events]


# the corpus of what servers disagreed about

ACCEPTED = {
    (22, 0): "the head is sound; its chunk 0_2e is refused before any content (RFC 9112 §7.1)",
    (32, 0): "Content-Length: 010 is ten in decimal (1*DIGIT, RFC 9110 §8.6); two bytes are still awaited",
    (36, 0): "the head is sound; CR in a chunk extension is refused before any content (RFC 9112 §7.1.1)",
    (48, 0): "Content-Length: 0 and a second request behind it: legal pipelining (RFC 9112 §9.3.2)",
    (2, 1): "the head is sound; its chunk size Z is refused before any content",
    (24, 1): "the head is sound; spaces before a chunk size are refused before any content",
    (4, 2): "a chunked message without a fault",
}
COMPLETE = {(48, 0), (4, 2)}


def payloads() -> list[tuple[tuple[int, int], bytes]]:
    """Number and section of each payload: numbers begin again in each section of the source."""
    entries: list[dict[str, Any]] = json.loads((corpus("http1-smuggling") / "payloads.json").read_text())
    section, before, found = 0, 0, []
    for entry in entries:
        section += entry["id"] <= before
        before = entry["id"]
        found.append(((entry["id"], section), b64decode(entry["payload_base64"])))
    return found


def test_every_payload_of_the_corpus_is_refused_or_listed_with_its_reason() -> None:
    """RFC 9112 §11.2."""
    seen = payloads()
    assert len(seen) == 37
    accepted, complete = set(), set()
    for key, raw in seen:
        machine = ServerMachine(HttpLimits(), 0.0)
        events = machine.receive(raw, 0.0)
        assert sum(isinstance(event, Request) for event in events) <= 1
        if events and isinstance(events[0], Request):
            accepted.add(key)
        if events and isinstance(events[-1], End):
            complete.add(key)
        elif key not in ACCEPTED:
            assert isinstance(events[-1], Refused), raw
    assert accepted == set(ACCEPTED)
    assert complete == COMPLETE
