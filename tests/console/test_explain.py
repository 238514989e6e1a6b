"""Where the time went and why it ended."""

import pytest

from netwright.console.explain import explain
from netwright.core.record import Outcome, Waiting
from tests.support.records import values


def test_greatest_share_comes_first_and_the_running_wait_counts() -> None:
    record = values(started_at=0.0, handler_time=1.0, send_waited=2.0, waiting=Waiting.SEND.value, waiting_since=3.0)
    findings = explain(record, 10.0)
    assert [(finding.title, finding.seconds) for finding in findings] == [
        ("The peer did not read", 9.0),
        ("The program worked", 1.0),
    ]


def test_small_shares_are_left_out() -> None:
    assert explain(values(started_at=0.0, handler_time=0.01, waiting="", waiting_since=0.0), 10.0) == []


def test_idle_keep_alive_is_not_called_silence() -> None:
    record = values(started_at=0.0, waiting=Waiting.NEXT_REQUEST.value, waiting_since=0.0)
    assert [finding.title for finding in explain(record, 10.0)] == ["Idle"]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_bad_end_is_said_first_with_its_stage(outcome: Outcome) -> None:
    record = values(outcome=outcome.value, stage="frame", text="seen 1, allowed 0", closed_at=2.0, waiting="")
    texts = [finding.text for finding in explain(record, 9.0)]
    in_order = outcome in (Outcome.OPEN, Outcome.CLOSED, Outcome.PEER_CLOSED, Outcome.DRAINED)
    assert ("stage: frame. seen 1, allowed 0" in "".join(texts[:1])) is not in_order
