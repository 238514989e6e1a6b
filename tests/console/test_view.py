"""A record as a row."""

from typing import Any

import pytest

from netwright.console.view import Row, bound, row_of
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
    assert row_of(values(stage="frame", text="frame: timed out after 30 s"), 7, 0.0)["note"].startswith("frame: t")


def test_kernel_s_view_comes_from_the_record_else_from_the_row_before() -> None:
    asked = values(kernel={"state": 1, "rtt": 0.0306, "snd_cwnd": 9, "total_retrans": 2})
    first = row_of(asked, 7, 0.0)
    assert (first["tcp"], first["rtt"], first["cwnd"], first["rtx"]) == ("ESTABLISHED", 0.031, 9, 2)
    second = row_of(values(), 7, 0.0, {**first, "unread": 5})
    assert (second["tcp"], second["rtt"], second["unread"]) == ("ESTABLISHED", 0.031, 5)
    assert row_of(values(closed_at=2.0), 7, 0.0, second)["unread"] == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"waiting": "peer to read", "waiting_since": 4.0}, "peer to read"),
        ({"waiting": "request head", "waiting_since": 4.0, "handler_time": 3.0}, "peer to send"),
        ({"waiting": "request head", "waiting_since": 9.0, "handler_time": 8.0}, "handler"),
        ({"waiting": "", "closed_at": 4.0, "send_waited": 2.0, "handler_time": 1.0}, "peer to read"),
        ({"waiting": "", "role": "connected", "opened_at": 6.0, "closed_at": 9.0}, "peer to answer SYN"),
        ({"waiting": "next request", "waiting_since": 2.0, "handler_time": 1.0}, "next request"),
    ],
)
def test_bound_is_the_largest_share_with_the_wait_that_is_on(changes: dict[str, Any], said: str) -> None:
    assert bound(row_of(values(**changes), 7, 0.0), 10.0) == said


def test_bound_changes_when_the_wait_that_is_on_overtakes() -> None:
    row = row_of(values(waiting="peer to read", waiting_since=4.0, handler_time=3.0), 7, 100.0)
    assert (row["bound_by"], row["bound_at"], row["bound_then"]) == ("handler", 107.0, "peer to read")
    assert [bound(row, now) for now in (104.0, 106.9, 107.0, 999.0)] == ["handler", "handler", *["peer to read"] * 2]


def test_bound_is_the_kernels_word_where_it_had_something_to_send() -> None:
    kernel = {"state": 1, "rtt": 0.03, "busy_time": 5.0, "rwnd_limited": 1.0, "sndbuf_limited": 0.5}
    for wait, said in ((6.0, "unacknowledged (RTT or loss)"), (20.0, "peer to send")):
        record = values(kernel=kernel, waiting="", closed_at=1.0 + wait, receive_waited=wait)
        assert bound(row_of(record, 7, 0.0), 99.0) == said


def test_state_of_a_live_connection_is_the_kernels_where_that_says_more() -> None:
    kernel = {"state": 8, "rtt": 0.03}
    live = row_of(values(kernel=kernel, waiting="handler"), 7, 0.0)
    assert (live["state"], live["tcp"], live["tone"]) == ("CLOSE_WAIT", "CLOSE_WAIT", "warn")
    over = row_of(values(kernel=kernel, outcome="closed", closed_at=2.0, waiting=""), 7, 0.0, live)
    assert (over["state"], over["tcp"], over["rtt"]) == ("closed", "", 0.03)
    assert row_of(values(kernel={"state": 1, "rtt": 0.03}, waiting="handler"), 7, 0.0)["state"] == "open"
