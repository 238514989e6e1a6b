"""Whether a small segment should wait: silly windows (RFC 9293 §3.8.6.2.1) and Nagle (§3.7.4).  No I/O."""

__all__ = ["reason_to_wait"]


def reason_to_wait(
    size: int, available: int, *, largest_window: int, finishing: bool, corked: bool, nodelay: bool, small_out: bool
) -> str:
    """Why a segment of ``size`` bytes, less than a full one, must not go yet; "" if it may.

    Args:
        available: bytes that could go if the window had room.
        largest_window: that the peer ever offered; half of it counts as a full segment.
        finishing: FIN follows, so that no company will come.
        corked, nodelay: TCP_CORK, TCP_NODELAY.
        small_out: a small segment is not acknowledged.  This is Minshall's variant, which Linux has: full segments
            that are out do not count.
    """
    if size < available:
        return "silly window" if size <= 0 or 2 * size < largest_window else ""
    if finishing:
        return ""
    if corked:
        return "cork"
    return "Nagle" if small_out and not nodelay else ""
