import pytest

from netwright.proto.fields import Fields
from netwright.proto.http1.framing import (
    RequestFraming,
    frame_request,
    frame_response,
    parse_request_line,
    parse_status_line,
)
from netwright.proto.http1.scan import Found, scan
from netwright.proto.http1.status import HttpError

HOST = b"host: a\r\n"


def found(block: bytes) -> Found:
    scanned = scan(block)
    assert scanned is not None
    return scanned[1]


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        (b"GET / HTTP/1.1", ("GET", "/", "1.1")),
        (b"get /a?b=c|d HTTP/1.0", ("get", "/a?b=c|d", "1.0")),
        (b"OPTIONS * HTTP/1.1", ("OPTIONS", "*", "1.1")),
        (b"GET http://a.example/b HTTP/1.1", ("GET", "http://a.example/b", "1.1")),
        (b"M-SEARCH / HTTP/1.1", ("M-SEARCH", "/", "1.1")),
        (b"GET / HTTP/1.2", ("GET", "/", "1.1")),
        (b"GET / HTTP/1.9", ("GET", "/", "1.1")),
    ],
)
def test_request_line_is_read(line: bytes, parsed: tuple[str, str, str]) -> None:
    """RFC 9112 §3; RFC 9110 §6.2: a higher minor version is read as 1.1."""
    assert parse_request_line(line)[:3] == parsed


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        (b"", 400, "empty line"),
        (b"GET /", 400, "1 space in"),
        (b"GET  / HTTP/1.1", 400, "3 spaces"),
        (b"GET / HTTP/1.1 ", 400, "3 spaces"),
        (b"GET\t/ HTTP/1.1", 400, "visible ASCII"),
        (b"GET /\xff HTTP/1.1", 400, "visible ASCII"),
        (b"G(T / HTTP/1.1", 400, "not a request line"),
        (b"GET / HTTP/11.1", 400, "not a request line"),
        (b"GET / http/1.1", 400, "not a request line"),
        (b"GET / HTTP/2.0", 505, "HTTP/2.0"),
        (b"GET a HTTP/1.1", 400, "neither a path nor a URL"),
        (b"GET * HTTP/1.1", 400, "neither a path nor a URL"),
        (b"GET ftp://a/ HTTP/1.1", 400, "neither a path nor a URL"),
        (b"GET http:/a/ HTTP/1.1", 400, "neither a path nor a URL"),
        *(
            (b"GET http://%b/ HTTP/1.1" % authority, 400, "no valid host")
            for authority in (b"u@a", b"[x", b"", b":80", b"a:b", b"a:65536", b"[:::]", b"[v1.x]", b"a%zz", b"a:1:2")
        ),
        (b"GET /a#b HTTP/1.1", 400, "# in the target"),
        (b'GET /a"b HTTP/1.1', 400, "percent-encode"),
        (b"CONNECT a:443 HTTP/1.1", 501, "no proxy"),
    ],
)
def test_request_line_that_is_none_is_refused(line: bytes, status: int, words: str) -> None:
    """RFC 9112 §3, §3.2; RFC 9110 §15.6.2, §15.6.6."""
    with pytest.raises(HttpError) as caught:
        parse_request_line(line)
    assert caught.value.status == status
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("block", "version", "framing"),
    [
        (HOST, "1.1", RequestFraming(0, True, False, "", "a")),
        (b"", "1.0", RequestFraming(0, False, False, "", "")),
        (b"connection: Keep-Alive\r\n", "1.0", RequestFraming(0, True, False, "", "")),
        (HOST + b"connection: close\r\n", "1.1", RequestFraming(0, False, False, "", "a")),
        (HOST + b"content-length: 12\r\n", "1.1", RequestFraming(12, True, False, "", "a")),
        (HOST + b"transfer-encoding: Chunked\r\n", "1.1", RequestFraming(None, True, False, "", "a")),
        (HOST + b"expect: 100-Continue\r\n", "1.1", RequestFraming(0, True, True, "", "a")),
        (HOST + b"expect: 100-continue\r\n", "1.0", RequestFraming(0, False, False, "", "a")),
        (
            HOST + b"connection: upgrade\r\nupgrade: websocket\r\n",
            "1.1",
            RequestFraming(0, True, False, "websocket", "a"),
        ),
        (HOST + b"upgrade: websocket\r\n", "1.1", RequestFraming(0, True, False, "", "a")),
    ],
)
def test_fields_frame_a_request(block: bytes, version: str, framing: RequestFraming) -> None:
    """RFC 9112 §6.3, §9.3; RFC 9110 §7.8, §10.1.1."""
    assert frame_request(found(block), version) == framing


@pytest.mark.parametrize(
    ("block", "status"),
    [
        (b"", 400),
        (HOST + HOST, 400),
        (b"host: a b\r\n", 400),
        (b"host: a/b\r\n", 400),
        (b"host: a:80:80\r\n", 400),
        (HOST + b"content-length: \r\n", 400),
        (HOST + b"content-length: +1\r\n", 400),
        (HOST + b"content-length: -1\r\n", 400),
        (HOST + b"content-length: 1_0\r\n", 400),
        (HOST + b"content-length: 0x1\r\n", 400),
        (HOST + b"content-length: 1, 1\r\n", 400),
        (HOST + b"content-length: \xb2\r\n", 400),
        (HOST + b"content-length: 1\r\ncontent-length: 1\r\n", 400),
        (HOST + b"content-length: " + b"9" * 19 + b"\r\n", 400),
        (HOST + b"content-length: " + b"9" * 5000 + b"\r\n", 400),
        (HOST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n", 400),
        (HOST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", 400),
        (HOST + b"transfer-encoding: chunked, chunked\r\n", 400),
        (HOST + b"transfer-encoding: ,chunked\r\n", 400),
        (HOST + b"transfer-encoding: chunked, gzip\r\n", 400),
        (HOST + b"transfer-encoding: identity\r\n", 400),
        (HOST + b"transfer-encoding: \xa0chunked\r\n", 501),
        (HOST + b"transfer-encoding: gzip, chunked\r\n", 501),
        (HOST + b"expect: cookies\r\n", 417),
    ],
)
def test_doubt_about_a_request_is_refused(block: bytes, status: int) -> None:
    """RFC 9112 §3.2, §6.1, §6.3, §11.2; RFC 9110 §8.6, §10.1.1."""
    with pytest.raises(HttpError) as caught:
        frame_request(found(block), "1.1")
    assert caught.value.status in (status, 400 if b"\xa0" in block else status)


def test_transfer_encoding_in_1_0_is_refused() -> None:
    """RFC 9112 §6.1: such a message is faulty."""
    with pytest.raises(HttpError, match=r"HTTP/1\.0"):
        frame_request(found(b"transfer-encoding: chunked\r\n"), "1.0")


@pytest.mark.parametrize("host", ["a", "a.example:80", "[::1]:8000", "127.0.0.1", "", "a:"])
def test_host_may_be_a_name_an_address_or_empty(host: str) -> None:
    """RFC 9110 §7.2, RFC 3986 §3.2.2."""
    assert frame_request(found(f"host: {host}\r\n".encode()), "1.1").length == 0


@pytest.mark.parametrize(
    ("block", "status", "method", "framing"),
    [
        (b"", 200, "GET", (None, False, False)),
        (b"content-length: 5\r\n", 200, "GET", (5, False, True)),
        (b"content-length: 5\r\n", 200, "HEAD", (0, False, True)),
        (b"content-length: 5\r\n", 304, "GET", (0, False, True)),
        (b"", 204, "GET", (0, False, True)),
        (b"transfer-encoding: chunked\r\n", 200, "GET", (None, True, True)),
        (b"content-length: 5\r\nconnection: close\r\n", 200, "GET", (5, False, False)),
    ],
)
def test_fields_frame_a_response(
    block: bytes, status: int, method: str, framing: tuple[int | None, bool, bool]
) -> None:
    """RFC 9112 §6.3."""
    assert frame_response(Fields.of_block(block), "1.1", status, method) == framing


def test_status_line_is_read_with_and_without_a_reason() -> None:
    """RFC 9112 §4."""
    assert parse_status_line(b"HTTP/1.1 200 OK") == ("1.1", 200, "OK")
    assert parse_status_line(b"HTTP/1.0 404 ") == ("1.0", 404, "")
    assert parse_status_line(b"HTTP/1.1 299") == ("1.1", 299, "")
    for line in (b"", b"HTTP/2.0 200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 600 OK", b"HTTP/1.1  200 OK"):
        with pytest.raises(HttpError):
            parse_status_line(line)
