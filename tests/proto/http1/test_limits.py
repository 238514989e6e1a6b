"""Every bound of a connection at one below, exactly and one above; whole, bytewise; first and second message.

The second message has the fields of the first one: whole, it is read on the fast path of known fields.
"""

from collections.abc import Callable
from dataclasses import fields

import pytest

from netwright.core.errors import LimitError, UsageError
from netwright.proto.http1 import Data, End, Event, HttpLimits, Refused, Request, ServerMachine
from netwright.proto.http1.framing import PLAIN_LINE, parse_request_line
from netwright.proto.http1.status import HttpError, status_for
from tests.support import limits as bounds
from tests.support.limits import Case

FIELDS = b"host: a\r\n"
USUAL = b"GET / HTTP/1.1\r\n" + FIELDS + b"\r\n"


def line_of(size: int) -> bytes:
    """A request line of ``size`` bytes, its line end included."""
    return b"GET /" + b"x" * (size - 16) + b" HTTP/1.1\r\n"


def chunked(content: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + content


def request_line(size: int) -> bytes:
    return line_of(size) + FIELDS + b"\r\n"


def head(size: int) -> bytes:
    return line_of(size - len(FIELDS) - 2) + FIELDS + b"\r\n"


def head_of_fields(size: int) -> bytes:
    return USUAL[:-2] + b"x:" + b"y" * (size - len(USUAL) - 4) + b"\r\n\r\n"


def field_line(size: int) -> bytes:
    return USUAL[:-2] + b"x:" + b"y" * (size - 4) + b"\r\n\r\n"


def field_lines(size: int) -> bytes:
    return USUAL[:-2] + b"x:y\r\n" * (size - 1) + b"\r\n"


def counted_body(size: int) -> bytes:
    return b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % size + b"z" * size


def one_chunk(size: int) -> bytes:
    return chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"z" * size))


def two_chunks(size: int) -> bytes:
    return chunked(b"%x\r\n%b\r\n1\r\nz\r\n0\r\n\r\n" % (size - 1, b"z" * (size - 1)))


def chunk_line(size: int) -> bytes:
    return chunked(b"1;" + b"e" * (size - 4) + b"\r\nz\r\n0\r\n\r\n")


def chunk_overhead(size: int) -> bytes:
    """One-byte chunks with ``size`` bytes of extensions and leading zeros."""
    return chunked(b"1;" + b"e" * (size - 2) + b"\r\nz\r\n01\r\nz\r\n0\r\n\r\n")


def trailer_line(size: int) -> bytes:
    return chunked(b"0\r\nx:" + b"y" * (size - 4) + b"\r\n\r\n")


def trailer_lines(size: int) -> bytes:
    return chunked(b"0\r\n" + b"x:y\r\n" * size + b"\r\n")


def trailers(size: int) -> bytes:
    return chunked(b"0\r\nx:" + b"y" * (size - 6) + b"\r\n\r\n")


KINDS: list[tuple[str, str, Callable[[int], bytes], int, HttpLimits]] = [
    ("request_line", "request_line", request_line, 40, HttpLimits(request_line=40)),
    ("head", "head", head, 80, HttpLimits(head=80)),
    ("head", "head, by its fields", head_of_fields, 80, HttpLimits(head=80)),
    ("field_line", "field_line", field_line, 30, HttpLimits(field_line=30)),
    ("fields", "fields", field_lines, 3, HttpLimits(fields=3)),
    ("body", "body, counted", counted_body, 20, HttpLimits(body=20)),
    ("body", "body, one chunk", one_chunk, 20, HttpLimits(body=20)),
    ("body", "body, two chunks", two_chunks, 20, HttpLimits(body=20)),
    ("chunk_line", "chunk_line", chunk_line, 20, HttpLimits(chunk_line=20)),
    ("chunk_overhead", "chunk_overhead", chunk_overhead, 20, HttpLimits(chunk_overhead=20)),
    ("field_line", "line of a trailer", trailer_line, 40, HttpLimits(field_line=40)),
    ("fields", "lines of a trailer section", trailer_lines, 3, HttpLimits(fields=3)),
    ("head", "trailer section", trailers, 80, HttpLimits(head=80)),
]


def play(machine: ServerMachine, chunks: list[bytes]) -> list[Event]:
    """Everything that is reported; each request is answered at its end."""
    events: list[Event] = []
    for chunk in chunks:
        found = machine.receive(chunk, 0.0)
        events += found
        while found and isinstance(found[-1], End):
            machine.send_whole(200, b"", b"")
            machine.next_message()
            found = machine.receive(b"", 0.0) if machine.has_rest else []
            events += found
    return events


def first_then(case: Case, tested: bytes) -> list[bytes]:
    """The chunks of a case; the usual message comes alone, so that the tested one may take the fast path."""
    chunks = case.chunks(b"", tested)
    return chunks if case.number == 1 else [USUAL, *chunks]


@bounds.cases
@pytest.mark.parametrize(("name", "kind", "build", "limit", "limits"), KINDS, ids=[kind[1] for kind in KINDS])
def test_bound_holds_to_the_byte(
    name: str, kind: str, build: Callable[[int], bytes], limit: int, limits: HttpLimits, case: Case
) -> None:
    """RFC 9112 §2.2, §3, §7.1; RFC 9110 §15.5.14; RFC 6585 §5."""
    del kind
    machine = ServerMachine(limits, 0.0)
    events = play(machine, first_then(case, build(case.size(limit))))
    assert len([event for event in events if isinstance(event, End)]) == case.number - case.refused
    if not case.refused:
        assert not any(isinstance(event, Refused) for event in events)
        return
    refused = events[-1]
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, LimitError)
    assert (refused.error.name, refused.error.seen, refused.error.allowed) == (name, limit + 1, limit)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("request_line", 414),
        ("field_line", 431),
        ("fields", 431),
        ("head", 431),
        ("body", 413),
        ("chunk_line", 400),
        ("chunk_overhead", 400),
    ],
)
def test_each_bound_has_its_status(name: str, status: int) -> None:
    """RFC 9110 §15.5.14, §15.5.15; RFC 6585 §5."""
    assert status_for(LimitError(name, 2, 1)) == status


@pytest.mark.parametrize("requests", [1, 2, 3])
@pytest.mark.parametrize("whole", [True, False])
def test_last_request_is_answered_with_close_and_no_other_is_taken(requests: int, whole: bool) -> None:
    """RFC 9112 §9.6."""
    machine = ServerMachine(HttpLimits(requests=requests), 0.0)
    for number in range(1, requests + 1):
        machine.receive(USUAL, 0.0)
        answer = machine.send_whole(200, b"", b"hi") if whole else machine.send_head(200, length=0)
        assert (b"connection: close" in answer) == (number == requests)
        if not whole:
            machine.send_end()
        if number < requests:
            machine.next_message()
    assert not machine.keep_alive


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE"])
def test_known_fields_are_answered_like_new_ones(method: bytes) -> None:
    request = USUAL.replace(b"GET", method)
    answers = []
    for chunks in ([request], [request[:-1], request[-1:]]):
        machine = ServerMachine(HttpLimits(), 0.0)
        play(machine, [USUAL])
        for chunk in chunks:
            machine.receive(chunk, 0.0)
        answers.append(machine.send_whole(200, b"x: y\r\n", b"hello", close=False))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("byte", range(256))
def test_each_byte_of_a_target_is_read_alike_on_both_paths(byte: int) -> None:
    """RFC 9112 §3.2, RFC 3986 §2: what the short look takes the full one takes too, with the same meaning."""
    for line in (b"GET /a%bb HTTP/1.1", b"G%bT / HTTP/1.1"):
        whole = line % bytes((byte,))
        match = PLAIN_LINE.fullmatch(whole)
        try:
            parsed = parse_request_line(whole)
        except HttpError:
            assert match is None
            continue
        assert match is not None
        assert (match[1].decode(), match[2].decode(), "1.1") == parsed[:3]


def test_second_body_has_a_grace_of_its_own() -> None:
    machine = ServerMachine(HttpLimits(body_grace=20.0, body_rate=1.0), 0.0)
    for start in (0.0, 1000.0):
        machine.receive(counted_body(5)[:-5], start)
        machine.wait(start)
        assert machine.deadline(start) == start + 20.0
        machine.receive(b"zz", start + 10.0)
        assert machine.deadline(start + 10.0) == start + 10.0 + 12.0
        machine.receive(b"zzz", start + 10.0)
        machine.send_whole(200, b"", b"")
        machine.next_message()


def test_second_head_has_a_deadline_of_its_own() -> None:
    machine = ServerMachine(HttpLimits(head_timeout=10.0, next_request=75.0), 0.0)
    for start in (0.0, 100.0, 200.0):
        machine.receive(USUAL[:5], start)
        assert machine.deadline(start) == start + 10.0
        machine.receive(USUAL[5:], start + 1)
        machine.send_whole(200, b"", b"")
        machine.next_message()
        machine.wait(start + 2)
        assert machine.deadline(start + 3) == start + 2 + 75.0


def test_content_of_two_messages_is_not_mixed() -> None:
    events = play(ServerMachine(HttpLimits(), 0.0), [one_chunk(3) + counted_body(2) + two_chunks(4)])
    kinds = "".join(type(event).__name__[0] for event in events)
    assert kinds == "RDERDERDE"
    assert b"".join(event.data for event in events if isinstance(event, Data)) == b"z" * 9
    assert [event.length for event in events if isinstance(event, Request)] == [None, 2, None]


def test_defaults_are_those_of_the_documentation() -> None:
    limits = HttpLimits()
    assert limits.request_line >= 8000  # RFC 9112 §3
    assert (limits.head, limits.fields, limits.body) == (64 * 1024, 100, 16 * 1024 * 1024)


@pytest.mark.parametrize("name", [field.name for field in fields(HttpLimits)])
def test_bound_below_its_least_is_refused(name: str) -> None:
    least = 0 if name in ("body", "unread_body") else 1
    assert getattr(HttpLimits(**{name: least}), name) == least
    with pytest.raises(UsageError, match=f"{name}={least - 1}, more than 0 allowed|{name}=-1"):
        HttpLimits(**{name: least - 1})
