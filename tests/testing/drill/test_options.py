import pytest

from netwright.core.tuning import KeepAlive
from netwright.proto.tcp.endpoint import Endpoint
from netwright.proto.tcp.events import End
from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.calls import CALLS
from netwright.testing.drill.host import Host
from netwright.testing.drill.outcome import DrillError
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.values import Argument, Call, Names
from tests.testing.drill.test_calls import served


def set_(host: Host, descriptor: int, name: str, value: Argument) -> None:
    arguments: list[Argument] = [descriptor, Names("SOL_TCP"), Names(name), value, 4]
    assert CALLS["setsockopt"](host, arguments, Call("setsockopt", tuple(arguments), 0)) == 0


def get(host: Host, descriptor: int, name: str, value: Argument) -> int | None:
    arguments: list[Argument] = [descriptor, Names("SOL_TCP"), Names(name), [value], [4]]
    return CALLS["getsockopt"](host, arguments, Call("getsockopt", tuple(arguments), 0))


def endpoint(host: Host) -> Endpoint:
    found = host.sockets[4].endpoint
    assert found is not None
    return found


def test_options_of_a_connection_are_the_endpoints() -> None:
    host = served()
    for name, value in (("SO_SNDBUF", 21000), ("TCP_USER_TIMEOUT", 3000), ("TCP_NODELAY", 1), ("TCP_CORK", 1)):
        set_(host, 4, name, [value])
    sender = endpoint(host).sender
    assert (sender.limit, sender.user_timeout, sender.nodelay, sender.corked) == (42000, 3.0, True, True)
    assert get(host, 4, "SO_SNDBUF", 42000) == get(host, 4, "TCP_USER_TIMEOUT", 3000) == 0


def test_options_before_the_connection_are_settings() -> None:
    host = Host(Settings())
    sock = host.socket(3)
    for name, value in (("TCP_SYNCNT", 2), ("TCP_MAXSEG", 900), ("SO_RCVBUF", 8000), ("SO_SNDBUF", 1)):
        set_(host, 3, name, [value])
    settings = sock.settings
    assert (settings.syn_retries, settings.mss, settings.receive_buffer, settings.send_buffer) == (2, 900, 8000, 4608)
    assert get(host, 3, "TCP_MAXSEG", 900) == 0


def test_keepalive_has_its_parts_before_it_is_switched_on() -> None:
    host = served()
    for name, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3)):
        set_(host, 4, name, [value])
    assert endpoint(host).settings.keepalive is None
    set_(host, 4, "SO_KEEPALIVE", [1])
    assert endpoint(host).settings.keepalive == KeepAlive(5, 2, 3)


def test_linger_of_zero_makes_close_a_reset() -> None:
    host = served()
    set_(host, 4, "SO_LINGER", {"onoff": 1, "linger": 0})
    connection = endpoint(host)
    CALLS["close"](host, [4], Call("close", (4,), 0))
    assert connection.end is End.ABORTED
    with pytest.raises(UnsupportedError, match="SO_LINGER of 5 s"):
        set_(served(), 4, "SO_LINGER", {"onoff": 1, "linger": 5})


def test_a_value_that_is_another_fails_with_both() -> None:
    with pytest.raises(DrillError, match="TCP_MAXSEG is 1000, 999 expected"):
        get(served(), 4, "TCP_MAXSEG", 999)
    with pytest.raises(DrillError, match="SO_ERROR is 0, ECONNRESET expected"):
        get(served(), 4, "SO_ERROR", Names("ECONNRESET"))


@pytest.mark.parametrize("name", ["TCP_MD5SIG", "SO_ZEROCOPY", "TCP_MAXSEG"])
def test_an_option_that_changes_nothing_here_is_unsupported(name: str) -> None:
    """TCP_MAXSEG of a connection that is there: Linux takes it, the endpoint does not."""
    with pytest.raises(UnsupportedError, match=f"setsockopt {name}"):
        set_(served(), 4, name, [1])
