"""Where the time went and why it ended."""

import errno

import pytest

from netwright.console.explain import Finding, explain
from netwright.core.record import Outcome, Waiting
from netwright.proto.feed import Record
from netwright.watch.ledger import ledger
from tests.support.records import values


def said(record: Record, now: float) -> list[Finding]:
    return explain(record, ledger(record, now))


def test_greatest_share_comes_first_and_the_running_wait_counts() -> None:
    record = values(started_at=0.0, handler_time=1.0, send_waited=2.0, waiting=Waiting.SEND.value, waiting_since=3.0)
    assert [(finding.title, finding.seconds) for finding in said(record, 10.0)] == [
        ("The peer did not read", 9.0),
        ("The program worked", 1.0),
    ]


def test_small_shares_are_left_out() -> None:
    record = values(started_at=0.0, handler_time=0.19, waiting=Waiting.RECEIVE.value, waiting_since=0.19)
    assert [finding.title for finding in said(record, 10.0)] == ["Waiting for the peer to send"]
    record = values(started_at=0.0, handler_time=0.2, waiting=Waiting.RECEIVE.value, waiting_since=0.2)
    assert [finding.title for finding in said(record, 10.0)] == ["Waiting for the peer to send", "The program worked"]


def test_idle_keep_alive_is_not_called_silence() -> None:
    record = values(started_at=0.0, waiting=Waiting.NEXT_REQUEST.value, waiting_since=0.0)
    assert [finding.title for finding in said(record, 10.0)] == ["Idle"]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_bad_end_is_said_first_with_its_stage(outcome: Outcome) -> None:
    record = values(outcome=outcome.value, stage="frame", text="seen 1, allowed 0", closed_at=2.0, waiting="")
    texts = [finding.text for finding in said(record, 9.0)]
    in_order = outcome in (Outcome.OPEN, Outcome.CLOSED, Outcome.PEER_CLOSED, Outcome.DRAINED)
    assert ("Stage: frame. seen 1, allowed 0" in "".join(texts[:1])) is not in_order


@pytest.mark.parametrize(
    ("outcome", "number", "title"),
    [
        ("reset", errno.ECONNRESET, "Reset by the peer"),
        ("reset", errno.ETIMEDOUT, "The path went silent"),
        ("reset", errno.ENETDOWN, "The path went silent"),
        ("reset", errno.ENOBUFS, "This host's kernel gave it up"),
        ("connect-failed", errno.ECONNREFUSED, "The connection was refused"),
        ("connect-failed", errno.ETIMEDOUT, "Nobody answered"),
    ],
)
def test_end_is_blamed_by_its_number(outcome: str, number: int, title: str) -> None:
    record = values(outcome=outcome, errno=number, text="reset by peer: timed out", closed_at=2.0, waiting="")
    assert said(record, 9.0)[0].title == title


def test_lost_connection_says_that_its_worker_ended() -> None:
    record = values(started_at=0.0, waiting=Waiting.HANDLER.value, waiting_since=0.0)
    titles = [finding.title for finding in explain(record, ledger(record, 4.0), lost=True)]
    assert titles == ["The worker ended", "The program worked"]
