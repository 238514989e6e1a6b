from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.record import Outcome, Recorder, Waiting
from netwright.proto.feed import Record
from netwright.watch.ledger import Account, Share, kernel_ledger, program_ledger

WAITS = [Waiting.RECEIVE, Waiting.SEND, Waiting.HANDLER, Waiting.HEAD, Waiting.BODY, Waiting.CLOSE]
steps = st.lists(st.tuples(st.sampled_from(WAITS), st.floats(0.001, 10)), max_size=12)


@given(steps, st.sampled_from(["accepted", "connected"]), st.booleans(), st.floats(0, 5))
def test_shares_add_up_to_the_age(played: list[tuple[Waiting, float]], role: str, closed: bool, later: float) -> None:
    recorder, now = Recorder(), 100.0
    record = recorder.open(role=role, transport="tcp", local=None, peer=None, at=now)
    for waiting, seconds in played:
        record.wait(waiting, now)
        now += seconds
    if closed:
        recorder.close(record, now)
    else:
        now += later
    shares = program_ledger(cast("Record", record.as_dict()), now)
    assert sum(share.seconds for share in shares) == pytest.approx(now - 100.0)
    assert all(share.seconds > 0 for share in shares)


def test_lookup_and_handshake_are_not_the_peers_silence() -> None:
    recorder = Recorder()
    record = recorder.open(role="connected", transport="tcp", local=None, peer=None, at=1.0)
    record.wait(Waiting.RESOLVE, 1.0)
    record.resolved_at = 1.5
    record.wait(Waiting.CONNECT, 1.5)
    record.opened_at = 3.5
    record.wait(Waiting.HANDLER, 3.5)
    record.wait(Waiting.RECEIVE, 4.0)
    recorder.close(record, 7.0)
    assert program_ledger(cast("Record", record.as_dict()), 99.0) == [
        Share(Account.LOOKUP, 0.5),
        Share(Account.CONNECT, 2.0),
        Share(Account.RECEIVE, 3.0),
        Share(Account.HANDLER, 0.5),
    ]


def test_chronographs_split_the_busy_time() -> None:
    kernel = {"busy_time": 5.0, "rwnd_limited": 3.0, "sndbuf_limited": 0.5}
    assert kernel_ledger(kernel, 8.0) == [
        Share(Account.RECEIVER, 3.0),
        Share(Account.BUFFER, 0.5),
        Share(Account.PATH, 1.5),
        Share(Account.IDLE, 3.0),
    ]


def test_kernel_without_chronographs_has_no_ledger() -> None:
    assert kernel_ledger({"rtt": 1.0}, 8.0) == []


def test_connect_that_failed_spent_its_time_connecting() -> None:
    recorder = Recorder()
    record = recorder.open(role="connected", transport="tcp", local=None, peer=None, at=1.0)
    record.wait(Waiting.RESOLVE, 1.0)
    record.resolved_at = 1.25
    record.wait(Waiting.CONNECT, 1.25)
    record.end(Outcome.CONNECT_FAILED, 4.25)
    recorder.close(record, 4.25)
    assert program_ledger(cast("Record", record.as_dict()), 9.0) == [
        Share(Account.LOOKUP, 0.25),
        Share(Account.CONNECT, 3.0),
    ]
