"""A record as a row."""

import pytest

from netwright.console.view import Row, row_of
from netwright.core.record import Outcome, Waiting
from tests.support.records import values


def test_row_has_its_fields_in_order_since_the_feed_of_pages_counts_on_it() -> None:
    assert list(row_of(values(), 7, 0.0)) == list(Row.__annotations__)


def test_times_are_of_day_and_never_stays_zero() -> None:
    row = row_of(values(started_at=2.0, waiting_since=3.0), 7, 1_000.0)
    assert (row["id"], row["opened"], row["waiting_since"], row["closed"]) == ("7.1", 1002.0, 1003.0, 0.0)


@pytest.mark.parametrize(
    ("waiting", "state"),
    [(Waiting.CONNECT, "connecting"), (Waiting.RESOLVE, "connecting"), (Waiting.CLOSE, "closing"), ("", "open")],
)
def test_state_of_an_open_connection_comes_from_its_wait(waiting: str, state: str) -> None:
    assert row_of(values(waiting=waiting), 7, 0.0)["state"] == state


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OPEN])
def test_every_outcome_is_a_state_with_a_tone(outcome: Outcome) -> None:
    row = row_of(values(outcome=outcome.value), 7, 0.0)
    assert row["state"] == outcome.value
    assert row["tone"] in ("quiet", "warn", "bad")


def test_note_prefers_the_text_to_the_stage() -> None:
    assert row_of(values(stage="frame"), 7, 0.0)["note"] == "frame"
    assert row_of(values(stage="frame", detail="frame: nothing after 30 s"), 7, 0.0)["note"].startswith("frame: n")


def test_kernel_s_view_comes_from_the_record_else_from_the_row_before() -> None:
    asked = values(kernel={"state": 1, "rtt": 0.0306, "snd_cwnd": 9, "total_retrans": 2})
    first = row_of(asked, 7, 0.0)
    assert (first["tcp"], first["rtt"], first["cwnd"], first["rtx"]) == ("ESTABLISHED", 0.031, 9, 2)
    second = row_of(values(), 7, 0.0, {**first, "unread": 5})
    assert (second["tcp"], second["rtt"], second["unread"]) == ("ESTABLISHED", 0.031, 5)
    assert row_of(values(closed_at=2.0), 7, 0.0, second)["unread"] == 0
