"""Two suites that strangers wrote, by path: google/packetdrill and freebsd-net/tcp-testsuite.

    NETWRIGHT_PACKETDRILL=.../packetdrill NETWRIGHT_TCP_TESTSUITE=.../tcp-testsuite pytest tests/truth/test_drill.py

Their scripts are GPL and BSD, and not here; the lists of what counts are (tests/corpora/drill).
"""

import os
from pathlib import Path

import pytest

from netwright.testing.drill.outcome import Verdict
from netwright.testing.drill.suite import Result, Scope, count, find, play, read_list

pytestmark = pytest.mark.truth
LISTS = Path("tests/corpora/drill")


def results(variable: str, folder: str, name: str) -> list[Result]:
    root = os.environ.get(variable)
    if root is None:
        pytest.skip(f"{variable} is not set")
    path = Path(root) / folder
    assert path.is_dir(), f"{variable}: {path} is not there"
    return list(play(find([path]), read_list((LISTS / name).read_text())))


def test_what_linux_passes_of_packetdrills_scripts_passes() -> None:
    """At least nine of ten, and none that the endpoint has not the parts for."""
    played = results("NETWRIGHT_PACKETDRILL", "gtests/net/tcp", "packetdrill.list")
    counts = count(played)
    failed = [f"{result.name}: {result.outcome}" for result in played if result.outcome and result.outcome.reason]
    assert counts.unsupported == 0, failed
    assert counts.share >= 0.9, failed


def test_the_state_engine_passes_and_differs_only_where_a_rule_is_named() -> None:
    """At least 95 of 100; what differs still does, or the list is out of date."""
    played = results("NETWRIGHT_TCP_TESTSUITE", "state-event-engine", "tcp-testsuite.list")
    assert count(played).share >= 0.95
    for result in played:
        assert result.outcome is not None
        differs = result.entry.scope is Scope.DIFFERS
        assert (result.outcome.verdict is Verdict.FAILED) is differs, f"{result.name}: {result.outcome}"
