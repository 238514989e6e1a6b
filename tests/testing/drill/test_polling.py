import pytest

from netwright.proto.tcp.segment import ACK, FIN, RST, Segment
from netwright.testing.drill.calls import CALLS
from netwright.testing.drill.host import Host
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.polling import readiness
from netwright.testing.drill.values import Argument, Call, Names
from tests.testing.drill.test_calls import served


def call(host: Host, name: str, *arguments: Argument, result: int | None = None) -> int | None:
    return CALLS[name](host, arguments, Call(name, arguments, result))


def poll(host: Host, events: str, revents: str, timeout: int = 0, result: int = 1) -> int | None:
    entry: Argument = {"fd": 4, "events": Names(events), "revents": Names(revents)}
    return call(host, "poll", [entry], 1, timeout, result=result)


def test_poll_tells_what_is_asked_and_what_went_wrong() -> None:
    host = served()
    assert poll(host, "POLLIN|POLLOUT", "POLLOUT") == 1
    assert poll(host, "POLLIN", "0", timeout=100) is None
    assert poll(host, "POLLIN", "0", result=0) == 0
    host.inject(Segment(1, 1, ACK, 65535, b"abc"))
    assert poll(host, "POLLIN|POLLOUT", "POLLIN|POLLOUT") == 1
    with pytest.raises(DrillError, match="revents"):
        poll(host, "POLLIN", "POLLOUT")
    host.inject(Segment(4, 0, RST, 0))
    assert poll(host, "POLLIN", "POLLIN|POLLERR|POLLHUP") == 1


def test_a_descriptor_is_ready_for_what_it_can_do_at_once() -> None:
    host = served()
    assert readiness(host.sockets[3]) == set()
    assert readiness(host.sockets[4]) == {"OUT"}
    host.inject(Segment(1, 1, FIN | ACK, 65535))
    assert readiness(host.sockets[4]) == {"IN", "RDHUP", "OUT"}
    call(host, "shutdown", 4, Names("SHUT_WR"))
    assert readiness(host.sockets[4]) == {"IN", "RDHUP", "HUP", "OUT"}
    assert readiness(host.socket(9)) == {"OUT", "HUP"}


def epoll(host: Host, events: str) -> None:
    assert call(host, "epoll_create", 1, result=5) == 5
    call(host, "epoll_ctl", 5, Names("EPOLL_CTL_ADD"), 4, {"events": Names(events), "fd": 4})


def wait(host: Host, events: str, count: int) -> int | None:
    return call(host, "epoll_wait", 5, {"events": Names(events), "fd": 4}, 1, 0, result=count)


def test_edges_are_told_once() -> None:
    host = served()
    epoll(host, "EPOLLIN|EPOLLOUT|EPOLLET")
    assert wait(host, "EPOLLOUT", 1) == 1
    assert wait(host, "0", 0) == 0
    host.inject(Segment(1, 1, ACK, 65535, b"abc"))
    assert wait(host, "EPOLLIN|EPOLLOUT", 1) == 1
    assert wait(host, "0", 0) == 0
    call(host, "read", 4, ..., 1)
    assert wait(host, "0", 0) == 0


def test_levels_are_told_as_long_as_they_last_and_oneshot_once() -> None:
    host = served()
    epoll(host, "EPOLLOUT")
    assert [wait(host, "EPOLLOUT", 1) for _ in range(2)] == [1, 1]
    call(host, "epoll_ctl", 5, Names("EPOLL_CTL_MOD"), 4, {"events": Names("EPOLLOUT|EPOLLONESHOT")})
    assert [wait(host, "EPOLLOUT", 1) for _ in range(2)] == [1, 0]
    call(host, "epoll_ctl", 5, Names("EPOLL_CTL_DEL"), 4, {})
    assert wait(host, "0", 0) == 0
    assert call(host, "close", 5) == 0


def test_a_wrong_set_is_named() -> None:
    with pytest.raises(UnsupportedError, match="7 is not an epoll set"):
        call(served(), "epoll_wait", 7, {}, 1, 0)
    host = served()
    epoll(host, "EPOLLOUT")
    with pytest.raises(DrillError, match="events OUT"):
        wait(host, "EPOLLIN", 1)
