"""One TCP endpoint and a peer that says anything: no exception, no growth beyond the settings, no silence for ever."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.handshake import agree
from netwright.proto.tcp.segment import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG, Segment, SynOptions
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State

pytestmark = pytest.mark.long

SMALL = Settings(
    mss=100,
    receive_buffer=1000,
    send_buffer=1000,
    window_scale=2,
    reassembly_limit=8,
    ecn="ask",
    keepalive=KeepAlive(30, 10, 3),
    user_timeout=60.0,
)
ISS, IRS = 1000, 5000


def peer(flags: int, seq: int = IRS + 1, ack: int = ISS + 1, data: bytes = b"", window: int = 500) -> Segment:
    return Segment(seq, ack if flags & ACK else 0, flags, window, data)


def open_endpoint() -> Endpoint:
    endpoint = Endpoint(SMALL, iss=ISS)
    endpoint.connect(0.0)
    endpoint.receive(Segment(IRS, ISS + 1, SYN | ACK, 1000, syn=SynOptions(100, 2, True)), 0.01)
    return endpoint


def in_state(state: State) -> Endpoint:
    """An endpoint that got there as connections do; 200 bytes are under way where data may be."""
    endpoint = Endpoint(SMALL, iss=ISS)
    match state:
        case State.CLOSED | State.LISTEN:
            return endpoint
        case State.SYN_SENT:
            endpoint.connect(0.0)
            return endpoint
        case State.SYN_RECEIVED:
            return Endpoint.accept(SMALL, peer(SYN, IRS), iss=ISS, now=0.0)
        case State.TIME_WAIT:
            endpoint = open_endpoint()
            endpoint.send_eof(0.02)
            endpoint.receive(peer(FIN | ACK, ack=ISS + 2), 0.03)
        case State.FIN_WAIT_2:
            endpoint = open_endpoint()
            endpoint.send_eof(0.02)
            endpoint.receive(peer(ACK, ack=ISS + 2), 0.03)
        case _:
            endpoint = open_endpoint()
            endpoint.send(bytes(200), 0.02)
            if state in (State.CLOSE_WAIT, State.LAST_ACK):
                endpoint.receive(peer(FIN | ACK), 0.03)
            if state is not State.ESTABLISHED and state is not State.CLOSE_WAIT:
                endpoint.send_eof(0.04)
            if state is State.CLOSING:
                endpoint.receive(peer(FIN | ACK), 0.05)
    assert endpoint.state is state
    return endpoint


def bounded(endpoint: Endpoint) -> None:
    """Everything that grows has a limit, and what is alive has an end or an answer."""
    sender, receiver = endpoint.sender, endpoint.receiver
    assert len(receiver.buffer) + receiver.window <= SMALL.receive_buffer + 1
    assert len(receiver.blocks(99)) <= 5
    assert sender.unsent + sender.snd_nxt - sender.snd_una <= SMALL.send_buffer + 2
    assert sender.board.out <= SMALL.send_buffer + 2
    assert len(endpoint.take_segments()) <= 40
    assert (endpoint.deadline is None) or endpoint.state is not State.CLOSED


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


def act(endpoint: Endpoint, call: str, now: float) -> None:
    """A call that a program may make in any state."""
    match call:
        case "send":
            if endpoint.writable:
                endpoint.send(bytes(300), now)
        case "read":
            endpoint.read(400, now)
        case "send_eof":
            endpoint.send_eof(now)
        case "close":
            endpoint.close(now)
        case "abort":
            endpoint.abort(now)
        case "nodelay":
            endpoint.set_nodelay(True, now)
        case "cork":
            endpoint.set_cork(True, now)
        case "uncork":
            endpoint.set_cork(False, now)
        case _:
            pass


@pytest.mark.parametrize("state", [state for state in State if state is not State.LISTEN])
@settings(max_examples=60, deadline=None)
@given(steps=steps)
def test_nothing_that_comes_breaks_any_state(state: State, steps: list[Segment | str | float]) -> None:
    """RFC 9293 §3.10.7: every segment is answered, taken or dropped in every state."""
    endpoint, now = in_state(state), 1.0
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
            exact = flags & RST and seq == endpoint.receiver.rcv_nxt
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
