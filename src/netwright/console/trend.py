"""Round trip and bytes of a connection over its whole life, in bounded memory.

Samples are at least ``interval`` apart.  At ``limit`` samples every second one is dropped and the interval doubles, so
an old connection keeps its whole life and a young one its details.
"""

from dataclasses import astuple, dataclass

__all__ = ["LIMIT", "Sample", "Trend"]

LIMIT = 64  # samples: about 8 kB


@dataclass(frozen=True, slots=True)
class Sample:
    """``at`` is on the worker's clock; bytes are counted from the start, ``rtt`` is 0.0 if it was not measured."""

    at: float
    bytes_in: int
    bytes_out: int
    rtt: float
    cwnd: int


class Trend:
    """The samples of one connection."""

    __slots__ = ("_interval", "_last", "_limit", "_samples")

    def __init__(self, *, limit: int = LIMIT, interval: float = 0.25) -> None:
        self._limit, self._interval = limit, interval
        self._samples: list[Sample] = []
        self._last: Sample | None = None  # the newest, also where it is too near to be kept

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, sample: Sample) -> None:
        """Add the newest sample; it is kept if it is ``interval`` after the one before."""
        self._last = sample
        if self._samples and sample.at - self._samples[-1].at < self._interval * 0.9:  # the worker's timer jitters
            return
        self._samples.append(sample)
        if len(self._samples) >= self._limit:
            del self._samples[1::2]
            self._interval *= 2

    def rows(self) -> list[list[float]]:
        """Return every sample as ``[at, bytes_in, bytes_out, rtt, cwnd]``, the newest last."""
        newest = [self._last] if self._last is not None and self._last is not self._samples[-1] else []
        return [list(astuple(sample)) for sample in (*self._samples, *newest)]
