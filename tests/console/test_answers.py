"""The API's answers and the messages of /api/events."""

import json
from typing import Any

import pytest

from netwright.console import answers
from netwright.console.answers import Events
from netwright.console.query import COMPARED, MATCHED
from netwright.console.store import Store
from netwright.core.errors import UsageError
from netwright.core.moment import Kind, Moment
from netwright.core.record import Exchange, Outcome
from netwright.proto.feed import Batch, Hello, Moments
from tests.support.records import values

IDS = ("7.1", "7.2")
NOW = 1105.0


@pytest.fixture
def store() -> Store:
    store = Store(closed=5)
    store.join(Hello(7, "app.py", "native", "3.11", now=100.0, wall=1100.0), 1100.0)
    over = values(number=3, outcome=Outcome.RESET.value, closed_at=103.0, started_at=101.0)
    live = [values(number=n, started_at=100.0 + n, service=f"s{n}") for n in (1, 2)]
    store.merge(7, Batch(104.0, live, [over], {"accepted": 3}, 0), 1104.0)
    return store


def data(message: bytes) -> dict[str, Any]:
    assert message.startswith(b"data: ")
    assert message.endswith(b"\n\n")
    body: dict[str, Any] = json.loads(message[6:])
    return body


def test_connections_come_live_first_newest_first(store: Store) -> None:
    answer = answers.connections(store, NOW)
    assert [row["number"] for row in answer["connections"]] == [2, 1, 3]


def test_connections_filter_and_limit_and_say_how_many_matched(store: Store) -> None:
    answer = answers.connections(store, NOW, filter="-state:reset", limit=1)
    assert ([row["number"] for row in answer["connections"]], answer["matched"]) == ([2], 2)


@pytest.mark.parametrize("limit", [0, 10_001])
def test_limit_out_of_range_is_refused(store: Store, limit: int) -> None:
    with pytest.raises(UsageError, match=f"limit={limit}"):
        answers.connections(store, NOW, limit=limit)


def test_connection_without_moments_shows_its_summary(store: Store) -> None:
    answer = answers.connection(store, "7.1", NOW)
    assert answer is not None
    assert (answer["now"], answer["moments"], answer["bars"][0]["lane"]) == (105.0, None, "accept")


def test_connection_with_moments_shows_them(store: Store) -> None:
    store.merge(7, Moments(1, 0, [Moment(101.0, Kind.RECEIVED, 5)]), NOW)
    answer = answers.connection(store, "7.1", NOW)
    assert answer is not None
    assert answer["moments"] == [{"at": 101.0, "kind": "received", "size": 5, "note": "", "about": ()}]
    assert [bar["lane"] for bar in answer["bars"]] == ["accept", "wait", "app", "in"]


def test_connection_has_ledgers_that_add_up_its_end_and_its_trend(store: Store) -> None:
    kernel = {"state": 1, "rtt": 0.02, "snd_cwnd": 10, "total_retrans": 0}
    chronographs = {"busy_time": 2.0, "rwnd_limited": 1.5, "sndbuf_limited": 0.1}
    changes: dict[str, Any] = {
        "opened_at": 101.0,
        "started_at": 101.0,
        "waiting": "",
        "handler_time": 1.0,
        "send_waited": 2.0,
        "receive_waited": 1.0,
        "bytes_out": 900,
    }
    changes |= {"outcome": "aborted", "closed_at": 105.0, "kernel_at": 105.0, "kernel": kernel | chronographs}
    store.merge(7, Batch(105.0, [], [values(number=1, **changes)], {}, 0), NOW)
    answer = answers.connection(store, "7.1", NOW + 50)
    assert answer is not None
    assert sum(share["seconds"] for share in answer["ledger"]) == pytest.approx(4.0)
    assert sum(share["share"] for share in answer["ledger"]) == pytest.approx(1.0, abs=1e-3)
    assert (answer["ledger"][0]["cause"], answer["ledger"][0]["party"]) == (answer["bound_by"], "peer")
    assert answer["age"] == 4.0
    assert answer["ending"] == {"who": "you", "how": "RST"}
    assert [(line[0], line[2], line[3]) for line in answer["trend"]] == [
        (104.0, 0, 0.0),  # the fixture's
        (105.0, 900, 0.02),
    ]


def test_connection_that_ended_in_order_is_no_leak() -> None:
    """Its last view of the kernel was taken while it closed: CLOSE_WAIT, with nothing left to do."""
    store = Store()
    store.join(Hello(7, "app.py", "native", "3.11", 100.0, 1100.0), 1100.0)
    kernel = {"state": 8, "rtt": 0.02, "snd_cwnd": 10, "total_retrans": 0}
    live: dict[str, Any] = {"started_at": 100.0, "kernel": kernel, "waiting": "handler", "waiting_since": 100.0}
    over = {**live, "outcome": "peer-closed", "closed_at": 102.0, "waiting": ""}
    store.merge(7, Batch(103.0, [values(number=1, **live)], [values(number=2, **over)], {}, 0), 1103.0)
    titles = {name: [f["title"] for f in (answers.connection(store, name, 1103.0) or {})["findings"]] for name in IDS}
    assert titles == {"7.1": ["The program worked", "The peer has finished"], "7.2": ["Waiting for the peer to send"]}
    for word in ("tcp:close_wait", "state:close_wait"):
        rows = answers.connections(store, 1103.0, filter=word)["connections"]
        assert [row["id"] for row in rows] == ["7.1"]


def test_connection_of_a_worker_that_died_says_so_once(store: Store) -> None:
    asked = [Exchange(101.0, 101.0, 0.0, "GET /slow")]
    record = values(number=5, started_at=101.0, exchanges=asked, waiting="handler", waiting_since=101.0)
    store.merge(7, Batch(104.0, [record], [], {}, 0), NOW)
    store.leave(7, 1105.0)
    answer = answers.connection(store, "7.5", 1200.0)
    assert answer is not None
    assert [bar["label"] for bar in answer["bars"] if bar["lane"] in ("app", "end")] == [
        "handler 4.0 s",
        "lost · its worker ended",
    ]
    assert (answer["ending"]["how"], answer["age"]) == ("its worker died", 4.0)
    assert [finding["title"] for finding in answer["findings"]] == ["The worker ended", "The program worked"]
    assert answer["bound_by"] == answer["row"]["bound_by"] == "handler"


def test_lost_connection_stops_its_clock_when_the_worker_died(store: Store) -> None:
    store.leave(7, 1106.0)
    answer = answers.connection(store, "7.1", 1200.0)
    assert answer is not None
    assert answer["now"] == 106.0


def test_connection_that_is_unknown_is_none(store: Store) -> None:
    assert answers.connection(store, "7.99", NOW) is None


def test_health_is_bad_when_a_worker_died(store: Store) -> None:
    assert answers.health(store, NOW) == {"ok": True, "workers": 1, "died": [], "connections": 2, "silent": 1.0}
    store.leave(7, NOW)
    assert answers.health(store, NOW)["died"] == [7]


def test_first_message_tells_all_and_the_next_only_what_changed(store: Store) -> None:
    events = Events(store, "b1")
    revision, first = events.first("", NOW)
    body = data(first)
    rows = [dict(zip(body["hello"]["fields"], row, strict=True)) for row in body["rows"]]
    assert [(row["id"], row["state"]) for row in rows] == [("7.1", "open"), ("7.2", "open"), ("7.3", "reset")]
    assert body["workers"][0]["pid"] == 7
    store.merge(7, Batch(105.0, [values(number=2, bytes_in=4)], [], {}, 0), NOW)
    _, second = events.next(revision, 0, NOW)
    assert [row[0] for row in data(second)["rows"]] == ["7.2"]


def test_viewer_that_comes_back_gets_only_the_rest(store: Store) -> None:
    events = Events(store, "b1")
    revision, _ = events.first("", NOW)
    assert data(events.first(f"b1.{revision}", NOW)[1])["rows"] == []
    assert len(data(events.first(f"b0.{revision}", NOW)[1])["rows"]) == 3


def test_message_is_encoded_once_for_viewers_in_step(store: Store) -> None:
    events = Events(store, "b1")
    assert events.next(0, 0, NOW)[1] is events.next(0, 0, NOW + 0.01)[1]


def test_points_are_told_once(store: Store) -> None:
    events = Events(store, "b1")
    store.tick(1104)
    store.tick(1105)
    assert [point[0] for point in data(events.next(0, 1101, NOW)[1])["points"]] == [1102]
    assert data(events.next(0, 1102, NOW)[1])["points"] == []  # another viewer, at the same revision


def test_filter_language_has_every_column_with_its_units_and_frequent_values(store: Store) -> None:
    columns = {column["name"]: column for column in answers.filter_language(store, NOW)["columns"]}
    assert set(columns) == {*MATCHED, *COMPARED}
    assert columns["svc"]["values"] == [{"value": value, "count": 1} for value in ("s1", "s2", "http")]
    assert columns["peer"]["values"] == []  # each its own: nothing to choose from
    assert columns["in"]["operators"] == [">", "<", ">=", "<="]
    for column in columns.values():
        for value in column.get("values", []):
            assert answers.connections(store, NOW, filter=f'{column["name"]}:"{value["value"]}"')["matched"] >= 1
        for example in column.get("examples", []):
            for operator in column["operators"]:
                answers.connections(store, NOW, filter=f"{column['name']}{operator}{example}")
