"""The engine against the kernels of the lab: totals to the last segment, causes event by event."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from struct import unpack

import pytest

from netwright.watch.capture import Engine, analyse
from netwright.watch.records import Records
from netwright.watch.segment import Segment, decode
from netwright.watch.verdicts import NAMES
from tests.truth.bpf import Retransmission, Retransmissions
from tests.truth.lab import HOSTS, PORT, Scenario, Way, run

pytestmark = [
    pytest.mark.truth,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="needs root and /dev/net/tun"),
]


def _both(name: str, way: Way, **more: object) -> Scenario:
    return Scenario(name, way, way, **more)  # type: ignore[arg-type]  # keyword arguments of Scenario


SCENARIOS = [
    _both("clean", Way()),
    _both("loss of 1 %", Way(loss=0.01)),
    _both("loss of 5 %", Way(loss=0.05)),
    _both("reordering", Way(reorder=0.03)),
    _both("duplication", Way(duplicate=0.02)),
    _both("short queue", Way(rate=1.25e6, queue=15_000)),
    _both("bufferbloat", Way(rate=1.25e6, queue=400_000)),
    Scenario("loss of acknowledgments", Way(loss=0.1)),
    _both("far, loss of 2 %", Way(delay=0.04, loss=0.02)),
    _both("loss and reordering", Way(loss=0.02, reorder=0.02)),
    _both("BBR, loss of 2 %", Way(loss=0.02), congestion="bbr"),
    _both("slow reader", Way(), slow_reader=True),
]
SEGMENT = 1448  # bytes of data: 1500 less IP, TCP and its timestamps
CAUSES = ("handshake", "timeout", "tail_loss_probe", "fast", "slow_start")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_retransmissions_are_the_kernel_s_and_their_causes_within_3_percent(scenario: Scenario) -> None:
    with ExitStack() as stack:
        tracer = _tracer(stack)
        lab = stack.enter_context(run(scenario))
        events = list(tracer.events()) if tracer is not None else None
        assert lab.dropped == 0, "the capture lost packets: no truth"
        wrong = total = 0
        for role in HOSTS:
            seen = list(_retransmissions(lab.captures[role], role))
            assert len(seen) == lab.counters[role].get("TcpRetransSegs", 0)
            total += len(seen)
            if events is not None:
                wrong += _mismatches(
                    seen, [event for event in events if (event.target_port == 5001) == (role == "client")]
                )
            else:
                wrong += _distance(Counter(item.cause for item in seen), lab.counters[role])
        assert wrong <= max(0.03 * total, 2), f"{wrong} of {total}"


def test_path_s_own_faults_are_counted_at_the_far_end() -> None:
    """What the path duplicated and let others overtake on the way to a host, counted in that host's capture."""
    for way, verdict, fault in (
        (Way(duplicate=0.02), "network_duplicate", "duplicated"),
        (Way(reorder=0.03), "reordered", "overtaken"),
    ):
        with run(_both("faults", way)) as lab:
            for role, side in (("server", "there"), ("client", "back")):
                found = analyse(lab.captures[role]).totals.get(verdict, 0)
                assert abs(found - lab.path[side][fault]) <= 2, verdict


def _tracer(stack: ExitStack) -> Retransmissions | None:
    """None where BPF is not allowed: then the counters judge."""
    try:
        return stack.enter_context(Retransmissions((HOSTS["client"], HOSTS["server"])))
    except (OSError, LookupError, KeyError):
        return None


def _retransmissions(path: Path, role: str) -> Iterator[Retransmission]:
    """What the engine calls a retransmission of this host, in the tracer's form."""
    engine, records, names = Engine(columns=True), Records(), NAMES["exact"]
    data = path.read_bytes()
    engine.feed(data)
    flags = engine.take_columns()[1]
    for (frame, wire, _, link), bits in zip(records.feed(data)[1], unpack(f"{len(flags) // 4}I", flags), strict=True):
        found = {name for bit, name in enumerate(names) if bits >> bit & 1}
        s = decode(frame, wire, link)
        if "retransmission" in found and isinstance(s, Segment) and _sent_by(role, s):
            cause = next((name for name in CAUSES if name in found), "")
            yield Retransmission(s.source_port, s.target_port, s.seq, s.seq + s.length, cause)


def _sent_by(role: str, item: Segment | Retransmission) -> bool:
    return (item.target_port == PORT) == (role == "client")


def _mismatches(seen: list[Retransmission], events: list[Retransmission]) -> int:
    """Segments on which the two differ; a SYN/ACK's retransmission has a tracepoint of its own."""
    ours = Counter((s.source_port, s.target_port, s.seq, s.cause) for s in seen if s.source_port != PORT or not _syn(s))
    kernel = Counter((e.source_port, e.target_port, seq, e.cause) for e in events for seq in _segments(e))
    return max((ours - kernel).total(), (kernel - ours).total())


def _syn(item: Retransmission) -> bool:
    return item.cause == "handshake"


def _segments(event: Retransmission) -> range:
    """One event may be of a buffer of several segments."""
    return range(event.seq, max(event.end, event.seq + 1), SEGMENT)


def _distance(causes: Counter[str], counters: dict[str, int]) -> int:
    """Against the counters; LossProbes also counts probes that carry new data."""
    get = {name: counters.get(f"TcpExtTCP{name}", 0) for name in ("FastRetrans", "SlowStartRetrans", "LossProbes")}
    return (
        abs(causes["fast"] - get["FastRetrans"])
        + abs(causes["slow_start"] - get["SlowStartRetrans"])
        + max(causes["tail_loss_probe"] - get["LossProbes"], 0)
    )
