from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import UsageError
from netwright.sim.link import Fate, Link, Path, Verdict
from netwright.sim.loss import Every, GilbertElliott, Loss, Numbered


def arrivals(link: Link, count: int, *, size: int = 1000, every: float = 0.0) -> list[float]:
    fates = [link.carry(None, size, number * every) for number in range(count)]
    return [arrival.at for fate in fates for arrival in fate.arrivals]


def test_delay_is_added() -> None:
    fate = Link(Path(delay=0.02), seed=1).carry(None, 1, 1.0)
    assert (fate.verdict, [arrival.at for arrival in fate.arrivals], fate.note) == (Verdict.PASS, [1.02], "")


def test_rate_spaces_packets_by_their_size() -> None:
    """1,000 bytes at 1 Mbit/s take 8 ms each."""
    link = Link(Path(rate=1e6), seed=1)
    assert arrivals(link, 3) == pytest.approx([0.008, 0.016, 0.024])
    assert link.queued(0.0) == 3000


def test_full_queue_drops_the_tail_and_empties_with_time() -> None:
    link = Link(Path(rate=1e6, queue=2000), seed=1)
    assert [link.carry(None, 1000, 0.0).verdict for _ in range(3)] == ["pass", "pass", "queue full"]
    assert link.carry(None, 1000, 0.008).verdict is Verdict.PASS
    assert link.counters.queue_full == 1


def test_jitter_keeps_the_order() -> None:
    times = arrivals(Link(Path(delay=0.01, jitter=0.05), seed=3), 200, every=0.001)
    assert times == sorted(times)
    assert max(at - number * 0.001 for number, at in enumerate(times)) <= 0.0600001


def test_held_back_packet_is_overtaken() -> None:
    link = Link(Path(delay=0.01, reorder=0.2, reorder_delay=0.005), seed=1)
    times = arrivals(link, 100, every=0.001)
    overtaken = sum(any(later < at for later in times[number:]) for number, at in enumerate(times))
    assert 0 < overtaken == link.counters.reordered


def test_packet_arrives_twice() -> None:
    link = Link(Path(duplicate=1.0), seed=1)
    assert len(link.carry(None, 1, 0.0).arrivals) == 2
    assert link.counters.duplicated == 1


def test_corruption_and_marks_are_told() -> None:
    link = Link(Path(corrupt=1.0, rate=8e3, mark_above=50), seed=1)
    (arrival,) = link.carry(None, 100, 0.0).arrivals
    assert (arrival.at, arrival.corrupted, arrival.marked) == (0.1, True, False)
    assert link.carry(None, 100, 0.0).arrivals[0].marked  # RFC 3168 §5


def test_packet_above_the_mtu_is_refused_with_both_numbers() -> None:
    fate = Link(Path(mtu=1500), seed=1).carry(None, 1501, 0.0)
    assert (fate.verdict, fate.arrivals, fate.note) == (Verdict.TOO_BIG, (), "1501 bytes, MTU 1500")


def test_cut_link_loses_all_until_it_is_up() -> None:
    link = Link(Path(), seed=1)
    link.up = False
    assert link.carry(None, 1, 0.0).verdict is Verdict.DOWN
    link.up = True
    assert link.carry(None, 1, 0.0).verdict is Verdict.PASS


def test_first_rule_that_answers_decides() -> None:
    def syn(packet: object, size: int, now: float) -> Fate | None:
        return Fate(Verdict.RULE, note="no SYN today") if packet == "SYN" else None

    link = Link(Path(loss=Numbered({1})), seed=1, rules=[syn])
    assert link.carry("SYN", 40, 0.0).note == "no SYN today"
    assert link.carry("ACK", 40, 0.0).verdict is Verdict.LOST
    assert link.counters.as_dict()["ruled"] == 1


@given(st.integers(0, 2**32), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_same_seed_gives_the_same_fates_and_no_packet_is_uncounted(
    seed: int, loss: float, reorder: float, duplicate: float
) -> None:
    path = Path(delay=0.01, jitter=0.01, rate=1e7, queue=8000, loss=loss, reorder=reorder, duplicate=duplicate)
    one, two = Link(path, seed=seed), Link(path, seed=seed)
    assert arrivals(one, 50) == arrivals(two, 50)
    counters = one.counters
    assert counters.offered == counters.passed + counters.lost + counters.queue_full
    assert all(at >= 0.01 for at in arrivals(one, 5))


@pytest.mark.parametrize(("name", "value"), [("loss", 1.1), ("delay", -1), ("mtu", -1), ("duplicate", 2)])
def test_impossible_path_is_named(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        Path(**{name: value})  # type: ignore[arg-type]  # the name is the parameter


@given(st.floats(0, 1), st.sampled_from([0.0, 1e6, 1e9]), st.lists(st.integers(40, 1500), max_size=30))
def test_transit_tells_what_carry_does(loss: float, rate: float, sizes: list[int]) -> None:
    path = Path(delay=0.01, rate=rate, loss=loss)
    one, two = Link(path, seed=5), Link(path, seed=5)
    for number, size in enumerate(sizes):
        fate = one.carry(None, size, number * 0.001)
        assert two.transit(size, number * 0.001) == (fate.arrivals[0].at if fate.arrivals else inf)
    assert one.counters == two.counters


@pytest.mark.parametrize("more", [{"queue": 1}, {"mtu": 1500}, {"jitter": 0.1}, {"corrupt": 0.1}, {"mark_above": 1}])
def test_transit_leaves_what_may_disturb_a_packet_to_carry(more: dict[str, Any]) -> None:
    assert Link(Path(**more), seed=1).transit(40, 0.0) is None


def test_transit_leaves_rules_and_cut_links_to_carry() -> None:
    assert Link(Path(), seed=1, rules=[lambda packet, size, now: None]).transit(40, 0.0) is None
    link = Link(Path(), seed=1)
    link.up = False
    assert link.transit(40, 0.0) is None


@pytest.mark.parametrize("model", [Every(10), GilbertElliott(0.05, 0.3), Numbered({5})])
def test_links_do_not_share_the_state_of_a_loss_model(model: Loss) -> None:
    """The same seed, path and packets give the same fates, whatever the path was used for before."""
    path = Path(loss=model)
    runs = [[link.carry(None, 1, 0.0).verdict for _ in range(200)] for link in (Link(path, seed=1) for _ in range(3))]
    assert runs[0] == runs[1] == runs[2]
    both = [Link(path, seed=1), Link(path, seed=1)]
    turns = [[link.carry(None, 1, 0.0).verdict for link in both] for _ in range(200)]
    assert [mine for mine, _ in turns] == [other for _, other in turns] == runs[0]


def test_a_new_path_counts_with_all_that_it_says() -> None:
    link = Link(Path(delay=0.01), seed=1)
    assert link.transit(100, 0.0) == 0.01
    link.path = Path(delay=0.02, loss=1.0)
    assert link.carry(None, 100, 1.0).verdict is Verdict.LOST
    link.path = Path(delay=0.02, duplicate=1.0)
    assert link.transit(100, 2.0) is None
    assert len(link.carry(None, 100, 2.0).arrivals) == 2


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_limits_of_a_path_are_exact(beyond: int) -> None:
    """MTU, queue, and the mark above it; also for the packet after."""
    for _ in range(2):
        link = Link(Path(mtu=1000), seed=1)
        assert (link.carry(None, 1000 + beyond, 0.0).verdict is Verdict.TOO_BIG) is (beyond > 0)
        assert (link.carry(None, 1000 + beyond, 0.0).verdict is Verdict.TOO_BIG) is (beyond > 0)
    link = Link(Path(rate=8e3, queue=2000), seed=1)
    link.carry(None, 1000, 0.0)
    assert (link.carry(None, 1000 + beyond, 0.0).verdict is Verdict.QUEUE_FULL) is (beyond > 0)
    link = Link(Path(rate=8e3, mark_above=1000), seed=1)
    link.carry(None, 1000 + beyond, 0.0)
    assert link.carry(None, 1, 0.0).arrivals[0].marked is (beyond > 0)


def test_a_packet_that_is_held_back_waits_behind_the_one_before_it() -> None:
    """``reorder_delay`` counts from its place in the order; a path that has become faster gives no other one."""
    link = Link(Path(delay=0.5), seed=1)
    link.carry(b"", 100, 0.0)
    link.path = Path(delay=0.1, reorder=1.0, reorder_delay=0.005)
    (arrival,) = link.carry(b"", 100, 0.0).arrivals
    assert arrival.at == 0.505
