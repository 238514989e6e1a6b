"""netwright.proto.tcp as a whole.

Two endpoints over a bad link: what one program sends is what the other reads, and no window is overrun.
One endpoint and a peer that says anything: no exception, no growth beyond the settings, no silence for ever.
"""

from dataclasses import fields, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import End, Event
from netwright.proto.tcp.handshake import agree
from netwright.proto.tcp.policy import RFC_5961, Policy
from netwright.proto.tcp.segment import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG, Segment, SynOptions
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from tests.support.tcp_pair import Link, Pair, Side, random_fate, transfer
from tests.support.tcp_states import IRS, ISS, SMALL, act, bounded, in_state, peer

pytestmark = pytest.mark.long


def numbered(length: int) -> bytes:
    """Bytes of which no two stretches of the same length are alike for long."""
    return b"".join(index.to_bytes(4) for index in range(length // 4 + 1))[:length]


def ledger(side: Side) -> None:
    """After every step: RFC 9293 §3.8.6 (the peer's window), RFC 6675 §4 (pipe), RFC 5681 §3.1 (cwnd)."""

    def check(endpoint: Endpoint, now: float) -> None:
        sender, receiver = endpoint.sender, endpoint.receiver
        board, records = sender.board, sender.board.outstanding()
        assert sender.snd_una <= sender.snd_nxt
        assert sum(record.end - record.start for record in records) == sender.snd_nxt - sender.snd_una
        assert 0 <= board.in_flight <= board.out + board.resent
        assert board.sacked + board.lost <= board.out
        assert sender.window.cwnd >= 1
        assert sender.unsent + sender.snd_nxt - sender.snd_una <= endpoint.settings.send_buffer + 2
        assert len(receiver.buffer) + receiver.window <= endpoint.settings.receive_buffer + 1

    side.check = check


cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "loss": st.sampled_from([0.0, 0.02, 0.1, 0.3]),
        "reorder": st.sampled_from([0.0, 0.1, 0.5]),
        "duplicate": st.sampled_from([0.0, 0.1]),
        "delay": st.sampled_from([0.0001, 0.02, 0.2]),
        "rate": st.sampled_from([0.0, 1e5, 1e7]),
        "queue": st.sampled_from([3000, 100_000]),
    }
)
choices = st.fixed_dictionaries(
    {
        "mss": st.sampled_from([100, 536, 1460]),
        "receive_buffer": st.sampled_from([2000, 20_000, 1 << 20]),
        "send_buffer": st.sampled_from([1000, 1 << 20]),
        "sack": st.booleans(),
        "timestamps": st.booleans(),
        "congestion": st.sampled_from(["reno", "cubic", "cubic-rfc9438", "bbr"]),
        "nodelay": st.booleans(),
        "pacing": st.booleans(),
        "ecn": st.sampled_from(["ask", "accept", "off"]),
        "frto": st.booleans(),
        "tail_loss_probe": st.booleans(),
        "hystart": st.sampled_from(["linux", "rfc9406", "off"]),
        "window_scale": st.sampled_from([None, 0, 5]),
    }
)


@given(cases, choices, st.integers(0, 60_000))
def test_what_is_sent_is_what_arrives_over_any_link(case: dict[str, float], choice: dict[str, int], size: int) -> None:
    """RFC 9293 §2: reliable, in order, as a byte stream, whatever is lost, reordered or doubled."""
    fates = [
        random_fate(int(case["seed"]) + side, loss=case["loss"], reorder=case["reorder"], duplicate=case["duplicate"])
        for side in (0, 1)
    ]
    chosen = Settings(**choice, syn_retries=30, synack_retries=30, retries=100)  # type: ignore[arg-type]  # by name
    there, back = (Link(case["delay"], rate=case["rate"], queue=int(case["queue"]), fate=fate) for fate in fates)
    pair = Pair(chosen, chosen, there=there, back=back)
    ledger(pair.left)
    ledger(pair.right)
    pair.left.endpoint.connect(0.0)
    data, answer = numbered(size), numbered(size // 3)
    pair.left.to_send, pair.right.to_send = data, answer
    pair.left.closes = pair.right.closes = True
    pair.run(until=50_000.0)
    assert bytes(pair.right.received) == data
    assert bytes(pair.left.received) == answer
    for side in (pair.left, pair.right):
        assert side.endpoint.state is State.CLOSED
        # The last ACK may stay lost for longer than TIME-WAIT lasts; then a RST answers our FIN.
        assert side.endpoint.end in (End.CLOSED, End.RESET)
        assert side.events.count(Event.PEER_CLOSED) == side.events.count(Event.CLOSED) == 1
        assert side.endpoint.deadline is None


@given(st.integers(0, 2**32), st.sampled_from(["reno", "cubic", "cubic-rfc9438", "bbr"]), st.booleans())
def test_in_flight_exceeds_neither_window_when_new_data_goes(seed: int, congestion: str, sack: bool) -> None:
    """RFC 5681 §3.1: never beyond the lesser of cwnd and rwnd; cwnd in segments."""
    chosen = Settings(congestion=congestion, sack=sack, receive_buffer=30_000)
    pair = Pair(chosen, chosen, there=Link(0.02, rate=2e5, queue=20_000, fate=random_fate(seed, loss=0.02)))
    sender = pair.left.endpoint.sender
    highest = [0]

    def check(endpoint: Endpoint, now: float) -> None:
        if sender.snd_nxt > highest[0] and not sender.handshaking:
            highest[0] = sender.snd_nxt
            assert sender.snd_nxt <= sender.snd_una + max(sender.peer.size, 1) + 1
            assert sender.board.in_flight <= max(sender.window.cwnd, 10) + 1  # a tail loss probe may be one more

    pair.left.check = check
    pair.connect(until=100.0)
    transfer(pair, bytes(100_000))
    assert len(pair.right.received) == 100_000


@pytest.mark.parametrize("reader", [1, 7, 5000])
def test_a_slow_reader_gets_everything(reader: int) -> None:
    """RFC 9293 §3.8.6: the window closes and opens; nothing is sent that is not wanted."""
    chosen = Settings(receive_buffer=8000, window_scale=None)
    pair = Pair(chosen, chosen)
    pair.connect()
    pair.right.reads = False
    pair.left.to_send, pair.left.closes = numbered(40_000), True
    read = b""
    while not pair.right.endpoint.at_eof:
        pair.run(until=pair.now + 0.3)
        read += pair.right.endpoint.read(reader * 100, pair.now)
    assert read == numbered(40_000)


def test_a_lost_syn_costs_a_second() -> None:
    """RFC 6298 §2.1: the first RTO is 1 s."""
    lost = iter([()])
    pair = Pair(there=Link(0.01, fate=lambda segment, at: next(lost, (0.0,))))
    pair.connect()
    assert 1.0 <= pair.now < 1.1


def test_a_partition_of_three_seconds_heals_by_a_backed_off_timer() -> None:
    """RFC 6298 §5.5: repeats at 0.2, 0.4, 0.8, 1.6 … seconds find the path again."""
    pair = Pair(there=Link(0.01, fate=lambda segment, at: () if 1.0 <= at < 4.0 else (0.0,))).connect()
    pair.run(until=1.0)
    pair.left.to_send = b"x"
    pair.run(until=10.0, stop=lambda: bool(pair.right.received))
    assert 4.0 < pair.now < 7.5


def test_throughput_of_reno_follows_the_square_root_of_loss() -> None:
    """Mathis, Semke, Mahdavi, Ott 1997: rate = MSS / RTT * sqrt(3/2) / sqrt(p), with an ACK for each segment."""
    loss, rtt, mss = 0.003, 0.1, 1448
    ratios = []
    for seed in (1, 2):
        chosen = Settings(congestion="reno", quick_acks=1 << 30)
        pair = Pair(chosen, chosen, there=Link(rtt / 2, fate=random_fate(seed, loss=loss)), back=Link(rtt / 2))
        seconds = transfer(pair.connect(), bytes(30_000_000), within=3000.0)
        ratios.append(30_000_000 / seconds / (mss / rtt * (1.5 / loss) ** 0.5))
    assert 0.85 < sum(ratios) / 2 < 1.2, ratios


FLAGS = (FIN, SYN, RST, PSH, ACK, URG, ECE, CWR)
near_ours = st.integers(ISS - 300, ISS + 600) | st.integers(-(2**31), 2**33)
near_theirs = st.integers(IRS - 1200, IRS + 1600) | st.integers(-(2**31), 2**33)
blocks = st.lists(st.tuples(near_ours, near_ours), max_size=4).map(tuple)
anything = st.builds(
    Segment,
    near_theirs,
    near_ours,
    st.lists(st.sampled_from(FLAGS), unique=True).map(sum),
    st.integers(0, 65535),
    st.integers(0, 1500).map(bytes),
    st.none() | st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
    blocks,
    st.none()
    | st.builds(SynOptions, st.none() | st.integers(0, 65535), st.none() | st.integers(0, 255), st.booleans()),
    st.integers(0, 3),
)
calls = st.sampled_from(["send", "read", "send_eof", "close", "abort", "nodelay", "cork", "uncork", "connect"])
steps = st.lists(anything | calls | st.floats(0.0, 200.0), max_size=30)


policies = st.just(RFC_5961) | st.builds(Policy, **{field.name: st.booleans() for field in fields(Policy)})


@pytest.mark.parametrize("state", [state for state in State if state is not State.LISTEN])
@given(steps=steps, policy=policies)
def test_nothing_that_comes_breaks_any_state(state: State, steps: list[Segment | str | float], policy: Policy) -> None:
    """RFC 9293 §3.10.7: every segment is answered, taken or dropped in every state, under every policy."""
    endpoint, now = in_state(state, replace(SMALL, policy=policy)), 1.0
    for what in steps:
        if isinstance(what, Segment):
            endpoint.receive(what, now)
        elif isinstance(what, str):
            act(endpoint, what, now)
        else:
            now += what
            endpoint.expire(now)
        bounded(endpoint)


KINDS = (SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK, 0, FIN, SYN | FIN, SYN | RST)
SEQS = (IRS - 5, IRS, IRS + 1, IRS + 50, IRS + 5000)
ACKS = (ISS - 9, ISS, ISS + 1, ISS + 100, ISS + 9999)
UNSURE = (State.SYN_SENT, State.SYN_RECEIVED, State.LAST_ACK, State.CLOSING, State.TIME_WAIT)


@pytest.mark.parametrize("state", [state for state in State if state is not State.LISTEN])
def test_every_state_takes_every_kind_of_segment(state: State) -> None:
    """RFC 9293 §3.10.7, case by case; RFC 5961 §3.2, §4.2: only a RST that fits exactly ends a connection."""
    for flags, seq, ack in product(KINDS, SEQS, ACKS):
        endpoint = in_state(state)
        endpoint.take_segments()
        endpoint.receive(peer(flags, seq, ack), 1.0)
        said = endpoint.take_segments()
        if state is State.CLOSED:
            assert bool(said) is not bool(flags & RST)
        elif state not in UNSURE:
            edges = (endpoint.receiver.rcv_nxt, endpoint.receiver.rcv_nxt - endpoint.receiver.finished)
            exact = flags & RST and seq in edges
            assert (endpoint.state is State.CLOSED) is bool(exact)
        if flags & RST:
            assert not any(segment.flags & RST for segment in said)
        bounded(endpoint)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.CLOSED, State.LISTEN)])
def test_a_silent_peer_is_given_up_in_every_state(state: State) -> None:
    """RFC 9293 §3.8.3, §3.8.4, §3.6.1: with keepalive, no state waits for ever for a peer that is gone."""
    endpoint = in_state(state)
    if state not in (State.CLOSE_WAIT, State.ESTABLISHED):
        endpoint.close(1.0)
    for _ in range(200):
        deadline = endpoint.deadline
        if deadline is None:
            break
        endpoint.expire(deadline)
    assert endpoint.state is State.CLOSED


@given(anything)
def test_agreement_is_within_bounds_for_any_syn(segment: Segment) -> None:
    """RFC 7323 §2.3, RFC 9293 §3.7.1."""
    agreement = agree(SMALL, segment)
    assert 0 < agreement.mss <= SMALL.mss
    assert 0 <= agreement.send_scale <= 14
