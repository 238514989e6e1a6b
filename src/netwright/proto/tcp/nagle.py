"""When a small segment must wait: silly windows (RFC 9293 §3.8.6.2.1) and Nagle (§3.7.4)."""

__all__ = ["reason_to_wait"]


def reason_to_wait(
    size: int, available: int, *, largest_window: int, finishing: bool, corked: bool, nodelay: bool, small_out: bool
) -> str:
    """Return why a segment of ``size`` bytes, less than a full one, must not be sent yet; "" if it may be.

    Args:
        available: bytes that wait to be sent.
        largest_window: the largest window that the peer has offered; half of it counts as a full segment.
        finishing: FIN follows, so no more data will come.
        corked, nodelay: TCP_CORK, TCP_NODELAY.
        small_out: a small segment is unacknowledged.  As in Linux this is Minshall's variant: full segments in flight
            do not count.
    """
    if size < available:
        return "silly window" if size <= 0 or 2 * size < largest_window else ""
    if finishing:
        return ""
    if corked:
        return "cork"
    return "Nagle" if small_out and not nodelay else ""
