"""A dialogue with one TCP endpoint, a line a segment, in the manner of packetdrill.

    talk = established()
    talk.hear(". 1:1001 ack 1 win 1000")    # the peer's segment arrives
    talk.say(". 1:1 ack 1001")              # the endpoint's next segment; only what is named is compared
    talk.quiet()                            # and no more
    talk.wait(0.04)                         # virtual seconds; what is due is done

Flags are S F R P E W and ``.`` for ACK; then the sequence range, then any of ``ack N``, ``win N``, ``mss N``,
``scale N``, ``sackok``, ``sack A:B,C:D``, ``ts VAL:ECR``, ``ect``, ``ce``.  Both initial sequence numbers are 0.
"""

from netwright.core.moment import Moment
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import Event
from netwright.proto.tcp.segment import ACK, CE, CWR, ECE, ECT, FIN, PSH, RST, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import Settings

FLAGS = {"S": SYN, "F": FIN, "R": RST, "P": PSH, ".": ACK, "E": ECE, "W": CWR, "-": 0}
PLAIN = Settings(timestamps=False, window_scale=None, sack=False, mss=1000, quick_acks=0, receive_buffer=65535)


def parse(line: str) -> tuple[Segment, set[str]]:
    """A segment, and the names of what the line says."""
    words = line.split()
    flags = sum(FLAGS[letter] for letter in words[0])
    start, _, end = words[1].partition(":")
    length = int(end or start) - int(start)
    segment = Segment(int(start), 0, flags, 65535, pattern(int(start), length))
    said: set[str] = set()
    mss = scale = None
    sack = False
    rest = iter(words[2:])
    for word in rest:
        said.add(word)
        if word in ("ect", "ce"):
            segment.ecn = CE if word == "ce" else ECT
        elif word == "sackok":
            sack = True
        elif word == "mss":
            mss = int(next(rest))
        elif word == "scale":
            scale = int(next(rest))
        else:
            _set(segment, word, next(rest))
    if flags & SYN:
        segment.syn = SynOptions(mss, scale, sack)
    return segment, said


def _set(segment: Segment, word: str, value: str) -> None:
    match word:
        case "ack":
            segment.ack = int(value)
        case "win":
            segment.window = int(value)
        case "ts":
            stamp, _, echo = value.partition(":")
            segment.timestamps = (int(stamp), int(echo))
        case "sack":
            pairs = (block.partition(":") for block in value.split(","))
            segment.sacks = tuple((int(start), int(end)) for start, _, end in pairs)
        case _:
            raise AssertionError(f"unknown word {word!r}")


def pattern(start: int, length: int) -> bytes:
    """Bytes that tell their own sequence number."""
    return bytes((start + index) % 251 for index in range(length))


class Dialogue:
    """One endpoint, its clock, and everything that it has told."""

    def __init__(self, settings: Settings = PLAIN) -> None:
        self.now = 0.0
        self.moments: list[Moment] = []
        self.endpoint = Endpoint(settings, iss=0, watch=self.moments.append)
        self.events: list[Event] = []
        self._said: list[Segment] = []

    def accept(self, line: str, settings: Settings = PLAIN) -> "Dialogue":
        """Let a listener's endpoint answer this SYN."""
        self.endpoint = Endpoint.accept(settings, parse(line)[0], iss=0, now=self.now, watch=self.moments.append)
        return self

    def hear(self, line: str) -> list[Event]:
        """The peer's segment arrives."""
        events = self.endpoint.receive(parse(line)[0], self.now)
        self.events += events
        return events

    def say(self, line: str) -> Segment:
        """The endpoint's next segment is this one."""
        self._said += self.endpoint.take_segments()
        assert self._said, f"nothing was sent, expected {line!r}"
        got = self._said.pop(0)
        want, said = parse(line)
        assert (got.flags & ~PSH, got.seq, got.length) == (want.flags & ~PSH, want.seq, want.length), f"{got} / {line}"
        assert got.data in (want.data, b""), f"other bytes in {got}"
        for word, name in {"ack": "ack", "win": "window", "ts": "timestamps", "sack": "sacks"}.items():
            assert word not in said or getattr(got, name) == getattr(want, name), f"{word}: {got} / {line}"
        assert not {"ect", "ce"} & said or got.ecn == want.ecn
        if said & {"mss", "scale", "sackok"}:
            assert got.syn == want.syn
        return got

    def skip(self) -> list[Segment]:
        """Whatever was sent is not looked at here."""
        said, self._said = self._said + self.endpoint.take_segments(), []
        return said

    def quiet(self) -> None:
        """Nothing more was sent."""
        self._said += self.endpoint.take_segments()
        assert not self._said, f"unexpected {[str(segment) for segment in self._said]}"

    def wait(self, seconds: float) -> list[Event]:
        """Time passes."""
        end, events = self.now + seconds, []
        while (deadline := self.endpoint.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            events += self.endpoint.expire(self.now)
        self.now = end
        self.events += events
        return events

    def send(self, length: int) -> int:
        """The program sends bytes that tell their own sequence number."""
        sender = self.endpoint.sender
        return self.endpoint.send(pattern(sender.snd_nxt + sender.unsent, length), self.now)

    def reasons(self) -> str:
        """What the endpoint gave as reasons so far, a line each."""
        return "\n".join(f"{moment.kind} {moment.note}" for moment in self.moments)


def connecting(settings: Settings = PLAIN) -> Dialogue:
    """An active end whose SYN has gone."""
    talk = Dialogue(settings)
    talk.endpoint.connect(talk.now)
    return talk


def established(settings: Settings = PLAIN, answer: str = "S. 0:0 ack 1 win 65535 mss 1000 sackok") -> Dialogue:
    """An active end after its handshake of 10 ms; nothing waits to be said."""
    talk = connecting(settings)
    talk.endpoint.take_segments()
    talk.now = 0.01
    talk.hear(answer)
    talk.endpoint.take_segments()
    return talk
