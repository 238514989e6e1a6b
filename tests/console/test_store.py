"""The console's store: revisions, bounds, workers that die."""

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.console import answers
from netwright.console.answers import totals
from netwright.console.store import LATE, Point, Store
from netwright.console.view import Row, bound
from netwright.core.errors import LimitError, ProtocolError
from netwright.core.moment import Kind, Moment
from netwright.core.record import Outcome, Recorder
from netwright.proto.feed import Batch, Bye, Hello, Moments, Record
from tests.support.diag import made
from tests.support.records import opened, told, values

PID = 7
HELLO = Hello(PID, "app.py", "native", "3.11", now=100.0, wall=1100.0)


def joined(**limits: int) -> Store:
    store = Store(**limits)
    store.join(HELLO, 1100.0)
    return store


def batch(*records: Record, closed: tuple[Record, ...] = ()) -> Batch:
    return Batch(101.0, list(records), list(closed), {}, 0)


def ended(number: int) -> Record:
    return values(number=number, outcome=Outcome.CLOSED.value, closed_at=2.0)


def closed_seconds(store: Store, first: int, last: int = 0) -> list[Point]:
    """The points of some seconds, which are closed LATE after they are over."""
    points = [store.tick(second) for second in range(first, (last or first) + LATE + 1)]
    return [point for point in points if point.at >= first]


def test_changes_tell_each_viewer_what_it_has_not_seen() -> None:
    store = joined()
    store.merge(PID, batch(values(number=1), values(number=2)), 1101.0)
    first = store.changes(0)
    store.merge(PID, batch(values(number=2, bytes_in=5)), 1102.0)
    second = store.changes(first.revision)
    assert [row["id"] for row in first.rows] == ["7.1", "7.2"]
    assert [(row["id"], row["bytes_in"]) for row in second.rows] == [("7.2", 5)]
    assert store.changes(second.revision).rows == []


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_a_viewer_that_asks_at_any_time_ends_with_the_store_s_rows(
    events: list[tuple[int, bool]], asks: list[int]
) -> None:
    store, seen, revision = joined(), dict[str, Row](), 0
    over: set[int] = set()
    for index, (number, close) in enumerate(events):
        if number not in over:
            record = ended(number) if close else values(number=number, bytes_in=index)
            store.merge(PID, batch(*() if close else (record,), closed=(record,) if close else ()), 1101.0)
            over |= {number} if close else set()
        if index in asks:
            changes = store.changes(revision)
            revision = changes.revision
            seen |= {row["id"]: row for row in changes.rows}
    seen |= {row["id"]: row for row in store.changes(revision).rows}
    assert seen == {row["id"]: row for row in store.rows()}


def test_closed_connections_are_bounded_and_the_oldest_go() -> None:
    store = joined(closed=3)
    store.merge(PID, batch(closed=tuple(ended(number) for number in range(1, 6))), 1101.0)
    assert list(store.closed) == ["7.3", "7.4", "7.5"]


def test_changes_skip_and_count_closed_ones_beyond_the_bound() -> None:
    store = joined()
    store.merge(PID, batch(closed=tuple(ended(number) for number in range(1, 6))), 1101.0)
    changes = store.changes(0, closed=2)
    assert [row["number"] for row in changes.rows] == [4, 5]
    assert changes.skipped == 3


def test_live_connections_are_bounded() -> None:
    store = joined(live=1)
    with pytest.raises(LimitError, match="live: 2 connections seen, 1 allowed"):
        store.merge(PID, batch(values(number=1), values(number=2)), 1101.0)


def test_a_worker_that_dies_loses_its_live_connections() -> None:
    store = joined()
    store.merge(PID, batch(values(number=1)), 1101.0)
    store.leave(PID, 1105.0)
    (row,) = store.changes(0).rows
    assert (row["state"], row["closed"], row["note"]) == ("lost", 1105.0, "its worker died")
    assert row["tcp"] == ""
    assert not store.live


def test_lost_connection_is_bound_by_what_it_waited_for_when_its_worker_died() -> None:
    """An idle echo waits for its peer: a worker that dies does not make its handler slow."""
    store = joined()
    record = values(started_at=100.0, waiting="peer to send", waiting_since=100.001, handler_time=0.001)
    store.merge(PID, batch(record), 1101.0)
    store.leave(PID, 1105.0)
    (row,) = store.rows()
    assert (row["bound_by"], row["bound_at"], bound(row, 9999.0)) == ("peer to send", 0.0, "peer to send")


def test_a_worker_that_says_bye_did_not_die() -> None:
    store = joined()
    store.merge(PID, batch(values(number=1)), 1101.0)
    store.merge(PID, Bye(), 1104.0)
    store.leave(PID, 1105.0)
    store.leave(PID, 1109.0)
    assert store.workers[PID].in_order
    assert store.workers[PID].gone_at == 1105.0
    assert next(store.rows())["note"] == "its worker ended before it"


def test_a_pid_that_comes_again_is_a_new_worker() -> None:
    store = joined()
    store.merge(PID, batch(values(number=1)), 1101.0)
    store.join(Hello(PID, "new.py", "native", "3.11", 5.0, 1200.0), 1200.0)
    store.merge(PID, batch(values(number=1, started_at=5.0)), 1201.0)
    assert store.workers[PID].hello.program == "new.py"
    assert store.live["7.1"].row["opened"] == 1200.0


def test_workers_are_bounded_and_the_dead_make_room() -> None:
    store = joined(workers=2)
    store.join(Hello(8, "b", "", "", 0.0, 0.0), 1100.0)
    with pytest.raises(LimitError, match="workers: 3"):
        store.join(Hello(9, "c", "", "", 0.0, 0.0), 1100.0)
    store.leave(PID, 1101.0)
    store.join(Hello(9, "c", "", "", 0.0, 0.0), 1102.0)
    assert set(store.workers) == {8, 9}


def test_the_dead_stay_as_long_as_there_is_room() -> None:
    """Nine workers died and there is room for twelve: the eleventh that joins makes nobody forget them."""
    store = Store(workers=12)
    for pid in range(10):
        store.join(Hello(pid, "a", "", "", 0.0, 0.0), 1100.0)
    for pid in range(9):
        store.leave(pid, 1101.0)
    store.join(Hello(10, "b", "", "", 0.0, 0.0), 1102.0)
    assert set(store.workers) == set(range(11))


def test_the_oldest_of_the_dead_makes_room_and_takes_its_connections_along() -> None:
    store = joined(workers=2)
    store.join(Hello(8, "b", "", "", 0.0, 0.0), 1100.0)
    store.merge(PID, batch(closed=(ended(1),)), 1101.0)
    store.merge(8, batch(closed=(ended(1),)), 1101.0)
    store.leave(PID, 1101.0)
    store.leave(8, 1102.0)
    store.join(Hello(9, "c", "", "", 0.0, 0.0), 1103.0)
    assert set(store.workers) == {8, 9}
    assert [row["id"] for row in store.rows()] == ["8.1"]


def test_connections_of_a_new_process_with_an_old_pid_are_its_own() -> None:
    """In a container every program has pid 1: connection 1 of the second one is not the first one's, reopened."""
    store = joined()
    store.merge(PID, batch(closed=(values(number=1, bytes_in=500, outcome="closed", closed_at=2.0),)), 1101.0)
    store.join(Hello(PID, "new.py", "native", "3.11", now=0.0, wall=1200.0), 1200.0)
    store.merge(PID, batch(values(number=1, started_at=5.0, bytes_in=1)), 1206.0)
    assert [(row["id"], row["bytes_in"], row["closed"]) for row in store.rows()] == [("7.1", 1, 0.0)]
    assert store.find("7.1") not in store.closed.values()
    assert sum(point.bytes_in for point in closed_seconds(store, 1201, 1210)) == 1


def test_a_dead_worker_is_forgotten_with_its_connections_after_ten_minutes() -> None:
    store = joined()
    store.join(Hello(8, "b", "", "", 0.0, 0.0), 1100.0)
    store.merge(PID, batch(values(number=1)), 1101.0)
    store.merge(8, batch(values(number=1)), 1101.0)
    store.leave(PID, 1200.0)
    store.forget(1799.0)
    assert set(store.workers) == {PID, 8}
    store.forget(1800.0)
    assert set(store.workers) == {8}
    assert [row["id"] for row in store.rows()] == ["8.1"]


def test_hello_twice_blames_the_worker() -> None:
    with pytest.raises(ProtocolError, match="hello twice"):
        joined().merge(PID, HELLO, 1101.0)


def test_points_count_what_moved_in_their_second() -> None:
    store = joined()
    store.merge(PID, batch(values(number=1, bytes_in=10, messages=1)), 1101.0)
    store.merge(PID, batch(values(number=1, bytes_in=25, bytes_out=4, messages=3)), 1101.0)
    first, second = closed_seconds(store, 1101, 1102)
    assert (first.connections, first.bytes_in, first.bytes_out, first.messages, first.opened) == (1, 25, 4, 3, 1)
    assert (second.connections, second.bytes_in, second.opened) == (1, 0, 0)


def test_a_closed_connection_counts_once_though_told_twice() -> None:
    store = joined()
    for _ in range(2):
        store.merge(PID, batch(closed=(values(bytes_in=9, outcome=Outcome.CLOSED.value, closed_at=2.0),)), 1101.0)
    assert sum(store.tick(second).bytes_in for second in range(1101, 1106)) == 9


def test_rate_that_is_steady_is_drawn_steady_however_late_its_reports_come() -> None:
    """200 messages a second, reported after 0.25 to 2.2 s: each second has 200, and none is lost."""
    store, points, told, at = joined(), list[Point](), 100.0, 100.0
    store.merge(PID, Batch(100.0, [values(started_at=90.0)], [], {}, 0), 1100.0)
    pauses = itertools.cycle([0.25, 2.2, 0.5, 1.9, 0.3, 0.25, 2.0])
    for second in range(101, 161):
        while (pause := next(pauses)) and at + pause <= second:
            at += pause
            record = values(started_at=90.0, messages=round((at - 100.0) * 200))
            store.merge(PID, Batch(at, [record], [], {}, 0), 1000.0 + at + 0.001)
        at_most = second if at + pause > second else at
        told = max(told, min(at, at_most))
        points.append(store.tick(1000 + second))
    steady = [point.messages for point in points if 1101 < point.at < 1155]
    assert len(steady) > 40
    assert all(abs(count - 200) <= 2 for count in steady)
    assert sum(point.messages for point in points) == pytest.approx(200 * (points[-1].at - 1100), abs=3)


def test_report_for_a_second_that_is_closed_is_not_lost() -> None:
    store = joined()
    store.tick(1110)
    store.merge(PID, Batch(102.0, [values(started_at=101.0, bytes_in=7)], [], {}, 0), 1110.0)
    assert sum(store.tick(second).bytes_in for second in range(1111, 1120)) == 7


def test_clock_of_a_worker_that_runs_ahead_opens_no_seconds_of_the_future() -> None:
    store = joined()
    for ahead in range(1000):
        record = values(started_at=101.0, bytes_in=ahead)
        store.merge(PID, Batch(200.0 + 10 * ahead, [record], [], {}, 0), 1101.0)
    assert [store.tick(second).bytes_in for second in range(1104, 1108)] == [999, 0, 0, 0]


def test_totals_are_those_of_the_workers_also_of_the_forgotten() -> None:
    store = joined(closed=3)
    over = tuple(ended(number) for number in range(1, 6))
    store.merge(PID, Batch(101.0, [], list(over), {"accepted": 5, "closed": 4, "reset": 1}, 2), 1101.0)
    assert totals(store) == {
        "opened": 5,
        "live": 0,
        "ended": 5,
        "badly": 1,
        "outcomes": {"closed": 4, "reset": 1},
        "kept": 3,
        "kept_limit": 3,
        "untold": 2,
    }
    store.leave(PID, 1102.0)
    store.forget(2000.0)
    assert (totals(store)["opened"], totals(store)["ended"], totals(store)["kept"]) == (5, 5, 0)
    store.join(HELLO, 2001.0)
    store.merge(PID, Batch(101.0, [], [], {"accepted": 1}, 0), 2001.0)
    assert totals(store)["opened"] == 6


def test_moments_are_bounded_and_the_lost_ones_counted() -> None:
    store = joined(moments=3)
    store.merge(PID, batch(values(number=1)), 1101.0)
    revision = store.revision
    store.merge(PID, Moments(1, 4, [Moment(float(k), Kind.RECEIVED, 1) for k in range(5)], 4), 1101.0)
    connection = store.live["7.1"]
    assert connection.moments is not None
    assert [moment.at for moment in connection.moments] == [2.0, 3.0, 4.0]
    assert (connection.next_moment, connection.moments_lost) == (9, 6)
    assert [row["id"] for row in store.changes(revision).rows] == ["7.1"]


def test_moments_that_never_came_are_counted_and_those_before_stay() -> None:
    store = joined()
    store.merge(PID, batch(values(number=1)), 1101.0)
    for first, ats in ((0, (0.0, 1.0)), (5, (5.0,))):
        store.merge(PID, Moments(1, first, [Moment(at, Kind.RECEIVED) for at in ats], 3), 1102.0)
    connection = store.find("7.1")
    assert connection is not None
    assert connection.moments is not None
    assert [moment.at for moment in connection.moments] == [0.0, 1.0, 5.0]
    assert (connection.next_moment, connection.moments_lost) == (6, 3)


def test_moments_of_an_unknown_connection_are_dropped() -> None:
    store = joined()
    store.merge(PID, Moments(99, 0, [], 0), 1101.0)
    assert store.find("7.99") is None


def test_kernel_s_view_moves_its_own_revision_and_survives_the_next_summary() -> None:
    store = joined()
    store.merge(PID, batch(values(number=1), values(number=2, peer="10.0.0.9:1")), 1101.0)
    revision = store.revision
    store.look([made(state=8, rtx=2, rtt=0.012345, unread=7)])
    assert store.changes(revision).rows == []
    assert [(row["id"], row["tcp"], row["rtx"], row["rtt"], row["unread"]) for row in store.looked(revision)] == [
        ("7.1", "CLOSE_WAIT", 2, 0.012, 7)
    ]
    revision = store.revision
    store.look([made(state=8, rtx=2, rtt=0.0124, unread=7)])
    assert list(store.looked(revision)) == []
    store.merge(PID, batch(values(number=1, bytes_in=9)), 1102.0)
    assert store.live["7.1"].row["tcp"] == "CLOSE_WAIT"
    store.merge(PID, batch(closed=(ended(1),)), 1103.0)
    assert store.closed["7.1"].row["unread"] == 0


def test_lease_is_told_once_and_expires_once() -> None:
    store = joined()
    assert store.lease("7.1", 10.0)
    assert not store.lease("7.1", 20.0)
    assert store.expired(34.9) == []
    assert store.expired(35.0) == ["7.1"]
    assert store.expired(99.0) == []


def test_what_a_recorder_tells_is_what_the_store_shows() -> None:
    recorder, store = Recorder(), joined()
    record = opened(recorder, at=101.0)
    record.received(12, 102.0)
    recorder.close(record, 103.0)
    store.merge(PID, batch(closed=(told(record),)), 1103.0)
    (row,) = store.rows()
    assert (row["peer"], row["state"], row["opened"], row["closed"]) == ("10.0.0.7:50000", "closed", 1101.0, 1103.0)


def test_series_has_the_round_trips_that_were_measured_and_the_segments_that_were_retransmitted() -> None:
    store = joined()

    def asked(number: int, rtt: float, rtx: int) -> Record:
        return values(number=number, kernel={"state": 1, "rtt": rtt, "snd_cwnd": 9, "total_retrans": rtx})

    store.tick(1100)
    store.merge(PID, batch(asked(1, 0.01, 0), asked(2, 0.02, 1), asked(3, 0.06, 0)), 1101.0)
    store.merge(PID, batch(asked(1, 0.01, 4), asked(2, 0.04, 1)), 1101.0)
    store.look([made(rtx=2)])  # the three have one address: 2 more, 1 more, and none that is less
    (point,) = [point for point in closed_seconds(store, 1101) if point.at == 1101]
    assert (point.rtx, point.rtt, point.worst) == (1 + 4 + 1 + 2, 0.02, 0.06)
    (after,) = closed_seconds(store, 1105)[:1]
    assert (after.rtx, after.rtt, after.worst) == (0, 0.0, 0.0)


def test_page_draws_a_second_when_the_store_closes_it() -> None:
    static = Path(answers.__file__).with_name("static")
    found = {
        name: int(re.findall(rf"const {name} = (\d+);", (static / file).read_text())[0])
        for name, file in (("SPREAD", "series.js"), ("SETTLED", "app.js"))
    }
    assert found == {"SPREAD": LATE, "SETTLED": LATE}
