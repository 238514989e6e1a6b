"""The base class of all congestion controls.

Loss recovery decides when the window is reduced; a control decides by how much, and how the window grows.  While
recovery reduces the window (proportional rate reduction, RFC 6937), the control is not called.

A control of one's own is a subclass with a name::

    class Fixed(Control):
        \"\"\"Twenty segments in flight, whatever happens.\"\"\"

        def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
            window.cwnd = 20

    register("fixed", lambda settings: Fixed())
    Settings(congestion="fixed")
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from netwright.proto.tcp.congestion.window import Window
from netwright.proto.tcp.delivery import RateSample

try:
    from mypy_extensions import mypyc_attr
except ImportError:  # mypyc reads it when it compiles; at run time it does nothing
    _Class = TypeVar("_Class")

    def mypyc_attr(*names: str, **attributes: object) -> Callable[[_Class], _Class]:
        """Return the class unchanged."""
        return lambda cls: cls


__all__ = ["Control", "PathSample", "slow_start"]

_SLOW_START_GAIN, _GAIN = 2.0, 1.2  # windows per round trip, Linux tcp_pacing_ss_ratio, tcp_pacing_ca_ratio


@dataclass(frozen=True, slots=True)
class PathSample:
    """One acknowledgement's measurements of the path, in segments.

    Attributes:
        delivered: segments that the acknowledgement newly reports as delivered.
        total: segments delivered since the connection began.
        lost: segments that were newly marked as lost.
        prior_flight, in_flight: segments in flight before and after the acknowledgement.
        rtt: round trip that the acknowledgement measured, in seconds; 0.0 for none.
    """

    delivered: int
    total: int
    lost: int
    prior_flight: int
    in_flight: int
    rtt: float


@mypyc_attr(allow_interpreted_subclasses=True)
class Control:
    """Every method has a default; override those that the algorithm needs.  Windows are in segments, times in seconds.

    The defaults never grow the window and halve it after a loss.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def is_model_based(self) -> bool:
        """True if the control sets cwnd and the pacing rate from a model of the path, as BBR does.

        The sender then measures the delivery rate, always paces, and calls ``steer`` after every acknowledgement
        instead of ``acked``.  It does not shrink the window of an idle connection.
        """
        return False

    def acked(self, window: Window, segments: int, now: float, rtt: float) -> None:
        """``segments`` were delivered while the window was fully used; ``rtt`` is the smallest round trip so far."""

    def sampled(self, window: Window, rtt: float, ack: int, snd_nxt: int, now: float) -> None:
        """The acknowledgement ``ack`` measured a round trip of ``rtt`` seconds."""

    def reduced(self, window: Window, now: float) -> int:
        """Congestion was found.  Returns the new ssthresh (RFC 5681 §3.1, equation 4, of cwnd as in Linux)."""
        return max(window.cwnd // 2, 2)

    def timed_out(self, window: Window, now: float) -> None:
        """The retransmission timer expired.  ``reduced`` was called just before; cwnd restarts from one segment."""

    def undone(self, window: Window) -> None:
        """The last reduction was spurious; cwnd and ssthresh are restored already."""

    def resumed(self, idle: float) -> None:
        """New data is sent after ``idle`` seconds with nothing in flight."""

    def steer(self, window: Window, sample: RateSample, path: PathSample, *, recovering: bool, now: float) -> None:
        """Set ``window.cwnd`` after an acknowledgement.  Only called if ``is_model_based``."""

    def phase(self) -> str:
        """The name of the model's current phase; the sender reports changes.  "" if there are no phases."""
        return ""

    def interval(self, window: Window, srtt: float) -> float:
        """Seconds between two paced segments: the window lasts slightly less than one round trip, as in Linux."""
        gain = _SLOW_START_GAIN if 2 * window.cwnd < window.ssthresh else _GAIN
        return srtt / (window.cwnd * gain)


def slow_start(window: Window, segments: int) -> int:
    """Grow cwnd by ``segments``, up to ssthresh; return the segments left over for congestion avoidance.

    RFC 3465 §2.2 allows two segments of growth per acknowledgement and RFC 9406 eight.  Linux has no limit, and
    neither does this.
    """
    grown = min(segments, window.ssthresh - window.cwnd)
    window.cwnd += grown
    return segments - grown
