"""Every outcome has somebody who acted."""

import errno

import pytest

from netwright.core.record import END_OF, Outcome, Party, end_of
from netwright.watch.ending import Ending, ending


@pytest.mark.parametrize("outcome", Outcome)
def test_every_end_names_who_and_how_and_only_an_end_does(outcome: Outcome) -> None:
    found = ending(END_OF[outcome])
    assert bool(found.who) is bool(found.how) is (outcome is not Outcome.OPEN)


def test_deadline_names_its_stage() -> None:
    assert ending(end_of(Outcome.DEADLINE, "frame", 0, "", None)) == Ending(Party.YOU, "deadline: frame")


@pytest.mark.parametrize(
    ("number", "who"),
    [
        (errno.ECONNRESET, Party.PEER),
        (errno.EPIPE, Party.PEER),
        (errno.ETIMEDOUT, Party.NETWORK),
        (errno.EHOSTUNREACH, Party.NETWORK),
        (errno.ENETUNREACH, Party.NETWORK),
        (errno.ENETDOWN, Party.NETWORK),
        (errno.ENOBUFS, Party.KERNEL),
        (errno.ENOMEM, Party.KERNEL),
    ],
)
def test_broken_connection_is_blamed_by_its_number_whatever_its_text_says(number: int, who: Party) -> None:
    for text in ("", "Connection reset by peer", "Die Wartezeit für die Verbindung ist abgelaufen"):
        found = ending(end_of(Outcome.RESET, "", number, text, None))
        assert found.who is who
        assert (found.how in ("RST", "RST after its FIN")) is (who is Party.PEER)


def test_peer_that_did_not_read_ended_it_without_a_reset() -> None:
    ended = end_of(Outcome.RESET, "closed window", errno.ETIMEDOUT, "", Party.PEER)
    assert ending(ended) == Ending(Party.PEER, "did not read: closed window")


@pytest.mark.parametrize(
    ("stage", "number", "who"),
    [
        ("resolve", 0, Party.LOOKUP),
        ("connect", errno.ECONNREFUSED, Party.PEER),
        ("connect", errno.ETIMEDOUT, Party.NETWORK),
        ("connect", 0, Party.NETWORK),  # a deadline: nobody answered
        ("connect", errno.EADDRNOTAVAIL, Party.KERNEL),
    ],
)
def test_failed_connect_names_the_party_that_did_not_answer(stage: str, number: int, who: Party) -> None:
    assert ending(end_of(Outcome.CONNECT_FAILED, stage, number, "", None)).who is who
