import pytest

from netwright.core.errors import UsageError
from netwright.proto.http1.limits import HttpLimits


def test_defaults_are_those_of_the_documentation() -> None:
    limits = HttpLimits()
    assert limits.request_line >= 8000  # RFC 9112 §3
    assert (limits.head, limits.fields, limits.body) == (64 * 1024, 100, 16 * 1024 * 1024)


@pytest.mark.parametrize("name", ["head", "fields", "head_timeout", "body_rate", "requests"])
def test_bound_of_zero_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}=0"):
        HttpLimits(**{name: 0})


def test_no_content_at_all_may_be_asked_for() -> None:
    assert HttpLimits(body=0, unread_body=0).body == 0
    with pytest.raises(UsageError):
        HttpLimits(body=-1)
