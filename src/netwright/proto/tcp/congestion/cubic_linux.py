"""CUBIC in Linux's integer arithmetic (net/ipv4/tcp_cubic.c).

RFC 9438 adds a fraction of a segment to cwnd for each delivered segment.  Linux works in whole segments: cwnd grows by
one per ``step`` delivered segments, and ``step`` is recomputed when cwnd has changed or 1/32 s has passed.  Its targets
are whole segments too, rounded up on the way to W_max, so W_max is reached sooner.  With isolated losses the mean
window is a sixth larger than RFC 9438 §5 says; with round trips below 1/32 s, Reno-friendly growth is slower.
"""

from netwright.proto.tcp.congestion.cubic import C, Cubic
from netwright.proto.tcp.congestion.hystart import SlowStart
from netwright.proto.tcp.congestion.window import Window

__all__ = ["CubicLinux"]

RECOMPUTE_AFTER = 1 / 32  # seconds for which ``step`` is kept while cwnd does not change
_MAX_FIRST_STEP = 20  # limit of ``step`` before the first loss: growth of 5 % a round trip


class CubicLinux(Cubic):
    """CUBIC as Linux implements it, which is the default."""

    __slots__ = ("_counted", "_delivered", "_step", "_step_at", "_step_cwnd")

    def __init__(self, hystart: SlowStart | None = None) -> None:
        super().__init__(hystart)
        self._step = self._counted = self._delivered = 0
        self._step_cwnd, self._step_at = 0, 0.0  # cwnd and time of the last computation of _step

    def _start_epoch(self, cwnd: int, now: float) -> None:
        super()._start_epoch(cwnd, now)
        self._delivered = 0

    def _grow(self, window: Window, segments: int, now: float, rtt: float) -> None:
        self._delivered += segments
        if window.cwnd != self._step_cwnd or now - self._step_at > RECOMPUTE_AFTER:
            self._step_cwnd, self._step_at = window.cwnd, now
            self._recompute_step(window.cwnd, now + rtt)
        if self._counted >= self._step:  # the step has become shorter
            self._counted = 0
            window.cwnd += 1
        grown, self._counted = divmod(self._counted + segments, self._step)
        window.cwnd += grown

    def _recompute_step(self, cwnd: int, at: float) -> None:
        """Set how many delivered segments grow cwnd by one, so that cwnd is on the cubic curve at time ``at``."""
        assert self._epoch is not None
        elapsed = at - self._epoch - self._k
        change = int(C * abs(elapsed) ** 3)
        target = int(self._origin) + (change if elapsed >= 0 else -change)  # RFC 9438 §4.2, figure 1
        step = cwnd // (target - cwnd) if target > cwnd else 100 * cwnd
        if not self._w_max:
            step = min(step, _MAX_FIRST_STEP)
        gained, self._delivered = divmod(self._delivered, cwnd * 15 // 8)  # §4.3, 1 / alpha rounded
        self._w_est += gained
        if self._w_est > cwnd:
            step = min(step, cwnd // (int(self._w_est) - cwnd))
        self._step = max(step, 2)  # §4.2: 1.5 cwnd at most

    def reduced(self, window: Window, now: float) -> int:
        """Round W_max down, and forget the segments counted towards the next growth (tcp_init_cwnd_reduction)."""
        ssthresh = super().reduced(window, now)
        self._w_max, self._counted = float(int(self._w_max)), 0
        return ssthresh

    def timed_out(self, window: Window, now: float) -> None:
        """Recompute the step at the next growth, whatever cwnd is then."""
        super().timed_out(window, now)
        self._step_cwnd = 0
