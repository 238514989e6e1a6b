"""HyStart: leave slow start when round trips grow, before the queue overflows.

There are two: Linux's (Ha and Rhee, "Taming the elephants: New TCP slow start", 2011, and net/ipv4/tcp_cubic.c),
and HyStart++ (RFC 9406).
"""

from math import inf
from typing import Protocol

from netwright.proto.tcp.congestion.window import INFINITE, Window

__all__ = ["HyStart", "HyStartPlus", "SlowStart"]

# RFC 9406 §4.3; Linux uses the same values
MIN_RTT_THRESHOLD, MAX_RTT_THRESHOLD, RTT_DIVISOR = 0.004, 0.016, 8
SAMPLES = 8  # N_RTT_SAMPLE
GROWTH_DIVISOR = 4  # CSS_GROWTH_DIVISOR
ROUNDS = 5  # CSS_ROUNDS
# net/ipv4/tcp_cubic.c
LOW_WINDOW = 16  # segments; HyStart does not act on smaller windows
TRAIN_GAP = 0.002  # seconds between two acknowledgements of one train, hystart_ack_delta_us
TRAIN_DELAY = 0.001  # seconds that segmentation in the sending host may cost, below 2 Gbit/s


class SlowStart(Protocol):
    """Ends slow start by setting ``window.ssthresh``."""

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """A round trip was measured in slow start by the acknowledgement ``ack``."""

    def growth(self, window: Window, segments: int) -> int:
        """How many of ``segments`` delivered may grow the window."""

    def restart(self) -> None:
        """The retransmission timer expired: another slow start follows."""


class HyStart:
    """Linux's HyStart ends slow start at once, by either of two signs.

    The acknowledgements of a round arrive as one train that lasts half of the smallest round trip; or eight samples of
    a round all exceed the smallest round trip by an eighth.

    Attributes:
        found: slow start has ended; nothing is examined again before a timeout.
    """

    __slots__ = ("_current", "_last_at", "_least", "_round_at", "_round_end", "_samples", "_share", "found")

    def __init__(self, *, paced: bool = False) -> None:
        self._share = 1.0 if paced else 0.5  # pacing may spread a flight over half a round trip
        self.restart()

    def restart(self) -> None:
        """Forget everything, including the smallest round trip."""
        self._least = self._current = inf
        self._last_at = self._round_at = -inf
        self._round_end, self._samples, self.found = -1, 0, False

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """Examine the current round.  It ends when ``ack`` passes SND.NXT of its beginning."""
        self._least = min(self._least, rtt)
        if self.found:
            return
        if ack > self._round_end:
            self._round_end, self._round_at, self._last_at = snd_nxt, now, now
            self._current, self._samples = inf, 0
        if window.cwnd < LOW_WINDOW:
            return
        if now - self._last_at <= TRAIN_GAP:
            self._last_at = now
            self.found = now - self._round_at > (self._least + TRAIN_DELAY) * self._share
        self._current = min(self._current, rtt)
        if self._samples < SAMPLES:
            self._samples += 1
        elif self._current > self._least + _threshold(self._least):
            self.found = True
        if self.found:
            window.ssthresh = window.cwnd

    def growth(self, window: Window, segments: int) -> int:
        """All of them."""
        return segments


class HyStartPlus:
    """Standard slow start, then conservative slow start, then congestion avoidance (RFC 9406 §4.2).

    Attributes:
        conservative: conservative slow start is under way, because the round trip has grown.
    """

    __slots__ = ("_baseline", "_current", "_last", "_left_over", "_round_end", "_rounds", "_samples", "conservative")

    def __init__(self) -> None:
        self._last = self._current = self._baseline = inf
        self._samples = self._rounds = self._left_over = 0
        self._round_end = -1
        self.conservative = False

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """Count a sample, and compare rounds.  A round ends when ``ack`` passes SND.NXT of its beginning."""
        if window.ssthresh != INFINITE:  # RFC 9406 §4.3: the initial slow start only
            return
        if ack > self._round_end:
            self._new_round(window, snd_nxt)
        self._current = min(self._current, rtt)
        self._samples += 1
        if self._samples < SAMPLES:
            return
        if self.conservative:
            if self._current < self._baseline:
                self.conservative, self._baseline = False, inf  # the growth was noise: standard slow start again
        elif self._current < inf and self._last < inf and self._current >= self._last + _threshold(self._last):
            self.conservative, self._baseline, self._rounds = True, self._current, 0

    def _new_round(self, window: Window, snd_nxt: int) -> None:
        self._last, self._current, self._samples = self._current, inf, 0
        self._round_end = snd_nxt
        if self.conservative:
            self._rounds += 1
            if self._rounds >= ROUNDS:
                window.ssthresh = window.cwnd
                self.conservative = False

    def growth(self, window: Window, segments: int) -> int:
        """All of them, or a quarter in conservative slow start."""
        if not self.conservative or window.ssthresh != INFINITE:
            return segments
        self._left_over += segments
        grown, self._left_over = divmod(self._left_over, GROWTH_DIVISOR)
        return grown

    def restart(self) -> None:
        """Do nothing: HyStart++ acts on the initial slow start only (RFC 9406 §4.3)."""


def _threshold(rtt: float) -> float:
    """Growth of the round trip, in seconds, that ends slow start."""
    return max(MIN_RTT_THRESHOLD, min(rtt / RTT_DIVISOR, MAX_RTT_THRESHOLD))
