"""Each verdict on a connection written by hand: captured at the client, 20 ms from the server, unless said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.watch.exact import ExactHalf
from tests.support.frames import ACK, FIN, RST, SYN, sack, stamp, syn_options
from tests.support.talk import ISN, Talk

AGAIN = "retransmission"
ISN_DATA = ISN + 1  # of the client's first byte


def _sent(count: int = 4) -> Talk:
    """Segments of 100 bytes at 30 ms, none acknowledged yet."""
    talk = Talk().handshake()
    for index in range(count):
        talk.client(30, 100 * index, 0, 100)
    return talk


def _server_side(**options: bool) -> Talk:
    """Captured at the server: what the client sends has crossed the path."""
    talk = Talk(**options).handshake(synack=0.01, ack=20)
    for index in range(3):
        talk.client(30, 100 * index, 0, 100)
    return talk


def test_syn_again_is_of_the_handshake() -> None:
    """RFC 6298 §5: a SYN has a timer too."""
    talk = Talk().client(0, -1, flags=SYN).client(1000, -1, flags=SYN)
    assert talk.verdicts() == [set(), {AGAIN, "handshake"}]


def test_last_segment_again_before_any_answer_is_a_tail_loss_probe_then_a_timeout() -> None:
    """RFC 8985 §7.2: one probe of the highest segment; RFC 6298 §5.4: the timeout sends the earliest."""
    talk = _sent().client(80, 300, 0, 100)
    assert talk.last() == {AGAIN, "tail_loss_probe"}
    assert talk.client(300, 0, 0, 100).last() == {AGAIN, "timeout"}


def test_tail_loss_probe_needs_sack() -> None:
    """RFC 8985 §7.1: without SACK it is not armed."""
    talk = Talk().handshake(sacks=False).client(30, 0, 0, 100).client(300, 0, 0, 100)
    assert talk.last() == {AGAIN, "timeout"}


def test_segment_below_a_sack_block_right_after_it_is_fast() -> None:
    """RFC 6675 §5, RFC 8985 §6."""
    talk = _sent().server(50, 0, 0, options=sack((ISN_DATA + 100, ISN_DATA + 400))).client(50.1, 0, 0, 100)
    assert talk.verdicts()[-2:] == [{"duplicate_ack"}, {AGAIN, "fast"}]


@pytest.mark.parametrize(("window", "repeats"), [(60_000, True), (59_999, False), (60_001, False), (0, False)])
def test_window_update_is_no_duplicate_ack(window: int, repeats: bool) -> None:
    """RFC 5681 §2 (e): the window equals that of the last acknowledgment; Linux: FLAG_WIN_UPDATE."""
    talk = Talk().handshake(sacks=False).client(100, 0, 0, 1000).client(101, 1000, 0, 1000)
    talk.server(130, 0, 1000).server(140, 0, 1000, window=window)
    assert ("duplicate_ack" in talk.last()) == repeats


def test_third_duplicate_ack_makes_it_fast_without_sack() -> None:
    """RFC 5681 §3.2."""
    talk = _sent(5)
    talk.server(50, 0, 0)
    for at in (50.1, 50.2, 50.3):
        talk.server(at, 0, 0)
    assert talk.client(50.4, 0, 0, 100).last() == {AGAIN, "fast"}


def test_resends_that_acks_release_after_a_timeout_are_slow_start() -> None:
    """RFC 5681 §3.1: after a timeout the window grows from one segment."""
    talk = _sent().client(300, 0, 0, 100).server(320, 0, 100).client(320.1, 100, 0, 100).client(320.1, 200, 0, 100)
    assert talk.verdicts()[-2:] == [{AGAIN, "slow_start"}] * 2


def test_timeout_after_which_old_data_is_acknowledged_lost_nothing() -> None:
    """RFC 5682 §2: the next loss is recovered fast, not in slow start."""
    talk = _sent().client(300, 0, 0, 100).server(301, 0, 200)
    talk.server(310, 0, 200, options=sack((ISN_DATA + 300, ISN_DATA + 400))).client(310.1, 200, 0, 100)
    assert talk.last() == {AGAIN, "fast"}


def test_dsack_of_a_resent_segment_proves_the_resend_spurious() -> None:
    """RFC 2883 §4.1.1."""
    talk = _sent(1).client(80, 0, 0, 100).server(81, 0, 100)
    talk.server(100, 0, 100, options=sack((ISN_DATA, ISN_DATA + 100)))
    assert talk.last() == {"dsack", "spurious"}


def test_dsack_of_what_was_sent_once_is_no_fault_of_the_sender() -> None:
    """RFC 2883 §4: the path duplicated it."""
    talk = _sent(1).server(81, 0, 100).server(82, 0, 100, options=sack((ISN_DATA, ISN_DATA + 100)))
    assert talk.last() == {"dsack"}


def test_segment_again_with_new_data_behind_is_partial_too() -> None:
    assert _sent().client(80, 300, 0, 150).last() >= {AGAIN, "partial"}


def test_older_identification_fills_a_hole_late_newer_was_sent_again() -> None:
    """RFC 6864: Linux counts it up for each segment."""
    late = _server_side().client(31, 400, 0, 100, ident=107).client(31.1, 300, 0, 100, ident=106)
    assert late.verdicts()[-2:] == [{"hole"}, {"reordered"}]
    again = _server_side().client(31, 400, 0, 100, ident=107).client(31.1, 300, 0, 100, ident=108)
    assert AGAIN in again.last()


def test_same_identification_twice_was_duplicated_by_the_path() -> None:
    """RFC 6864 §3."""
    talk = _server_side().client(31, 200, 0, 100, ident=105).client(32, 100, 0, 100, ident=104)
    assert talk.verdicts()[-2:] == [{"network_duplicate"}] * 2


def test_new_data_behind_a_resend_that_was_sent_later_was_overtaken() -> None:
    talk = _server_side().client(50, 0, 0, 100, ident=107).client(51, 300, 0, 100, ident=106)
    assert talk.verdicts()[-2:] == [{AGAIN, "fast"}, {"reordered"}]


def test_acknowledgment_of_the_handshake_that_data_overtook() -> None:
    talk = Talk().handshake(synack=0.01, ack=20)
    talk.frames.pop()
    assert talk.client(20, 0, 0, 100, ident=103).client(21, 0, 0, ident=102).last() == {"reordered"}


def test_copy_is_known_while_its_identification_is_within_256_of_the_highest() -> None:
    """A path of 1 Gbit/s carries 80 segments in a millisecond."""
    for behind, verdict in ((255, "network_duplicate"), (256, AGAIN)):
        talk = _server_side()
        for index in range(3, 300):
            talk.client(31 + index / 1000, 100 * index, 0, 100)
        ident = 102 + 300 - behind  # 101 and 102 are the handshake's
        assert verdict in talk.client(80, 100 * (ident - 103), 0, 100, ident=ident).last()


def test_same_identification_twice_from_the_end_of_the_capture_is_the_capture_s_fault() -> None:
    talk = _sent().client(31, 300, 0, 100, ident=106)
    assert talk.last() == {"mirror_duplicate"}


def test_timestamp_tells_where_there_is_no_identification() -> None:
    """RFC 7323 §3.2: a retransmission has a newer timestamp, a delayed segment an older one."""
    for value, verdict in ((49, "reordered"), (51, AGAIN)):
        talk = Talk(idents=False).handshake(synack=0.01, ack=20)
        talk.client(30, 0, 0, 100, options=stamp(48)).client(31, 200, 0, 100, options=stamp(50))
        assert verdict in talk.client(60, 100, 0, 100, options=stamp(value)).last()


def test_late_acknowledgment_is_no_keepalive() -> None:
    """RFC 9293 §3.8.4: its number is below what is acknowledged once the FIN behind it is."""
    for idents in (True, False):
        talk = Talk(idents=idents).handshake(synack=0.01, ack=20)
        number = {"ident": 105} if idents else {}
        talk.client(30, 0, 0, 100, options=stamp(50)).client(31, 100, 0, flags=FIN | ACK, options=stamp(52), **number)
        number = {"ident": 104} if idents else {}
        talk.server(32, 0, 101).client(33, 100, 0, options=stamp(51), **number)
        assert talk.last() == {"reordered"}


def test_second_syn_ack_with_a_newer_timestamp_was_sent_again() -> None:
    """RFC 7323 §3.2; RFC 9293 §3.10.7.4: a SYN that the path doubled is answered twice."""
    for value, verdict in ((71, {AGAIN, "handshake"}), (70, {"network_duplicate"})):
        talk = Talk().client(0, -1, flags=SYN, options=syn_options() + stamp(7))
        for at, sent in ((20, 70), (21, value)):
            talk.server(at, -1, 0, flags=SYN | ACK, options=syn_options() + stamp(sent), ident=0)
        assert talk.last() == verdict


def test_time_tells_where_there_is_neither() -> None:
    """A resend takes a round trip; what comes sooner was on its way."""
    for at, verdict in ((33, "reordered"), (55, AGAIN)):
        talk = Talk(idents=False).handshake(synack=0.01, ack=20)
        assert verdict in talk.client(30, 0, 0, 100).client(31, 200, 0, 100).client(at, 100, 0, 100).last()


def test_hole_that_is_acknowledged_was_not_captured() -> None:
    talk = Talk().handshake().client(30, 0, 0, 100).client(31, 200, 0, 100).server(51, 0, 300)
    assert talk.verdicts()[-2:] == [{"hole"}, {"not_captured"}]
    assert Talk().handshake().client(30, 0, 0, 100).server(51, 0, 300).last() == {"not_captured"}


def test_window_that_closes_is_filled_and_probed() -> None:
    """RFC 9293 §3.8.6.1."""
    talk = Talk().handshake().server(30, 0, 0, window=100).client(31, 0, 0, 100).server(52, 0, 100, window=0)
    assert talk.verdicts()[-2:] == [{"window_full"}, {"zero_window"}]
    assert talk.client(300, 99, 0).last() == {"zero_window_probe"}
    assert talk.client(600, 100, 0, 1).last() == {"zero_window_probe"}
    assert talk.server(620, 0, 101, window=900).client(621, 101, 0, 100).verdicts()[-2:] == [set(), set()]


def test_segment_below_what_is_acknowledged_keeps_alive() -> None:
    """RFC 9293 §3.8.4, with and without a byte of garbage."""
    talk = Talk().handshake().client(30, 0, 0, 100).server(50, 0, 100)
    assert talk.client(9000, 99, 0).last() == {"keep_alive"}
    assert talk.client(9000, 99, 0, 1).last() == {"keep_alive"}


def test_syn_with_another_number_on_the_same_ports_is_another_flow() -> None:
    """RFC 6191."""
    talk = Talk().handshake().client(90_000, 7_000_000, flags=SYN)
    assert talk.last() == {"reused_ports"}


def test_clean_connection_gets_no_verdict() -> None:
    talk = Talk().handshake().client(30, 0, 0, 100).server(50, 0, 100, 500).client(50.1, 100, 500)
    talk.client(50.2, 100, 500, flags=FIN).server(70, 500, 101, flags=FIN).client(70.1, 101, 501)
    assert talk.verdicts() == [set()] * 9


def test_reset_is_judged_by_nothing() -> None:
    assert _sent().server(40, 77, 0, flags=RST).last() == set()


def test_scaled_window_counts_only_if_both_offer_it() -> None:
    """RFC 7323 §2.2."""
    for scale, full in ((4, set()), (None, {"window_full"})):
        talk = Talk().client(0, -1, flags=SYN, options=syn_options(scale=2))
        talk.server(20, -1, 0, flags=SYN | ACK, options=syn_options(scale=scale)).client(20.01, 0, 0)
        assert talk.server(30, 0, 0, window=100).client(31, 0, 0, 100).last() == full


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=30))
def test_holes_are_exactly_what_was_jumped_over_and_not_filled(segments: list[tuple[int, int]]) -> None:
    half, seen = ExactHalf(started=True), set[int]()
    for start, size in segments:
        end = start + size
        if start >= half.snd_max:
            if start > half.snd_max:
                half.jump(start, 0)
            half.snd_max = end
        else:
            while half.fill(start, end) is not None:
                pass
            half.snd_max = max(half.snd_max, end)
        seen |= set(range(start, end))
    missing = {byte for hole in half.holes for byte in range(hole.start, hole.end)}
    assert missing == set(range(half.snd_max)) - seen
    assert all(hole.start < hole.end for hole in half.holes)
