"""System calls of a drill script on the simulated host: one function each, in a table.

A call gives its result, a negative errno, or None for "would block".
"""

import errno
from collections.abc import Callable, Sequence
from typing import TypeAlias

from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.state import State
from netwright.sim.drill.host import Host, Socket
from netwright.sim.drill.outcome import DrillError
from netwright.sim.drill.parse import UnsupportedError
from netwright.sim.drill.values import Argument, Call, Names

__all__ = ["CALLS", "Result", "symbols"]

Result: TypeAlias = int | None
Handler: TypeAlias = Callable[[Host, Sequence[Argument], Call], Result]
_ANY_SIZE = 1 << 20
_CONNECTING = (State.SYN_SENT, State.SYN_RECEIVED)
_OPEN = (State.ESTABLISHED, State.CLOSE_WAIT)


def symbols(argument: Argument) -> set[str]:
    """Names joined with ``|``."""
    return set(argument.text.split("|")) if isinstance(argument, Names) else set()


def _socket_of(host: Host, arguments: Sequence[Argument]) -> Socket:
    number = arguments[0] if arguments else None
    if not isinstance(number, int) or number not in host.sockets:
        raise UnsupportedError(f"descriptor {number!r} is not open")
    return host.sockets[number]


def _connected(host: Host, arguments: Sequence[Argument]) -> tuple[Socket, Endpoint]:
    sock = _socket_of(host, arguments)
    if sock.endpoint is None:
        raise UnsupportedError("call on a socket that was never connected")
    return sock, sock.endpoint


def _number(argument: Argument, otherwise: int = 0) -> int:
    if isinstance(argument, list):
        return _number(argument[0], otherwise) if argument else otherwise
    return argument if isinstance(argument, int) else otherwise


def _socket(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    names = set().union(*map(symbols, arguments))
    if "SOCK_STREAM" not in names or "IPPROTO_MPTCP" in names:
        raise UnsupportedError("socket that is not TCP")
    number = call.result if call.result is not None else 3 + len(host.sockets)
    host.socket(number)
    return number


def _listen(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    host.listen(_socket_of(host, arguments), _number(arguments[1], 128))
    return 0


def _accept(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    endpoint = host.accept(_socket_of(host, arguments))
    if endpoint is None:
        return None
    number = call.result if call.result is not None and call.result >= 0 else 4 + len(host.sockets)
    host.socket(number).endpoint = endpoint
    return number


def _connect(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock = _socket_of(host, arguments)
    if sock.endpoint is None:
        host.connect(sock)
        return None if sock.blocking else -errno.EINPROGRESS
    if sock.endpoint.state in _CONNECTING:
        return None if sock.blocking else -errno.EALREADY
    if number := sock.take_error():
        return -number
    return 0 if sock.blocking else -errno.EISCONN


def _receive(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock, endpoint = _connected(host, arguments)
    limit = _receive_limit(arguments)
    flags = set().union(*map(symbols, arguments[2:]))
    if endpoint.readable and not sock.shut:
        if "MSG_PEEK" in flags:
            return min(limit, endpoint.readable)
        count = len(endpoint.read(limit, host.now))
        host.collect()
        return count
    if number := sock.take_error():
        return -number
    if sock.shut or endpoint.at_eof or endpoint.state in (State.CLOSED, State.TIME_WAIT):
        return 0
    return -errno.EAGAIN if not sock.blocking or "MSG_DONTWAIT" in flags else None


def _receive_limit(arguments: Sequence[Argument]) -> int:
    if len(arguments) > 2:
        return _number(arguments[2], _ANY_SIZE)
    return _message_size(arguments[1]) if len(arguments) > 1 else _ANY_SIZE


def _message_size(message: Argument) -> int:
    """Bytes of a msghdr or of an iovec array: the numbers of its entries."""
    if isinstance(message, dict):
        vectors = next((value for name, value in message.items() if name.startswith("msg_iov(")), None)
        return _message_size(vectors) if vectors is not None else 0
    if isinstance(message, list):
        return sum(
            _number(entry[1]) if isinstance(entry, list) and len(entry) == 2 else _message_size(entry)
            for entry in message
        )
    return 0


def _send(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock, endpoint = _connected(host, arguments)
    if len(arguments) > 1 and isinstance(arguments[1], int):
        raise UnsupportedError("buffer at a wrong address")
    flags = set().union(*map(symbols, arguments[2:]))
    for flag in ("MSG_FASTOPEN", "MSG_ZEROCOPY", "MSG_EOR", "MSG_OOB"):
        if flag in flags:
            raise UnsupportedError(flag)
    size = (
        _number(arguments[2]) if len(arguments) > 2 and isinstance(arguments[2], int) else _message_size(arguments[1])
    )
    if endpoint.state in _CONNECTING:
        return -errno.EAGAIN if not sock.blocking else None
    if endpoint.state not in _OPEN or endpoint.sender.finishing:
        return -(sock.take_error() or errno.EPIPE)
    if not endpoint.writable and size:
        return -errno.EAGAIN if not sock.blocking else None
    corked = endpoint.sender.corked
    if "MSG_MORE" in flags:
        endpoint.set_cork(True, host.now)
    taken = endpoint.send(bytes(size), host.now)
    endpoint.sender.corked = corked
    host.collect()
    return taken


def _vectors(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    return _send(host, [arguments[0], arguments[1]], call)


def _close(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock = _socket_of(host, arguments)
    if sock.listener is not None:
        host.listener = None
        sock.listener.close(host.now)
    if sock.endpoint is not None:
        sock.endpoint.close(host.now)
    host.collect()
    number = arguments[0]
    assert isinstance(number, int)
    del host.sockets[number]
    return 0


def _shutdown(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock, endpoint = _connected(host, arguments)
    if endpoint.state is State.CLOSED:
        return -(sock.take_error() or errno.ENOTCONN)
    sock.shut = sock.shut or "SHUT_WR" not in symbols(arguments[1])
    if "SHUT_RD" not in symbols(arguments[1]):
        endpoint.send_eof(host.now)
        host.collect()
    return 0


def _fcntl(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock = _socket_of(host, arguments)
    if "F_SETFL" in symbols(arguments[1]):
        sock.blocking = "O_NONBLOCK" not in symbols(arguments[2])
        return 0
    return call.result


def _nothing(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    return call.result if call.result is not None else 0


# options that the model does not have and that change nothing that a script sees on the wire
_HARMLESS = {"SO_REUSEADDR", "SO_REUSEPORT", "SO_RCVLOWAT", "IP_MTU_DISCOVER", "SO_BUSY_POLL", "TCP_QUICKACK"}
_SETTINGS = {"TCP_USER_TIMEOUT": ("user_timeout", 0.001), "TCP_SYNCNT": ("syn_retries", 1), "TCP_MAXSEG": ("mss", 1)}


def _set_option(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock = _socket_of(host, arguments)
    name = next(iter(symbols(arguments[2])), str(arguments[2]))
    value = _number(arguments[3]) if len(arguments) > 3 else 0
    if name in _HARMLESS:
        return 0
    if name == "TCP_NODELAY":
        if sock.endpoint is None:
            host.change(sock, nodelay=bool(value))
        else:
            sock.endpoint.set_nodelay(bool(value), host.now)
    elif name == "TCP_CORK" and sock.endpoint is not None:
        sock.endpoint.set_cork(bool(value), host.now)
    elif name == "SO_SNDBUF" and sock.endpoint is None:
        host.change(sock, send_buffer=max(2 * value, 4608))  # the kernel doubles it and has a floor, socket(7)
    elif name in _SETTINGS and sock.endpoint is None:
        setting, unit = _SETTINGS[name]
        host.change(sock, **{setting: value * unit})
    else:
        raise UnsupportedError(f"setsockopt {name}")
    host.collect()
    return 0


def _get_option(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock = _socket_of(host, arguments)
    name = next(iter(symbols(arguments[2])), str(arguments[2]))
    if name == "SO_ERROR":
        wanted = arguments[3]
        entry = wanted[0] if isinstance(wanted, list) and wanted else 0
        number = getattr(errno, entry.text, -1) if isinstance(entry, Names) else _number(entry)
        got = sock.take_error()
        if got != number:
            raise DrillError(
                f"SO_ERROR is {errno.errorcode.get(got, got)}, {errno.errorcode.get(number, number)} expected"
            )
    elif name not in _HARMLESS | {"SO_RCVBUF"}:
        raise UnsupportedError(f"getsockopt {name}")
    return 0


def _ioctl(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    if not symbols(arguments[1]) & {"SIOCINQ", "FIONREAD"}:
        raise UnsupportedError(f"ioctl {arguments[1]}")
    _, endpoint = _connected(host, arguments)
    wanted = _number(arguments[2])
    if endpoint.readable != wanted:
        raise DrillError(f"SIOCINQ is {endpoint.readable}, {wanted} expected")
    return 0


CALLS: dict[str, Handler] = {
    "socket": _socket,
    "bind": _nothing,
    "listen": _listen,
    "accept": _accept,
    "accept4": _accept,
    "connect": _connect,
    "read": _receive,
    "recv": _receive,
    "recvfrom": _receive,
    "recvmsg": _receive,
    "readv": _receive,
    "write": _send,
    "send": _send,
    "sendto": _send,
    "sendmsg": _vectors,
    "writev": _vectors,
    "close": _close,
    "shutdown": _shutdown,
    "fcntl": _fcntl,
    "setsockopt": _set_option,
    "getsockopt": _get_option,
    "ioctl": _ioctl,
}
