import errno

import pytest

from netwright.proto.tcp.segment import ACK, SYN, Segment, SynOptions
from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.calls import CALLS
from netwright.testing.drill.host import Host
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.values import Argument, Call, Names


def call(host: Host, name: str, *arguments: Argument, result: int = 0) -> int | None:
    return CALLS[name](host, arguments, Call(name, arguments, result))


def served() -> Host:
    host = Host(Settings())
    call(host, "socket", ..., Names("SOCK_STREAM"), Names("IPPROTO_TCP"), result=3)
    call(host, "listen", 3, 1)
    assert call(host, "accept", 3, ..., ..., result=4) is None
    host.inject(Segment(0, 0, SYN, 65535, syn=SynOptions(1000)))
    host.inject(Segment(1, 1, ACK, 65535))
    assert call(host, "accept", 3, ..., ..., result=4) == 4
    return host


def test_read_blocks_or_says_so() -> None:
    host = served()
    assert call(host, "read", 4, ..., 10) is None
    call(host, "fcntl", 4, Names("F_SETFL"), Names("O_RDWR|O_NONBLOCK"))
    assert call(host, "read", 4, ..., 10) == -errno.EAGAIN
    host.inject(Segment(1, 1, ACK, 65535, b"abc"))
    assert call(host, "recv", 4, ..., 10, Names("MSG_PEEK")) == 3
    assert call(host, "ioctl", 4, Names("SIOCINQ"), [3]) == 0
    assert call(host, "read", 4, ..., 2) == 2


def test_message_is_as_long_as_its_vectors() -> None:
    vectors: list[Argument] = [[..., 100], [..., 50]]
    assert call(served(), "sendmsg", 4, {"msg_name(...)": ..., "msg_iov(2)": vectors}, 0) == 150


def test_reading_half_may_be_shut_alone() -> None:
    host = served()
    assert call(host, "shutdown", 4, Names("SHUT_RD")) == 0
    assert call(host, "read", 4, ..., 10) == 0
    assert call(host, "write", 4, ..., 10) == 10


@pytest.mark.parametrize("name", ["MSG_FASTOPEN", "MSG_ZEROCOPY"])
def test_flag_beyond_the_model_is_named(name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        call(served(), "send", 4, ..., 10, Names(name))


def test_more_to_come_holds_one_write_back_and_not_the_next() -> None:
    """send(2), MSG_MORE: TCP_CORK for the length of one call."""
    host = served()
    host.sent.clear()
    assert call(host, "send", 4, ..., 10, Names("MSG_MORE")) == 10
    assert not host.sent
    assert call(host, "send", 4, ..., 10, 0) == 10
    assert [len(emission.segment.data) for emission in host.sent] == [20]
