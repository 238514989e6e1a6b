"""netwright.proto.tcp.ack_report."""

from math import inf

from netwright.proto.tcp.ack_report import AckReport


def test_a_report_begins_without_findings() -> None:
    """It has advanced if SND.UNA moved; what was measured is added by its reader."""
    moved, still = AckReport(2000, 5000, 1000, 4), AckReport(1000, 5000, 1000, 4, delivered=1)
    assert (moved.advanced, still.advanced) == (True, False)
    assert (moved.delivered, still.delivered) == (0, 1)
    assert (moved.echo, moved.rtt, moved.dsack, moved.sacked) == (inf, 0.0, None, 0)
    assert [moved.ece, moved.duplicate, moved.original] == [False] * 3
    assert repr(moved) == "<AckReport 1000→2000 delivered=0 sacked=0>"
