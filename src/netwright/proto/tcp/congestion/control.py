"""What a congestion control is: six calls and a name.  No I/O, no clock.

Loss recovery decides when; a control decides how much.  It changes ``window.cwnd`` in ``acked`` only, recovery does the
rest (proportional rate reduction, RFC 6937).
"""

from typing import Protocol

from netwright.proto.tcp.congestion.window import Window

__all__ = ["Control", "slow_start"]


class Control(Protocol):
    """Everything is counted in segments, times are in seconds."""

    name: str

    def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
        """``segments`` were delivered while the window was in use; ``rtt`` is the least round trip so far."""

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """A round trip was measured by the acknowledgement ``ack``."""

    def reduced(self, window: Window, now: float) -> int:
        """Congestion: the new ssthresh (RFC 5681 §3.1, equation 4, or better)."""

    def timed_out(self, window: Window, now: float) -> None:
        """The retransmission timer ran out; cwnd starts again from one segment."""

    def undone(self, window: Window) -> None:
        """The last reduction was a mistake; cwnd and ssthresh are back already."""

    def resumed(self, idle: float) -> None:
        """The program sends again after ``idle`` seconds with nothing in flight."""


def slow_start(window: Window, segments: int) -> int:
    """Grow by what was delivered, up to ssthresh; returns the segments left over for congestion avoidance.

    RFC 3465 §2.2 limits that to two segments an acknowledgement, RFC 9406 to eight; Linux, followed here, has no limit.
    """
    grown = min(segments, window.ssthresh - window.cwnd)
    window.cwnd += grown
    return segments - grown
