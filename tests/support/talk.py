"""A TCP connection written down segment by segment, and what an engine says about each."""

from struct import unpack
from typing import Any

from netwright.watch.engine import Engine as PureEngine
from netwright.watch.verdicts import NAMES, Mode
from tests.support.frames import ACK, CLIENT, RAW, SERVER, SYN, syn_options, tcp

ISN, PEER_ISN = 1000, 5000


class Talk:
    """``client`` and ``server`` add segments, times in milliseconds; numbers count from the first data byte."""

    def __init__(self, *, idents: bool = True) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self._idents = [100, 200] if idents else [-1, -1]

    def handshake(self, *, synack: float = 20, ack: float = 20.01, sacks: bool = True, scale: int | None = 0) -> "Talk":
        """SYN at 0; the defaults are a capture at the client of a path of 20 ms."""
        options = syn_options(sack=sacks, scale=scale)
        self.client(0, -1, flags=SYN, options=options)
        self.server(synack, -1, 0, flags=SYN | ACK, options=options, ident=0)
        return self.client(ack, 0, 0)

    def client(self, at: float, seq: int, ack: int | None = None, size: int = 0, **fields: Any) -> "Talk":
        """A segment that the client sent."""
        return self._add(0, at, ISN + 1 + seq, None if ack is None else PEER_ISN + 1 + ack, size, fields)

    def server(self, at: float, seq: int, ack: int | None = None, size: int = 0, **fields: Any) -> "Talk":
        """A segment that the server sent."""
        return self._add(1, at, PEER_ISN + 1 + seq, None if ack is None else ISN + 1 + ack, size, fields)

    def _add(self, side: int, at: float, seq: int, ack: int | None, size: int, fields: dict[str, Any]) -> "Talk":
        if "ident" not in fields and self._idents[side] >= 0:
            self._idents[side] += 1
            fields["ident"] = self._idents[side]
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        frame = tcp(*ends, seq=seq, ack=ack, data=bytes(size), **{"window": 60000, **fields})
        self.frames.append((round(at * 1e6), frame))
        return self

    def verdicts(self, mode: Mode = "exact") -> list[set[str]]:
        """The names of each segment's flags."""
        return judge(self.frames, mode)[0]

    def last(self, mode: Mode = "exact") -> set[str]:
        """The verdict on the last segment."""
        return self.verdicts(mode)[-1]


def judge(frames: list[tuple[int, bytes]], mode: Mode) -> tuple[list[set[str]], PureEngine]:
    """The names of each segment's flags, and the engine that gave them."""
    engine, found = PureEngine(mode, columns=True), []
    for at, frame in frames:
        engine.add(frame, at, link=RAW)
        (flags,) = unpack("I", engine.take_columns()[1])
        found.append({name for bit, name in enumerate(NAMES[mode]) if flags >> bit & 1})
    return found, engine
