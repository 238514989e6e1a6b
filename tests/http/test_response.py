from collections.abc import AsyncIterator

import pytest

from netwright.core.errors import UsageError
from netwright.http import response
from netwright.http.response import Response, as_response
from netwright.proto.http1 import Fields


async def numbers() -> AsyncIterator[bytes]:
    yield b"1"


@pytest.mark.parametrize(
    ("answer", "status", "content_type", "body"),
    [
        ("hä", 200, "text/plain; charset=utf-8", "hä".encode()),
        (b"raw", 200, "application/octet-stream", b"raw"),
        ({"a": [1, None]}, 200, "application/json", b'{"a":[1,null]}'),
        (["ä"], 200, "application/json", '["ä"]'.encode()),
        (None, 204, None, b""),
        (Response.html("<p>", 201), 201, "text/html; charset=utf-8", b"<p>"),
        (Response("a", content_type="text/csv"), 200, "text/csv", b"a"),
        (Response(b"", 202), 202, None, b""),
    ],
)
def test_answer_becomes_a_response(answer: object, status: int, content_type: str | None, body: bytes) -> None:
    made = as_response(answer)
    assert (made.status, Fields(made.fields).get("content-type"), made.body) == (status, content_type, body)


async def test_async_iterator_becomes_a_streamed_response() -> None:
    made = as_response(numbers())
    assert not isinstance(made.body, bytes)
    assert [piece async for piece in made.body] == [b"1"]
    assert "streamed" in repr(made)


@pytest.mark.parametrize("answer", [1, object(), (1, 2)])
def test_answer_of_another_kind_is_a_mistake_of_the_handler(answer: object) -> None:
    with pytest.raises(UsageError, match="a handler returned"):
        as_response(answer)


def test_fields_are_the_handler_s_but_framing_is_not() -> None:
    made = Response("a", fields=[("X-A", "1"), ("x-a", "2"), ("Content-Type", "text/x")])
    fields = Fields(made.fields)
    assert (fields.get_all("x-a"), fields.get_all("content-type")) == (["1", "2"], ["text/x"])
    for name in ("Content-Length", "transfer-encoding", "Connection"):
        with pytest.raises(UsageError):
            Response("a", fields={name: "1"})


def test_field_that_would_split_the_head_is_refused() -> None:
    """RFC 9110 §5.5."""
    with pytest.raises(UsageError):
        Response("a", fields={"x": "a\r\nset-cookie: x"})
    with pytest.raises(UsageError):
        Response("a", content_type="text/x\r\nset-cookie: x")
    assert Fields(Response.redirect("/b", 303).fields)["location"] == "/b"


def test_json_that_is_none_is_refused() -> None:
    """RFC 8259 §6: there is no NaN."""
    with pytest.raises(ValueError, match="JSON"):
        Response.json({"a": float("nan")})


@pytest.mark.parametrize("status", [100, 199, 600])
def test_status_that_is_not_final_is_refused(status: int) -> None:
    """RFC 9110 §15."""
    with pytest.raises(UsageError):
        Response("a", status)
    assert [Response("a", allowed).status for allowed in (200, 599)] == [200, 599]


def test_content_types_made_of_input_do_not_pile_up() -> None:
    for number in range(300):
        assert Response("a", content_type=f"text/x{number}").fields == (("content-type", f"text/x{number}"),)
    assert len(response._PLAIN) <= 100  # noqa: SLF001  # what is bounded


def test_text_and_its_kin_have_their_type() -> None:
    class Words(str):
        pass

    assert Fields(Response.text("a").fields)["content-type"] == "text/plain; charset=utf-8"
    assert as_response(Words("a")).body == b"a"


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("/\u2603", "/%E2%98%83"),
        ("/\xe9?a=\xe9", "/%C3%A9?a=%C3%A9"),
        ("https://a.example:1/b%20c?d=e&f#g", "https://a.example:1/b%20c?d=e&f#g"),
        ("/a b\r\nset-cookie: x", "/a%20b%0D%0Aset-cookie:%20x"),
        ("http://[::1]/", "http://[::1]/"),
    ],
)
def test_location_is_a_uri_whatever_text_it_was(location: str, sent: str) -> None:
    """RFC 9110 §10.2.2, RFC 3987 §3.1."""
    assert Response.redirect(location).fields == (("location", sent),)


def test_fields_can_be_read_as_they_go_out() -> None:
    made = Response("hi", 200, {"X-A": "1"})
    assert made.fields == (("content-type", "text/plain; charset=utf-8"), ("X-A", "1"))
