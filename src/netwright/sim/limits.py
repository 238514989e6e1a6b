"""Limits and counters of a TCP/IP stack."""

from dataclasses import dataclass, fields

from netwright.core.errors import UsageError

__all__ = ["AnswerRate", "Counts", "StackLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLimits:
    """Limits of a stack.

    Attributes:
        connections: including half-open ones and those in TIME-WAIT.  Without room, the oldest in TIME-WAIT is removed;
            if there is none, a SYN is dropped and counted, and ``connect`` raises LimitError.
        backlog: default for ``listen``: connections of a port that may wait for ``accept`` (net.core.somaxconn).
        syn_backlog: half-open connections of a port (net.ipv4.tcp_max_syn_backlog).
        answers: RSTs without connection and ICMP errors per second, and as many at once (RFC 1812 §4.3.2.8,
            RFC 4443 §2.4 (f)); Linux allows 1000 (net.ipv4.icmp_msgs_per_sec).
        fragments: bytes of fragments that wait for the rest of their datagram.
    """

    connections: int = 10_000
    backlog: int = 4096
    syn_backlog: int = 1024
    answers: int = 1000
    fragments: int = 4 << 20

    def __post_init__(self) -> None:
        for bound in fields(self):
            if getattr(self, bound.name) < 1:
                raise UsageError(f"{bound.name}={getattr(self, bound.name)}, 1 or more allowed")


@dataclass(slots=True)
class Counts:
    """Packets by outcome; each dropped packet is counted once, in one of the counters after ``sent``."""

    received: int = 0
    sent: int = 0
    malformed: int = 0  # headers or lengths that contradict themselves
    checksum: int = 0  # IPv4, TCP, UDP or ICMP
    not_ours: int = 0  # for another address, also multicast
    no_source: int = 0  # from an address that is not a valid source (RFC 1122 §3.2.1.3)
    closed_port: int = 0  # RFC 9293 §3.10.7.1
    unknown: int = 0  # of a protocol other than TCP, UDP and ICMP
    ignored: int = 0  # ICMP that needs no answer and concerns no connection
    full: int = 0  # a SYN without room for its connection
    fragments: int = 0  # fragments; their outcome is in ``Stack.reassembler.counts``
    muted: int = 0  # answers suppressed by the rate limit, in addition to the count of the packet


class AnswerRate:
    """A token bucket of ``rate`` tokens that fills in one second."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: int) -> None:
        self._rate, self._tokens, self._at = rate, float(rate), 0.0

    def allow(self, now: float) -> bool:
        """True if one more answer may be sent."""
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
