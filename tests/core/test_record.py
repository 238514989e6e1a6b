import json

from netwright.core.address import InetAddress
from netwright.core.moment import Kind
from netwright.core.record import ConnectionRecord, Outcome, Party, Recorder, Waiting

PEER = InetAddress("127.0.0.1", 4000)


def opened(recorder: Recorder) -> ConnectionRecord:
    return recorder.open(role="accepted", transport="tcp", local=None, peer=PEER, at=10.0)


def moments(record: ConnectionRecord) -> list[Kind]:
    return [moment.kind for moment in record.timeline or ()]


def test_first_and_last_byte_are_stamped() -> None:
    record = opened(Recorder())
    record.received(3, 11.0)
    record.received(4, 12.0)
    record.sent(5, 13.0)
    assert (record.bytes_in, record.first_in_at, record.last_in_at) == (7, 11.0, 12.0)
    assert (record.bytes_out, record.first_out_at, record.writes) == (5, 13.0, 1)


def test_every_second_is_on_one_account() -> None:
    recorder = Recorder()
    record = opened(recorder)
    record.wait(Waiting.RECEIVE, 11.0)
    record.wait(Waiting.SEND, 13.0)
    record.wait(Waiting.HANDLER, 16.0)
    recorder.close(record, 20.0)
    assert (record.handler_time, record.receive_waited, record.send_waited) == (5.0, 2.0, 3.0)
    assert record.handler_time + record.receive_waited + record.send_waited == record.closed_at - record.opened_at


def test_every_byte_of_the_kernel_s_answer_is_news_but_its_ages() -> None:
    """struct tcp_info: the last_* counters of milliseconds grow while nothing happens (linux/tcp.h)."""
    record = opened(Recorder())
    seen, told = bytes(80), list[bool]()
    record.probe = lambda: seen
    for at in range(80):
        seen = bytes(80)
        record.sample(11.0)
        before = record.version
        seen = bytes(at) + b"\1" + bytes(79 - at)
        record.sample(12.0)
        told.append(record.version > before)
        assert (record.kernel, record.kernel_at) == (seen, 12.0)
    assert [at for at in range(80) if not told[at]] == list(range(44, 60))


def test_record_of_a_closed_connection_waits_for_nothing_since_its_end() -> None:
    recorder = Recorder()
    record = opened(recorder)
    record.wait(Waiting.RECEIVE, 11.0)
    recorder.close(record, 20.0)
    assert (record.waiting, record.waiting_since, record.closed_at) == (Waiting.NOTHING, 20.0, 20.0)


def test_first_named_end_wins() -> None:
    recorder = Recorder()
    record = opened(recorder)
    record.end(Outcome.DEADLINE, 11.0, stage="first byte", text="timed out after 10 s")
    record.end(Outcome.RESET, 12.0)
    recorder.close(record, 12.0)
    recorder.close(record, 13.0)
    assert (record.outcome, record.ended.stage, record.closed_at) == (Outcome.DEADLINE, "first byte", 12.0)
    assert recorder.totals == {"accepted": 1, "deadline": 1}


def test_moments_are_kept_only_while_watched() -> None:
    recorder = Recorder()
    record = opened(recorder)
    record.received(1, 11.0)
    assert not moments(record)
    assert recorder.watch(record.number)
    record.received(2, 12.0)
    record.wait(Waiting.SEND, 13.0)
    recorder.close(record, 14.0)
    assert moments(record) == [Kind.RECEIVED, Kind.SEND_WAIT, Kind.CLOSED]
    assert not recorder.watch(record.number)


def test_watching_ends_with_unwatch_but_not_when_all_are_watched() -> None:
    for watch_all in (False, True):
        recorder = Recorder(watch_all=watch_all)
        record = opened(recorder)
        recorder.watch(record.number)
        recorder.unwatch(record.number)
        assert (record.timeline is not None) is watch_all


def test_closed_records_are_bounded_and_announced() -> None:
    recorder, seen = Recorder(recent=2), []
    recorder.on_close(lambda record: seen.append(record.number))
    for _ in range(3):
        recorder.close(opened(recorder), 11.0)
    assert [record.number for record in recorder.recent] == [2, 3]
    assert seen == [1, 2, 3]
    assert not recorder.live


def test_summary_is_json() -> None:
    record = opened(Recorder())
    assert json.loads(json.dumps(record.as_dict()))["peer"] == "127.0.0.1:4000"


def test_repr_names_peer_state_and_counts() -> None:
    record = opened(Recorder())
    assert repr(record) == "<Connection 1 127.0.0.1:4000 open in=0 out=0 waits for handler>"
    assert repr(Recorder()) == "<Recorder 0 live, 0 in all>"


def test_connections_that_end_alike_share_their_end() -> None:
    """A thousand that are reset keep one End."""
    recorder = Recorder()
    ends = []
    for _ in range(2):
        record = recorder.open(role="accepted", transport="tcp", local=None, peer=None, at=1.0)
        record.end(Outcome.RESET, 2.0, errno=104, text="Connection reset by peer")
        ends.append(record.ended)
    assert ends[0] is ends[1]
    assert ends[0].who is Party.PEER
