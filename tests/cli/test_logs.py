"""Lines of a serving program."""

import json
import logging

from netwright.cli.logs import JsonFormatter


def test_json_line_has_time_level_text_and_traceback() -> None:
    error = (KeyError, KeyError("id"), None)
    record = logging.LogRecord("netwright", logging.ERROR, "x.py", 1, "handler of %s failed", ("/",), error)
    record.created, record.msecs = 0.25, 250.0
    values = json.loads(JsonFormatter().format(record))
    assert values["time"] == "1970-01-01T00:00:00.250Z"
    assert (values["level"], values["text"]) == ("error", "handler of / failed")
    assert values["traceback"].rstrip().endswith("KeyError: 'id'")


def test_json_line_without_error_has_no_traceback() -> None:
    record = logging.LogRecord("netwright", logging.INFO, "x.py", 1, "ready", (), None)
    assert "traceback" not in json.loads(JsonFormatter().format(record))
