"""The path takes smaller packets than was thought (RFC 1191, RFC 8201).  No I/O.

A router says so by ICMP; who has heard it, and has checked that it is about a segment in flight, calls ``shrink``.
Larger sizes are not tried again later (RFC 8201 §4 allows it): a connection keeps the smallest that it was told.
"""

from collections.abc import Callable

from netwright.core.moment import Kind, Moment
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.settings import MIN_MSS

__all__ = ["shrink"]

_HEADERS = {4: 40, 6: 60}  # bytes of IP and TCP header without options
_TIMESTAMPS = 12  # RFC 7323 appendix A


def shrink(
    endpoint: Endpoint, mtu: int, version: int, now: float, *, watch: Callable[[Moment], None] | None = None
) -> bool:
    """Send segments that fit into packets of ``mtu`` bytes of IP ``version``; False if they did already.

    What is in flight and larger goes again in pieces, at once where the window allows; that is no sign of congestion
    (RFC 8201 §5.4).
    """
    sender = endpoint.sender
    stamped = endpoint.agreement.timestamps
    mss = max(mtu - _HEADERS[version] - (_TIMESTAMPS if stamped else 0), MIN_MSS)
    if sender.handshaking or mss >= sender.mss:
        return False
    before, sender.mss = sender.mss, mss
    sender.segment_limit = sender.peer.segment_limit(mss)
    sender.board.split(mss)
    if watch is not None:
        text = f"the path takes packets of {mtu} bytes: segments of {mss}, were {before}"
        watch(Moment(now, Kind.CONGESTION, mss, text))
    sender.output(now)
    return True
