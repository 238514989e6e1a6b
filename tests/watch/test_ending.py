"""Every outcome has somebody who acted."""

import pytest

from netwright.core.record import Outcome
from netwright.watch.ending import Ending, ending
from tests.support.records import values


@pytest.mark.parametrize("outcome", Outcome)
def test_every_end_names_who_and_how_and_only_an_end_does(outcome: Outcome) -> None:
    found = ending(values(outcome=outcome.value))
    assert bool(found.who) is bool(found.how) is (outcome is not Outcome.OPEN)


def test_deadline_names_its_stage() -> None:
    assert ending(values(outcome="deadline", stage="frame")) == Ending("this side", "deadline: frame")


def test_silence_of_the_path_is_nobodys_reset() -> None:
    assert ending(values(outcome="reset", detail="Connection timed out")) == Ending("path", "Connection timed out")


def test_peer_that_did_not_read_ended_it_without_a_reset() -> None:
    found = ending(values(outcome="reset", detail="the peer did not read for 33 s: window 0"))
    assert found == Ending("peer", "did not read for 33 s: window 0")
