import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import LimitError, ProtocolError
from netwright.proto.http1.framing import parse_request_line
from netwright.proto.http1.head import Section
from netwright.proto.http1.limits import HttpLimits

SMALL = HttpLimits(request_line=40, field_line=20, fields=3, head=70)


def section(limits: HttpLimits = SMALL) -> Section:
    def first(line: bytes) -> None:
        parse_request_line(line)

    return Section(limits, first, limits.request_line)


def outcome(checked: Section, pieces: list[bytes]) -> tuple[str, int] | str:
    """Where the section ends, or the words of its fault."""
    data = b""
    for piece in pieces:
        data += piece
        try:
            end = checked.find_end(data, 0)
        except (ProtocolError, LimitError) as error:
            return str(error)
        if end >= 0:
            return "end", end
    return "more", 0


LINES = [
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/1.1\n",
    b"a: b\r\n",
    b"a: b\n",
    b"a\rb: c\r\n",
    b"x: 12345678901234567890\r\n",
    b"\r\n",
    b"\n",
    b"a",
    b" ",
]


@given(st.lists(st.sampled_from(LINES), max_size=8), st.data())
def test_section_ends_or_fails_at_the_same_place_for_any_split(lines: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(lines)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)))))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    once = outcome(section(), [whole])
    split = outcome(section(), pieces)
    bytewise = outcome(section(), [whole[at : at + 1] for at in range(len(whole))])
    assert once == split == bytewise


@pytest.mark.parametrize(
    ("head", "name", "seen"),
    [
        (b"GET /" + b"a" * 40, "request_line", 41),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 30, "field_line", 21),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 4, "fields", 4),
        (b"GET /aaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n" + b"a: 4567890123456\r\n" * 3, "head", 71),
    ],
)
def test_limit_strikes_at_the_first_byte_too_many(head: bytes, name: str, seen: int) -> None:
    """RFC 6585 §5, RFC 9112 §3."""
    with pytest.raises(LimitError) as caught:
        section().find_end(head, 0)
    assert (caught.value.name, caught.value.seen) == (name, seen)


def test_limits_allow_what_they_say() -> None:
    head = b"GET /" + b"a" * 24 + b" HTTP/1.1\r\n"
    assert len(head) == SMALL.request_line
    head += b"a: " + b"b" * 15 + b"\r\n" + b"c:d\r\n\r\n"
    assert section().find_end(head, 0) == len(head)


def test_trailer_section_has_no_start_line_and_may_be_empty() -> None:
    """RFC 9112 §7.1.2."""
    trailers = Section(SMALL, None)
    assert trailers.find_end(b"\r\nrest", 0) == 2
    trailers.reset()
    assert trailers.find_end(b"xxa: b\r\n\r\n", 2) == 10
