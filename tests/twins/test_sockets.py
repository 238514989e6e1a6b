"""Both ways to accept give the same handles, whatever family the sockets are of."""

import errno
import gc
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from netwright.aio.engine import Handle
from netwright.core.address import Address, InetAddress, UnixAddress, from_sockname
from tests.support.twins import pure
from tests.support.world import descriptors

native = pytest.importorskip("netwright.aio._sockets", reason="the kernel is not built")
PURE = pure("netwright.aio.sockets")
TWINS = pytest.mark.parametrize("twin", [native, PURE], ids=["native", "pure"])


@pytest.fixture(params=["IPv4", "IPv6", "unix", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    family = {"IPv4": socket.AF_INET, "IPv6": socket.AF_INET6}.get(request.param, socket.AF_UNIX)
    name: dict[str, Any] = {
        "IPv4": ("127.0.0.1", 0),
        "IPv6": ("::1", 0),
        "unix": str(tmp_path / "a"),
        "abstract": f"\0{tmp_path}",
    }
    with socket.socket(family) as sock:
        sock.bind(name[request.param])
        sock.listen()
        sock.setblocking(False)
        yield sock


def connected(listening: socket.socket, name: Any = None) -> socket.socket:
    client = socket.socket(listening.family)
    if name is not None:
        client.bind(name)
    client.connect(listening.getsockname())
    return client


@TWINS
def test_handle_has_both_addresses_and_gives_its_socket(twin: Any, listening: socket.socket) -> None:
    before = descriptors()
    assert twin.accept(listening) is None
    with connected(listening) as client:
        handle = twin.accept(listening)
        assert (handle.peer, handle.local) == (
            from_sockname(client.getsockname()),
            from_sockname(listening.getsockname()),
        )
        assert (type(handle.peer), handle.refused) == (
            UnixAddress if listening.family == socket.AF_UNIX else InetAddress,
            (),
        )
        assert hash(handle.peer) == hash(from_sockname(client.getsockname()))
        with handle.release() as sock:
            assert not sock.getblocking()
            assert not sock.get_inheritable()
            assert handle.descriptor is None
            handle.close()
            sock.send(b"x")
            assert client.recv(1) == b"x"
        with pytest.raises(OSError, match="Bad file") as caught:
            handle.detach()
        assert caught.value.errno == errno.EBADF
    assert descriptors() <= before


@TWINS
@pytest.mark.parametrize("kind", ["path", "abstract", "odd path"])
def test_peer_that_has_a_name_is_called_by_it(twin: Any, kind: str, tmp_path: Path) -> None:
    name = {"path": str(tmp_path / "peer"), "abstract": f"\0{tmp_path}peer", "odd path": f"{tmp_path}/\udcff"}[kind]
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "a"))
        listening.listen()
        with connected(listening, name), closing(twin.accept(listening)) as handle:
            assert handle.peer == UnixAddress(name.removeprefix("\0"), name.startswith("\0"))


@TWINS
@pytest.mark.parametrize("reset", [False, True])
def test_close_sends_fin_or_rst(twin: Any, reset: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, connected(listening) as client:
        handle = twin.accept(listening)
        handle.close(reset=reset)
        handle.close()
        if reset:
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        else:
            assert client.recv(1) == b""


@TWINS
def test_handle_that_is_lost_closes_its_descriptor(twin: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, connected(listening) as client:
        before = descriptors()
        assert twin.accept(listening).descriptor is not None
        gc.collect()
        assert descriptors() <= before
        assert client.recv(1) == b""


@TWINS
def test_queue_that_is_none_is_the_systems_error(twin: Any) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="Invalid argument") as caught:
            twin.accept(sock)
    assert caught.value.errno == errno.EINVAL


@TWINS
def test_handle_of_a_number_or_a_socket(twin: Any) -> None:
    address: Address = InetAddress("127.0.0.1", 1)
    ours, theirs = socket.socketpair()
    with theirs, closing(twin.SocketHandle(ours, address, ("A",))) as handle:
        assert ours.fileno() == -1
        assert (handle.peer, handle.refused) == (address, ("A",))
        assert isinstance(handle, Handle)
        with closing(twin.SocketHandle(os.dup(handle.descriptor or -1), address)) as again:
            assert "127.0.0.1:1" in repr(again)
