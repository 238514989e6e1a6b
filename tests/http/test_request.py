import pytest

from netwright.core.errors import UsageError
from netwright.http.errors import StatusError
from netwright.http.request import Query, Request
from netwright.proto import http1
from netwright.proto.fields import NO_FIELDS, Fields
from netwright.proto.http1 import HttpLimits
from tests.support.limits import around
from tests.support.web import asking, serving, shop


class Pieces:
    """Content that is there already."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    trailers = NO_FIELDS


def request(target: str = "/", *pieces: bytes, block: bytes = b"host: a\r\n") -> Request:
    head = http1.Request("POST", target, "1.1", Fields.of_block(block), None, True, False, "", "a", "")
    return Request(head, Pieces(*pieces))


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a/b?c=d&e", "/a/b", "c=d&e"),
        ("/", "/", ""),
        ("*", "*", ""),
        ("/a?b?c", "/a", "b?c"),
        ("http://h:1/a?b", "/a", "b"),
        ("http://h", "/", ""),
        ("//h/a", "//h/a", ""),
    ],
)
def test_target_is_split(target: str, path: str, query: str) -> None:
    """RFC 9112 §3.2."""
    asked = request(target)
    assert (asked.path, asked.raw_query, asked.target) == (path, query, target)


def test_query_has_the_last_value_and_all_pairs() -> None:
    query = request("/?a=1&b=%C3%A4+x&a=2&c").query
    assert query == {"a": "2", "b": "ä x", "c": ""}
    assert query.pairs == [("a", "1"), ("b", "ä x"), ("a", "2"), ("c", "")]


@pytest.mark.parametrize("text", ["a=%zz", "a=%ff", "a=%00", "&" * 1000, "a=%4", "a=%4g", "%"])
def test_query_that_is_none_is_refused_400(text: str) -> None:
    with pytest.raises(StatusError) as caught:
        Query(text)
    assert caught.value.status == 400


@pytest.mark.parametrize("names", around(1000))
def test_query_has_up_to_1000_names(names: int) -> None:
    text = "&".join(f"n{number}=" for number in range(names))
    if names <= 1000:
        assert len(Query(text).pairs) == names
        return
    with pytest.raises(StatusError, match="1001 names in the query, 1000 allowed"):
        Query(text)


async def test_body_is_read_once_and_kept() -> None:
    asked = request("/", b"a", b"b")
    with pytest.raises(UsageError, match="before it was read"):
        _ = asked.content
    assert [await asked.body(), await asked.body(), asked.content] == [b"ab"] * 3
    with pytest.raises(UsageError, match="read twice"):
        aiter(asked)


async def test_pieces_are_read_as_they_come() -> None:
    assert [piece async for piece in request("/", b"a", b"b")] == [b"a", b"b"]


async def test_body_over_the_handler_s_limit_is_413() -> None:
    """RFC 9110 §15.5.14."""
    for pieces in ([b"abc"], [b"ab", b"c"], [b"a", b"b", b"c"]):
        for limit in (3, 4):
            assert await request("/", *pieces).body(limit) == b"abc"
        with pytest.raises(StatusError, match="3 bytes seen, 2 allowed") as caught:
            await request("/", *pieces).body(2)
        assert caught.value.status == 413


async def test_json_is_read_whatever_its_suffix() -> None:
    """RFC 8259, RFC 6839 §3.1."""
    assert await request("/", b'{"a":', b"1}").json() == {"a": 1}
    assert await request("/", b'["\\ud83d\\ude00", "\\\\ud83d"]').json() == ["\U0001f600", "\\ud83d"]
    assert await request("/", b"\xef\xbb\xbf[]").json() == []
    assert await request("/", b"[]", block=b"content-type: Application/x+JSON; charset=utf-8\r\n").json() == []


@pytest.mark.parametrize(
    ("raw", "block", "status"),
    [
        (b"{", b"", 400),
        (b"\xff", b"", 400),
        (b"[" * 100_000, b"", 400),
        (b"NaN", b"", 400),
        (b'{"a": -Infinity}', b"", 400),
        (b'["\\ud83d"]', b"", 400),
        (b'["\\uDE00 \\ud83d"]', b"", 400),
        ("[]".encode("utf-16"), b"", 400),
        (b"{}", b"content-type: text/plain\r\n", 415),
        (b"{}", b"content-type: application/jsonx\r\n", 415),
        (b"{}", b"content-type: text/json\r\n", 415),
    ],
)
async def test_json_that_is_none_is_refused(raw: bytes, block: bytes, status: int) -> None:
    """RFC 9110 §15.5.1, §15.5.16; RFC 8259 §6, §8.1, §8.2."""
    with pytest.raises(StatusError) as caught:
        await request("/", raw, block=block).json()
    assert caught.value.status == status


async def test_text_is_utf_8() -> None:
    assert await request("/", "hä".encode()).text() == "hä"
    with pytest.raises(StatusError, match="byte 1"):
        await request("/", b"h\xff").text()


def test_head_is_there_under_its_names() -> None:
    asked = request("/a")
    assert (asked.method, asked.http_version, asked.fields["host"], asked.headers) == ("POST", "1.1", "a", asked.fields)
    assert "POST /a" in repr(asked)


@pytest.mark.parametrize(
    ("target", "authority", "scheme", "url", "host"),
    [
        ("/a?b=c", "h:80", "", "http://h:80/a?b=c", "h"),
        ("http://h/a?b", "h", "http", "http://h/a?b", "h"),
        ("https://h", "h", "https", "https://h/", "h"),
        ("*", "h", "", "http://h", "h"),
        ("/", "[::1]:80", "", "http://[::1]:80/", "[::1]"),
        ("/", "[::1]", "", "http://[::1]/", "[::1]"),
        ("//x/y", "", "", "http:////x/y", ""),
    ],
)
def test_request_says_whom_it_is_for(target: str, authority: str, scheme: str, url: str, host: str) -> None:
    """RFC 9110 §7.1, RFC 9112 §3.3."""
    head = http1.Request("GET", target, "1.1", NO_FIELDS, 0, True, False, "", authority, scheme)
    asked = Request(head, Pieces())
    assert (asked.url, asked.authority, asked.host, asked.scheme) == (url, authority, host, scheme or "http")
    assert Request(head, Pieces(), scheme="https").scheme == (scheme or "https")


async def test_trailers_of_a_message_without_content_are_not_those_of_the_next() -> None:
    """RFC 9112 §7.1.2."""
    app = shop()

    @app.post("/sum")
    async def check(request: Request) -> str:
        before = request.trailers.get("sum", "none")
        await request.body()
        return f"{before} {request.trailers.get('sum', 'none')}"

    raw = b"POST /sum HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nsum: 0\r\n\r\n"
    async with serving(app), asking(app) as peer:
        for _ in range(2):
            await peer.send(raw)
            assert (await peer.answer()).text == "none 0"


async def test_content_that_was_read_does_not_count_as_left_unread() -> None:
    """A handler that stops ten bytes before the end of a large upload keeps its connection."""
    app = shop(http=HttpLimits(unread_body=10))

    @app.post("/most")
    async def most(request: Request) -> str:
        left = 990
        async for piece in request:
            left -= len(piece)
            if left <= 0:
                break
        return "most"

    async with serving(app), asking(app) as peer:
        for _ in range(2):
            await peer.send(b"POST /most HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n", b"x" * 990)
            answered = await peer.answer()
            assert (answered.text, answered.fields.get("connection")) == ("most", None)
            await peer.send(b"y" * 10)
