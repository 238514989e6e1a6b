"""One direction of a path: how long a packet takes, and whether it arrives.  It works with any clock.

A packet passes, in this order: rules, the MTU, the loss model, the queue in front of the rate, then the delay, where
it may be corrupted, duplicated or overtaken.  The link does not hold packets: it returns when copies arrive, and the
caller delivers them.  The same class serves virtual time (the simulator) and real time (the emulator, ``Carrier``).
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, fields
from enum import StrEnum
from math import inf
from random import Random
from typing import Final, TypeAlias

from netwright.core.errors import UsageError
from netwright.proto.tcp.copying import Reduced, reduced
from netwright.sim.loss import Bernoulli, Loss, probability

__all__ = ["Arrival", "Counters", "Fate", "Link", "Path", "Rule", "Verdict"]


class Verdict(StrEnum):
    """The outcome for a packet."""

    PASS = "pass"
    LOST = "lost"  # by the loss model
    RULE = "rule"  # by a rule
    QUEUE_FULL = "queue full"  # drop tail
    TOO_BIG = "too big"  # larger than the MTU; ICMP reports it to the sender (RFC 1191)
    DOWN = "down"  # the link is cut


class Arrival:
    """One copy that reaches the far end at ``at``; ``corrupted``: a bit has changed; ``marked``: ECN CE.

    Not a dataclass, because there is one per packet.
    """

    __slots__ = ("at", "corrupted", "marked")

    def __init__(self, at: float, corrupted: bool = False, marked: bool = False) -> None:
        self.at, self.corrupted, self.marked = at, corrupted, marked

    def __repr__(self) -> str:
        return f"<Arrival at {self.at:.6f}{' corrupted' * self.corrupted}{' marked' * self.marked}>"


class Fate:
    """The verdict, the copies that arrive (none unless PASS), and ``note``, an explanation for people."""

    __slots__ = ("arrivals", "note", "verdict")

    def __init__(self, verdict: Verdict, arrivals: tuple[Arrival, ...] = (), note: str = "") -> None:
        self.verdict, self.arrivals, self.note = verdict, arrivals, note

    def __repr__(self) -> str:
        return f"<Fate {self.verdict} {list(self.arrivals)} {self.note}>"


Rule: TypeAlias = Callable[[object, int, float], Fate | None]  # packet, bytes, now; None: the next rule decides


@dataclass(frozen=True, slots=True)
class Path:
    """Properties of one direction.

    Attributes:
        delay: seconds from end to end, without queueing; ``jitter``: largest extra delay in seconds, evenly
            distributed; packets stay in order.
        rate: bits per second; ``queue``: bytes that may wait in front of it; 0 means unlimited for both.
        loss: a probability, or a loss model.  Every link uses its own copy of the model.
        reorder: probability that a packet is held back by ``reorder_delay`` seconds, so that later ones overtake it.
        duplicate, corrupt: probability that a packet arrives twice; that one of its bits changes.
        mtu: largest packet in bytes, 0 means unlimited; ``icmp``: larger ones are reported to their sender (RFC 1191
            §4); False makes a black hole.
        mark_above: bytes of queue above which ECN-capable packets are marked (RFC 3168 §5); 0 means never.
    """

    delay: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0
    queue: int = 0
    loss: Loss | float = 0.0
    reorder: float = 0.0
    reorder_delay: float = 0.005
    duplicate: float = 0.0
    corrupt: float = 0.0
    mtu: int = 0
    icmp: bool = True
    mark_above: int = 0

    def __reduce__(self) -> Reduced:
        return reduced(self)

    def __post_init__(self) -> None:
        for name in ("delay", "jitter", "rate", "queue", "reorder_delay", "mtu", "mark_above"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name}={getattr(self, name)}, 0 or more allowed")
        for name in ("reorder", "duplicate", "corrupt"):
            probability(name, getattr(self, name))
        if not callable(self.loss):
            probability("loss", self.loss)


@dataclass(slots=True)
class Counters:
    """Counts of packets; ``size`` is in bytes, of the packets that passed."""

    offered: int = 0
    passed: int = 0
    size: int = 0
    lost: int = 0
    ruled: int = 0
    queue_full: int = 0
    too_big: int = 0
    down: int = 0
    duplicated: int = 0
    reordered: int = 0
    corrupted: int = 0
    marked: int = 0

    def as_dict(self) -> dict[str, int]:
        """All counts by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


_PASS: Final = Verdict.PASS  # looked up once a packet
_COUNTER = {
    Verdict.LOST: "lost",
    Verdict.RULE: "ruled",
    Verdict.QUEUE_FULL: "queue_full",
    Verdict.TOO_BIG: "too_big",
    Verdict.DOWN: "down",
}


class Link:
    """One direction between two hosts: decides the fate of every packet, in the order in which they are sent.

    The same seed, path and packets give the same fates.

    Attributes:
        rules: functions that decide a packet's fate before the path does.
        up: False cuts the link.
        counters: what became of packets.
    """

    def __init__(self, path: Path, *, seed: int, rules: Sequence[Rule] = ()) -> None:
        self.rules = list(rules)
        self.up = True
        self.counters = Counters()
        self._random = Random(seed)
        self._free_at = 0.0  # when the rate has sent all that waits
        self._last_at = 0.0  # arrival of the last packet that kept its place
        self._follow(path)

    def _follow(self, path: Path) -> None:
        self._path = path
        # Links with the same path must not share the state of its loss model.  A bound method is called faster.
        self._loss: Loss = copy(path.loss) if callable(path.loss) else Bernoulli(path.loss).__call__
        faults = (path.mark_above, path.jitter, path.reorder, path.corrupt, path.duplicate)
        self._plain = not any(faults)  # nothing but rate, queue, MTU, loss and delay
        self._bare = self._plain and not (path.queue or path.mtu)

    @property
    def path(self) -> Path:
        """The path; a new one counts from the next packet on, and its loss model begins anew."""
        return self._path

    @path.setter
    def path(self, path: Path) -> None:
        self._follow(path)

    def __repr__(self) -> str:
        counters = self.counters
        return f"<Link {'up' if self.up else 'down'} offered={counters.offered} passed={counters.passed}>"

    def queued(self, now: float) -> int:
        """Bytes that wait in front of the rate."""
        return round((self._free_at - now) * self._path.rate / 8) if self._free_at > now else 0

    def transit(self, size: int, now: float) -> float | None:
        """When a packet arrives, without a Fate, on a path that only delays and loses; infinite if it is lost.

        None if only ``carry`` can decide.
        """
        if not self._bare or self.rules or not self.up:
            return None
        counters = self.counters
        counters.offered += 1
        if self._loss(self._random):
            counters.lost += 1
            return inf
        counters.passed += 1
        counters.size += size
        # The same as ``_sent`` and ``_in_order``, which would cost a call each.
        rate, free_at, at = self._path.rate, self._free_at, now
        if rate:
            at = self._free_at = (free_at if free_at > now else now) + size * 8 / rate
        at += self._path.delay
        if at > self._last_at:
            self._last_at = at
        return self._last_at

    def carry(self, packet: object, size: int, now: float) -> Fate:
        """Decide the fate of ``packet`` of ``size`` bytes, sent at ``now``; ``now`` never goes back."""
        counters = self.counters
        counters.offered += 1
        fate = self._refuse(packet, size, now)
        if fate is None:
            fate = self._pass(size, now)
        if fate.verdict is not _PASS:
            self._count_refusal(fate)
            return fate
        counters.passed += 1
        counters.size += size
        if self.rules or not self._plain:
            counters.duplicated += len(fate.arrivals) > 1
            counters.corrupted += any(arrival.corrupted for arrival in fate.arrivals)
            counters.marked += any(arrival.marked for arrival in fate.arrivals)
        return fate

    def _refuse(self, packet: object, size: int, now: float) -> Fate | None:
        if not self.up:
            return Fate(Verdict.DOWN, note="the link is cut")
        for rule in self.rules:
            fate = rule(packet, size, now)
            if fate is not None:
                return fate
        path = self._path
        if path.mtu and size > path.mtu:
            return Fate(Verdict.TOO_BIG, note=f"{size} bytes, MTU {path.mtu}")
        if self._loss(self._random):
            return Fate(Verdict.LOST, note="lost on the path")
        if path.queue and path.rate:
            waiting = self.queued(now)
            if waiting + size > path.queue:
                return Fate(Verdict.QUEUE_FULL, note=f"{waiting} bytes wait, {path.queue} allowed")
        return None

    def _pass(self, size: int, now: float) -> Fate:
        path = self._path
        marked = path.mark_above > 0 and self.queued(now) > path.mark_above
        at = self._sent(size, now) + path.delay
        if not self._plain:
            return self._disturb(at, marked)
        return Fate(_PASS, (Arrival(self._in_order(at)),))

    def _sent(self, size: int, now: float) -> float:
        """When the last bit has left the sender."""
        if not self._path.rate:
            return now
        self._free_at = (self._free_at if self._free_at > now else now) + size * 8 / self._path.rate
        return self._free_at

    def _in_order(self, at: float) -> float:
        """No earlier than the packet before."""
        if at > self._last_at:
            self._last_at = at
        return self._last_at

    def _disturb(self, at: float, marked: bool) -> Fate:
        path, random = self._path, self._random
        at += path.jitter * random.random() if path.jitter else 0.0
        note = ""
        if path.reorder and random.random() < path.reorder:
            at, note = max(at, self._last_at) + path.reorder_delay, "held back"
            self.counters.reordered += 1
        else:
            at = self._in_order(at)
        corrupted = bool(path.corrupt) and random.random() < path.corrupt
        arrivals: tuple[Arrival, ...] = (Arrival(at, corrupted, marked),)
        if path.duplicate and random.random() < path.duplicate:
            arrivals *= 2
        if marked or corrupted or len(arrivals) > 1:
            note = ", ".join(
                filter(None, (note, "marked" * marked, "corrupted" * corrupted, "copied" * (len(arrivals) - 1)))
            )
        return Fate(_PASS, arrivals, note)

    def _count_refusal(self, fate: Fate) -> None:
        name = _COUNTER[fate.verdict]
        setattr(self.counters, name, getattr(self.counters, name) + 1)
