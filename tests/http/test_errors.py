import pytest

from netwright.core.errors import UsageError
from netwright.http.errors import StatusError


def test_status_error_says_what_and_carries_fields() -> None:
    error = StatusError(404, "no item 7", fields=[("x", "y")], reference="RFC 9110 §15.5.5", advice="try 6")
    assert (error.status, error.fields) == (404, (("x", "y"),))
    assert str(error) == "no item 7 (RFC 9110 §15.5.5); try 6"


def test_status_that_is_no_error_is_refused() -> None:
    for status in (200, 399, 600):
        with pytest.raises(UsageError, match=f"error status {status}, 400 to 599 allowed"):
            StatusError(status, "fine")
    assert [StatusError(status, "x").status for status in (400, 599)] == [400, 599]
