"""netwright.proto.tcp.challenge."""

from netwright.proto.tcp.challenge import Challenges
from netwright.proto.tcp.segment import ACK, FIN, RST, SYN, Segment


def test_bare_segments_are_answered_once_an_interval() -> None:
    """RFC 5961 §10: at most one challenge in so long."""
    challenges = Challenges(0.5)
    bare = Segment(0, 0, ACK, 0)
    assert [challenges.allow(bare, now) for now in (0.0, 0.1, 0.49, 0.5, 0.9)] == [True, False, False, True, False]


def test_data_and_fin_are_always_answered_syn_and_rst_are_not() -> None:
    """RFC 9293 §3.10.7.4: no loop of ACKs comes of what takes sequence numbers; a SYN may be forged."""
    challenges = Challenges(0.5)
    assert challenges.allow(Segment(0, 0, SYN, 0), 0.0)
    assert not challenges.allow(Segment(0, 0, SYN, 0), 0.1)
    assert not challenges.allow(Segment(0, 0, RST, 0, b"x"), 0.1)
    assert challenges.allow(Segment(0, 0, ACK, 0, b"x"), 0.1)
    assert challenges.allow(Segment(0, 0, FIN | ACK, 0), 0.1)
    assert not challenges.allow(Segment(0, 0, ACK, 0, b"x"), 0.1, in_window=True)  # RFC 5961 §5.2
