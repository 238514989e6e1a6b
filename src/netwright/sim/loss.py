"""Loss models: which packets of a link are lost, from a seeded generator.  No clock."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from netwright.core.errors import UsageError
from netwright.proto.tcp.copying import Reduced, reduced

__all__ = ["Bernoulli", "Every", "GilbertElliott", "Loss", "Numbered", "probability"]

Loss: TypeAlias = Callable[[Random], bool]  # called once per packet, in order; True: the packet is lost


def probability(name: str, value: float) -> float:
    """Return ``value`` if it is a probability.

    Raises:
        UsageError: not 0 to 1; the usual cause is a per cent.
    """
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"{name}={value:g}, 0 to 1 allowed", advice="one per cent is 0.01")
    return value


@dataclass(frozen=True, slots=True)
class Bernoulli:
    """Each packet is lost with probability ``p``, whatever happened before."""

    p: float

    def __reduce__(self) -> Reduced:
        return reduced(self)

    def __post_init__(self) -> None:
        probability("p", self.p)

    def __call__(self, random: Random) -> bool:
        """Draw once per packet, even if ``p`` is 0, so that draws of other faults do not depend on ``p``."""
        return random.random() < self.p


@dataclass(slots=True)
class GilbertElliott:
    """Bursts: a good and a bad state, each with its own loss (Gilbert 1960, Elliott 1963).

    Attributes:
        to_bad, to_good: probability a packet to change the state; the mean burst is ``1 / to_good`` packets.
        loss_good, loss_bad: probability of loss in the state.
    """

    to_bad: float
    to_good: float
    loss_good: float = 0.0
    loss_bad: float = 1.0
    bad: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        for name in ("to_bad", "to_good", "loss_good", "loss_bad"):
            probability(name, getattr(self, name))

    def __call__(self, random: Random) -> bool:
        """Change the state, then draw the loss of the new state."""
        if random.random() < (self.to_good if self.bad else self.to_bad):
            self.bad = not self.bad
        return random.random() < (self.loss_bad if self.bad else self.loss_good)


@dataclass(slots=True)
class Every:
    """Every ``nth`` packet, without chance: one loss per ``1 / p`` packets, as RFC 9438 §5 assumes."""

    nth: int
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.nth < 1:
            raise UsageError(f"nth={self.nth}, 1 or more allowed")

    def __call__(self, random: Random) -> bool:
        """The ``nth``, ``2 nth``, … packet."""
        self.seen += 1
        return self.seen % self.nth == 0


@dataclass(slots=True)
class Numbered:
    """The packets with these numbers; the first is 1.  For tests of one scenario."""

    numbers: Collection[int]
    seen: int = field(default=0, init=False)

    def __call__(self, random: Random) -> bool:
        """True if the next number is one of ``numbers``."""
        self.seen += 1
        return self.seen in self.numbers
