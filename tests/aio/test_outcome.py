import asyncio
import signal
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest

from netwright.aio.outcome import ShuttingDownError, blamed, cause_of, outcome_of, reason
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


def interrupt(number: int, frame: FrameType | None, **more: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("handler", [signal.default_int_handler, interrupt, partial(interrupt, main_task=None)])
def test_interrupt_by_a_signal_is_no_mistake(handler: Callable[..., None]) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            signal.raise_signal(signal.SIGINT)
        assert blamed(caught.value) is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_interrupt_that_a_handler_raised_itself_is_its_mistake() -> None:
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            raise KeyboardInterrupt
        assert str(blamed(caught.value)) == "the handler raised KeyboardInterrupt()"
    finally:
        signal.signal(signal.SIGINT, before)
