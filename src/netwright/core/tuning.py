"""Socket options as one typed value; the defaults and their evidence.

Each default was measured on a delayed path (docs/design.md, "Socket defaults").  SO_RCVBUF and SO_SNDBUF are absent
by intent: setting either turns the kernel's autotuning off (tcp(7)).
"""

from dataclasses import dataclass

from netwright.core.errors import UsageError

__all__ = ["BULK", "INTERACTIVE", "REALTIME", "KeepAlive", "Tuning"]


_INT = 2**31 - 1  # setsockopt takes a C int
_CONGESTION_NAME = 15  # bytes: TCP_CA_NAME_MAX less the NUL, linux/tcp.h


def _check_int(name: str, value: object, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise UsageError(f"{name}={value!r}, an integer from {least} to {most} allowed")


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Probe a silent peer: after ``idle`` seconds, every ``interval`` seconds, ``count`` times (RFC 9293 §3.8.4).

    Whole seconds from 1 to 32767, and 1 to 127 probes, as Linux allows (tcp(7)).
    """

    idle: int = 15
    interval: int = 15
    count: int = 4

    def __post_init__(self) -> None:
        for name, most in (("idle", 32767), ("interval", 32767), ("count", 127)):
            _check_int(f"KeepAlive.{name}", getattr(self, name), 1, most)


@dataclass(frozen=True, slots=True)
class Tuning:
    """Options of one connection or listener; an option that this kernel lacks is skipped and named in the record.

    Attributes:
        nodelay: send small segments at once (TCP_NODELAY; Nagle, RFC 9293 §3.7.4, is off).
        notsent_lowat: bytes not yet sent above which the socket is not writable (TCP_NOTSENT_LOWAT); 0 leaves it off.
        keepalive: probes of a silent peer; None leaves them off.
        user_timeout: seconds that sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, RFC 5482); 0 leaves it to
            the kernel, about 15 minutes.
        congestion: name of a congestion control ("bbr"); "" is the system's.
        backlog: connections that wait for ``accept``; 0 is the system's maximum (net.core.somaxconn).
        reuse_port: several sockets may listen on the port, and the kernel spreads connections over them.
        unix_mode: permission bits of a Unix listener's file (0o660); None leaves them to the umask.
        options: further socket options (level, option, value), set before bind and connect.  One that the system
            refuses is an error which names it: ``(SOL_SOCKET, SO_BINDTODEVICE, b"eth0")`` binds to a device.
    """

    nodelay: bool = True
    notsent_lowat: int = 16 * 1024
    keepalive: KeepAlive | None = KeepAlive()
    user_timeout: float = 30.0
    congestion: str = ""
    backlog: int = 0
    reuse_port: bool = False
    unix_mode: int | None = None
    options: tuple[tuple[int, int, int | bytes], ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that a kernel would refuse or silently change.

        Raises:
            UsageError: a value is out of range or of the wrong type.
        """
        for name in ("nodelay", "reuse_port"):
            if type(getattr(self, name)) is not bool:
                raise UsageError(f"{name}={getattr(self, name)!r}, True or False allowed")
        for name in ("notsent_lowat", "backlog"):
            _check_int(name, getattr(self, name), 0, _INT)
        if self.user_timeout and not 0.001 <= self.user_timeout <= _INT / 1000:  # NaN neither
            raise UsageError(f"user_timeout={self.user_timeout}, 0 or 0.001 to {_INT // 1000} s allowed")
        if len(self.congestion.encode()) > _CONGESTION_NAME:
            raise UsageError(f"congestion={self.congestion!r}, at most {_CONGESTION_NAME} bytes allowed")
        if self.unix_mode is not None and not 0 <= self.unix_mode <= 0o777:
            raise UsageError(f"unix_mode={self.unix_mode:#o}, 0 to 0o777 allowed")
        for option in self.options:
            _check_option(option)


def _check_option(option: object) -> None:
    match option:
        case (int(), int(), int() | bytes()):
            return
        case _:
            raise UsageError(f"{option!r} in Tuning.options, (level, option, value) allowed")


INTERACTIVE = Tuning()
BULK = Tuning(notsent_lowat=0)
REALTIME = Tuning(keepalive=KeepAlive(5, 5, 2), user_timeout=10.0)
