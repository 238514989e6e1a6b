"""System calls of a drill script on the simulated host: one function each, in a table.

A handler returns the result of the call, a negative errno, or None if the call would block.
"""

import errno
from collections.abc import Callable, Sequence
from typing import TypeAlias

from netwright.proto.tcp.state import State
from netwright.testing.drill.arguments import connected, is_null, message_size, number, socket_of, symbols
from netwright.testing.drill.host import Host
from netwright.testing.drill.options import get_option, set_option
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.polling import epoll_create, epoll_ctl, epoll_wait, poll
from netwright.testing.drill.values import Argument, Call

__all__ = ["CALLS", "Result"]

Result: TypeAlias = int | None
Handler: TypeAlias = Callable[[Host, Sequence[Argument], Call], Result]
_ANY_SIZE = 1 << 20
_CONNECTING = (State.SYN_SENT, State.SYN_RECEIVED)
_ABSENT = {"MSG_FASTOPEN", "MSG_ZEROCOPY", "MSG_EOR", "MSG_OOB"}
_OPEN = (State.ESTABLISHED, State.CLOSE_WAIT)


def _socket(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    names = set().union(*map(symbols, arguments))
    if "SOCK_STREAM" not in names or "IPPROTO_MPTCP" in names:
        raise UnsupportedError("socket that is not TCP")
    descriptor = call.result if call.result is not None else 3 + len(host.sockets)
    host.socket(descriptor)
    return descriptor


def _listen(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    host.listen(socket_of(host, arguments), number(arguments[1], 128))
    return 0


def _accept(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    endpoint = host.accept(socket_of(host, arguments))
    if endpoint is None:
        return None
    descriptor = call.result if call.result is not None and call.result >= 0 else 4 + len(host.sockets)
    host.socket(descriptor).endpoint = endpoint
    return descriptor


def _connect(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock = socket_of(host, arguments)
    if sock.endpoint is None:
        host.connect(sock)
        return None if sock.blocking else -errno.EINPROGRESS
    if sock.endpoint.state in _CONNECTING:
        return None if sock.blocking else -errno.EALREADY
    if error := sock.take_error():
        return -error
    return 0 if sock.blocking else -errno.EISCONN


def _receive(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock, endpoint = connected(host, arguments)
    limit = _receive_limit(arguments)
    flags = set().union(*map(symbols, arguments[2:]))
    if endpoint.readable:  # shutdown(SHUT_RD) does not keep Linux from queueing what comes later
        if is_null(arguments, 1):
            return -errno.EFAULT
        if "MSG_PEEK" in flags:
            return min(limit, endpoint.readable)
        count = len(endpoint.read(limit, host.now))
        host.collect()
        return count
    if error := sock.take_error():
        return -error
    if sock.shut or endpoint.at_eof or endpoint.state in (State.CLOSED, State.TIME_WAIT):
        return 0
    return -errno.EAGAIN if not sock.blocking or "MSG_DONTWAIT" in flags else None


def _receive_limit(arguments: Sequence[Argument]) -> int:
    if len(arguments) > 2:
        return number(arguments[2], _ANY_SIZE)
    return message_size(arguments[1]) if len(arguments) > 1 else _ANY_SIZE


def _send(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    flags = set().union(*map(symbols, arguments[3:]))
    return _transmit(host, arguments, number(arguments[2]), flags)


def _send_message(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    flags = symbols(arguments[2]) if len(arguments) > 2 else set()
    return _transmit(host, arguments, message_size(arguments[1]), flags)


def _writev(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    return _transmit(host, arguments, message_size(arguments[1]), set())


def _transmit(host: Host, arguments: Sequence[Argument], size: int, flags: set[str]) -> Result:
    sock, endpoint = connected(host, arguments)
    for flag in _ABSENT & flags:
        raise UnsupportedError(flag)
    if endpoint.state in _CONNECTING:
        return -errno.EAGAIN if not sock.blocking else None
    if endpoint.state not in _OPEN or endpoint.sender.finishing:
        return -(sock.take_error() or errno.EPIPE)
    if not endpoint.writable and size:
        return -errno.EAGAIN if not sock.blocking else None
    if size and is_null(arguments, 1):
        return -errno.EFAULT
    corked = endpoint.sender.corked
    if "MSG_MORE" in flags:
        endpoint.set_cork(True, host.now)
    taken = endpoint.send(bytes(size), host.now)
    endpoint.sender.corked = corked
    host.collect()
    return taken


def _close(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    if host.polls.pop(number(arguments[0]), None) is not None:
        return 0
    sock = socket_of(host, arguments)
    if sock.listener is not None:
        host.listener = None
        sock.listener.close(host.now)
    if sock.endpoint is not None:
        if sock.aborts:
            sock.endpoint.abort(host.now)
        else:
            sock.endpoint.close(host.now)
    host.collect()
    del host.sockets[number(arguments[0])]
    return 0


def _shutdown(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock, endpoint = connected(host, arguments)
    if endpoint.state is State.CLOSED:
        return -(sock.take_error() or errno.ENOTCONN)
    sock.shut = sock.shut or "SHUT_WR" not in symbols(arguments[1])
    if "SHUT_RD" not in symbols(arguments[1]):
        endpoint.send_eof(host.now)
        host.collect()
    return 0


def _open(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    """Open a file: its content does not matter, because sendfile is called with a count."""
    return call.result


def _sendfile(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    return _send(host, [arguments[0], ..., arguments[3]], call)


def _fcntl(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    sock = socket_of(host, arguments)
    if "F_SETFL" in symbols(arguments[1]):
        sock.blocking = "O_NONBLOCK" not in symbols(arguments[2])
        return 0
    return call.result


def _nothing(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    return call.result if call.result is not None else 0


def _ioctl(host: Host, arguments: Sequence[Argument], call: Call) -> Result:
    if not symbols(arguments[1]) & {"SIOCINQ", "FIONREAD"}:
        raise UnsupportedError(f"ioctl {arguments[1]}")
    _, endpoint = connected(host, arguments)
    wanted = number(arguments[2])
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
    "sendmsg": _send_message,
    "writev": _writev,
    "close": _close,
    "shutdown": _shutdown,
    "fcntl": _fcntl,
    "setsockopt": set_option,
    "getsockopt": get_option,
    "ioctl": _ioctl,
    "open": _open,
    "sendfile": _sendfile,
    "poll": poll,
    "epoll_create": epoll_create,
    "epoll_create1": epoll_create,
    "epoll_ctl": epoll_ctl,
    "epoll_wait": epoll_wait,
}
