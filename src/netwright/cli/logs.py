"""What a serving program says while it runs: lines for people, or JSON objects, on stderr."""

import json
import logging
import sys
import time
import traceback

__all__ = ["JsonFormatter", "set_up"]


class JsonFormatter(logging.Formatter):
    """One object a record: time (RFC 3339), level, logger, text, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """A line without its end."""
        day = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        values = {
            "time": f"{day}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            values["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(values, ensure_ascii=False)


def set_up(*, as_json: bool) -> None:
    """Send the root logger's records of level INFO and above to stderr; a program's own handlers stay."""
    handler = logging.StreamHandler(sys.stderr)
    lines = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if as_json else lines)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
