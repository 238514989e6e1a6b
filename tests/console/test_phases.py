"""Bars of a connection's life."""

import errno

from hypothesis import given
from hypothesis import strategies as st

from netwright.console.phases import Bar, bars_of_life, bars_of_moments, bars_of_summary, waterfall
from netwright.core.moment import Kind, Moment
from netwright.core.record import Attempt, Exchange, Outcome, Result, Waiting
from tests.support.records import values


def spans(bars: list[Bar]) -> list[tuple[str, float, float]]:
    return [(bar.lane, bar.start, bar.end) for bar in bars]


def test_a_request_s_moments_become_waits_handler_and_ticks() -> None:
    moments = [
        Moment(1.0, Kind.ESTABLISHED),
        Moment(1.0, Kind.RECEIVE_WAIT, about=("request head",)),
        Moment(1.2, Kind.RECEIVED, 80),
        Moment(1.2, Kind.REQUEST, note="GET /"),
        Moment(1.2, Kind.HANDLER),
        Moment(1.5, Kind.RESPONSE, note="200"),
        Moment(1.5, Kind.SENT, 900),
        Moment(1.6, Kind.RECEIVE_WAIT, about=("next request",)),
    ]
    bars = bars_of_moments(moments, 4.0)
    assert spans(bars) == [
        ("open", 1.0, 1.0),
        ("wait", 1.0, 1.2),
        ("in", 1.2, 1.2),
        ("req", 1.2, 1.2),
        ("app", 1.2, 1.5),
        ("resp", 1.5, 1.5),
        ("out", 1.5, 1.5),
        ("wait", 1.6, 4.0),
    ]
    assert [bar.label for bar in bars if bar.lane in ("wait", "app")] == [
        "waits for request head 200 ms",
        "handler 300 ms",
        "waits for next request 2.4 s",
    ]


def test_pieces_that_come_at_once_are_one_tick() -> None:
    bars = bars_of_moments([Moment(1.0 + k / 1000, Kind.RECEIVED, 10) for k in range(5)], 2.0)
    assert [(bar.label, bar.start, bar.end) for bar in bars] == [("50 B", 1.0, 1.004)]


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from(Kind), st.integers(0, 9)), max_size=60))
def test_bars_never_run_backwards_or_past_now(raw: list[tuple[float, Kind, int]]) -> None:
    moments = [Moment(at, kind, size) for at, kind, size in sorted(raw)]
    for bar in bars_of_moments(moments, 10.0):
        assert 0.0 <= bar.start <= bar.end <= 10.0


def test_a_summary_shows_its_silence() -> None:
    bars = bars_of_summary(values(started_at=1.0, opened_at=1.0, waiting=Waiting.HEAD.value, waiting_since=1.0), 3.0)
    assert [(bar.lane, bar.label) for bar in bars] == [
        ("accept", "accepted"),
        ("wait", "first byte after 2.0 s"),
        ("wait", "waits for request head 2.0 s"),
    ]


def test_a_summary_shows_the_last_request_and_the_end() -> None:
    record = values(
        first_in_at=1.1,
        exchanges=[Exchange(1.1, 1.1, 1.4, "GET /slow", 200)],
        last_out_at=1.5,
        closed_at=1.6,
        outcome=Outcome.RESET.value,
        waiting="",
    )
    bars = bars_of_summary(record, 9.0)
    assert spans(bars)[2:] == [("req", 1.1, 1.1), ("app", 1.1, 1.4), ("resp", 1.4, 1.5), ("end", 1.6, 1.6)]
    assert bars[-1].tone == "bad"


def test_a_connect_shows_its_handshake() -> None:
    bars = bars_of_summary(values(role="connected", started_at=1.0, opened_at=2.5, waiting=""), 3.0)
    assert spans(bars) == [("syn", 1.0, 2.5)]


def test_durations_are_read_in_their_own_unit() -> None:
    bars = bars_of_moments([Moment(1.0, Kind.HANDLER), Moment(1.000045, Kind.RESPONSE)], 2.0)
    assert bars[0].label == "handler 45 µs"


def test_every_attempt_has_its_place_and_the_loser_is_bad() -> None:
    record = values(
        role="connected",
        started_at=1.0,
        resolved_at=1.25,
        opened_at=1.75,
        first_in_at=2.0,
        waiting="",
        attempts=[
            Attempt("[::1]:80", Result.FAILED, errno.ECONNREFUSED, 1.25, 0.125),
            Attempt("10.0.0.1:80", Result.ANSWERED, 0, 1.5, 0.25),
        ],
    )
    bars = bars_of_summary(record, 3.0)
    assert [(bar.lane, bar.start, bar.end, bar.tone) for bar in bars] == [
        ("dns", 1.0, 1.25, "crypto"),
        ("syn", 1.25, 1.375, "bad"),
        ("syn", 1.5, 1.75, "data"),
        ("wait", 1.75, 2.0, "wait"),
    ]
    assert bars[1].label == "[::1]:80 Connection refused 125 ms"


def test_life_is_the_opening_of_the_summary_and_the_moments_that_were_kept() -> None:
    record = values(role="connected", started_at=1.0, opened_at=1.5, first_in_at=1.75, waiting="")
    late = [Moment(5.0, Kind.SEND_WAIT, about=("peer to read",)), Moment(7.0, Kind.WAIT_OVER, about=("handler",))]
    bars = bars_of_life(record, late, 9.0)
    assert spans(bars) == [("syn", 1.0, 1.5), ("wait", 1.5, 1.75), ("wait", 5.0, 7.0), ("work", 7.0, 9.0)]
    early = [Moment(1.0, Kind.SYN), Moment(1.5, Kind.ESTABLISHED), *late]
    assert spans(bars_of_life(record, early, 9.0)) == [("syn", 1.0, 1.5), ("wait", 5.0, 7.0), ("work", 7.0, 9.0)]


def test_handler_that_ran_before_the_first_moment_is_in_the_life() -> None:
    """Moments are kept from the first view on: what was going on by then is known from the summary."""
    asked = Exchange(2.0, 2.125, 0.0, "GET /slow")
    record = values(opened_at=1.0, first_in_at=1.0, exchanges=(asked,), waiting="handler", waiting_since=2.125)
    assert spans(bars_of_life(record, [Moment(6.0, Kind.SENT, 7)], 9.0)) == [
        ("accept", 1.0, 1.0),
        ("wait", 1.0, 1.0),
        ("req", 2.0, 2.0),
        ("app", 2.125, 9.0),
        ("out", 6.0, 6.0),
    ]
    seen = [Moment(2.0, Kind.REQUEST), Moment(2.125, Kind.HANDLER)]
    assert [bar.lane for bar in bars_of_life(record, seen, 9.0)].count("app") == 1


def test_end_says_who_and_how() -> None:
    record = values(closed_at=2.0, waiting="", outcome="deadline", stage="frame")
    assert bars_of_summary(record, 9.0)[-1].label == "deadline · you: deadline: frame"


@given(
    st.lists(
        st.tuples(st.sampled_from(["in", "out", "wait", "app", "end"]), st.floats(0, 3), st.integers(0, 9)), max_size=80
    )
)
def test_waterfall_is_short_loses_no_byte_and_covers_the_life(raw: list[tuple[str, float, int]]) -> None:
    bars, at = [Bar("accept", "accepted", 0.0, 0.0, "data")], 0.0
    for lane, length, size in raw:
        bars.append(
            Bar(lane if lane != "end" else "in", "", at, at + length, "data", size if lane in ("in", "out") else 0)
        )
        at += length
    short = waterfall(bars)
    assert len(short) <= 10
    assert (short[0].start, max(bar.end for bar in short)) == (0.0, max(bar.end for bar in bars))
    assert [bar.start for bar in short] == sorted(bar.start for bar in short)


def test_waterfall_leaves_the_long_stall_alone() -> None:
    bars = [Bar("in", "9 B", k * 0.1, k * 0.1, "data", 9) for k in range(30)]
    bars.insert(15, Bar("wait", "waits for peer to send 2000 ms", 1.4, 3.4, "wait"))
    (stall,) = [bar for bar in waterfall(bars) if bar.lane == "wait"]
    assert stall.label == "waits for peer to send 2000 ms"
    assert any(bar.label.startswith("15 steps, 135 B in") for bar in waterfall(bars, lines=3))
