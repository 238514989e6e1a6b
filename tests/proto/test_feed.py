"""The console's feed: what one side writes the other reads; garbage is a ProtocolError or a LimitError."""

import contextlib
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import LimitError, ProtocolError
from netwright.core.moment import Kind, Moment
from netwright.core.record import Attempt, Exchange, Recorder, Result
from netwright.proto.feed import (
    ROW,
    Batch,
    Bye,
    Command,
    FeedParser,
    Hello,
    Moments,
    Record,
    Unwatch,
    Update,
    Watch,
    Welcome,
    batch_line,
    kernel_values,
    parse_command,
    parse_update,
    record_row,
    serialize,
)
from netwright.wire.inet_diag import DiagAttribute
from tests.support.diag import made
from tests.support.records import opened, values

PARTS: dict[str, Any] = {
    "attempts": (
        Attempt("[::1]:80", Result.FAILED, 111, 1.0, 0.5),
        Attempt("10.0.0.1:80", Result.ANSWERED, 0, 1.25, 0.5),
    ),
    "exchanges": [Exchange(1.0, 1.0, 2.0, "GET /", 200), Exchange(3.0, 3.0, 0.0, "GET /slow", note="peer gone")],
}
UPDATES: list[Update] = [
    Hello(7, "app.py", "native", "3.11.2", 12.5, 1_700_000_000.25),
    Batch(13.0, [values(bytes_in=5)], [values(outcome="reset", errno=104, text="x", **PARTS)], {"accepted": 2}, 1),
    Moments(3, 40, [Moment(1.5, Kind.RECEIVED, 20, "x"), Moment(1.5, Kind.STATE, 0, "", ("a", 1, 0.5))], 2),
    Bye(),
]
COMMANDS: list[Command] = [Welcome("http://127.0.0.1:8001", 9), Watch(3), Unwatch(3)]


def test_updates_come_back_for_any_split() -> None:
    line = b"".join(serialize(update) for update in UPDATES)

    @given(st.lists(st.integers(0, len(line)), max_size=8))
    def any_split(cuts: list[int]) -> None:
        parser = FeedParser(parse_update)
        edges = [0, *sorted(cuts), len(line)]
        came = [m for a, b in itertools.pairwise(edges) for m in parser.receive(line[a:b])]
        assert came == UPDATES

    any_split()


def test_commands_come_back() -> None:
    assert FeedParser(parse_command).receive(b"".join(map(serialize, COMMANDS))) == COMMANDS


@given(st.binary(max_size=200))
def test_garbage_blames_the_peer(data: bytes) -> None:
    for parse in (parse_update, parse_command):
        with pytest.raises(ProtocolError):
            FeedParser(parse).receive(b"\x01" + data + b"\n")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["number", "moments", "now"]), inner),
    max_leaves=8,
)


@given(st.sampled_from(["hello", "moments", "bye", "records", "watch", "welcome"]), JSON, JSON)
def test_wrong_shapes_blame_the_peer_and_nothing_else(name: str, value: object, other: object) -> None:
    line = json.dumps({name: value, "closed": other}).encode()
    for parse in (parse_update, parse_command):
        with contextlib.suppress(ProtocolError):
            parse(line)


FIELDS = {name: index for index, name in enumerate(ROW)}


def line_with(field: str, value: object) -> bytes:
    """A batch of one record in which ``field`` is ``value``."""
    row = json.loads(serialize(Batch(1.0, [values(**PARTS)], [], {})))["records"][0]
    row[FIELDS[field]] = value
    return json.dumps({"now": 1.0, "records": [row], "closed": [], "totals": {}, "lost": 0}).encode()


def test_every_field_of_a_record_is_on_the_feed() -> None:
    assert set(FIELDS) == set(Record.__annotations__)


@pytest.mark.parametrize("field", FIELDS)
def test_record_names_the_field_that_is_wrong(field: str) -> None:
    with pytest.raises(ProtocolError, match=field):
        parse_update(line_with(field, None))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("waiting", "godot", "waiting is 'godot'"),
        ("ended", ["godot", "you", "", 0, ""], "ended is"),
        ("ended", ["closed", "godot", "", 0, ""], "ended is"),
        ("attempts", [["::1", "godot", 0, 1, 1]], "attempts has"),
        ("exchanges", [[1, 1, 1.5, "GET /", 200, ""]], "exchanges has"),
        ("started_at", 10**15 + 1, "a time of"),
        ("closed_at", -(10**400), "a time of"),
        ("kernel", "0g", "hexadecimal digits wanted"),
        ("kernel", "00", "tcp_info of 1 bytes"),
    ],
)
def test_record_with_an_unknown_value_is_refused(field: str, value: object, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        parse_update(line_with(field, value))


def test_longest_time_is_allowed() -> None:
    update = parse_update(line_with("started_at", 10**15))
    assert isinstance(update, Batch)
    assert update.records[0]["started_at"] == 1e9


def test_record_of_the_wrong_length_is_refused() -> None:
    line = json.dumps({"now": 1.0, "records": [[1, 2]], "closed": [], "totals": {}, "lost": 0}).encode()
    with pytest.raises(ProtocolError, match=f"an array of {len(FIELDS)} fields wanted"):
        parse_update(line)


def test_row_of_a_live_record_is_the_record_and_its_kernel() -> None:
    raw = made(rtx=3).attributes[DiagAttribute.INFO]
    record = opened(Recorder(), at=1027.123456789)
    record.kernel = raw
    for number in range(20):
        exchange = record.exchange(f"GET /{number}", 1028.0)
        exchange.answered, exchange.status = 1028.25, 200
    for newest, count in ((True, 1), (False, 16)):
        (update,) = FeedParser(parse_update).receive(batch_line(1.0, [record_row(record, newest=newest)], [], {}, 0))
        assert isinstance(update, Batch)
        (told,) = update.records
        assert told["started_at"] == pytest.approx(1027.123457, abs=1e-9)
        assert told["peer"] == str(record.peer)
        assert told["kernel"] == kernel_values(raw)
        assert told["kernel"]["total_retrans"] == 3
        assert len(told["exchanges"]) == count
        assert told["exchanges"][-1].line == "GET /19 → 200"


@pytest.mark.parametrize("data", [b"x" * 101, b"x" * 101 + b"\n"])
def test_line_over_the_limit_names_it(data: bytes) -> None:
    with pytest.raises(LimitError, match=r"max_line: 10[12] bytes seen, 100 allowed"):
        FeedParser(parse_update, max_line=100).receive(data)
