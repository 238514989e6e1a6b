"""The outcome of a script."""

from dataclasses import dataclass
from enum import StrEnum

from netwright.core.errors import NetwrightError

__all__ = ["DrillError", "Outcome", "Verdict"]


class Verdict(StrEnum):
    """PASSED and FAILED judge the endpoint.  UNSUPPORTED: the script needs a feature that the machine does not have."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, with the line and the reason of the first difference; 0 and "" if there is none."""

    verdict: Verdict
    line: int = 0
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.verdict.value}" + (f": line {self.line}: {self.reason}" if self.reason else "")


class DrillError(NetwrightError):
    """The endpoint's behaviour differs from the script."""

    culprit = "endpoint"
