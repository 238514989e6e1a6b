"""How an error ends a connection, in the record's words.  No I/O."""

import os
import signal

from netwright.core.errors import ClosedError, DeadlineError, LimitError, NetwrightError, ProtocolError
from netwright.core.record import Outcome

__all__ = ["ShuttingDownError", "blamed", "cause_of", "outcome_of", "reason"]


class ShuttingDownError(ClosedError):
    """The service drains, and this connection is between messages: a handler lets it pass."""


def cause_of(error: BaseException) -> BaseException:
    """The error that matters of a group: the first that this package did not raise, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [cause_of(inner) for inner in error.exceptions]
    return next((leaf for leaf in leaves if not isinstance(leaf, NetwrightError)), leaves[0])


def blamed(error: BaseException) -> Exception | None:
    """The failure of a handler that raised what only its caller may raise: one's mistake does not end everybody's work.

    None if it is no mistake: a KeyboardInterrupt that Ctrl-C can have raised.
    """
    if isinstance(error, KeyboardInterrupt) and _by_signal(error):
        return None
    said = f"called sys.exit({error.code!r})" if isinstance(error, SystemExit) else f"raised {error!r}"
    failure = RuntimeError(f"the handler {said}")
    failure.__cause__ = error
    return failure.with_traceback(error.__traceback__)


def _by_signal(error: KeyboardInterrupt) -> bool:
    """True if Python's own handler of SIGINT, or the one that was set, is what raised it; Python's leaves no frame."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = getattr(getattr(handler, "func", handler), "__code__", None)  # asyncio.Runner sets a functools.partial
    return trace is not None and trace.tb_frame.f_code is code


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
