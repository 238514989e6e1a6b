import pytest

from netwright.core.errors import UsageError
from netwright.http.errors import StatusError


def test_status_error_says_what_and_carries_fields() -> None:
    error = StatusError(404, "no item 7", fields=[("x", "y")], reference="RFC 9110 §15.5.5", advice="try 6")
    assert (error.status, error.fields) == (404, (("x", "y"),))
    assert str(error) == "no item 7 (RFC 9110 §15.5.5); try 6"


def test_status_that_is_no_error_is_refused() -> None:
    with pytest.raises(UsageError):
        StatusError(200, "fine")
