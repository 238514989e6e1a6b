"""Socket options as one typed value; the defaults and their evidence.  No I/O.

Each default was measured on a delayed path (docs/design.md, "Socket defaults").  SO_RCVBUF and SO_SNDBUF are absent
by intent: setting either turns the kernel's autotuning off (tcp(7)).
"""

from dataclasses import dataclass

from netwright.core.errors import UsageError

__all__ = ["BULK", "INTERACTIVE", "REALTIME", "KeepAlive", "Tuning"]


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Probe a silent peer: after ``idle`` seconds, every ``interval`` seconds, ``count`` times (RFC 9293 §3.8.4)."""

    idle: int = 15
    interval: int = 15
    count: int = 4


@dataclass(frozen=True, slots=True)
class Tuning:
    """Options of one connection or listener; an option that this kernel lacks is skipped, ``doctor`` says so.

    Attributes:
        nodelay: send small segments at once (TCP_NODELAY; Nagle, RFC 9293 §3.7.4, is off).
        notsent_lowat: bytes not yet sent above which the socket is not writable (TCP_NOTSENT_LOWAT); 0 leaves it off.
        keepalive: probes of a silent peer; None leaves them off.
        user_timeout: seconds that sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, RFC 5482); 0 leaves it to
            the kernel, about 15 minutes.
        congestion: name of a congestion control ("bbr"); "" is the system's.
        backlog: connections that wait for ``accept``; 0 is the system's maximum (net.core.somaxconn).
        reuse_port: several sockets may listen on the port, and the kernel spreads connections over them.
    """

    nodelay: bool = True
    notsent_lowat: int = 16 * 1024
    keepalive: KeepAlive | None = KeepAlive()
    user_timeout: float = 30.0
    congestion: str = ""
    backlog: int = 0
    reuse_port: bool = False

    def __post_init__(self) -> None:
        for name in ("notsent_lowat", "user_timeout", "backlog"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name}={getattr(self, name)}, 0 or more allowed")


INTERACTIVE = Tuning()
BULK = Tuning(notsent_lowat=0)
REALTIME = Tuning(keepalive=KeepAlive(5, 5, 2), user_timeout=10.0)
