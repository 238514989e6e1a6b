"""netwright.proto.drain: one rule says when a drain may end a connection."""

import math

import pytest

from netwright.core.record import Waiting
from netwright.proto.drain import QUIET, may_end_at


@pytest.mark.parametrize("waiting", Waiting)
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("beside", [True, False])
def test_a_busy_connection_never_ends_before_the_deadline(waiting: Waiting, answered: bool, beside: bool) -> None:
    for begun in (True, False):
        found = may_end_at(waiting, busy=True, begun=begun, answered=answered, beside=beside, moved_at=1.0)
        assert found == math.inf


def test_between_messages_ends_at_once_and_a_doubt_waits_for_quiet() -> None:
    def at(waiting: Waiting, *, answered: bool, beside: bool, begun: bool = False) -> float:
        return may_end_at(waiting, busy=False, begun=begun, answered=answered, beside=beside, moved_at=7.0)

    assert at(Waiting.RECEIVE, answered=True, beside=False) == -math.inf
    assert at(Waiting.RECEIVE, answered=True, beside=True) == 7.0 + QUIET  # a relay: bytes go the other way
    assert at(Waiting.RECEIVE, answered=False, beside=False) == 7.0 + QUIET  # inside a message, or receive-only
    assert at(Waiting.NEXT_REQUEST, answered=False, beside=True) == -math.inf  # the program says where it is
    assert at(Waiting.RECEIVE, answered=True, beside=False, begun=True) == 7.0 + QUIET  # half a line holds no drain
    assert at(Waiting.NEXT_REQUEST, answered=True, beside=False, begun=True) == 7.0 + QUIET
    assert at(Waiting.BODY, answered=True, beside=False) == math.inf
    assert at(Waiting.HANDLER, answered=True, beside=False) == math.inf
