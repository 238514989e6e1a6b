"""CUBIC in Linux's arithmetic (net/ipv4/tcp_cubic.c).  No I/O, no clock.

The RFC gives each delivered segment a fraction of growth.  Linux counts whole segments: so many must be delivered for
one more, and what they are is thought about when the window has changed or a while has passed.  Its targets are whole
segments too, rounded up on the way to W_max, which is reached the sooner: where losses come alone, the mean window is
a sixth larger than RFC 9438 §5 says, and where round trips are shorter than the while, Reno-friendly growth is slower.
"""

from netwright.proto.tcp.congestion.cubic import C, Cubic
from netwright.proto.tcp.congestion.hystart import SlowStart
from netwright.proto.tcp.congestion.window import Window

__all__ = ["CubicLinux"]

PAUSE = 1 / 32  # seconds that an unchanged window is not thought about again
_FIRST = 20  # while no loss was seen, segments for one more at most: 5 % a round trip


class CubicLinux(Cubic):
    """See the module."""

    __slots__ = ("_counted", "_delivered", "_step", "_thought", "_thought_at")
    name = "cubic"

    def __init__(self, hystart: SlowStart | None = None) -> None:
        super().__init__(hystart)
        self._step = self._counted = self._delivered = 0
        self._thought, self._thought_at = 0, 0.0

    def _start_epoch(self, cwnd: int, now: float) -> None:
        super()._start_epoch(cwnd, now)
        self._delivered = 0

    def _grow(self, window: Window, segments: int, now: float, rtt: float) -> None:
        self._delivered += segments
        if window.cwnd != self._thought or now - self._thought_at > PAUSE:
            self._thought, self._thought_at = window.cwnd, now
            self._think(window.cwnd, now + rtt)
        if self._counted >= self._step:  # the step has become shorter
            self._counted = 0
            window.cwnd += 1
        grown, self._counted = divmod(self._counted + segments, self._step)
        window.cwnd += grown

    def _think(self, cwnd: int, at: float) -> None:
        """How many segments are to be delivered for one more, to be where the curve is ``at`` a round trip from now."""
        assert self._epoch is not None
        elapsed = at - self._epoch - self._k
        change = int(C * abs(elapsed) ** 3)
        target = int(self._origin) + (change if elapsed >= 0 else -change)  # RFC 9438 §4.2, figure 1
        step = cwnd // (target - cwnd) if target > cwnd else 100 * cwnd
        if not self._w_max:
            step = min(step, _FIRST)
        gained, self._delivered = divmod(self._delivered, cwnd * 15 // 8)  # §4.3, 1 / alpha rounded
        self._w_est += gained
        if self._w_est > cwnd:
            step = min(step, cwnd // (int(self._w_est) - cwnd))
        self._step = max(step, 2)  # §4.2: 1.5 cwnd at most

    def reduced(self, window: Window, now: float) -> int:
        """Whole segments; what was counted is forgotten (tcp_init_cwnd_reduction)."""
        ssthresh = super().reduced(window, now)
        self._w_max, self._counted = float(int(self._w_max)), 0
        return ssthresh

    def timed_out(self, window: Window, now: float) -> None:
        """The next window is thought about, whatever it is."""
        super().timed_out(window, now)
        self._thought = 0
