"""How a drill ended, and the two ways to end early."""

from dataclasses import dataclass
from enum import StrEnum

from netwright.core.errors import NetwrightError

__all__ = ["DrillError", "Outcome", "Verdict"]


class Verdict(StrEnum):
    """PASSED and FAILED judge the endpoint; UNSUPPORTED says that the script needs what this machine has not."""

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
    """The endpoint did something else than the script says."""

    culprit = "endpoint"
