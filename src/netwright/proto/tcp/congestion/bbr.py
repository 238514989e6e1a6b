"""BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): send at the rate that the path delivers.

It models the path by two numbers, the bottleneck's bandwidth and the round-trip propagation time, and sets the pacing
rate and the window from them.  Loss is not a signal.  Names are those of the draft.  Where the draft enters the gain
cycle at a random phase, this starts at the first neutral phase, because the core draws no random numbers.
"""

from collections import deque
from enum import Enum
from math import inf

from netwright.proto.tcp.congestion.control import Control, PathSample
from netwright.proto.tcp.congestion.window import INFINITE, Window
from netwright.proto.tcp.delivery import RateSample

__all__ = ["Bbr", "Mode"]

HIGH_GAIN = 2.885  # 2/ln(2), §4.3.2.1
CYCLE = (1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)  # §4.3.4.2
CWND_GAIN = 2.0  # §4.2.3.2
MIN_CWND = 4  # BBRMinPipeCwnd, §4.2.3
BW_ROUNDS = 10  # BtlBwFilterLen, §4.1.1.1
RTPROP_SECONDS, PROBE_RTT_SECONDS = 10.0, 0.2  # RTpropFilterLen, ProbeRTTDuration, §4.1.2.1
GROWTH, FULL_ROUNDS = 1.25, 3  # §4.3.2.2
QUANTA = 3  # segments over the BDP, for delayed and stretched acknowledgements, §4.2.3.2
MARGIN = 0.99  # of the rate, so that a queue drains in the end (Linux bbr_pacing_margin_percent)


class Mode(Enum):
    """The states of §4.3."""

    STARTUP = "startup"
    DRAIN = "drain"
    PROBE_BW = "probe-bw"
    PROBE_RTT = "probe-rtt"


class Bbr(Control):
    """Sets window and pacing rate from a model of the path.

    Attributes:
        mode: current state of the state machine of §4.3.
        bandwidth: BtlBw in segments per second; 0.0 until it is measured.
        propagation: RTprop in seconds; infinite until it is measured.
    """

    __slots__ = (
        "_cwnd",
        "_cwnd_gain",
        "_cycle_at",
        "_done_at",
        "_filled",
        "_full_bandwidth",
        "_full_count",
        "_maxima",
        "_next_round",
        "_pacing_gain",
        "_phase",
        "_prior_cwnd",
        "_propagation_at",
        "_rate",
        "_recovering",
        "_resumed",
        "_round_done",
        "_rounds",
        "bandwidth",
        "mode",
        "propagation",
    )

    def __init__(self, initial_window: int) -> None:
        self._cwnd = self._prior_cwnd = initial_window
        self.bandwidth, self.propagation, self._propagation_at = 0.0, inf, 0.0
        self._rate = 0.0
        self._maxima: deque[tuple[int, float]] = deque()  # (round, rate), falling
        self._rounds = self._next_round = 0
        self.mode, self._pacing_gain, self._cwnd_gain = Mode.STARTUP, HIGH_GAIN, HIGH_GAIN
        self._filled, self._full_bandwidth, self._full_count = False, 0.0, 0
        self._phase, self._cycle_at = 0, 0.0
        self._done_at, self._round_done = 0.0, False
        self._recovering = self._resumed = False

    def __repr__(self) -> str:
        return f"<Bbr {self.mode.value} bandwidth={self.bandwidth:.1f} propagation={self.propagation:.4f}>"

    def is_model_based(self) -> bool:
        """True."""
        return True

    def phase(self) -> str:
        """The name of ``mode``."""
        return self.mode.value

    def interval(self, window: Window, srtt: float) -> float:
        """Seconds between two segments (§4.2.1); before the first sample one window per round trip, as in Linux."""
        rate = self._rate or HIGH_GAIN * self._cwnd / (srtt or 0.001)
        return 1 / rate

    def steer(self, window: Window, sample: RateSample, path: PathSample, *, recovering: bool, now: float) -> None:
        """Update model, pacing rate and window (§4.2.3, BBRUpdateOnACK); ``recovering``: loss recovery is under way."""
        started = self._update_bandwidth(sample, path.total)
        self._advance_cycle(path, now)
        self._look_for_full_pipe(sample, started)
        if self.mode is Mode.STARTUP and self._filled:
            self.mode, self._pacing_gain, self._cwnd_gain = Mode.DRAIN, 1 / HIGH_GAIN, HIGH_GAIN
        if self.mode is Mode.DRAIN and path.in_flight <= self._target(1.0):
            self._enter_probe_bw(now)
        self._update_propagation(path, started, now)
        self._resumed = False
        rate = MARGIN * self._pacing_gain * self.bandwidth
        if self._filled or rate > self._rate:
            self._rate = rate
        self._set_cwnd(path, recovering, started)
        window.cwnd = min(self._cwnd, MIN_CWND) if self.mode is Mode.PROBE_RTT else self._cwnd

    def _update_bandwidth(self, sample: RateSample, total: int) -> bool:
        """Update BtlBw (§4.1.1.3); True if a round trip has started."""
        started = sample.prior_delivered >= self._next_round
        if started:
            self._next_round = total
            self._rounds += 1
        maxima = self._maxima
        if sample.rate and (sample.rate >= self.bandwidth or not sample.limited):
            while maxima and maxima[-1][1] <= sample.rate:
                maxima.pop()
            maxima.append((self._rounds, sample.rate))
            while maxima[0][0] <= self._rounds - BW_ROUNDS:  # rounds without a sample do not age the filter
                maxima.popleft()
            self.bandwidth = maxima[0][1]
        return started

    def _target(self, gain: float) -> int:
        """``gain`` bandwidth-delay products in segments (§4.2.3.2, BBRInflight)."""
        if self.propagation == inf or not self.bandwidth:
            return self._cwnd
        return int(gain * self.bandwidth * self.propagation) + QUANTA

    def _look_for_full_pipe(self, sample: RateSample, started: bool) -> None:
        """The pipe is full after three rounds in which BtlBw grew by less than a quarter (§4.3.2.2)."""
        if self._filled or not started or sample.limited:
            return
        if self.bandwidth >= GROWTH * self._full_bandwidth:
            self._full_bandwidth, self._full_count = self.bandwidth, 0
            return
        self._full_count += 1
        self._filled = self._full_count >= FULL_ROUNDS

    def _enter_probe_bw(self, now: float) -> None:
        self.mode, self._cwnd_gain = Mode.PROBE_BW, CWND_GAIN
        self._phase, self._pacing_gain, self._cycle_at = 2, CYCLE[2], now

    def _advance_cycle(self, path: PathSample, now: float) -> None:
        """Enter the next phase of the gain cycle if it is due (§4.3.4.3, BBRIsNextCyclePhase)."""
        if self.mode is not Mode.PROBE_BW:
            return
        over = now - self._cycle_at > self.propagation
        if self._pacing_gain > 1.0:
            over = over and (path.lost > 0 or path.prior_flight >= self._target(self._pacing_gain))
        elif self._pacing_gain < 1.0:
            over = over or path.prior_flight <= self._target(1.0)
        if over:
            self._phase = (self._phase + 1) % len(CYCLE)
            self._pacing_gain, self._cycle_at = CYCLE[self._phase], now

    def _update_propagation(self, path: PathSample, started: bool, now: float) -> None:
        """Update RTprop (§4.1.2.3); if it was not seen for 10 s, empty the queue to measure it again (§4.3.5)."""
        expired = now > self._propagation_at + RTPROP_SECONDS
        if path.rtt and (path.rtt <= self.propagation or expired):
            self.propagation, self._propagation_at = path.rtt, now
        if self.mode is not Mode.PROBE_RTT:
            if expired and not self._resumed and self.bandwidth:
                self.mode, self._pacing_gain, self._cwnd_gain = Mode.PROBE_RTT, 1.0, 1.0
                self._prior_cwnd, self._done_at = self._cwnd, 0.0
            return
        if not self._done_at:
            if path.in_flight <= MIN_CWND:
                self._done_at, self._round_done, self._next_round = now + PROBE_RTT_SECONDS, False, path.total
            return
        self._round_done = self._round_done or started
        if self._round_done and now > self._done_at:
            self._propagation_at = now
            self._cwnd = max(self._cwnd, self._prior_cwnd)
            if self._filled:
                self._enter_probe_bw(now)
            else:
                self.mode, self._pacing_gain, self._cwnd_gain = Mode.STARTUP, HIGH_GAIN, HIGH_GAIN

    def _set_cwnd(self, path: PathSample, recovering: bool, started: bool) -> None:
        """Move cwnd towards the target; after a loss, conserve packets for a round (§4.2.3.4)."""
        if recovering and not self._recovering:
            self._prior_cwnd = self._cwnd
            self._recovering, self._next_round = True, path.total
            self._cwnd = path.in_flight + max(path.delivered, 1)
            return
        if not recovering and self._recovering:
            self._recovering = False
            self._cwnd = max(self._cwnd, self._prior_cwnd)
        self._cwnd = max(self._cwnd - path.lost, 1)
        if recovering and not started:
            self._cwnd = max(self._cwnd, path.in_flight + path.delivered)
            return
        target = self._target(self._cwnd_gain)
        if self._filled:
            self._cwnd = min(self._cwnd + path.delivered, target)
        elif self._cwnd < target or path.total < 2 * MIN_CWND:
            self._cwnd += path.delivered
        self._cwnd = max(self._cwnd, MIN_CWND)

    # Loss decides nothing here

    def reduced(self, window: Window, now: float) -> int:
        """No threshold (§4.2.3.4)."""
        return INFINITE

    def timed_out(self, window: Window, now: float) -> None:
        """One segment; the earlier window returns when recovery is over (§4.2.3.4)."""
        self._prior_cwnd = max(self._prior_cwnd, self._cwnd) if self._recovering else self._cwnd
        self._recovering, self._cwnd = True, 1

    def undone(self, window: Window) -> None:
        """Restore the window."""
        self._recovering = False
        self._cwnd = max(self._cwnd, self._prior_cwnd)

    def resumed(self, idle: float) -> None:
        """Restart at the rate of the model; idle time does not expire RTprop (§4.3.4.4)."""
        self._resumed = True
