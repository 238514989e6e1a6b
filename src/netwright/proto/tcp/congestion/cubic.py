"""CUBIC as in RFC 9438, with its names: W_max, K, W_est.  ``cubic_linux`` is the variant that Linux implements."""

from netwright.proto.tcp.congestion.control import Control, slow_start
from netwright.proto.tcp.congestion.hystart import SlowStart
from netwright.proto.tcp.congestion.window import Window

__all__ = ["BETA", "C", "Cubic"]

C = 0.4  # segments a second cubed, RFC 9438 §4.1
BETA = 717 / 1024  # 0.7 in Linux's arithmetic, RFC 9438 §4.6
ALPHA = 3 * (1 - BETA) / (1 + BETA)  # RFC 9438 §4.3: as fast as Reno on average


class Cubic(Control):
    """The window is a cubic function of the time since the last reduction, or Reno's window if that is larger.

    Attributes:
        hystart: ends slow start before the queue overflows; None: a loss ends it.
    """

    __slots__ = ("_epoch", "_fraction", "_k", "_origin", "_saved", "_w_est", "_w_max", "hystart")

    def __init__(self, hystart: SlowStart | None = None) -> None:
        self._w_max = 0.0
        self._epoch: float | None = None
        self._k = self._origin = self._w_est = self._fraction = 0.0
        self._saved: tuple[float, float | None, float, float, float] = (0.0, None, 0.0, 0.0, 0.0)
        self.hystart = hystart

    def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
        """Slow start below ssthresh, the cubic function above it (§4.2)."""
        if window.cwnd < window.ssthresh:
            if self.hystart is not None:
                segments = self.hystart.growth(window, segments)
            segments = slow_start(window, segments)
            if not segments:
                return
        if self._epoch is None:
            self._start_epoch(window.cwnd, now)
        self._grow(window, segments, now, rtt)

    def _start_epoch(self, cwnd: int, now: float) -> None:
        self._epoch, self._w_est = now, float(cwnd)
        if cwnd < self._w_max:
            self._k, self._origin = ((self._w_max - cwnd) / C) ** (1 / 3), self._w_max  # §4.2, figure 2
        else:
            self._k, self._origin = 0.0, float(cwnd)

    def _grow(self, window: Window, segments: int, now: float, rtt: float) -> None:
        assert self._epoch is not None
        cwnd = window.cwnd
        elapsed = now - self._epoch + rtt
        target = self._origin + C * (elapsed - self._k) ** 3  # §4.2, figure 1
        growth = min((target - cwnd) / cwnd, 0.5) if target > cwnd else 0.01 / cwnd  # §4.2: 1.5 cwnd at most
        # §4.3 allows alpha = 1 once W_est is above the old window; like Linux, this keeps ALPHA.
        self._w_est += ALPHA * segments / cwnd
        if self._w_est > cwnd:
            growth = max(growth, min((self._w_est - cwnd) / cwnd, 0.5))
        self._fraction += segments * growth
        grown = int(self._fraction)
        window.cwnd += grown
        self._fraction -= grown

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """Pass round trips of slow start to HyStart (§4.10)."""
        if self.hystart is not None and window.cwnd < window.ssthresh:
            self.hystart.sampled(window, rtt, ack, snd_nxt, now)

    def reduced(self, window: Window, now: float) -> int:
        """Returns BETA * cwnd (§4.6) and sets W_max, with fast convergence (§4.7)."""
        self._saved = (self._w_max, self._epoch, self._k, self._origin, self._w_est)
        cwnd = window.cwnd
        self._w_max = cwnd * (1 + BETA) / 2 if cwnd < self._w_max else float(cwnd)
        self._epoch = None
        return max(int(cwnd * BETA), 2)

    def timed_out(self, window: Window, now: float) -> None:
        """Forget W_max: the next epoch begins with congestion avoidance, at K = 0 (§4.8)."""
        self._epoch, self._fraction, self._w_max = None, 0.0, 0.0
        if self.hystart is not None:
            self.hystart.restart()

    def undone(self, window: Window) -> None:
        """Restore the state before the reduction (§4.9)."""
        self._w_max, self._epoch, self._k, self._origin, self._w_est = self._saved

    def resumed(self, idle: float) -> None:
        """Move the epoch: idle time does not count towards growth (§4.2)."""
        if self._epoch is not None:
            self._epoch += idle
