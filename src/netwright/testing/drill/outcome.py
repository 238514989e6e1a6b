"""The outcome of a drill, and the exceptions that end it early."""

from dataclasses import dataclass
from enum import StrEnum

from netwright.core.errors import NetwrightError

__all__ = ["DrillError", "Outcome", "Verdict"]


class Verdict(StrEnum):
    """PASSED and FAILED judge the endpoint; UNSUPPORTED means that the script needs a feature that the drill lacks."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``line`` and ``reason`` of what went wrong first; 0 and "" if nothing did."""

    verdict: Verdict
    line: int = 0
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.verdict.value}" + (f": line {self.line}: {self.reason}" if self.reason else "")


class DrillError(NetwrightError):
    """The endpoint did not do what the script expects."""

    culprit = "endpoint"
