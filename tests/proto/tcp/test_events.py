"""netwright.proto.tcp.events."""

import pytest

from netwright.core.errors import ClosedError, ConnectError, DeadlineError, NetwrightError, ResetError
from netwright.proto.tcp.events import End, error_of

EXPECTED: dict[End, type[NetwrightError] | None] = {
    End.OPEN: None,
    End.CLOSED: None,
    End.REPLACED: None,
    End.RESET: ResetError,
    End.REFUSED: ConnectError,
    End.NO_ANSWER: ConnectError,
    End.TIMED_OUT: DeadlineError,
    End.USER_TIMEOUT: DeadlineError,
    End.SILENT: DeadlineError,
    End.ABORTED: ClosedError,
    End.UNREAD: ClosedError,
}


@pytest.mark.parametrize("end", End)
def test_every_end_has_its_error_by_culprit(end: End) -> None:
    """RFC 9293 §3.9.1: the user learns why."""
    error = error_of(end, 3.0)
    assert type(error) is (EXPECTED[end] or type(None))
