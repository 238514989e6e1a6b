"""netwright.aio.passing: descriptors over a socketpair, without a stream."""

import errno
import os
import socket

import pytest

from netwright.aio.passing import MOST, close_all, receive_passed, send_passed
from netwright.core.errors import UsageError


@pytest.fixture
def pair() -> tuple[socket.socket, socket.socket]:
    left, right = socket.socketpair()
    left.setblocking(False)
    right.setblocking(False)
    return left, right


def test_as_many_as_the_kernel_allows_arrive_and_are_closed_on_exec(pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    with left, right:
        assert receive_passed(right.fileno(), 10) is None
        assert send_passed(left.fileno(), b"xy", [0] * MOST) == 2
        found = receive_passed(right.fileno(), 10)
        assert found is not None
        data, fds = found
        assert (data, len(fds)) == (b"xy", MOST)
        assert not any(os.get_inheritable(fd) for fd in fds)
        close_all(fds)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fds[0])


@pytest.mark.parametrize("size", [1, 3, 4, 1 << 50, 1 << 70])
def test_size_is_a_bound_and_not_the_memory_that_is_taken(pair: tuple[socket.socket, socket.socket], size: int) -> None:
    left, right = pair
    with left, right:
        send_passed(left.fileno(), b"abc", [0])
        found = receive_passed(right.fileno(), size)
        assert found is not None
        assert found[0] == b"abc"[:size]
        close_all(found[1])


def test_a_descriptor_that_is_not_open_is_the_callers_fault(pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    with left, right, pytest.raises(UsageError, match="one of them is not open"):
        send_passed(left.fileno(), b"x", [9999])


def test_a_full_socket_takes_none_and_a_broken_one_says_so(pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    with left:
        while send_passed(left.fileno(), bytes(100_000), [0]):
            pass
        right.close()
        with pytest.raises(OSError, match="Broken pipe") as caught:
            send_passed(left.fileno(), b"x", [0])
        assert caught.value.errno == errno.EPIPE
