"""setsockopt and getsockopt of a drill script: options become settings of the endpoint, values are compared."""

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace

from netwright.testing.drill.arguments import entry, number, socket_of, symbols
from netwright.testing.drill.host import Host, Socket
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.values import Argument, Call, Names

__all__ = ["get_option", "set_option"]

# Accepted and ignored: they change no segment that a script compares.
_HARMLESS = {
    "SO_REUSEADDR",
    "SO_REUSEPORT",
    "SO_RCVLOWAT",
    "IP_MTU_DISCOVER",
    "IP_TOS",
    "IPV6_TCLASS",
    "SO_BUSY_POLL",
    "TCP_QUICKACK",
}
_LEAST_SEND_BUFFER = 4608  # SOCK_MIN_SNDBUF, socket(7)
_KEEP = {"TCP_KEEPIDLE": "idle", "TCP_KEEPINTVL": "interval", "TCP_KEEPCNT": "count"}
_BEFORE = {
    "TCP_SYNCNT": "syn_retries",
    "TCP_MAXSEG": "mss",
    "SO_RCVBUF": "receive_buffer",
}  # only before the connection


def _nodelay(host: Host, sock: Socket, value: Argument) -> None:
    if sock.endpoint is None:
        host.change(sock, nodelay=bool(number(value)))
    else:
        sock.endpoint.set_nodelay(bool(number(value)), host.now)


def _cork(host: Host, sock: Socket, value: Argument) -> None:
    if sock.endpoint is None:
        raise UnsupportedError("setsockopt TCP_CORK before the connection")
    sock.endpoint.set_cork(bool(number(value)), host.now)


def _send_buffer(host: Host, sock: Socket, value: Argument) -> None:
    """Set the send buffer: the kernel doubles the size, and has a minimum (socket(7))."""
    size = max(2 * number(value), _LEAST_SEND_BUFFER)
    host.change(sock, send_buffer=size)
    if sock.endpoint is not None:
        sock.endpoint.set_send_buffer(size)


def _user_timeout(host: Host, sock: Socket, value: Argument) -> None:
    seconds = number(value) / 1000 or None
    host.change(sock, user_timeout=seconds)
    if sock.endpoint is not None:
        sock.endpoint.set_user_timeout(seconds)


def _linger(host: Host, sock: Socket, value: Argument) -> None:
    on, seconds = number(entry(value, "onoff")), number(entry(value, "linger"))
    if on and seconds:
        raise UnsupportedError(f"SO_LINGER of {seconds} s")
    sock.aborts = bool(on)


def _keep_alive(host: Host, sock: Socket, **changes: float) -> None:
    sock.keepalive = replace(sock.keepalive, **changes)  # type: ignore[arg-type]  # the names are KeepAlive's
    wanted = sock.keepalive if sock.keeps_alive else None
    host.change(sock, keepalive=wanted)
    if sock.endpoint is not None:
        sock.endpoint.set_keepalive(wanted)


def _keep(host: Host, sock: Socket, value: Argument) -> None:
    sock.keeps_alive = bool(number(value))
    _keep_alive(host, sock)


_SETTERS: dict[str, Callable[[Host, Socket, Argument], None]] = {
    "TCP_NODELAY": _nodelay,
    "TCP_CORK": _cork,
    "SO_SNDBUF": _send_buffer,
    "TCP_USER_TIMEOUT": _user_timeout,
    "SO_LINGER": _linger,
    "SO_KEEPALIVE": _keep,
}


def set_option(host: Host, arguments: Sequence[Argument], call: Call) -> int:
    """Set an option of a socket, and of its endpoint if there is one."""
    sock = socket_of(host, arguments)
    name = _name(arguments)
    value: Argument = arguments[3] if len(arguments) > 3 else 0
    if name in _SETTERS:
        _SETTERS[name](host, sock, value)
    elif name in _KEEP:
        _keep_alive(host, sock, **{_KEEP[name]: number(value)})
    elif name in _BEFORE and sock.endpoint is None:
        host.change(sock, **{_BEFORE[name]: number(value)})
    elif name not in _HARMLESS:
        raise UnsupportedError(f"setsockopt {name}")
    host.collect()
    return 0


def get_option(host: Host, arguments: Sequence[Argument], call: Call) -> int:
    """Compare the value of an option with the script's."""
    sock = socket_of(host, arguments)
    name = _name(arguments)
    if name == "SO_ERROR":
        _check_error(sock, arguments[3])
    elif name in _GETTERS:
        seen, wanted = _GETTERS[name](sock), number(arguments[3])
        if seen != wanted:
            raise DrillError(f"{name} is {seen}, {wanted} expected")
    elif name not in _HARMLESS | {"SO_RCVBUF"}:  # the size of a buffer is not compared, as that of a window is not
        raise UnsupportedError(f"getsockopt {name}")
    return 0


def _check_error(sock: Socket, wanted: Argument) -> None:
    first = wanted[0] if isinstance(wanted, list) and wanted else 0
    code = getattr(errno, first.text, -1) if isinstance(first, Names) else number(first)
    seen = sock.take_error()
    if seen != code:
        raise DrillError(f"SO_ERROR is {errno.errorcode.get(seen, seen)}, {errno.errorcode.get(code, code)} expected")


def _segment_size(sock: Socket) -> int:
    return sock.settings.mss if sock.endpoint is None else sock.endpoint.sender.mss


_GETTERS: dict[str, Callable[[Socket], int]] = {
    "TCP_MAXSEG": _segment_size,
    "SO_SNDBUF": lambda sock: sock.settings.send_buffer,
    "TCP_NODELAY": lambda sock: int(sock.settings.nodelay if sock.endpoint is None else sock.endpoint.sender.nodelay),
    "TCP_USER_TIMEOUT": lambda sock: round(1000 * (sock.settings.user_timeout or 0)),
}


def _name(arguments: Sequence[Argument]) -> str:
    return next(iter(symbols(arguments[2])), str(arguments[2]))
