"""netwright.proto.tcp.undo: RFC 3522, RFC 4015, RFC 2883."""

from netwright.proto.tcp.undo import Undo


def test_nothing_is_undone_without_a_retransmission() -> None:
    undo = Undo()
    assert not undo.is_spurious(0.0)
    undo.arm(1000, 0)
    assert not undo.all_needless()
    assert not undo.answers_original(0.0)


def test_a_d_sack_for_each_retransmission_is_proof() -> None:
    """RFC 2883 §5: one for each, of bytes after the reduction began and before SND.NXT."""
    undo = Undo()
    undo.arm(1000, 1)
    undo.resent(2.0)
    for end, proven in ((1000, False), (5001, False), (1001, False), (5000, True)):
        undo.take_dsack(end, 5000)
        assert undo.all_needless() is proven
    undo.take_dsack(2000, 5000)
    assert undo.all_needless()


def test_an_echo_older_than_the_first_retransmission_is_proof() -> None:
    """RFC 3522 §3.2, to a millisecond."""
    undo = Undo()
    undo.arm(1000, 0)
    undo.resent(2.0)
    undo.resent(3.0)
    assert [undo.is_spurious(echo) for echo in (1.9, 1.998, 1.9995, 2.5)] == [True, True, False, False]


def test_a_second_reduction_needs_proof_of_its_own() -> None:
    undo = Undo()
    undo.arm(1000, 0)
    undo.resent(2.0)
    undo.arm(3000, 0)
    assert not undo.is_spurious(1.0)
    undo.resent(9.0)
    undo.prior_ssthresh = 7
    undo.disarm()
    assert (undo.armed_at, undo.prior_ssthresh) == (None, 0)
    assert not undo.is_spurious(1.0)
