"""TCP endpoints in every state, calls that a program may make, and what must hold whatever a peer sends."""

from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.segment import ACK, FIN, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State

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


def open_endpoint(settings: Settings = SMALL) -> Endpoint:
    endpoint = Endpoint(settings, iss=ISS)
    endpoint.connect(0.0)
    endpoint.receive(Segment(IRS, ISS + 1, SYN | ACK, 1000, syn=SynOptions(100, 2, True)), 0.01)
    return endpoint


def in_state(state: State, settings: Settings = SMALL) -> Endpoint:
    """An endpoint that got there as connections do; 200 bytes are under way where data may be."""
    endpoint = Endpoint(settings, iss=ISS)
    match state:
        case State.CLOSED | State.LISTEN:
            return endpoint
        case State.SYN_SENT:
            endpoint.connect(0.0)
            return endpoint
        case State.SYN_RECEIVED:
            return Endpoint.accept(settings, peer(SYN, IRS), iss=ISS, now=0.0)
        case State.TIME_WAIT:
            endpoint = open_endpoint(settings)
            endpoint.send_eof(0.02)
            endpoint.receive(peer(FIN | ACK, ack=ISS + 2), 0.03)
        case State.FIN_WAIT_2:
            endpoint = open_endpoint(settings)
            endpoint.send_eof(0.02)
            endpoint.receive(peer(ACK, ack=ISS + 2), 0.03)
        case _:
            endpoint = open_endpoint(settings)
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
    consistent(endpoint)


def consistent(endpoint: Endpoint) -> None:
    """The scoreboard's counts are those of its marks, and its records are all that is in flight."""
    sender = endpoint.sender
    board, records = sender.board, sender.board.outstanding()
    assert sender.snd_una <= sender.snd_nxt
    assert [record.start for record in records] == sorted(record.start for record in records)
    assert sum(record.end - record.start for record in records) == sender.snd_nxt - sender.snd_una
    assert (board.out, board.lost) == (len(records), sum(record.lost for record in records))
    assert board.resent == sum(record.resent for record in records)
    assert not sender.recovery.sack or board.sacked == sum(record.sacked for record in records)
    assert 0 <= board.in_flight <= board.out + board.resent
    assert sender.window.cwnd >= 1


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
