import json

import pytest

from netwright.core.errors import ClosedError, DeadlineError, LimitError, ProtocolError, TransportError, UsageError
from netwright.http.errors import StatusError
from netwright.http.pages import error_response, prefers_json, status_of
from netwright.proto.http1 import Fields, HttpError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StatusError(418, "x"), 418),
        (HttpError("x", status=501), 501),
        (LimitError("body", 2, 1), 413),
        (DeadlineError("request body", 1.0), 408),
        (ValueError("x"), 500),
    ],
)
def test_error_has_its_status(error: Exception, status: int) -> None:
    assert status_of(error) == status


def test_page_says_what_was_wrong_in_text_or_json() -> None:
    """RFC 9457."""
    error = StatusError(405, "PUT on /, GET allowed", fields=[("allow", "GET")], reference="RFC 9110 §15.5.6")
    page = error_response(error)
    assert page.body == b"405 Method Not Allowed\nPUT on /, GET allowed (RFC 9110 \xc2\xa715.5.6)\n"
    assert Fields(page.fields)["allow"] == "GET"
    page = error_response(error, accept="application/json")
    assert isinstance(page.body, bytes)
    assert json.loads(page.body) == {
        "title": "Method Not Allowed",
        "status": 405,
        "detail": "PUT on /, GET allowed (RFC 9110 §15.5.6)",
    }
    assert Fields(page.fields)["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("password"),
        LookupError("password"),
        UsageError("password"),
        TransportError("password"),
        ClosedError("password"),
        ExceptionGroup("password", [ValueError("password")]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("accept", ["", "application/json"])
def test_page_of_a_fault_of_the_program_tells_nothing_of_it(error: Exception, accept: str) -> None:
    page = error_response(error, accept=accept, close=True)
    assert isinstance(page.body, bytes)
    assert (page.status, b"password" in page.body, page.close) == (500, False, True)
    assert b"the handler failed; its log says why" in page.body


@pytest.mark.parametrize("error", [ProtocolError("why"), LimitError("why", 2, 1), DeadlineError("why", 1.0)])
def test_page_of_a_fault_of_the_program_hides_every_class_of_error(error: Exception) -> None:
    page = error_response(error, status=500)
    assert isinstance(page.body, bytes)
    assert b"why: " not in page.body
    assert page.body.endswith(b"its log says why\n")


@pytest.mark.parametrize("status", [400, 499, 501, 503, 599])
def test_page_of_a_refusal_has_its_text(status: int) -> None:
    page = error_response(StatusError(status, "told"))
    assert isinstance(page.body, bytes)
    assert page.body.endswith(b"\ntold\n")


@pytest.mark.parametrize(
    ("accept", "json_first"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", True),
        ("Application/JSON;q=0.9, text/html", True),
        ("text/html,application/json", False),
        ("image/png, application/problem+json", True),
    ],
)
def test_json_is_sent_to_who_names_it_first(accept: str, json_first: bool) -> None:
    assert prefers_json(accept) is json_first
