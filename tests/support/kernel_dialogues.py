"""Random dialogues with the endpoint, written down as packetdrill scripts: a kernel that plays one is asked whether it
would have said the same.

Times are milliseconds apart, so that a busy machine does not change their order, and small against every timer.
"""

import errno
from collections.abc import Callable
from random import Random

from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.segment import ACK, FIN, RST, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import Settings
from netwright.proto.tcp.state import State
from netwright.testing.drill.assertions import tcp_info
from netwright.testing.drill.calls import CALLS
from netwright.testing.drill.host import Host
from netwright.testing.drill.values import Argument, Call, Names

__all__ = ["KINDS", "SETTINGS", "script"]

SETTINGS = Settings(congestion="reno", window_scale=8, send_buffer=1 << 22, ecn="off")
_LETTERS = {SYN: "S", FIN: "F", RST: "R", ACK: "."}
_SEEN = ("snd_cwnd", "snd_ssthresh", "ca_state", "unacked", "sacked", "lost", "retrans")
_OPENING = """--tolerance_usecs={tolerance}
`ethtool -K tun0 tso off gso off; tc qdisc add dev tun0 root pfifo`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
"""


class _Scribe:
    """A host whose words are written down; descriptor 4 is the connection, the peer's window is 256,000 or 65,535."""

    def __init__(self, *, sack: bool, tolerance: int) -> None:
        self.host, self.sack = Host(SETTINGS), sack
        self.lines = [_OPENING.format(tolerance=tolerance)]
        self.sent: list[Segment] = []
        self.window = 2000 if sack else 65535
        self._last = 0.0
        self.host.listen(self.host.socket(3), 1)
        self.wait(0.1)
        self.say(Segment(0, 0, SYN, 32792, syn=SynOptions(1000, 7 if sack else None, sack)))
        self.wait(0.1)
        self.say(Segment(1, 1, ACK, self.window))
        sock = self.host.socket(4)
        sock.blocking = False
        endpoint = self.host.accept(self.host.sockets[3])
        assert endpoint is not None
        self.endpoint: Endpoint = endpoint
        sock.endpoint = endpoint
        self.lines.append("+0 accept(3, ..., ...) = 4\n+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0")

    def wait(self, seconds: float) -> None:
        """Time passes; what is sent meanwhile is written down."""
        self.host.advance(self.host.now + seconds)
        self._listen()

    def say(self, segment: Segment) -> None:
        """The peer's segment."""
        self._write(self.host.now, f"< {_spelled(segment)} win {segment.window}{_options(segment)}")
        self.host.inject(segment)
        self._listen()

    def call(self, name: str, *arguments: Argument, text: str) -> None:
        """A call on the connection, and its result."""
        got = CALLS[name](self.host, [4, *arguments], Call(name, (4, *arguments), None))
        assert got is not None
        result = f"-1 {errno.errorcode[-got]} (…)" if got < 0 else str(got)
        self._write(self.host.now, f"{name}(4, {text}) = {result}")
        self._listen()

    def assert_counts(self) -> None:
        """What TCP_INFO has to say now; of a socket in TIME-WAIT the kernel tells nothing."""
        if self.endpoint.state in (State.CLOSED, State.TIME_WAIT):
            return
        info = tcp_info(self.endpoint, self.host.now)
        seen = ", ".join(f"tcpi_{name}" for name in _SEEN)
        self.lines.append(f"+0 %{{ assert ({seen}) == {tuple(info[f'tcpi_{name}'] for name in _SEEN)}, ({seen}) }}%")

    def _listen(self) -> None:
        while self.host.sent:
            emission = self.host.sent.popleft()
            segment = emission.segment
            self.sent.append(segment)
            closed = " win 0" if not segment.window and not segment.flags & RST else ""
            self._write(emission.at, f"> {_spelled(segment)}{closed}{_options(segment)}")

    def _write(self, at: float, text: str) -> None:
        self.lines.append(f"+{max(at - self._last, 0.0):.3f} {text}")
        self._last = at


def _spelled(segment: Segment) -> str:
    letters = "".join(letter for bit, letter in _LETTERS.items() if segment.flags & bit) or "-"
    ack = f" ack {segment.ack}" if segment.flags & ACK else ""
    return f"{letters} {segment.seq}:{segment.seq + len(segment.data)}({len(segment.data)}){ack}"


def _options(segment: Segment) -> str:
    found = []
    if segment.syn is not None:
        found += [f"mss {segment.syn.mss}"] + ["nop", "nop", "sackOK"] * segment.syn.sack_permitted
        found += ["nop", f"wscale {segment.syn.window_scale}"] if segment.syn.window_scale is not None else []
    if segment.sacks:
        found += ["nop", "nop", "sack " + " ".join(f"{start}:{end}" for start, end in segment.sacks)]
    return f" <{','.join(found)}>" if found else ""


class _Peer:
    """A receiver as it should be: what it has, and the acknowledgement for each segment (RFC 2018 §4, RFC 2883 §4)."""

    def __init__(self) -> None:
        self.nxt = 1
        self._blocks: list[tuple[int, int]] = []

    def take(self, segment: Segment, window: int, *, sack: bool) -> Segment:
        start, end = segment.seq, segment.seq + len(segment.data)
        twice = end <= self.nxt or any(low <= start and end <= high for low, high in self._blocks)
        if end > self.nxt:
            joined = [block for block in self._blocks if block[0] <= end and start <= block[1]]
            self._blocks = [block for block in self._blocks if block not in joined]
            self._blocks.insert(
                0, (min([start, *(low for low, _ in joined)]), max([end, *(high for _, high in joined)]))
            )
            for block in sorted(self._blocks):
                if block[0] <= self.nxt:
                    self.nxt = max(self.nxt, block[1])
                    self._blocks.remove(block)
        blocks = ([(start, end)] * twice + self._blocks)[:4] if sack else []
        return Segment(1, self.nxt, ACK, window, sacks=tuple(blocks))


def _over_a_bad_path(random: Random) -> _Scribe:
    """The endpoint sends, the path loses and swaps, the peer acknowledges; a round trip is 100 ms."""
    scribe, peer = _Scribe(sack=random.random() < 0.8, tolerance=20_000), _Peer()
    loss, swap = random.choice((0.0, 0.05, 0.1, 0.2)), random.choice((0.0, 0.0, 0.7))
    scribe.wait(0.1)
    scribe.sent.clear()
    size = random.choice((3000, 10_000, 20_000, 40_000))
    scribe.call("write", ..., size, text=f"..., {size}")
    for _ in range(random.randint(3, 6)):
        arriving = [segment for segment in scribe.sent if segment.data and random.random() >= loss]
        scribe.sent.clear()
        if len(arriving) > 1 and random.random() < swap:
            index = random.randrange(len(arriving) - 1)
            arriving.insert(index + random.randint(1, 3), arriving.pop(index))
        scribe.wait(0.1)
        for segment in arriving:
            scribe.wait(0.001)
            scribe.say(peer.take(segment, scribe.window, sack=scribe.sack))
            scribe.assert_counts()
    return scribe


def _at_the_edges(random: Random) -> _Scribe:
    """Segments that hardly fit, in a state of which closing is a part."""
    scribe = _Scribe(sack=random.random() < 0.5, tolerance=48_000)
    scribe.wait(0.1)
    state, shut = random.choice((0, 1, 2, 3)), Names("SHUT_WR")
    if state in (1, 3):  # FIN-WAIT-1, or CLOSING
        scribe.call("shutdown", shut, text="SHUT_WR")
        scribe.wait(0.1)
    if state >= 2:  # CLOSE-WAIT, or CLOSING
        scribe.say(Segment(1, 1, FIN | ACK, scribe.window))
    for _ in range(random.randint(1, 4)):
        scribe.wait(random.choice((0.11, 0.61)))
        scribe.sent.clear()
        if scribe.endpoint.state in (State.CLOSED, State.TIME_WAIT):
            break
        scribe.say(_misfit(random, scribe))
        scribe.assert_counts()
    return scribe


def _misfit(random: Random, scribe: _Scribe) -> Segment:
    receiver, sender = scribe.endpoint.receiver, scribe.endpoint.sender
    flags = random.choice((ACK, ACK, ACK, RST, RST | ACK, SYN, SYN | ACK, FIN | ACK, FIN, 0))
    seq = max(receiver.rcv_nxt + random.choice((0, 0, 0, -1, 1, 10, 100, 70_000_000)), 0)
    ack = max(random.choice((sender.snd_nxt, sender.snd_nxt, sender.snd_una, sender.snd_nxt + 100)), 0)
    past_fin = receiver.finished and seq < receiver.rcv_nxt  # Linux resets for data after a FIN
    size = 0 if flags & (SYN | RST) or past_fin else random.choice((0, 0, 10))
    return Segment(seq, ack if flags & ACK else 0, flags, scribe.window, bytes(size))


KINDS: dict[str, Callable[[Random], _Scribe]] = {"bad path": _over_a_bad_path, "edges": _at_the_edges}


def script(kind: str, seed: int) -> str:
    """The same for the same seed."""
    scribe = KINDS[kind](Random(seed))
    scribe.wait(0.05)
    return "\n".join(scribe.lines) + "\n"
