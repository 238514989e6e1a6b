"""The window that the peer offers (RFC 9293 §3.8.6, SND.WND with SND.WL1 and SND.WL2)."""

from typing import Final

from netwright.proto.tcp.handshake import DEFAULT_MSS

__all__ = ["PeerWindow"]

_LEAST_SEGMENT: Final = 48  # bytes that are sent however small the window is (Linux tcp_bound_to_half_wnd)


class PeerWindow:
    """``size`` in bytes from SND.UNA, and ``largest``, the largest ever offered, which estimates the peer's buffer."""

    __slots__ = ("_ack", "_seq", "largest", "size")

    def __init__(self) -> None:
        self.size = self.largest = 0
        self._seq = self._ack = -1  # of the last segment that updated the window

    def update(self, seq: int, ack: int, size: int) -> bool:
        """The segment ``seq``, ``ack`` offers ``size`` bytes; True if the window changed.

        A segment older than the last update is ignored (RFC 9293 §3.10.7.4, fifth check).
        """
        if self._seq > seq or (self._seq == seq and self._ack > ack):
            return False
        self._seq, self._ack = seq, ack
        changed, self.size = size != self.size, size
        if size > self.largest:
            self.largest = size
        return changed

    def segment_limit(self, mss: int) -> int:
        """Bytes of a full segment: at most half of the peer's buffer, because larger ones might never fit (Linux)."""
        half = self.largest >> 1 if self.largest > DEFAULT_MSS else self.largest
        return min(mss, max(half, _LEAST_SEGMENT))
