"""netwright.sim.trace: a simulated run as a capture that strangers read."""

from io import BytesIO
from pathlib import Path as File

import pytest

from netwright.core.errors import UsageError
from netwright.core.moment import Kind, Moment
from netwright.proto.tcp.segment import ACK, Segment
from netwright.sim.link import Path
from netwright.sim.pair import Pair, send_all
from netwright.sim.trace import Trace, write_pcapng
from netwright.watch.capture import analyse
from netwright.wire.blocks import Record
from netwright.wire.read import read_blocks, read_records
from tests.support.tshark import fields

FAULTS = Path(delay=0.02, rate=20e6, queue=60_000, loss=0.01, reorder=0.01, duplicate=0.005, corrupt=0.002)
BACK = Path(delay=0.02, loss=0.01)


def traced(seed: int, size: int = 1_000_000, path: Path = FAULTS) -> tuple[Pair, Trace]:
    trace = Trace()
    pair = Pair(there=path, back=BACK, seed=seed, trace=trace)
    pair.client.program = send_all(size)
    pair.run(until=600.0)
    assert pair.server.received == size
    return pair, trace


def comments(records: list[Record]) -> list[str]:
    return [comment for record in records for comment in record.comments]


def test_a_packet_says_why_it_was_sent_and_what_became_of_it() -> None:
    pair, trace = traced(1)
    records = list(read_records(BytesIO(b"".join(write_pcapng(trace, hosts=("client",))))))
    assert len(records) == sum(seen.host == 0 for seen in trace)
    said = comments(records)
    counters = pair.client.link.counters
    assert sum(text.startswith("retransmit: ") for text in said) == pair.client.endpoint.sender.retransmissions
    assert sum(text.startswith("lost: lost on the path") for text in said) == counters.lost
    assert sum(text.startswith("queue full: ") for text in said) == counters.queue_full
    assert sum("held back" in text for text in said) == counters.reordered
    assert sum("copied" in text for text in said) == counters.duplicated
    assert sum("corrupted" in text for text in said) == counters.corrupted
    assert any(text.startswith("state: SYN-SENT → ESTABLISHED") for text in said)


def test_both_hosts_are_interfaces_of_one_file() -> None:
    _, trace = traced(2, 100_000)
    records = list(read_records(BytesIO(b"".join(write_pcapng(trace)))))
    assert {record.interface.name for record in records} == {"client", "server"}
    assert len(records) == len(trace)
    times = [record.at_ns or 0 for record in records]
    assert times == sorted(times)


def test_what_is_beyond_the_limit_is_counted_and_said() -> None:
    trace = Trace(limit=10)
    pair = Pair(trace=trace)
    pair.client.program = send_all(100_000)
    pair.run(until=100.0)
    assert len(trace) == 10
    assert trace.lost > 50
    section = next(iter(read_blocks(BytesIO(b"".join(write_pcapng(trace))))))
    assert f"{trace.lost} packets beyond the limit of 10" in str(section)


def test_an_unknown_host_is_the_caller_s_mistake() -> None:
    with pytest.raises(UsageError, match="router"):
        list(write_pcapng(Trace(), hosts=("router",)))
    with pytest.raises(UsageError, match="limit=0"):
        Trace(limit=0)


@pytest.mark.real
@pytest.mark.parametrize("seed", range(3))
def test_wireshark_finds_nothing_malformed(tmp_path: File, seed: int) -> None:
    _, trace = traced(seed, 300_000)
    path = tmp_path / "simulated.pcapng"
    path.write_bytes(b"".join(write_pcapng(trace)))
    rows = fields(
        path,
        ["_ws.malformed", "ip.checksum.status", "tcp.checksum.status", "tcp.options.nop", "_ws.expert.severity"],
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
    )
    assert len(rows) == len(trace)
    assert {(row[0], row[1], row[2]) for row in rows} == {("", "1", "1")}
    assert not any(row[4] == str(8388608) for row in rows), "severity error"


@pytest.mark.parametrize("seed", range(5))
def test_our_own_engine_sees_what_the_model_did(tmp_path: File, seed: int) -> None:
    """What the sender sent again is what a capture at the sender shows; what the path copied, one at the receiver."""
    pair, trace = traced(seed)
    totals = {}
    for host in ("client", "server"):
        path = tmp_path / f"{host}.pcapng"
        path.write_bytes(b"".join(write_pcapng(trace, hosts=(host,))))
        totals[host] = analyse(path).totals
    repeats = pair.client.endpoint.sender.retransmissions
    assert totals["client"]["retransmission"] == repeats > 0
    assert totals["server"].get("network_duplicate", 0) == pair.client.link.counters.duplicated


def test_a_full_trace_has_no_reasons_of_what_is_not_in_it() -> None:
    """The last packet that it has must not be explained by those that came later."""
    trace = Trace(limit=2)
    for number in range(4):
        trace.sent(float(number), 0, Segment(number, 0, ACK, 0), [])
        trace.explain([Moment(float(number), Kind.HELD, 0, str(number))])
    assert [[moment.note for moment in seen.reasons] for seen in trace] == [["0"], ["1"]]
    assert (len(trace), trace.lost) == (2, 2)
