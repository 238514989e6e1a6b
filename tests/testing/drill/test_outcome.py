from netwright.testing.drill.outcome import Outcome, Verdict


def test_outcome_reads_as_a_line() -> None:
    assert str(Outcome(Verdict.PASSED)) == "passed"
    assert str(Outcome(Verdict.FAILED, 7, "nothing was sent")) == "failed: line 7: nothing was sent"
