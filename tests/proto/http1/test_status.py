import pytest

from netwright.core.errors import DeadlineError, LimitError, NetwrightError, ProtocolError, TransportError
from netwright.proto.http1.status import REASONS, HttpError, has_content, reason, status_for


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HttpError("x"), 400),
        (HttpError("x", status=505), 505),
        (ProtocolError("x"), 400),
        (LimitError("request_line", 2, 1), 414),
        (LimitError("field_line", 2, 1), 431),
        (LimitError("fields", 2, 1), 431),
        (LimitError("head", 2, 1), 431),
        (LimitError("body", 2, 1), 413),
        (LimitError("chunk_line", 2, 1), 400),
        (DeadlineError("request head", 1.0), 408),
        (TransportError("x"), 500),
    ],
)
def test_error_has_the_status_of_its_culprit(error: NetwrightError, status: int) -> None:
    """RFC 9110 §15.5, RFC 6585 §5."""
    assert status_for(error) == status


def test_reason_of_an_unknown_status_is_empty() -> None:
    """RFC 9112 §4: the phrase may be empty."""
    assert (reason(404), reason(299)) == ("Not Found", "")


def test_status_without_content_is_one_of_four_kinds() -> None:
    """RFC 9110 §6.4.1."""
    assert {status for status in REASONS if not has_content(status)} == {100, 101, 103, 204, 304}
