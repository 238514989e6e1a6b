"""Errors by culprit: the party that has to change something.

- ProtocolError: the peer broke a rule of the protocol.  IncompleteError: it ended in the middle.
- UsageError: the caller broke a rule of this package.
- TransportError: the network or the operating system.  ConnectError: nobody answered; RefusedError: nobody listens.
  ResetError, ClosedError.
- LimitError: a setting of ours refused the value.
- DeadlineError: the time that was set ran out.

A text has the value seen, the value allowed, the place and the rule.  Errors can be pickled and copied, as errors of
Python's own can: their cause and traceback stay behind.
"""

from collections.abc import Sequence
from typing import Any

__all__ = [
    "ClosedError",
    "ConnectError",
    "DeadlineError",
    "IncompleteError",
    "LimitError",
    "NetwrightError",
    "ProtocolError",
    "RefusedError",
    "ResetError",
    "TransportError",
    "UsageError",
]


class NetwrightError(Exception):
    """Root of all errors that this package raises by intent; raise one of its children."""

    culprit = "nobody"

    def __init__(self, message: str, *, reference: str = "", advice: str = "") -> None:
        """``reference`` is the rule ("RFC 9112 §7.1"), ``advice`` what to do."""
        super().__init__(message)
        self.message, self.reference, self.advice = message, reference, advice

    def __str__(self) -> str:
        rule = f" ({self.reference})" if self.reference else ""
        return f"{self.message}{rule}" + (f"; {self.advice}" if self.advice else "")

    def __reduce__(self) -> tuple[Any, ...]:
        """An error is restored from its attributes: the arguments of ``__init__`` differ from class to class."""
        fields = {name: getattr(self, name) for name in _SYSTEM_FIELDS if isinstance(self, OSError)}
        return _restore, (type(self), self.args, {**self.__dict__, **fields})


_SYSTEM_FIELDS = ("errno", "strerror", "filename", "filename2")  # of an OSError; they are not in its __dict__


def _restore(kind: type[NetwrightError], args: tuple[Any, ...], fields: dict[str, Any]) -> NetwrightError:
    error = kind.__new__(kind, *args)
    error.args = args
    for name, value in fields.items():
        setattr(error, name, value)
    return error


class ProtocolError(NetwrightError):
    """The peer broke the rules of the protocol."""

    culprit = "peer"


class IncompleteError(ProtocolError, EOFError):
    """The peer ended its direction in the middle of a message; ``partial`` is the part that arrived."""

    def __init__(self, message: str, *, partial: bytes = b"", reference: str = "", advice: str = "") -> None:
        super().__init__(message, reference=reference, advice=advice)
        self.partial = partial


class UsageError(NetwrightError):
    """The caller used this package against its rules."""

    culprit = "caller"


class TransportError(NetwrightError, OSError):
    """The network or the operating system failed; the cause is in ``__cause__``."""

    culprit = "network"


class ClosedError(TransportError):
    """The connection is closed on this side: nothing can be sent or received."""


class ResetError(TransportError, ConnectionResetError):
    """The peer reset the connection (RFC 9293 §3.10.7.4): bytes on their way may be lost."""


class ConnectError(TransportError, ConnectionError):
    """No address could be reached; ``attempts`` holds one error each, in the order tried, ``errno`` the last one's."""

    def __init__(self, message: str, attempts: Sequence[BaseException] = (), *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.attempts = tuple(attempts)
        self.errno = getattr(self.attempts[-1], "errno", None) if self.attempts else None


class RefusedError(ConnectError, ConnectionRefusedError):
    """Every address refused: the hosts answer, and nobody listens on the port (RFC 9293 §3.10.7.1)."""


class LimitError(NetwrightError):
    """A setting of this side refused the value; ``name`` is the setting."""

    culprit = "setting"

    def __init__(self, name: str, seen: float, allowed: float, *, unit: str = "bytes", reference: str = "") -> None:
        super().__init__(f"{name}: {_plain(seen)} {unit} seen, {_plain(allowed)} allowed", reference=reference)
        self.name, self.seen, self.allowed, self.unit = name, seen, allowed, unit


class DeadlineError(NetwrightError, TimeoutError):
    """The time that was set for ``stage`` ran out; ``waited`` is in seconds.

    ``queued`` is True if the message of a send was queued whole before: it still follows, unless the stream is aborted.
    """

    culprit = "time"
    queued = False

    def __init__(self, stage: str, waited: float, *, advice: str = "") -> None:
        super().__init__(f"{stage}: timed out after {waited:.3g} s", advice=advice)
        self.stage, self.waited = stage, waited


def _plain(number: float) -> str:
    """Format a count with all its digits."""
    return str(number) if isinstance(number, int) else f"{number:g}"
