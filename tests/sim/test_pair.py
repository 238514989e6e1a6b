"""netwright.sim.pair: a client and a server in virtual time."""

import pytest

from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.sim.link import Fate, Path, Verdict
from netwright.sim.pair import Pair, Side, send_all
from netwright.sim.trace import Trace

ROUGH = Path(delay=0.02, rate=20e6, queue=60_000, loss=0.02, reorder=0.02, duplicate=0.01, corrupt=0.005)


def test_what_is_sent_arrives_whatever_the_path_does() -> None:
    pair = Pair(there=ROUGH, back=ROUGH, seed=3)
    pair.client.program = send_all(500_000)
    pair.run(until=300.0)
    assert pair.server.received == 500_000
    assert (pair.client.endpoint.end, pair.server.endpoint.end) == (End.CLOSED, End.CLOSED)
    assert pair.client.corrupted + pair.server.corrupted > 0
    assert pair.now < 100.0, "it ends when nothing can happen any more, TIME-WAIT included"


def test_a_round_trip_is_the_delay_of_both_directions() -> None:
    """RFC 9293 §3.5: connected after one round trip on the client, and a half more on the server."""
    pair = Pair(there=Path(delay=0.03), back=Path(delay=0.01))
    connected: dict[int, float] = {}

    def program(side: Side, events: list[Event], now: float) -> None:
        if Event.CONNECTED in events:
            connected[side.index] = now

    pair.client.program = pair.server.program = program
    pair.run(until=1.0)
    assert connected == pytest.approx({0: 0.04, 1: 0.07})


def packets(seed: int) -> list[str]:
    trace = Trace()
    pair = Pair(client=Settings(congestion="reno"), there=ROUGH, back=ROUGH, seed=seed, trace=trace)
    pair.client.program = send_all(200_000)
    pair.run(until=300.0)
    return [f"{seen.at} {seen.host} {seen.segment} {seen.fate}" for seen in trace]


def test_a_seed_gives_the_same_packets_at_the_same_times() -> None:
    assert packets(5) == packets(5)
    assert packets(5) != packets(6)


def test_a_trace_changes_nothing() -> None:
    pair = Pair(client=Settings(congestion="reno"), there=ROUGH, back=ROUGH, seed=5)
    pair.client.program = send_all(200_000)
    pair.run(until=300.0)
    assert pair.packets == sum(" sent" in text for text in sent(5))


def sent(seed: int) -> list[str]:
    trace = Trace()
    pair = Pair(client=Settings(congestion="reno"), there=ROUGH, back=ROUGH, seed=seed, trace=trace)
    pair.client.program = send_all(200_000)
    pair.run(until=300.0)
    return [f"{seen.at} sent" for seen in trace if seen.sent]


def test_a_run_can_be_stopped_and_goes_on() -> None:
    pair = Pair(there=Path(delay=0.01, rate=8e6), back=Path(delay=0.01))
    pair.client.program = send_all(None)
    pair.run(until=1.0)
    first = pair.server.received
    assert pair.now == 1.0
    assert 0.85e6 < first < 1e6
    pair.run(until=9.0, stop=lambda: pair.server.received > 2 * first)
    assert 2 * first < pair.server.received < 2 * first + 100_000
    assert pair.now < 3.0


def test_both_sides_may_send_at_once() -> None:
    pair = Pair(there=Path(delay=0.01, loss=0.01), back=Path(delay=0.01, loss=0.01), seed=2)
    pair.client.program, pair.server.program = send_all(300_000), send_all(100_000)
    pair.run(until=200.0)
    assert (pair.client.received, pair.server.received) == (100_000, 300_000)


def test_a_server_that_is_cut_off_costs_the_client_its_connection() -> None:
    """RFC 5482 §4, and RFC 9293 §3.8.3: the end of waiting is the client's setting."""
    pair = Pair(client=Settings(user_timeout=3.0), there=Path(delay=0.01), back=Path(delay=0.01))
    pair.client.program = send_all(None)
    pair.run(until=0.1)
    pair.server.link.up = pair.client.link.up = False
    pair.run(until=60.0)
    assert pair.client.endpoint.end is End.USER_TIMEOUT
    assert pair.server.endpoint.state is State.ESTABLISHED, "it has nothing to send, so it never learns"


def test_a_rule_decides_the_fate_of_a_packet() -> None:
    """A SYN that is lost comes again after 1 s (RFC 6298 §2.1)."""
    pair = Pair(there=Path(delay=0.01), back=Path(delay=0.01))
    fates = iter([Fate(Verdict.RULE, note="the first SYN")])
    pair.client.link.rules.append(lambda packet, size, now: next(fates, None))
    pair.run(until=5.0, stop=lambda: pair.client.endpoint.state is State.ESTABLISHED)
    assert pair.now == pytest.approx(1.02)


def test_congestion_is_marked_instead_of_lost() -> None:
    """RFC 3168 §6.1: an ECN-capable sender slows down without a retransmission."""
    ecn = Settings(ecn="ask", congestion="reno")
    path = Path(delay=0.01, rate=8e6, queue=100_000, mark_above=15_000)
    pair = Pair(client=ecn, server=ecn, there=path, back=Path(delay=0.01))
    pair.client.program = send_all(2_000_000)
    pair.run(until=100.0)
    assert pair.client.link.counters.marked > 0
    assert pair.client.link.counters.queue_full == 0
    assert pair.client.endpoint.sender.retransmissions == 0


def test_a_router_that_cannot_pass_a_segment_on_says_so_and_nothing_is_lost() -> None:
    """RFC 1191 §6.4: smaller segments at once, and no congestion is blamed."""
    trace = Trace()
    pair = Pair(there=Path(delay=0.01, mtu=1400), back=Path(delay=0.01), trace=trace)
    pair.client.program = send_all(200_000)
    pair.run(until=60.0)
    sender = pair.client.endpoint.sender
    assert pair.server.received == 200_000
    assert sender.mss == 1348
    assert pair.client.link.counters.too_big == 10, "the initial window"
    assert sender.recovery.reductions == sender.recovery.timeouts == 0
    assert any(
        moment.note.startswith("open → loss: segments were too big") for seen in trace for moment in seen.reasons
    )


def test_a_black_hole_ends_in_the_user_timeout() -> None:
    """RFC 2923 §2.1: SYN passes, full segments never do, and nobody says why."""
    pair = Pair(client=Settings(user_timeout=5.0), there=Path(delay=0.01, mtu=1400, icmp=False), back=Path(delay=0.01))
    pair.client.program = send_all(200_000)
    pair.run(until=60.0)
    assert pair.client.endpoint.end is End.USER_TIMEOUT
    assert pair.server.received == 0


def test_who_has_more_to_send_goes_on_when_the_peer_has_closed() -> None:
    """RFC 9293 §3.6: a half-closed connection still carries the other direction."""
    pair = Pair(there=Path(delay=0.01, rate=8e6), back=Path(delay=0.01))
    pair.client.program, pair.server.program = send_all(500_000), send_all(1000)
    pair.run(until=100.0)
    assert (pair.client.received, pair.server.received) == (1000, 500_000)
    assert (pair.client.endpoint.end, pair.server.endpoint.end) == (End.CLOSED, End.CLOSED)
