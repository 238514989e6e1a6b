"""netwright.proto.tcp.peer_window."""

import pytest

from netwright.proto.tcp.peer_window import PeerWindow


def test_only_newer_segments_speak() -> None:
    """RFC 9293 §3.10.7.4, fifth: SND.WL1 < SEG.SEQ, or equal and SND.WL2 =< SEG.ACK."""
    window, said = PeerWindow(), []
    for seq, ack, size in (
        (100, 50, 1000),
        (100, 50, 1000),
        (99, 99, 7),
        (100, 49, 7),
        (100, 51, 2000),
        (101, 0, 3000),
    ):
        said.append(window.update(seq, ack, size))
    assert said == [True, False, False, False, True, True]
    assert (window.size, window.largest) == (3000, 3000)


def test_a_full_segment_is_at_most_half_of_the_peers_buffer() -> None:
    """RFC 9293 §3.8.6.2.1: half of the largest window is enough to send."""
    window = PeerWindow()
    window.update(0, 0, 1000)
    assert (window.segment_limit(1460), window.segment_limit(400)) == (500, 400)
    window.update(0, 0, 10)
    assert window.segment_limit(1460) == 500
    small = PeerWindow()
    small.update(0, 0, 300)
    assert small.segment_limit(1460) == 300
    assert PeerWindow().segment_limit(1460) == 48


@pytest.mark.parametrize(("largest", "limit"), [(535, 535), (536, 536), (537, 268)])
def test_a_buffer_of_one_least_segment_is_not_halved(largest: int, limit: int) -> None:
    """Linux tcp_bound_to_half_wnd: a window of up to 536 bytes takes one segment (RFC 9293 §3.7.1)."""
    window = PeerWindow()
    window.update(0, 0, largest)
    assert window.segment_limit(1460) == limit
