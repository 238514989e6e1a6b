"""Log lines of a serving program on stderr: text for people, or JSON objects.

A line never holds a control character: what a peer, a handler or a file sent cannot forge a line or move the cursor.
A record's second and later lines (a traceback) begin with "  | ", so that none looks like the start of a record.
"""

import json
import logging
import sys
import time
import traceback

from netwright.run.text import escape

__all__ = ["LEVELS", "JsonFormatter", "LineFormatter", "hand_over", "set_up"]

LEVELS = ("debug", "info", "warning", "error", "critical")
_log = logging.getLogger("netwright")


class LineFormatter(logging.Formatter):
    """Time of day, level, logger, message; then the traceback, if there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """Return the first line."""
        return escape(super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802  # logging's name
        """Return the traceback, each line marked as a continuation."""
        lines = super().formatException(ei).split("\n")  # type: ignore[arg-type]  # typed as the base class does
        return "\n".join(f"  | {escape(line)}" for line in lines)


class JsonFormatter(logging.Formatter):
    """One object a record: time (RFC 3339), level, logger, text, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object without a line end."""
        day = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        values = {
            "time": f"{day}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            values["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(values)  # ASCII: every other character is a \\u escape


def set_up(level: str, *, as_json: bool) -> logging.Handler:
    """Send netwright's records of ``level`` and above to stderr; ``hand_over`` follows when the program is loaded."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else LineFormatter())
    _log.setLevel(level.upper())
    _log.addHandler(handler)
    _log.propagate = False
    return handler


def hand_over(handler: logging.Handler) -> None:
    """Remove ``handler`` if the program set up logging itself; else let it serve every logger.

    The program's loggers keep their levels: without a set-up of its own that is WARNING.
    """
    root = logging.getLogger()
    _log.removeHandler(handler)
    _log.propagate = True
    if not root.handlers:
        root.addHandler(handler)
