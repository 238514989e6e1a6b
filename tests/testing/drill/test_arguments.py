import pytest

from netwright.proto.tcp.settings import Settings
from netwright.testing.drill.arguments import connected, entry, is_null, message_size, number, socket_of, symbols
from netwright.testing.drill.host import Host
from netwright.testing.drill.parse import UnsupportedError
from netwright.testing.drill.values import Argument, Names


def test_names_are_split_at_bars() -> None:
    assert symbols(Names("A|B")) == {"A", "B"}
    assert symbols(3) == set()


def test_a_number_may_stand_in_a_list() -> None:
    values: list[Argument] = [3, [7], [], ...]
    assert [number(value) for value in values] == [3, 7, 0, 0]


def test_a_field_that_is_not_said_is_zero() -> None:
    assert entry({"fd": 4}, "fd") == 4
    assert entry({"fd": 4}, "events") == 0
    assert entry(..., "fd") == 0


def test_a_pointer_to_nowhere_is_known() -> None:
    assert is_null([4, Names("NULL")], 1)
    assert is_null([4, 0], 1)
    assert not is_null([4, ...], 1)
    assert not is_null([4], 1)


def test_a_message_is_as_long_as_its_vectors() -> None:
    vectors: list[Argument] = [[..., 100], [..., 50]]
    assert message_size({"msg_iov(2)": vectors}) == message_size(vectors) == 150
    assert message_size({"msg_flags": 0}) == message_size(...) == 0


def test_a_descriptor_that_is_not_open_is_named() -> None:
    host = Host(Settings())
    host.socket(3)
    assert socket_of(host, [3]) is host.sockets[3]
    with pytest.raises(UnsupportedError, match="descriptor 9"):
        socket_of(host, [9])
    with pytest.raises(UnsupportedError, match="never connected"):
        connected(host, [3])
