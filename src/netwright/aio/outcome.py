"""How an error ends a connection: the facts that its record keeps of it."""

import errno
import os
import signal
from typing import NamedTuple

from netwright.core.errors import ClosedError, DeadlineError, LimitError, NetwrightError, ProtocolError
from netwright.core.record import ConnectionRecord, Outcome, Party
from netwright.wire.tcp_info import parse_tcp_info

__all__ = ["Failure", "ShuttingDownError", "end_broken", "end_failed", "failure_of", "handler_failure", "main_error"]
__all__ += ["error_text", "outcome_of"]

CLOSED_WINDOW = "closed window"  # the stage of a connection that the kernel gave up because the peer did not read


class ShuttingDownError(ClosedError):
    """The service drains, and this connection is between messages.  Handlers should not catch it."""


def main_error(error: BaseException) -> BaseException:
    """Return the most informative error of a group: the first that this package did not raise, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [main_error(inner) for inner in error.exceptions]
    return next((leaf for leaf in leaves if not isinstance(leaf, NetwrightError)), leaves[0])


def handler_failure(error: BaseException) -> Exception | None:
    """Return a RuntimeError for a handler that raised SystemExit or the like, which must not end the whole service.

    None if it is not a mistake: a KeyboardInterrupt that Ctrl-C can have raised.
    """
    if isinstance(error, KeyboardInterrupt) and _by_signal(error):
        return None
    said = f"called sys.exit({error.code!r})" if isinstance(error, SystemExit) else f"raised {error!r}"
    failure = RuntimeError(f"the handler {said}")
    failure.__cause__ = error
    return failure.with_traceback(error.__traceback__)


def _by_signal(error: KeyboardInterrupt) -> bool:
    """True if the handler of SIGINT raised ``error``: the one that was set, or Python's own, which leaves no frame."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = getattr(getattr(handler, "func", handler), "__code__", None)  # asyncio.Runner sets a functools.partial
    return trace is not None and trace.tb_frame.f_code is code


def outcome_of(error: BaseException) -> tuple[Outcome, str]:
    """Return the outcome of a connection whose handler let ``error`` pass, and the stage of the failure."""
    match main_error(error):
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


def end_failed(record: ConnectionRecord, error: BaseException, at: float) -> Outcome:
    """End the record of a connection whose handler let ``error`` pass; return its outcome."""
    outcome, stage = outcome_of(error)
    if record.outcome is Outcome.OPEN:  # as a rule a reset has ended it already
        cause = main_error(error)
        record.end(outcome, at, stage=stage, errno=getattr(cause, "errno", None) or 0, text=str(cause))
    return outcome


def end_broken(record: ConnectionRecord, error: BaseException, at: float) -> None:
    """End the record of a connection that the kernel reports as broken."""
    stage, number, text, who = failure_of(error, record, at)
    record.end(Outcome.RESET, at, stage=stage, errno=number, text=text, who=who)


class Failure(NamedTuple):
    """Why the kernel gave a connection up; ``who`` is None where the error number alone says it."""

    stage: str
    errno: int
    text: str
    who: Party | None


def failure_of(error: BaseException, record: ConnectionRecord, at: float) -> Failure:
    """Why the kernel gave a connection up, from its error and from struct tcp_info, which is read at ``at``.

    A peer whose window stays at 0 answers the probes of it (RFC 9293 §3.8.6.1).  Linux ends such a connection with
    ETIMEDOUT after TCP_USER_TIMEOUT, as it ends one whose peer is silent; only tcp_info tells the two apart.
    """
    number = getattr(error, "errno", None) or 0
    silent = Failure("", number, error_text(error), None)
    if number != errno.ETIMEDOUT:
        return silent
    record.sample(at)
    info = parse_tcp_info(record.kernel) if record.kernel else None
    if info is None or info.snd_wnd != 0 or not info.notsent_bytes:
        return silent
    if info.last_data_sent - info.last_ack_recv < (info.rto + info.rtt) / 2:
        return silent  # the last data was acknowledged, and no probe, which is sent a timeout later
    text = f"the peer did not read for {info.last_data_sent:.0f} s: window 0 (TCP_USER_TIMEOUT, Tuning.user_timeout)"
    return Failure(CLOSED_WINDOW, number, text, Party.PEER)


def error_text(error: BaseException) -> str:
    """The system's words for an OSError ("Connection refused"), else the error's own."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error) or type(error).__name__
