"""netwright.aio.options: by name or number, of the kernel's sockets alone."""

import os
import socket

import pytest

from netwright.aio.adopting import stream_pair
from netwright.core.errors import ClosedError, UsageError
from netwright.proto.stream import Credentials, Stream


async def test_option_is_set_and_read_by_name_and_by_number(engine: str) -> None:
    left, right = socket.socketpair()
    with right:
        async with await Stream.adopt(left) as stream:
            stream.set_option("SOL_SOCKET", "SO_PASSCRED", 1)
            assert stream.get_option(socket.SOL_SOCKET, socket.SO_PASSCRED) == 1
            assert stream.get_option("SOL_SOCKET", "SO_LINGER", 8) == bytes(8)
            with pytest.raises(UsageError, match="Protocol not available"):
                stream.get_option("SOL_SOCKET", 9999)
            with pytest.raises(UsageError, match="'SO_PASSCRED', 'x'"):
                stream.set_option("SOL_SOCKET", "SO_PASSCRED", "x")  # type: ignore[arg-type]  # the point
            with pytest.raises(UsageError, match="socket module has no SO_FOO"):
                stream.get_option("SOL_SOCKET", "SO_FOO")
            with pytest.raises(UsageError, match="level None is unknown"):
                stream.get_option(None, 1)  # type: ignore[call-overload]  # the point
        with pytest.raises(ClosedError, match="is closed"):
            stream.get_option("SOL_SOCKET", "SO_TYPE")


async def test_credentials_are_those_of_the_process_that_connected(engine: str) -> None:
    left, right = socket.socketpair()
    with right:
        async with await Stream.adopt(left) as stream:
            assert stream.peer_credentials() == Credentials(os.getpid(), os.getuid(), os.getgid())


async def test_stream_without_a_socket_refuses() -> None:
    left, right = stream_pair()
    async with left, right:
        for use in (lambda: left.get_option("SOL_SOCKET", "SO_TYPE"), left.peer_credentials):
            with pytest.raises(UsageError, match="no socket of the kernel's"):
                use()
