"""A router says that a segment was too big for its next hop (RFC 1191 §6.4, RFC 8201 §4).  No I/O, no clock.

What is in flight is cut to the new size and sent again at once, without any blame on congestion (RFC 1191 §6.5, Linux
tcp_simple_retransmit).  Nobody checks who an ICMP message is from: one that quotes no byte in flight is ignored
(RFC 5927 §4.1), and none makes segments smaller than ``LEAST``.
"""

from typing import Final

from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.segment import TIMESTAMPS_SIZE, nearest
from netwright.proto.tcp.state import SYNCHRONIZED

__all__ = ["LEAST", "reduce_mss"]

LEAST: Final = 512  # bytes: Linux's least path MTU of 552 (net.ipv4.route.min_pmtu) less both headers


def reduce_mss(endpoint: Endpoint, room: int, quoted: int, now: float) -> bool:
    """Send no segment whose data and options take more than ``room`` bytes; True if that is news.

    Args:
        room: the next hop's MTU less the headers of IP and TCP.
        quoted: sequence number of the segment that was dropped, as on the wire.
    """
    sender = endpoint.sender
    mss = max(room, LEAST) - (TIMESTAMPS_SIZE if endpoint.agreement.timestamps else 0)
    seq = nearest(quoted, sender.snd_una)
    if endpoint.state not in SYNCHRONIZED or mss >= sender.mss or not sender.snd_una <= seq < sender.snd_nxt:
        return False
    sender.bound(mss)
    pieces = sender.board.cut(mss)
    for piece in pieces:
        sender.board.mark_lost(piece)
    if pieces:
        sender.recovery.too_big(sender.snd_nxt, now)
        sender.output(now)
    return True
