"""The contents of one acknowledgement, as loss recovery and congestion control need them."""

from math import inf

__all__ = ["AckReport"]


class AckReport:
    """One acknowledgement.  Not a dataclass, because there is one per segment received.

    Attributes:
        una, nxt: SND.UNA after the acknowledgement, and SND.NXT.
        prior_una: SND.UNA before it; ``advanced`` is true if it moved.
        prior_flight: segments in flight before it.
        delivered: segments newly reported as delivered, by ACK or SACK; ``sacked``: those reported by SACK.
        dsack: end of a range that the peer received twice; None for none.
        original: a segment that was sent once, before the timeout, was delivered now.
        duplicate: a duplicate acknowledgement (RFC 5681 §2).
        ece: the peer echoes a congestion mark of the network (RFC 3168 §6.1.2).
        echo: when the transmission that it answers was sent, by its timestamp; infinite without timestamps.
        rtt: the round trip that it measured, in seconds; 0.0 for none.
    """

    __slots__ = (
        "advanced",
        "delivered",
        "dsack",
        "duplicate",
        "ece",
        "echo",
        "nxt",
        "original",
        "prior_flight",
        "prior_una",
        "rtt",
        "sacked",
        "una",
    )

    def __init__(self, una: int, nxt: int, prior_una: int, prior_flight: int, *, delivered: int = 0) -> None:
        self.una, self.nxt, self.prior_una, self.prior_flight = una, nxt, prior_una, prior_flight
        self.advanced = una > prior_una
        self.delivered, self.sacked = delivered, 0
        self.dsack: int | None = None
        self.original = self.duplicate = self.ece = False
        self.echo, self.rtt = inf, 0.0

    def __repr__(self) -> str:
        return f"<AckReport {self.prior_una}→{self.una} delivered={self.delivered} sacked={self.sacked}>"
