import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import LimitError, ProtocolError
from netwright.proto.http1.body import Body, ChunkedBody, CountedBody, EndlessBody
from netwright.proto.http1.events import Data, End, Event
from netwright.proto.http1.limits import HttpLimits

LIMITS = HttpLimits(body=100, chunk_line=30)


def outcome(body: Body, pieces: list[bytes]) -> tuple[bytes, list[object], bytes]:
    """Content, how it ended, and what was not taken."""
    events: list[Event] = []
    rest = b""
    for piece in pieces:
        rest += piece
        if events and isinstance(events[-1], End):
            continue
        try:
            rest = rest[body.read(rest, 0, events) :]
        except (ProtocolError, LimitError) as error:
            return _content(events), [str(error)], b""
    return _content(events), [event for event in events if not isinstance(event, Data)], rest


def _content(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Data))


def split(whole: bytes, data: st.DataObject) -> list[bytes]:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)))))
    return [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


PIECES = [
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\n",
    b"A;x=y\r\n0123456789\r\n",
    b'1;q="a;\\"b"\r\nz\r\n',
    b"trailer: yes\r\n\r\n",
    b"content-length: 1\r\n\r\n",
    b"ff\r\n",
    b"0x1\r\n",
    b"1 \r\n",
    b"1\n",
    b"1\r\nzz\r\n",
    b"\r\n",
    b"x" * 40,
]


@given(st.lists(st.sampled_from(PIECES), max_size=6), st.data())
def test_chunks_mean_the_same_for_any_split(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    once = outcome(ChunkedBody(LIMITS), [whole])
    assert once == outcome(ChunkedBody(LIMITS), split(whole, data))
    assert once == outcome(ChunkedBody(LIMITS), [whole[at : at + 1] for at in range(len(whole))])


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=4), st.data())
def test_chunks_give_the_content_back(contents: list[bytes], data: st.DataObject) -> None:
    """RFC 9112 §7.1."""
    whole = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in contents) + b"0\r\nx: y\r\n\r\nnext"
    content, (end,), rest = outcome(ChunkedBody(LIMITS), split(whole, data))
    assert (content, rest) == (b"".join(contents), b"next")
    assert isinstance(end, End)
    assert end.trailers["x"] == "y"


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        (b"0_2e\r\n", "not a chunk's size line"),
        (b"0x1\r\n", "not a chunk's size line"),
        (b"+1\r\n", "not a chunk's size line"),
        (b" 1\r\n", "not a chunk's size line"),
        (b"\r\n", "not a chunk's size line"),
        (b"1\n", "not a chunk's size line"),
        (b"1;\r\n", "not a chunk's size line"),
        (b"1;a=b\rc\r\n", "not a chunk's size line"),
        (b"f" * 16 + b"\r\n", "not a chunk's size line"),
        (b"1\r\nab\r\n", "b'b\\r' after a chunk's data, CRLF allowed (RFC 9112 §7.1)"),
        (b"65\r\n", "body: 101 bytes seen, 100 allowed"),
        (b"1;" + b"a" * 40, "chunk_line: 31 bytes seen, 30 allowed"),
        (b"0\r\nhost: a\r\n\r\n", "host in a trailer section (RFC 9110 §6.5.1)"),
        (b"0\r\nno colon\r\n", "without a colon"),
    ],
)
def test_chunk_that_is_none_is_refused(chunk: bytes, words: str) -> None:
    """RFC 9112 §7.1, §7.1.1, §7.1.2."""
    _, (end,), _ = outcome(ChunkedBody(LIMITS), [chunk])
    assert words in str(end)


@given(st.binary(max_size=30), st.integers(1, 20), st.data())
def test_counted_content_ends_where_its_length_says(whole: bytes, length: int, data: st.DataObject) -> None:
    """RFC 9112 §6.2."""
    content, ends, rest = outcome(CountedBody(length), split(whole, data))
    assert content == whole[:length]
    assert rest == whole[length:]
    assert len(ends) == (len(whole) >= length)


@given(st.binary(max_size=30), st.data())
def test_endless_content_is_cut_at_the_limit(whole: bytes, data: st.DataObject) -> None:
    content, ends, _ = outcome(EndlessBody(20), split(whole, data))
    assert content == whole[:20]
    assert len(ends) == (len(whole) > 20)
