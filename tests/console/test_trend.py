"""A life in few samples."""

from hypothesis import given
from hypothesis import strategies as st

from netwright.console.trend import LIMIT, Sample, Trend


@given(st.lists(st.floats(0.001, 100.0), min_size=1, max_size=400))
def test_first_and_newest_sample_are_kept_and_memory_is_bounded(steps: list[float]) -> None:
    trend, at = Trend(), 0.0
    for number, step in enumerate(steps):
        at += step
        trend.add(Sample(at, number, 0, 0.0, 10))
        assert len(trend) < LIMIT
    told = trend.rows()
    assert (told[0][0], told[-1][0]) == (steps[0], at)
    assert [line[0] for line in told] == sorted({line[0] for line in told})


def test_an_old_connection_keeps_the_whole_of_its_life() -> None:
    trend = Trend()
    for second in range(10_000):
        trend.add(Sample(float(second), second, 0, 0.0, 10))
    gaps = [after[0] - before[0] for before, after in zip(trend.rows(), trend.rows()[1:], strict=False)]
    assert max(gaps) <= 512.0  # of 10,000 s: the line has no hole


def test_every_second_sample_goes_when_the_limit_is_reached() -> None:
    trend = Trend(limit=4, interval=1.0)
    kept = []
    for second in range(7):
        trend.add(Sample(float(second), second, 0, 0.0, 10))
        kept.append([line[0] for line in trend.rows()])
    assert kept[2:4] == [[0.0, 1.0, 2.0], [0.0, 2.0, 3.0]]  # 3 is the newest: told, and not kept
    assert kept[4:] == [[0.0, 2.0, 4.0], [0.0, 2.0, 4.0, 5.0], [0.0, 4.0, 6.0]]


def test_no_sample_tells_nothing() -> None:
    assert Trend().rows() == []
