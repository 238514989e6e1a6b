"""CUBIC (RFC 9438), names as there: W_max, K, W_est.  No I/O, no clock.

The RFC gives the growth for each segment as a fraction; Linux, followed here (net/ipv4/tcp_cubic.c), counts whole
segments: so many must be delivered for one more, and it thinks again when the window has changed or a while has passed.
"""

from netwright.proto.tcp.congestion.control import slow_start
from netwright.proto.tcp.congestion.hystart import SlowStart
from netwright.proto.tcp.congestion.window import Window

__all__ = ["Cubic"]

C = 0.4  # segments a second cubed, RFC 9438 §4.1
BETA = 717 / 1024  # 0.7 in Linux's arithmetic, RFC 9438 §4.6
PAUSE = 1 / 32  # seconds that an unchanged window is not thought about again
_FIRST = 20  # while no loss was seen, segments for one more at most: 5 % a round trip


class Cubic:
    """The window is a cubic function of the time since the last reduction, or Reno's if that is larger.

    Attributes:
        hystart: ends slow start before the queue overflows; None leaves that to a loss.
    """

    __slots__ = (
        "_counted",
        "_delivered",
        "_epoch",
        "_k",
        "_origin",
        "_saved",
        "_step",
        "_thought",
        "_thought_at",
        "_w_est",
        "_w_max",
        "hystart",
    )
    name = "cubic"

    def __init__(self, hystart: SlowStart | None = None) -> None:
        self._w_max = self._origin = self._w_est = 0
        self._epoch: float | None = None
        self._k = 0.0
        self._step = self._counted = self._delivered = 0
        self._thought, self._thought_at = 0, 0.0
        self.hystart = hystart
        self._saved: tuple[int, float | None, float, int, int] = (0, None, 0.0, 0, 0)

    def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
        """Slow start below ssthresh, then §4.2."""
        if window.cwnd < window.ssthresh:
            if self.hystart is not None:
                segments = self.hystart.growth(window, segments)
            segments = slow_start(window, segments)
            if not segments:
                return
        self._delivered += segments
        if window.cwnd != self._thought or now - self._thought_at > PAUSE:
            self._thought, self._thought_at = window.cwnd, now
            self._think(window.cwnd, segments, now + rtt)
        if self._counted >= self._step:  # the step has become shorter
            self._counted = 0
            window.cwnd += 1
        grown, self._counted = divmod(self._counted + segments, self._step)
        window.cwnd += grown

    def _think(self, cwnd: int, segments: int, at: float) -> None:
        """How many segments are to be delivered for one more, to be where the curve is ``at`` a round trip from now."""
        if self._epoch is None:
            self._start_epoch(cwnd, segments, at)
        assert self._epoch is not None
        elapsed = at - self._epoch - self._k
        change = int(C * abs(elapsed) ** 3)
        target = self._origin + (change if elapsed >= 0 else -change)  # §4.2, figure 1
        step = cwnd // (target - cwnd) if target > cwnd else 100 * cwnd
        if not self._w_max:
            step = min(step, _FIRST)
        # §4.3 lets alpha be 1 above the old window; Linux, followed here, keeps it.
        gained, self._delivered = divmod(self._delivered, cwnd * 15 // 8)  # 1 / alpha, rounded as Linux does
        self._w_est += gained
        if self._w_est > cwnd:
            step = min(step, cwnd // (self._w_est - cwnd))
        self._step = max(step, 2)  # §4.2: 1.5 cwnd at most

    def _start_epoch(self, cwnd: int, segments: int, at: float) -> None:
        self._epoch, self._w_est, self._delivered = self._thought_at, cwnd, segments
        if cwnd < self._w_max:
            self._k, self._origin = ((self._w_max - cwnd) / C) ** (1 / 3), self._w_max  # §4.2, figure 2
        else:
            self._k, self._origin = 0.0, cwnd

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """HyStart watches slow start (§4.10)."""
        if self.hystart is not None and window.cwnd < window.ssthresh:
            self.hystart.sampled(window, rtt, ack, snd_nxt, now)

    def reduced(self, window: Window, now: float) -> int:
        """§4.6, with fast convergence, §4.7."""
        self._saved = (self._w_max, self._epoch, self._k, self._origin, self._w_est)
        cwnd = window.cwnd
        self._w_max = int(cwnd * (1 + BETA) / 2) if cwnd < self._w_max else cwnd
        self._epoch, self._counted = None, 0
        return max(int(cwnd * BETA), 2)

    def timed_out(self, window: Window, now: float) -> None:
        """§4.8: the next epoch starts when congestion avoidance does, with K = 0 and W_max = cwnd of then."""
        self._epoch, self._w_max, self._thought = None, 0, 0
        if self.hystart is not None:
            self.hystart.restart()

    def undone(self, window: Window) -> None:
        """§4.9: what was before the reduction is back."""
        self._w_max, self._epoch, self._k, self._origin, self._w_est = self._saved

    def resumed(self, idle: float) -> None:
        """§4.2: time in which the program sent nothing does not count."""
        if self._epoch is not None:
            self._epoch += idle
