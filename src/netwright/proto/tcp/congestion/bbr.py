"""BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): send at the rate that the path delivers.

It keeps a model of the path, its bottleneck's bandwidth and its round-trip propagation time, and steers pacing and
window by it; loss is no signal.  Names as in the draft.  No I/O, no clock, and no entropy: where the draft enters the
gain cycle at a random phase, this starts at the first neutral one.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from math import inf

from netwright.proto.tcp.congestion.window import INFINITE, Window
from netwright.proto.tcp.delivery import RateSample

__all__ = ["Bbr", "Mode", "Path"]

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
    """§4.3."""

    STARTUP = "startup"
    DRAIN = "drain"
    PROBE_BW = "probe-bw"
    PROBE_RTT = "probe-rtt"


@dataclass(frozen=True, slots=True)
class Path:
    """What one acknowledgement says about the path, in segments.

    Attributes:
        delivered, lost: that it brought, or showed to be missing; total: delivered so far.
        prior_flight, in_flight: in flight before and after it.
        rtt: a round trip that it measured, in seconds, 0.0 for none.
    """

    delivered: int
    total: int
    lost: int
    prior_flight: int
    in_flight: int
    rtt: float


class Bbr:
    """Steers by a model.

    Attributes:
        mode: the state machine of §4.3.
        bandwidth: BtlBw, segments a second; 0.0 until it was measured.
        propagation: RTprop, infinite until it was measured.
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
    name = "bbr"

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

    def interval(self, srtt: float) -> float:
        """Seconds between two segments (§4.2.1); before the first sample a window a round trip, as Linux."""
        rate = self._rate or HIGH_GAIN * self._cwnd / (srtt or 0.001)
        return 1 / rate

    def steer(self, window: Window, sample: RateSample, path: Path, *, recovering: bool, now: float) -> None:
        """After every acknowledgement (§4.2.3, BBRUpdateOnACK); ``recovering`` if loss recovery is under way."""
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
        """§4.1.1.3; True if a round trip has started."""
        started = sample.prior_delivered >= self._next_round
        if started:
            self._next_round = total
            self._rounds += 1
        maxima = self._maxima
        if sample.rate and (sample.rate >= self.bandwidth or not sample.limited):
            while maxima and maxima[-1][1] <= sample.rate:
                maxima.pop()
            maxima.append((self._rounds, sample.rate))
            while maxima[0][0] <= self._rounds - BW_ROUNDS:  # rounds that say nothing do not age the filter
                maxima.popleft()
            self.bandwidth = maxima[0][1]
        return started

    def _target(self, gain: float) -> int:
        """§4.2.3.2, BBRInflight."""
        if self.propagation == inf or not self.bandwidth:
            return self._cwnd
        return int(gain * self.bandwidth * self.propagation) + QUANTA

    def _look_for_full_pipe(self, sample: RateSample, started: bool) -> None:
        """§4.3.2.2: three rounds in which the bandwidth did not grow by a quarter."""
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

    def _advance_cycle(self, path: Path, now: float) -> None:
        """§4.3.4.3, BBRIsNextCyclePhase."""
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

    def _update_propagation(self, path: Path, started: bool, now: float) -> None:
        """§4.1.2.3 and §4.3.5: the least round trip; after 10 s without one, empty the queue to see it again."""
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

    def _set_cwnd(self, path: Path, recovering: bool, started: bool) -> None:
        """§4.2.3.4: a round of packet conservation after a loss, else towards the target."""
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

    # The rest of Control: loss decides nothing here

    def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
        """``steer`` has done it."""

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """``steer`` gets it."""

    def reduced(self, window: Window, now: float) -> int:
        """§4.2.3.4: no threshold."""
        return INFINITE

    def timed_out(self, window: Window, now: float) -> None:
        """§4.2.3.4: one segment, and the window of before once it is over."""
        self._prior_cwnd = max(self._prior_cwnd, self._cwnd) if self._recovering else self._cwnd
        self._recovering, self._cwnd = True, 1

    def undone(self, window: Window) -> None:
        """The window of before."""
        self._recovering = False
        self._cwnd = max(self._cwnd, self._prior_cwnd)

    def resumed(self, idle: float) -> None:
        """§4.3.4.4: start at the rate of the model, and do not take the silence for an expired filter."""
        self._resumed = True
