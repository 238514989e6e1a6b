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
from netwright.core.record import Attempt, Exchange, Result, Waiting
from netwright.proto.feed import (
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
    parse_command,
    parse_update,
    serialize,
)
from tests.support.records import values

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


@pytest.mark.parametrize("field", list(Record.__annotations__))
def test_record_names_the_field_that_is_wrong(field: str) -> None:
    wrong: dict[str, object] = dict(values())
    wrong[field] = None
    line = json.dumps({"now": 1.0, "records": [wrong], "closed": [], "totals": {}, "lost": 0}).encode()
    with pytest.raises(ProtocolError, match=field):
        parse_update(line)


def test_record_that_waits_for_an_unknown_thing_is_refused() -> None:
    wrong: dict[str, object] = {**values(waiting=Waiting.HEAD), "waiting": "godot"}
    line = json.dumps({"now": 1.0, "records": [wrong], "closed": [], "totals": {}, "lost": 0}).encode()
    with pytest.raises(ProtocolError, match="godot"):
        parse_update(line)


@pytest.mark.parametrize("data", [b"x" * 101, b"x" * 101 + b"\n"])
def test_line_over_the_limit_names_it(data: bytes) -> None:
    with pytest.raises(LimitError, match=r"max_line: 10[12] bytes seen, 100 allowed"):
        FeedParser(parse_update, max_line=100).receive(data)
