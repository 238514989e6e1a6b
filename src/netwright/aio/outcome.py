"""How an error ends a connection, in the record's words.  No I/O."""

import os

from netwright.core.errors import ClosedError, DeadlineError, LimitError, NetwrightError, ProtocolError
from netwright.core.record import Outcome

__all__ = ["ShuttingDownError", "cause_of", "outcome_of", "reason"]


class ShuttingDownError(ClosedError):
    """The service drains, and this connection is between messages: a handler lets it pass."""


def cause_of(error: BaseException) -> BaseException:
    """The error that matters of a group: the first that this package did not raise, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [cause_of(inner) for inner in error.exceptions]
    return next((leaf for leaf in leaves if not isinstance(leaf, NetwrightError)), leaves[0])


def outcome_of(error: BaseException) -> tuple[Outcome, str]:
    """The outcome of a connection whose handler let ``error`` pass, and the stage where it struck."""
    match cause_of(error):
        case ShuttingDownError():
            return Outcome.DRAINED, ""
        case DeadlineError(stage=stage):
            return Outcome.DEADLINE, stage
        case LimitError(name=name):
            return Outcome.LIMIT, name
        case ProtocolError():
            return Outcome.PROTOCOL_ERROR, ""
        case Exception():
            return Outcome.HANDLER_ERROR, ""
        case _:
            return Outcome.ABORTED, ""


def reason(error: BaseException) -> str:
    """The system's words for an OSError ("Connection refused"), else the error's own."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error) or type(error).__name__
