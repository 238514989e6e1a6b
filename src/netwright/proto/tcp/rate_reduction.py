"""Proportional rate reduction: cwnd while loss recovery shrinks it to ssthresh (RFC 6937 §3.1)."""

from netwright.proto.tcp.ack_report import AckReport
from netwright.proto.tcp.congestion.window import Window

__all__ = ["RateReduction"]


class RateReduction:
    """Counts segments delivered and sent since the reduction began (prr_delivered and prr_out of RFC 6937)."""

    __slots__ = ("_delivered", "_out")

    def __init__(self) -> None:
        self._delivered = self._out = 0

    def begin(self) -> None:
        """Start a reduction."""
        self._delivered = self._out = 0

    def sent(self) -> None:
        """Count a segment that was sent, new or again."""
        self._out += 1

    def update(self, window: Window, report: AckReport, flight: int, *, lost: bool, sack: bool) -> None:
        """Set ``window.cwnd`` after an acknowledgement.

        Args:
            flight: segments in flight now.
            lost: the acknowledgement showed a new loss.
            sack: the connection uses SACK.
        """
        if report.delivered <= 0 or not window.prior_cwnd:
            return
        self._delivered += report.delivered
        spare = window.ssthresh - flight
        if spare < 0:
            share = window.ssthresh * self._delivered + window.prior_cwnd - 1
            count = share // window.prior_cwnd - self._out
        else:
            count = max(self._delivered - self._out, report.delivered)
            if report.advanced and not lost:
                count += 1  # slow start reduction bound
            count = min(spare, count)
        forced = not self._out or (not sack and report.advanced)  # RFC 6582 §3.2 step 3: retransmit on a partial ACK
        window.cwnd = flight + max(count, 1 if forced else 0)
