"""Linux's TCP and ours, each sending as fast as it may over the same bad path: goodput and retransmissions beside each
other.  ``python -m tests.truth.goodput --seeds 20`` prints the matrix; needs root and /dev/net/tun.

The kernel has a real clock and the path of ``flows``, the model has virtual time and ``sim.pair``; both paths are the
same ``sim.link.Link`` with the same seed, so that the n-th packet is lost here and there.  What chance does to one flow
it does to both, and the ratio of a pair scatters much less than either goodput.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from math import sqrt
from multiprocessing import get_context
from pathlib import Path as File
from statistics import NormalDist, fmean, stdev

from netwright.draw.svg import Canvas, Scale, ticks
from netwright.proto.tcp.settings import Settings
from netwright.sim.link import Path
from netwright.sim.pair import Pair, send_all
from tests.truth import flows
from tests.truth.flows import BUFFER, Outcome, Plan

GOODPUT, REPEATS = 0.07, 0.12  # what the two may differ by
RATE, QUEUE = 100e6, 300_000  # bits a second, bytes
LOAD = 24_000  # data segments a second of all flows that run at once: half of what two slow cores can do


@dataclass(frozen=True, slots=True)
class Cell:
    """A congestion control on a path."""

    control: str
    loss: float
    rtt: float

    def __str__(self) -> str:
        return f"{self.control:5s} {100 * self.loss:4.1f} % {1000 * self.rtt:4.0f} ms"

    @property
    def load(self) -> float:
        """Segments a second that are to be expected (Mathis and others 1997), and some more for slow start."""
        return 1.2 * sqrt(1.5 / self.loss) / self.rtt


@dataclass(frozen=True, slots=True)
class Job:
    """A flow to be played; processes pass it on."""

    cell: Cell
    seed: int
    seconds: float

    def plan(self) -> Plan:
        """Loss in the direction of the data only."""
        cell = self.cell
        there, back = (Path(delay=cell.rtt / 2, rate=RATE, queue=QUEUE, loss=loss) for loss in (cell.loss, 0.0))
        return Plan(cell.control, there, back, self.seconds, self.seed)


MATRIX = [
    Cell(control, loss, rtt) for control in ("reno", "cubic") for rtt in (0.02, 0.08) for loss in (0.001, 0.003, 0.01)
]


@dataclass(frozen=True, slots=True)
class Flow:
    """One transfer: bits a second that were acknowledged, segments that were sent again."""

    goodput: float
    repeats: int
    queue_full: int
    late: float = 0.0
    latest: float = 0.0


def model(job: Job) -> Flow:
    """Our endpoints in virtual time."""
    plan = job.plan()
    pair = Pair(
        client=Settings(congestion=plan.control, send_buffer=BUFFER),
        server=Settings(receive_buffer=BUFFER),
        there=plan.there,
        back=plan.back,
        seed=plan.seed,
    )
    pair.client.program = send_all(None)
    pair.run(until=plan.seconds)
    sender = pair.client.endpoint.sender
    return Flow(8 * sender.snd_una / plan.seconds, sender.retransmissions, pair.client.link.counters.queue_full)


def kernels(jobs: list[Job]) -> list[Flow]:
    """Linux's, side by side in real time; what the sending kernels said."""
    return [_flow(outcome) for outcome in flows.run([job.plan() for job in jobs])]


def _flow(outcome: Outcome) -> Flow:
    acknowledged, repeats = outcome.info.bytes_acked or 0, outcome.info.total_retrans
    return Flow(8 * acknowledged / outcome.seconds, repeats, outcome.queue_full, outcome.late, outcome.latest)


# ---- statistics


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the half width of its 95 % interval."""

    mean: float
    half: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.half:.3f}"

    def within(self, bound: float) -> bool:
        """All of it lies in 1 ± ``bound``."""
        return abs(self.mean - 1.0) + self.half <= bound


def interval(values: list[float]) -> Interval:
    """Of the mean of independent values, by Student's t."""
    freedom = len(values) - 1
    return Interval(fmean(values), student(freedom) * stdev(values) / sqrt(len(values)))


def student(freedom: int) -> float:
    """The 97.5 % quantile of t, to 1 % from 4 degrees of freedom on (Abramowitz and Stegun 26.7.5)."""
    z, n = NormalDist().inv_cdf(0.975), freedom
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / n + second / n**2 + third / n**3


@dataclass(frozen=True, slots=True)
class Row:
    """A cell's flows; those of one seed have the same place."""

    cell: Cell
    kernel: list[Flow]
    model: list[Flow]

    @property
    def ratios(self) -> list[float]:
        """Goodput, kernel by model, of every seed."""
        return [kernel.goodput / model.goodput for kernel, model in zip(self.kernel, self.model, strict=True)]

    @property
    def goodput(self) -> Interval:
        """The mean ratio."""
        return interval(self.ratios)

    @property
    def repeats(self) -> float:
        """All of the kernel's retransmissions by all of the model's."""
        return sum(flow.repeats for flow in self.kernel) / max(sum(flow.repeats for flow in self.model), 1)

    def __str__(self) -> str:
        kernel, model = (fmean(flow.goodput for flow in side) / 1e6 for side in (self.kernel, self.model))
        repeats = [sum(flow.repeats for flow in side) for side in (self.kernel, self.model)]
        late, latest = fmean(flow.late for flow in self.kernel), max(flow.latest for flow in self.kernel)
        return (
            f"{self.cell}  {kernel:6.2f} {model:6.2f}  {self.goodput}  {repeats[0]:6d} {repeats[1]:6d}  "
            f"{self.repeats:.3f}  {1e6 * late:5.0f} {1e3 * latest:6.1f}"
        )


def picture(rows: list[Row]) -> str:
    """A line a cell: the ratio of every seed, the interval of their mean, and the bounds (SVG)."""
    step, top, low, high = 26.0, 56.0, 0.85, 1.15
    canvas = Canvas(640, top + step * len(rows) + 30, "goodput, kernel by model")
    scale, bottom = Scale(low, high, 200, 620), top + step * len(rows)
    canvas.text(16, 24, canvas.title)
    for value in ticks(low, high, 6):
        canvas.line(scale(value), top - 12, scale(value), bottom, kind="axis" if value == 1 else "grid")
        canvas.text(scale(value), bottom + 16, f"{value:.2f}", anchor="middle")
    for bound in (1 - GOODPUT, 1 + GOODPUT):
        canvas.line(scale(bound), top - 12, scale(bound), bottom, tone="wait", extra=' stroke-dasharray="4 3"')
    for number, row in enumerate(rows):
        y, mean = top + step * number, row.goodput
        canvas.text(16, y + 4, str(row.cell))
        for ratio in row.ratios:
            x = scale(min(max(ratio, low), high))
            canvas.rect(x - 1.5, y - 1.5, 3, 3, tone="data", opacity=0.5, tip=f"{ratio:.3f}")
        span = scale(mean.mean + mean.half) - scale(mean.mean - mean.half)
        tone = "good" if mean.within(GOODPUT) else "bad"
        canvas.rect(scale(mean.mean - mean.half), y - 5, span, 10, tone=tone, opacity=0.7, tip=str(mean))
    return canvas.render()


HEAD = """\
                     Mbit/s          goodput        retransmissions       path late
control loss   RTT  kernel  model  kernel/model    kernel  model ratio  mean µs max ms"""


# ---- the lab


def measure(
    cells: list[Cell], *, seeds: int, seconds: float, tell: Callable[[str], None] | None = None
) -> Iterator[Row]:
    """Every cell with every seed, as many at once as two cores can serve in time; ``tell`` hears of progress."""
    jobs = [Job(cell, seed, seconds) for cell in cells for seed in range(1, seeds + 1)]
    waves, workers = _waves(jobs), os.cpu_count() or 1
    theirs: dict[Job, Flow] = {}
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for number, wave in enumerate(waves, 1):
            if tell is not None:
                tell(f"wave {number} of {len(waves)}: {len(wave)} flows of {seconds:g} s")
            parts = [wave[start::workers] for start in range(workers)]
            for part, found in zip(parts, pool.map(kernels, parts), strict=True):
                theirs |= dict(zip(part, found, strict=True))
        ours = dict(zip(jobs, pool.map(model, jobs, chunksize=4), strict=True))
    for cell in cells:
        mine = [job for job in jobs if job.cell == cell]
        yield Row(cell, [theirs[job] for job in mine], [ours[job] for job in mine])


def _waves(jobs: list[Job]) -> list[list[Job]]:
    waves: list[list[Job]] = [[]]
    load = 0.0
    for job in jobs:
        if load + job.cell.load > LOAD and waves[-1]:
            waves.append([])
            load = 0.0
        waves[-1].append(job)
        load += job.cell.load
    return waves


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth.goodput", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each flow")
    parser.add_argument("--control", choices=("reno", "cubic"), help="this one only")
    parser.add_argument("--loss", type=float, help="these cells only, as a probability")
    parser.add_argument("--rtt", type=float, help="these cells only, in seconds")
    parser.add_argument("--json", action="store_true", help="every flow, instead of the table")
    parser.add_argument("--picture", type=File, help="an SVG beside the table")
    chosen = parser.parse_args(arguments)
    cells = [
        cell
        for cell in MATRIX
        if chosen.control in (None, cell.control)
        and chosen.loss in (None, cell.loss)
        and chosen.rtt in (None, cell.rtt)
    ]
    started = time.monotonic()
    rows = list(measure(cells, seeds=chosen.seeds, seconds=chosen.seconds, tell=_tell))
    if chosen.picture is not None:
        chosen.picture.write_text(picture(rows))
    if chosen.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n")
        return 0
    end = f"{chosen.seeds} seeds, {chosen.seconds:g} s each, {time.monotonic() - started:.0f} s in all"
    sys.stdout.write("\n".join([HEAD, *map(str, rows), end]) + "\n")
    return 0


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
