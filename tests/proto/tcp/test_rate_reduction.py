"""netwright.proto.tcp.rate_reduction: RFC 6937 §3.1."""

from netwright.proto.tcp.ack_report import AckReport
from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.rate_reduction import RateReduction


def reducing() -> tuple[RateReduction, Window]:
    window, reduction = Window(10), RateReduction()
    window.prior_cwnd, window.ssthresh = 20, 10
    reduction.begin()
    return reduction, window


def report(delivered: int, *, advanced: bool = False) -> AckReport:
    return AckReport(1 if advanced else 0, 100, 0, 20, delivered=delivered)


def test_half_of_what_is_delivered_is_sent_until_ssthresh() -> None:
    """CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out."""
    reduction, window = reducing()
    allowed = []
    for flight in range(19, 11, -1):
        reduction.update(window, report(1), flight, lost=False, sack=True)
        allowed.append(window.cwnd - flight)
        for _ in range(allowed[-1]):
            reduction.sent()
    assert allowed == [1, 0, 1, 0, 1, 0, 1, 0]


def test_below_ssthresh_the_bound_is_what_was_delivered_and_one_more_without_a_loss() -> None:
    """Slow start reduction bound."""
    for lost, expected in ((False, 8), (True, 7)):
        reduction, window = reducing()
        reduction.sent()
        reduction.update(window, report(3, advanced=True), 4, lost=lost, sack=True)
        assert window.cwnd == expected


def test_an_acknowledgement_that_delivers_nothing_changes_nothing() -> None:
    reduction, window = reducing()
    reduction.update(window, report(0), 5, lost=True, sack=True)
    assert window.cwnd == 10
    window.prior_cwnd = 0
    reduction.update(window, report(3), 5, lost=True, sack=True)
    assert window.cwnd == 10


def test_a_second_reduction_counts_from_zero() -> None:
    reduction, window = reducing()
    for _ in range(30):
        reduction.sent()
    reduction.begin()
    reduction.update(window, report(2), 19, lost=False, sack=True)
    assert window.cwnd == 20


def test_a_partial_acknowledgement_without_sack_always_lets_one_go() -> None:
    """RFC 6582 §3.2 step 3."""
    for sack, cwnd in ((False, 20), (True, 19)):
        reduction, window = reducing()
        for _ in range(5):
            reduction.sent()
        reduction.update(window, report(1, advanced=True), 19, lost=False, sack=sack)
        assert window.cwnd == cwnd
