"""poll and epoll of a drill script."""

from collections.abc import Sequence

from netwright.proto.tcp.state import State
from netwright.testing.drill.arguments import entry, number, symbols
from netwright.testing.drill.host import Host, Interest, Socket
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.values import Argument, Call

__all__ = ["TIMEOUTS", "epoll_create", "epoll_ctl", "epoll_wait", "poll"]

TIMEOUTS = {"poll": 2, "epoll_wait": 3}  # which argument has the milliseconds
_ALWAYS = {"ERR", "HUP"}  # reported whether asked for or not, poll(2)
_MODES = {"ET", "ONESHOT", "EXCLUSIVE"}
_DONE = (State.CLOSED, State.TIME_WAIT)


def readiness(sock: Socket) -> set[str]:
    """Return the events for which a socket is ready, named as in poll(2) without the prefix."""
    if sock.listener is not None:
        return {"IN"} if sock.listener.waiting else set()
    endpoint = sock.endpoint
    if endpoint is None:
        return {"OUT", "HUP"}
    ready = set()
    if endpoint.readable or sock.shut or endpoint.receiver.finished or endpoint.state in _DONE:
        ready.add("IN")
    if endpoint.receiver.finished or sock.shut or endpoint.state in _DONE:
        ready.add("RDHUP")
    if endpoint.state in _DONE or (endpoint.receiver.finished and endpoint.sender.finishing):
        ready.add("HUP")
    # a third of the buffer must be free, as sk_stream_is_writeable has it
    if endpoint.sender.finishing or endpoint.state is State.CLOSED or 3 * endpoint.writable >= endpoint.sender.limit:
        ready.add("OUT")
    if sock.error:
        ready.add("ERR")
    return ready - {"OUT"} if endpoint.state in (State.SYN_SENT, State.SYN_RECEIVED) else ready


def poll(host: Host, arguments: Sequence[Argument], call: Call) -> int | None:
    """Return how many descriptors are ready; None if none is, and the call blocks."""
    entries = arguments[0] if isinstance(arguments[0], list) else []
    count = 0
    for item in entries:
        seen = readiness(_socket(host, item)) & (_events(entry(item, "events")) | _ALWAYS)
        if not seen:
            continue
        count += 1
        if call.result and seen != _events(entry(item, "revents")):
            raise DrillError(f"revents {'|'.join(sorted(seen))}, {entry(item, 'revents')} expected")
    return count or _empty(arguments[2])


def _empty(timeout: Argument) -> int | None:
    return 0 if number(timeout) == 0 else None


def epoll_create(host: Host, arguments: Sequence[Argument], call: Call) -> int:
    """Create an epoll set."""
    descriptor = call.result if call.result is not None else 100 + len(host.polls)
    host.polls[descriptor] = {}
    return descriptor


def epoll_ctl(host: Host, arguments: Sequence[Argument], call: Call) -> int:
    """EPOLL_CTL_ADD, MOD, DEL."""
    interests = _interests(host, arguments[0])
    descriptor = number(arguments[2])
    if "EPOLL_CTL_DEL" in symbols(arguments[1]):
        del interests[descriptor]
    else:
        interests[descriptor] = Interest(_events(entry(arguments[3], "events")))
    return 0


def epoll_wait(host: Host, arguments: Sequence[Argument], call: Call) -> int | None:
    """Return how many descriptors are ready; with EPOLLET only those that have changed since the last report."""
    seen = []
    for descriptor, interest in _interests(host, arguments[0]).items():
        sock = host.sockets[descriptor]
        ready, happened = readiness(sock) & ((interest.events - _MODES) | _ALWAYS), _happened(sock)
        if not ready or interest.disabled or ("ET" in interest.events and happened == interest.told):
            continue
        interest.told, interest.disabled = happened, "ONESHOT" in interest.events
        seen.append(ready)
    if seen and call.result and seen[0] != _events(entry(arguments[1], "events")):
        raise DrillError(f"events {'|'.join(sorted(seen[0]))}, {entry(arguments[1], 'events')} expected")
    return len(seen) or _empty(arguments[3])


def _happened(sock: Socket) -> object:
    """Return a value that changes when the kernel would report the descriptor again with EPOLLET."""
    endpoint = sock.endpoint
    if endpoint is None:
        return sock.listener.waiting if sock.listener is not None else 0
    return endpoint.receiver.rcv_nxt, endpoint.state, "OUT" in readiness(sock)


def _interests(host: Host, argument: Argument) -> dict[int, Interest]:
    if not isinstance(argument, int) or argument not in host.polls:
        raise UnsupportedError(f"descriptor {argument!r} is not an epoll set")
    return host.polls[argument]


def _socket(host: Host, item: Argument) -> Socket:
    descriptor = entry(item, "fd")
    if not isinstance(descriptor, int) or descriptor not in host.sockets:
        raise UnsupportedError(f"poll on descriptor {descriptor!r}")
    return host.sockets[descriptor]


def _events(argument: Argument) -> set[str]:
    """Return the names in ``EPOLLIN|EPOLLET`` or ``POLLIN`` without their prefix."""
    return {name.removeprefix("E").removeprefix("POLL") for name in symbols(argument)}
