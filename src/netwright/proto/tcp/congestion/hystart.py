"""HyStart++: leave slow start when round trips grow, before the queue overflows (RFC 9406).  No I/O, no clock."""

from math import inf

from netwright.proto.tcp.congestion.window import Window

__all__ = ["HyStart"]

# RFC 9406 §4.3
MIN_RTT_THRESHOLD, MAX_RTT_THRESHOLD, RTT_DIVISOR = 0.004, 0.016, 8
SAMPLES = 8  # N_RTT_SAMPLE
GROWTH_DIVISOR = 4  # CSS_GROWTH_DIVISOR
ROUNDS = 5  # CSS_ROUNDS


class HyStart:
    """Standard slow start, then conservative slow start, then congestion avoidance (RFC 9406 §4.2).

    Attributes:
        conservative: in conservative slow start: the round trip has grown.
    """

    __slots__ = ("_baseline", "_current", "_last", "_left_over", "_round_end", "_rounds", "_samples", "conservative")

    def __init__(self) -> None:
        self._last = self._current = self._baseline = inf
        self._samples = self._rounds = self._left_over = 0
        self._round_end = -1
        self.conservative = False

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int) -> None:
        """Count a sample; at the end of a round, which ``ack`` ends when it passes what was sent before, compare."""
        if ack > self._round_end:
            self._new_round(window, snd_nxt)
        self._current = min(self._current, rtt)
        self._samples += 1
        if self._samples < SAMPLES:
            return
        if self.conservative:
            if self._current < self._baseline:
                self.conservative, self._baseline = False, inf  # the growth was noise: standard slow start again
        elif self._current < inf and self._last < inf:
            threshold = max(MIN_RTT_THRESHOLD, min(self._last / RTT_DIVISOR, MAX_RTT_THRESHOLD))
            if self._current >= self._last + threshold:
                self.conservative, self._baseline, self._rounds = True, self._current, 0

    def _new_round(self, window: Window, snd_nxt: int) -> None:
        self._last, self._current, self._samples = self._current, inf, 0
        self._round_end = snd_nxt
        if self.conservative:
            self._rounds += 1
            if self._rounds >= ROUNDS:
                window.ssthresh = window.cwnd
                self.conservative = False

    def growth(self, segments: int) -> int:
        """What slow start may count of ``segments`` delivered: all, or a quarter in conservative slow start."""
        if not self.conservative:
            return segments
        self._left_over += segments
        grown, self._left_over = divmod(self._left_over, GROWTH_DIVISOR)
        return grown
