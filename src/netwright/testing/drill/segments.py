"""Convert the segments of a script to segments of the endpoint, and compare the two.

Compared: numbers, flags, options, ECN, whether the window is zero.  Not compared: PSH, which marks the end of a
program's write, and the size of an open window, which depends on buffers.  A kernel gives its network card several
segments at once (TSO), so one line of a script may match several segments that follow each other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from netwright.proto.tcp.segment import (
    ACK,
    CE,
    CWR,
    ECE,
    ECT,
    FIN,
    NOT_ECT,
    PSH,
    RST,
    SYN,
    URG,
    Segment,
    SynOptions,
)
from netwright.testing.drill.host import Emission
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.values import Option, Packet

__all__ = ["Stamps", "expect", "inbound"]

_FLAGS = {"S": SYN, "F": FIN, "R": RST, "P": PSH, ".": ACK, "U": URG, "E": ECE, "W": CWR}
_ECN = {"noecn": (NOT_ECT,), "ect0": (ECT,), "ect1": (1,), "ect01": (1, ECT), "ce": (CE,)}
_PADDING = ("nop", "eol")


@dataclass(slots=True)
class Stamps:
    """The endpoint's timestamps, by the numbers that the script has for them."""

    live: dict[int, int] = field(default_factory=dict)


def flags_of(packet: Packet) -> int:
    """Return the flags as bits of the header."""
    bits = 0
    for letter in packet.flags.replace("-", ""):
        if letter not in _FLAGS:
            raise UnsupportedError(f"flag {letter!r} in {packet.flags!r}")
        bits |= _FLAGS[letter]
    return bits


def inbound(packet: Packet, stamps: Stamps) -> Segment:
    """Return the segment that the script sends."""
    flags = flags_of(packet)
    mss = scale = None
    permitted = False
    timestamps: tuple[int, int] | None = None
    sacks: list[tuple[int, int]] = []
    for option in packet.options or ():
        match option:
            case Option("mss", (value,)):
                mss = value
            case Option("wscale", (value,)):
                scale = value
            case Option("sackOK"):
                permitted = True
            case Option("TS", (value, echo)):
                timestamps = (value, stamps.live.get(echo, echo))
            case Option("sack", edges):
                sacks += zip(edges[::2], edges[1::2], strict=True)
            case Option(name) if name in _PADDING:
                pass
            case _:
                raise UnsupportedError(f"option {option.name} {option.text}")
    syn = SynOptions(mss, scale, permitted) if flags & SYN else None
    ecn = _ECN.get(packet.ecn, (NOT_ECT,))[0]
    data = bytes(packet.size)
    return Segment(packet.seq, packet.ack or 0, flags, packet.window or 0, data, timestamps, tuple(sacks), syn, ecn)


def expect(packet: Packet, next_emission: Callable[[], Emission], stamps: Stamps) -> tuple[float, Emission]:
    """Compare the next segments with a line of the script; return when the first was sent, and the last.

    Raises:
        DrillError: they differ.
    """
    got, first = 0, None
    while True:
        emission = next_emission()
        segment = emission.segment
        first = emission.at if first is None else first
        _compare(packet, segment, got)
        got += len(segment.data)
        if got == packet.size:
            _compare_last(packet, segment, stamps)
            return first, emission


def _fail(packet: Packet, segment: Segment, what: str) -> DrillError:
    wanted = f"{packet.flags} {packet.seq}:{packet.end}({packet.size})" + (f" ack {packet.ack}" if packet.ack else "")
    return DrillError(f"{what}: script has {wanted}, endpoint sent {segment}")


def _compare(packet: Packet, segment: Segment, got: int) -> None:
    if segment.seq != packet.seq + got and not segment.flags & RST:
        raise _fail(packet, segment, f"sequence number {segment.seq}, {packet.seq + got} expected")
    if packet.ack is not None and "." in packet.flags and segment.ack != packet.ack:
        raise _fail(packet, segment, f"acknowledgement {segment.ack}, {packet.ack} expected")
    if got + len(segment.data) > packet.size:
        raise _fail(packet, segment, f"{got + len(segment.data)} bytes, {packet.size} expected")
    allowed = _ECN.get(packet.ecn)
    if allowed is not None and segment.ecn not in allowed:
        raise _fail(packet, segment, f"ECN field {segment.ecn}, {packet.ecn} expected")


def _compare_last(packet: Packet, segment: Segment, stamps: Stamps) -> None:
    flags = flags_of(packet)
    if segment.flags | PSH != flags | PSH:
        raise _fail(packet, segment, "flags differ")
    if segment.seq != packet.seq + packet.size - len(segment.data):
        raise _fail(packet, segment, f"sequence number {segment.seq}, {packet.seq} expected")
    if packet.window is not None and not flags & RST and (packet.window == 0) != (segment.window == 0):
        raise _fail(packet, segment, f"window {segment.window}, {packet.window} expected")
    if packet.options is None:
        return
    wanted = {option.name: option for option in packet.options if option.name not in _PADDING}
    _compare_syn(packet, segment, wanted)
    _compare_stamps(packet, segment, wanted.pop("TS", None), stamps)
    edges = wanted.pop("sack").values if "sack" in wanted else ()
    if tuple(zip(edges[::2], edges[1::2], strict=True)) != segment.sacks:
        raise _fail(packet, segment, f"SACK blocks {segment.sacks}, {edges} expected")
    if wanted:
        raise UnsupportedError(f"option {', '.join(wanted)}")


def _compare_syn(packet: Packet, segment: Segment, wanted: dict[str, Option]) -> None:
    ours = segment.syn or SynOptions()
    mss, scale = wanted.pop("mss", None), wanted.pop("wscale", None)
    permitted = wanted.pop("sackOK", None) is not None
    theirs = SynOptions(_number(mss), _number(scale), permitted)
    if mss is not None and not mss.values:  # a symbol: whatever the script's environment says
        theirs = SynOptions(ours.mss, theirs.window_scale, theirs.sack_permitted)
    if theirs != ours:
        raise _fail(packet, segment, f"options {ours}, {theirs} expected")


def _number(option: Option | None) -> int | None:
    return option.values[0] if option is not None and option.values else None


def _compare_stamps(packet: Packet, segment: Segment, wanted: Option | None, stamps: Stamps) -> None:
    if (wanted is None) != (segment.timestamps is None):
        raise _fail(packet, segment, f"timestamps {segment.timestamps}")
    if wanted is not None and segment.timestamps is not None:
        value, echo = wanted.values
        stamps.live[value] = segment.timestamps[0]
        if echo != segment.timestamps[1]:
            raise _fail(packet, segment, f"TSecr {segment.timestamps[1]}, {echo} expected")
