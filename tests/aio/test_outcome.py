import asyncio

import pytest

from netwright.aio.outcome import ShuttingDownError, cause_of, outcome_of, reason
from netwright.core.errors import DeadlineError, IncompleteError, LimitError, ProtocolError, UsageError
from netwright.core.record import Outcome


@pytest.mark.parametrize(
    ("error", "outcome", "stage"),
    [
        (ShuttingDownError("over"), Outcome.DRAINED, ""),
        (DeadlineError("frame", 30.0), Outcome.DEADLINE, "frame"),
        (LimitError("line", 10, 9), Outcome.LIMIT, "line"),
        (ProtocolError("bad"), Outcome.PROTOCOL_ERROR, ""),
        (IncompleteError("cut"), Outcome.PROTOCOL_ERROR, ""),
        (UsageError("wrong"), Outcome.HANDLER_ERROR, ""),
        (ValueError("bug"), Outcome.HANDLER_ERROR, ""),
        (asyncio.CancelledError(), Outcome.ABORTED, ""),
        (ExceptionGroup("two", [DeadlineError("idle", 1.0), ValueError("bug")]), Outcome.HANDLER_ERROR, ""),
    ],
)
def test_outcome_names_the_culprit(error: BaseException, outcome: Outcome, stage: str) -> None:
    assert outcome_of(error) == (outcome, stage)


def test_cause_of_a_group_is_the_error_that_is_not_ours() -> None:
    bug = ValueError("bug")
    assert cause_of(ExceptionGroup("a", [ProtocolError("x"), ExceptionGroup("b", [bug])])) is bug


def test_reason_is_the_systems_words_or_the_errors_own() -> None:
    assert reason(OSError(111, "Connect call failed ('::1', 80)")) == "Connection refused"
    assert [reason(ValueError("own")), reason(ValueError())] == ["own", "ValueError"]
