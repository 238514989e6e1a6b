"""Problems that keep a program from starting or going on, with a code that ``netwright explain`` describes."""

from enum import StrEnum

from netwright.run.text import escape

__all__ = ["FOUND", "INTERRUPTED", "UNREACHABLE", "USAGE", "Code", "Problem"]

FOUND, USAGE, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130  # exit codes; 0 is success


class Code(StrEnum):
    """Every error that a command prints.  A code never changes its meaning."""

    USAGE = "NW-USAGE"
    INPUT = "NW-INPUT"
    OUTPUT = "NW-OUTPUT"
    UNREACHABLE = "NW-UNREACHABLE"
    APP_NOT_FOUND = "NW-APP-NOT-FOUND"
    APP_LOAD = "NW-APP-LOAD"
    APP_NAME = "NW-APP-NAME"
    APP_EMPTY = "NW-APP-EMPTY"
    BIND_IN_USE = "NW-BIND-IN-USE"
    BIND_DENIED = "NW-BIND-DENIED"
    BIND_NO_ADDRESS = "NW-BIND-NO-ADDRESS"
    BIND_FAILED = "NW-BIND-FAILED"
    START_FAILED = "NW-START-FAILED"
    START_SLOW = "NW-START-SLOW"
    CONSOLE_IN_USE = "NW-CONSOLE-IN-USE"
    CONSOLE_FOLDER = "NW-CONSOLE-FOLDER"
    CONSOLE_FAILED = "NW-CONSOLE-FAILED"
    CONSOLE_SILENT = "NW-CONSOLE-SILENT"
    CONSOLE_REFUSED = "NW-CONSOLE-REFUSED"
    RECORDS = "NW-RECORDS"
    TERMINAL = "NW-TERMINAL"


class Problem(Exception):  # noqa: N818  # a message for people, not an error that callers handle
    """``what`` failed, ``where``, ``why``, and how to ``fix`` it; every part but ``what`` may be empty.

    Attributes:
        exit_code: USAGE if the command, a file or a setting is wrong; UNREACHABLE if something cannot be reached,
            taken, read or written.
    """

    def __init__(  # the parts of one message
        self,
        what: str,
        *,
        code: Code = Code.INPUT,
        where: str = "",
        why: str = "",
        fix: str = "",
        exit_code: int = USAGE,
    ) -> None:
        super().__init__(what)
        self.what, self.code, self.where, self.why, self.fix, self.exit_code = what, code, where, why, fix, exit_code

    def __str__(self) -> str:
        """One line a part; control characters of whatever the parts quote are escaped."""
        parts = [("  at  ", self.where), ("  why ", self.why), ("  fix ", self.fix)]
        first, *rest = self.what.split("\n")
        lines = [f"{escape(first)}  [{self.code}]", *(f"      {escape(line)}" for line in rest)]
        for label, text in parts:
            lines += [
                f"{label if at == 0 else '      '}{escape(line)}" for at, line in enumerate(text.split("\n")) if text
            ]
        return "\n".join(lines)

    def values(self) -> dict[str, str]:
        """Return the parts that are not empty, for ``--json``."""
        parts = {"what": self.what, "where": self.where, "why": self.why, "fix": self.fix}
        return {"code": str(self.code), **{name: text for name, text in parts.items() if text}}

    def line(self) -> str:
        """Return all parts as one line, for a log."""
        why = f": {self.why}" if self.why else ""
        return f"{self.what}{why}" + (f"; {self.fix}" if self.fix else "") + f" [{self.code}]"
