"""netwright.proto.tcp.path_mtu: segments that were too big for the path."""

from netwright.proto.tcp.path_mtu import LEAST, reduce_mss
from netwright.proto.tcp.recovery import Phase
from netwright.proto.tcp.segment import ACK, FIN
from netwright.proto.tcp.settings import Settings
from tests.support.tcp_dialogue import PLAIN, connecting, established


def test_what_is_in_flight_goes_again_in_smaller_pieces() -> None:
    """RFC 1191 §6.4, §6.5: cwnd stays as it was."""
    talk = established(PLAIN)
    talk.send(2500)
    for line in (". 1:1001", ". 1001:2001", "P. 2001:2501"):
        talk.say(line)
    cwnd = talk.endpoint.sender.window.cwnd
    assert reduce_mss(talk.endpoint, 600, 1, talk.now)
    for line in (". 1:601", ". 601:1001", ". 1001:1601", ". 1601:2001"):
        talk.say(line)
    talk.quiet()  # the last one was small enough
    assert talk.endpoint.sender.window.cwnd == cwnd
    talk.hear(". 1:1 ack 2501")
    phases = [talk.endpoint.sender.recovery.phase]  # without SACK it ends with the next acknowledgement, RFC 6582 §4.1
    talk.send(1000)
    talk.say(". 2501:3101")
    talk.say("P. 3101:3501")
    talk.hear(". 1:1 ack 3101")
    assert [*phases, talk.endpoint.sender.recovery.phase] == [Phase.LOSS, Phase.OPEN]


def test_fin_stays_on_the_last_piece() -> None:
    """RFC 9293 §3.10.4."""
    talk = established(PLAIN)
    talk.endpoint.set_nodelay(True, talk.now)
    talk.endpoint.set_cork(True, talk.now)
    talk.send(900)
    talk.endpoint.send_eof(talk.now)
    talk.say("FP. 1:901")
    assert reduce_mss(talk.endpoint, 600, 1, talk.now)
    flags = [segment.flags & (FIN | ACK) for segment in talk.endpoint.take_segments()]
    assert flags == [ACK, FIN | ACK]


def test_what_the_peer_has_is_not_cut() -> None:
    """RFC 2018 §3."""
    talk = established(Settings(timestamps=False, window_scale=None, mss=1000, receive_buffer=65535))
    talk.send(3000)
    talk.endpoint.take_segments()
    talk.hear(". 1:1 ack 1 sack 1001:2001")
    assert reduce_mss(talk.endpoint, 600, 1, talk.now)
    board = talk.endpoint.sender.board
    assert [(each.start, each.end, each.sacked) for each in board.outstanding()] == [
        (1, 601, False),
        (601, 1001, False),
        (1001, 2001, True),
        (2001, 2601, False),
        (2601, 3001, False),
    ]
    assert (board.out, board.sacked, board.lost) == (5, 1, 4)


def test_a_message_about_what_is_not_in_flight_is_ignored() -> None:
    """RFC 5927 §4.1."""
    talk = established(PLAIN)
    talk.send(2000)
    talk.endpoint.take_segments()
    assert not reduce_mss(talk.endpoint, 600, 2001, talk.now), "beyond SND.NXT"
    talk.hear(". 1:1 ack 1001")
    assert not reduce_mss(talk.endpoint, 600, 1, talk.now), "below SND.UNA"
    assert not reduce_mss(talk.endpoint, 1000, 1001, talk.now), "no news"
    assert talk.endpoint.sender.mss == 1000
    syn = connecting(PLAIN)
    assert not reduce_mss(syn.endpoint, 600, 0, syn.now), "a SYN has nothing that could be cut"


def test_no_message_makes_segments_tiny() -> None:
    """CVE-2004-1060; Linux net.ipv4.route.min_pmtu."""
    talk = established(PLAIN)
    talk.send(1000)
    talk.endpoint.take_segments()
    assert reduce_mss(talk.endpoint, 28, 1, talk.now)
    assert talk.endpoint.sender.mss == LEAST
