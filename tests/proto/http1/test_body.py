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


@pytest.mark.parametrize("together", [1, 2, 3, 21])
def test_limit_is_of_all_chunks_however_they_come(together: int) -> None:
    """A body of small chunks, each within ``HttpLimits.body``, is bounded as one large chunk is (RFC 9110 §15.5.14)."""
    pieces = [b"5\r\nhello\r\n" * together] * -(-21 // together)
    content, ends, _ = outcome(ChunkedBody(LIMITS), pieces)
    assert (len(content), ends) == (100, ["body: 105 bytes seen, 100 allowed (RFC 9110 §15.5.14)"])


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
        (b"1 ;a =\r\n", "not a chunk's size line"),
        (b";a\r\n", "not a chunk's size line"),
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


@pytest.mark.parametrize("line", [b"5 ; a = b", b"5\t;a", b"5;a ;b", b'5; a="x" ; b =c', b"05"])
def test_bad_white_space_around_an_extension_is_accepted(line: bytes) -> None:
    """RFC 9112 §7.1.1, RFC 9110 §5.6.3."""
    content, (end,), _ = outcome(ChunkedBody(LIMITS), [line + b"\r\nhello\r\n0\r\n\r\n"])
    assert (content, isinstance(end, End)) == (b"hello", True)


def test_chunks_that_come_together_are_one_piece() -> None:
    """One byte in each chunk must not cost an event each."""
    events: list[Event] = []
    ChunkedBody(HttpLimits()).read(b"1\r\nx\r\n" * 50 + b"1;e\r\ny\r\n" * 50 + b"0\r\n\r\n", 0, events)
    assert [type(event) for event in events] == [Data, End]
    assert events[0] == Data(b"x" * 50 + b"y" * 50)


def test_overhead_of_chunks_is_bounded_in_all_and_content_earns_some() -> None:
    """Framing of one-byte chunks is proportional to the content; extensions and leading zeros are not."""
    limits = HttpLimits(chunk_overhead=100)
    for line, allowed in ((b"1;e", 50), (b"01", 101), (b"00000001", 14)):
        _, ends, _ = outcome(ChunkedBody(limits), [(line + b"\r\nx\r\n") * (allowed + 10) + b"0\r\n\r\n"])
        assert "chunk_overhead: " in str(ends[-1])
        _, ends, _ = outcome(ChunkedBody(limits), [(line + b"\r\nx\r\n") * allowed + b"0\r\n\r\n"])
        assert isinstance(ends[-1], End)
    padded = b"00002000\r\n" + b"x" * 0x2000 + b"\r\n"
    _, ends, _ = outcome(ChunkedBody(limits), [padded * 500 + b"0\r\n\r\n"])
    assert isinstance(ends[-1], End)


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
