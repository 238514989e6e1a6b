"""Each second of a connection has one cause, and every view of it says the same."""

import math
import re
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netwright.console
from netwright.console.answers import connection
from netwright.console.explain import explain
from netwright.console.store import Store
from netwright.console.view import bound, row_of
from netwright.core.record import ConnectionRecord, Outcome, Party, Recorder, Waiting
from netwright.proto.feed import Batch, Hello, Record
from netwright.watch.ledger import PARTIES, Cause, Share, ledger
from tests.support.records import values

WAITS = [
    *(Waiting.RECEIVE, Waiting.SEND, Waiting.HANDLER, Waiting.HEAD, Waiting.BODY, Waiting.NEXT_REQUEST, Waiting.CLOSE),
]
steps = st.lists(st.tuples(st.sampled_from(WAITS), st.floats(0.001, 10)), max_size=12)
kernels: st.SearchStrategy[dict[str, float]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"busy_time": st.floats(0, 200), "rwnd_limited": st.floats(0, 100), "sndbuf_limited": st.floats(0, 100)}
    ),
)


def told(record: ConnectionRecord) -> Record:
    return cast("Record", record.as_dict())


def seconds(shares: list[Share]) -> dict[Cause, Any]:
    return {share.cause: pytest.approx(share.seconds) for share in shares}


@given(steps, st.sampled_from(["accepted", "connected"]), st.booleans(), st.floats(0, 5), kernels)
def test_shares_add_up_to_the_age_whatever_the_kernel_says(
    played: list[tuple[Waiting, float]], role: str, closed: bool, later: float, kernel: dict[str, float]
) -> None:
    recorder, now = Recorder(), 100.0
    record = recorder.open(role=role, transport="tcp", local=None, peer=None, at=now)
    for waiting, length in played:
        record.wait(waiting, now)
        now += length
    if closed:
        recorder.close(record, now)
    else:
        now += later
    shares = ledger(told(record), now, kernel)
    assert sum(share.seconds for share in shares) == pytest.approx(now - 100.0)
    assert all(share.seconds > 0 for share in shares)
    assert not shares or sum(share.share for share in shares) == pytest.approx(1.0)
    assert shares == sorted(shares, key=lambda share: -share.seconds)


def connected() -> tuple[Recorder, ConnectionRecord]:
    """1 s of lookup, 3 s of connect, then the handler, 1 s of it waiting for the peer."""
    recorder = Recorder()
    record = recorder.open(role="connected", transport="tcp", local=None, peer=None, at=0.0)
    record.wait(Waiting.RESOLVE, 0.0)
    record.resolved_at = 1.0
    record.wait(Waiting.CONNECT, 1.0)
    record.opened_at = 4.0
    record.wait(Waiting.HANDLER, 4.0)
    record.wait(Waiting.RECEIVE, 4.5)
    record.wait(Waiting.HANDLER, 5.5)
    return recorder, record


def test_ledger_findings_row_and_api_say_the_same() -> None:
    record = told(connected()[1])
    shares = ledger(record, 6.0)
    assert [(share.cause, share.party, share.seconds) for share in shares] == [
        (Cause.CONNECT, Party.NETWORK, 3.0),
        (Cause.LOOKUP, Party.LOOKUP, 1.0),
        (Cause.HANDLER, Party.YOU, 1.0),
        (Cause.RECEIVE, Party.PEER, 1.0),
    ]
    assert [finding.seconds for finding in explain(record, shares)] == [3.0, 1.0, 1.0, 1.0]
    assert bound(row_of(record, 1, 0.0), 6.0) == Cause.CONNECT
    store = Store()
    store.join(Hello(7, "", "", "", 0.0, 1000.0), 1000.0)
    store.merge(7, Batch(6.0, [record], [], {}), 1006.0)
    answer = connection(store, "7.1", 1006.0)
    assert answer is not None
    assert answer["bound_by"] == answer["ledger"][0]["cause"] == Cause.CONNECT
    assert [share["seconds"] for share in answer["ledger"]] == [3.0, 1.0, 1.0, 1.0]
    assert [finding["seconds"] for finding in answer["findings"]] == [3.0, 1.0, 1.0, 1.0]


def test_ledger_of_a_closed_connection_does_not_depend_on_now() -> None:
    recorder, record = connected()
    recorder.close(record, 7.0)
    assert ledger(told(record), 99.0) == ledger(told(record), 7.0)


def test_idle_and_close_are_not_the_peers_silence() -> None:
    recorder = Recorder()
    record = recorder.open(role="accepted", transport="tcp", local=None, peer=None, at=1.0)
    record.wait(Waiting.HEAD, 1.0)
    record.wait(Waiting.NEXT_REQUEST, 2.0)
    record.wait(Waiting.CLOSE, 6.0)
    recorder.close(record, 9.0)
    found = seconds(ledger(told(record), 9.0))
    assert found == {Cause.RECEIVE: 1.0, Cause.IDLE: 4.0, Cause.CLOSE: 3.0}


KERNEL = {"busy_time": 5.0, "rwnd_limited": 3.0, "sndbuf_limited": 0.5}


def test_waits_for_room_are_divided_as_the_kernel_was_held() -> None:
    record = values(started_at=0.0, waiting="", closed_at=10.0, send_waited=5.0, handler_time=5.0, kernel=KERNEL)
    assert seconds(ledger(record, 10.0)) == {
        Cause.HANDLER: 5.0,
        Cause.SEND: 3.0,
        Cause.UNACKNOWLEDGED: 1.5,
        Cause.BUFFER: 0.5,
    }


def test_time_in_which_the_program_waited_for_room_is_divided_once() -> None:
    """The kernel was busy for the 5 s of the sends: none of the peer's 5 s of silence is left to explain."""
    record = values(started_at=0.0, waiting="", closed_at=10.0, send_waited=5.0, kernel=KERNEL)
    assert seconds(ledger(record, 10.0)) == {
        Cause.RECEIVE: 5.0,
        Cause.SEND: 3.0,
        Cause.UNACKNOWLEDGED: 1.5,
        Cause.BUFFER: 0.5,
    }


def test_without_chronographs_a_wait_for_room_is_the_peers_to_read() -> None:
    record = values(started_at=0.0, waiting="", closed_at=10.0, send_waited=5.0, handler_time=5.0, kernel={"rtt": 1.0})
    assert seconds(ledger(record, 10.0)) == {Cause.HANDLER: 5.0, Cause.SEND: 5.0}


def test_one_answer_that_was_retransmitted_is_unacknowledged_and_no_congestion_window() -> None:
    """``ss``: cwnd:12 busy:204ms retrans:0/1, of an answer of 135 bytes."""
    kernel = {"busy_time": 0.204, "rwnd_limited": 0.0, "sndbuf_limited": 0.0, "snd_cwnd": 12, "total_retrans": 1}
    record = values(started_at=0.0, waiting="", closed_at=0.210, idle_waited=0.208, kernel={**kernel, "rtt": 0.2})
    shares = ledger(record, 1.0)
    assert (shares[0].cause, shares[0].party) == (Cause.UNACKNOWLEDGED, Party.NETWORK)
    assert shares[0].seconds == pytest.approx(0.204, rel=0.02)
    (finding, *_) = explain(record, shares)
    assert "Round trip 200.0 ms, 1 segments retransmitted" in finding.text
    assert "congestion" not in finding.title + finding.text


def test_handler_that_works_while_the_kernel_sends_stays_the_handlers() -> None:
    record = values(started_at=0.0, waiting="", closed_at=10.0, handler_time=10.0, kernel=KERNEL)
    assert seconds(ledger(record, 10.0)) == {Cause.HANDLER: 10.0}


def test_connect_that_failed_spent_its_time_connecting() -> None:
    recorder = Recorder()
    record = recorder.open(role="connected", transport="tcp", local=None, peer=None, at=1.0)
    record.wait(Waiting.RESOLVE, 1.0)
    record.resolved_at = 1.25
    record.wait(Waiting.CONNECT, 1.25)
    record.end(Outcome.CONNECT_FAILED, 4.25)
    recorder.close(record, 4.25)
    assert seconds(ledger(told(record), 9.0)) == {Cause.CONNECT: 3.0, Cause.LOOKUP: 0.25}


@given(steps, st.floats(0, 100), kernels)
def test_row_foretells_the_largest_share(
    played: list[tuple[Waiting, float]], later: float, kernel: dict[str, float]
) -> None:
    """A row is sent once and read later: what it says then is what the ledger says then."""
    record = Recorder().open(role="accepted", transport="tcp", local=None, peer=None, at=0.0)
    now = 0.0
    for waiting, length in played:
        record.wait(waiting, now)
        now += length
    row = row_of({**told(record), "kernel": {}}, 7, 0.0)
    now += later
    shares = ledger(told(record), now)
    close = [share.cause for share in shares if math.isclose(share.seconds, shares[0].seconds, abs_tol=1e-3)]
    assert not shares or bound(row, now) in close


def test_every_cause_has_a_party_and_a_sentence() -> None:
    assert set(PARTIES) == set(Cause)
    for cause in Cause:
        assert explain(values(), [Share(cause, PARTIES[cause], 1.0, 1.0)])[0].title


def test_page_has_a_colour_for_every_party() -> None:
    drawn = (Path(netwright.console.__path__[0]) / "static" / "ledger.js").read_text()
    parties = re.search(r"PARTIES = \[(.*?)\]", drawn)
    assert parties is not None
    assert set(re.findall(r"'([^']*)'", parties[1])) == set(PARTIES.values())
