"""Log lines of a serving program."""

import json
import logging

import pytest

from netwright.run.logs import JsonFormatter, LineFormatter, hand_over, set_up


def failed(text: str) -> logging.LogRecord:
    error = LookupError(text)
    record = logging.LogRecord("netwright", logging.ERROR, "x.py", 1, "%s", (text,), (LookupError, error, None))
    record.created, record.msecs = 0.25, 250.0
    return record


def test_json_line_has_time_level_text_and_traceback() -> None:
    values = json.loads(JsonFormatter().format(failed("id")))
    assert values["time"] == "1970-01-01T00:00:00.250Z"
    assert (values["level"], values["text"]) == ("error", "id")
    assert values["traceback"].rstrip().endswith("LookupError: id")


def test_json_line_without_error_has_no_traceback() -> None:
    record = logging.LogRecord("netwright", logging.INFO, "x.py", 1, "ready", (), None)
    assert "traceback" not in json.loads(JsonFormatter().format(record))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\u2028", "\x85", "\x0c"])
def test_no_peer_forges_a_line_or_moves_the_cursor(ending: str) -> None:
    """GET /item/x%0a08:00:00%20INFO…%1b%5b2J, which the handler puts in its error."""
    record = failed(f"no item x{ending}08:00:00 INFO netwright: all is well\x1b[2J\x9b2J\u202e")
    first, *rest = LineFormatter().format(record).splitlines()
    assert "ERROR netwright: no item x\\" in first
    assert all(line.startswith("  | ") for line in rest)
    assert not any(letter in line for line in [first, *rest] for letter in "\x1b\x9b\u202e\r")
    assert len(JsonFormatter().format(record).splitlines()) == 1


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """netwright's logger, as it was before afterwards."""
    logger = logging.getLogger("netwright")
    for name in ("level", "propagate", "handlers"):
        monkeypatch.setattr(logger, name, [] if name == "handlers" else getattr(logger, name))
    return logger


def quiet_root(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """In the test, not before it: pytest adds its own handlers at the call."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    return root


def test_level_is_of_netwright_only(ours: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's own per-packet DEBUG and INFO lines are not switched on."""
    root = quiet_root(monkeypatch)
    hand_over(set_up("debug", as_json=False))
    assert ours.isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("program").isEnabledFor(logging.INFO)
    assert len(root.handlers) == 1


def test_program_that_set_up_logging_itself_has_its_way(ours: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    root = quiet_root(monkeypatch)
    handler = set_up("info", as_json=False)
    root.addHandler(own := logging.NullHandler())
    hand_over(handler)
    assert root.handlers == [own]
    assert handler not in ours.handlers
    assert ours.propagate
