"""netwright.proto.tcp.pacing."""

from math import inf

from netwright.proto.tcp.pacing import BURST, Pacer


def test_a_rate_holds_after_its_burst() -> None:
    """RFC 9002 §7.7: a sender SHOULD pace; here a millisecond's worth may go at once."""
    pacer, now, sent = Pacer(True), 0.0, 0
    while not pacer.holds(now):
        pacer.sent(now, BURST / 4)
        sent += 1
    assert sent == 4
    assert pacer.deadline == now + BURST
    assert not pacer.holds(pacer.deadline)
    assert pacer.deadline == inf


def test_time_that_passed_unused_is_no_credit() -> None:
    """RFC 9002 §7.7: or an idle sender would burst."""
    pacer = Pacer(True)
    pacer.sent(0.0, 0.01)
    pacer.sent(100.0, 0.01)
    assert pacer.holds(100.0)
