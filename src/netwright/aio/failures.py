"""The operator's line for each connection that a limit, a deadline or a failure of its handler ended."""

import os
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import fields
from typing import Protocol

from netwright.core.errors import DeadlineError, NetwrightError, UsageError
from netwright.core.limits import Limits
from netwright.core.record import ConnectionRecord

__all__ = ["Failures", "Report", "place"]

REPEATS = 10  # lines about the same thing in ``PERIOD``; further ones are counted and told with the next
PERIOD = 10.0  # seconds
KEYS = 256  # things that are told apart; then all are forgotten

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIBRARIES = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_TIMES = {bound.name.replace("_", " "): bound.name for bound in fields(Limits)}


class Report(Protocol):
    """Takes one line, as ``logging.error`` does; ``exc_info`` is an error whose traceback belongs to it."""

    def __call__(self, text: str, /, *, exc_info: BaseException | None = None) -> object: ...


class Failures:
    """Lines of one listener; a flood of the same line is cut to ``REPEATS`` in ``PERIOD``."""

    def __init__(self, service: str, limits: Limits, report: Report) -> None:
        self._service, self._limits, self._report = service or "handler", limits, report
        self._seen: dict[tuple[str, str], _Seen] = {}

    def tell(self, record: ConnectionRecord, error: BaseException, now: float) -> None:
        """One line about a connection that ended with ``error``."""
        self.say(error, lambda where: self._line(record, error, where, now), now)

    def say(self, error: BaseException, line: Callable[[str], str], now: float) -> None:
        """The line that ``line`` makes of the place of ``error``; a program's own error has its traceback once."""
        where = place(error)
        own = isinstance(error, UsageError) or not isinstance(error, NetwrightError)
        key = type(error).__name__, where if own else getattr(error, "stage", getattr(error, "name", ""))
        if key not in self._seen and len(self._seen) >= KEYS:
            self._seen.clear()
        seen = self._seen.setdefault(key, _Seen(now))
        first = own and not seen.ever
        held = seen.count(now)
        if held is None:
            return
        more = f"; {held} more like this since the last line" if held else ""
        self._report(f"{line(where)}{more}", exc_info=error if first else None)

    def _line(self, record: ConnectionRecord, error: BaseException, where: str, now: float) -> str:
        return (
            f"{self._service} of {record.peer}: {self._words(error)}{f' at {where}' if where else ''}; "
            f"{record.bytes_in} bytes in, {record.bytes_out} out, open for {now - record.opened_at:.3f} s"
        )

    def _words(self, error: BaseException) -> str:
        stage = error.stage if isinstance(error, DeadlineError) else ""
        name = _TIMES.get(stage)
        setting = f" (Limits.{name}={getattr(self._limits, name)})" if name else ""
        return f"{type(error).__name__}: {error}{setting}"


class _Seen:
    """Counts of one kind of line since ``begun``: reported, and suppressed."""

    def __init__(self, now: float) -> None:
        self.begun, self.told, self.held, self.ever = now, 0, 0, False

    def count(self, now: float) -> int | None:
        """Return how many lines were suppressed since the last one; None if this one must be suppressed, too."""
        self.ever = True
        if now - self.begun >= PERIOD:
            self.begun, self.told = now, 0
        if self.told >= REPEATS:
            self.held += 1
            return None
        self.told += 1
        held, self.held = self.held, 0
        return held


def place(error: BaseException) -> str:
    """The line of the handler's own file where ``error`` passed, and the library's where it was raised; "" if none."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    theirs = [frame for frame in frames if not frame[0].startswith(_OURS) and not frame[0].endswith(".pyx")]
    if not theirs:
        return ""
    own = [frame for frame in theirs if not frame[0].startswith(_LIBRARIES)] or theirs
    raised = "" if own[-1] == theirs[-1] else f", raised at {theirs[-1][0]}:{theirs[-1][1]}"
    return f"{own[-1][0]}:{own[-1][1]}{raised}"
