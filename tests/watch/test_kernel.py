"""The kernel's table of TCP connections (sock_diag(7))."""

import os
import socket
import sys

import pytest

from netwright.core.errors import TransportError
from netwright.watch.kernel import tcp_connections
from netwright.wire.tcp_info import TcpState

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="sock_diag(7)")


@needs_linux
@pytest.mark.real
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_both_ends_of_a_connection_are_in_the_table_with_their_queues(family: int, host: str) -> None:
    with (
        socket.create_server((host, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2]) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"unread")
            port, other = server.getsockname()[1], client.getsockname()[1]
            found = {
                (entry.source_port, entry.destination_port): entry
                for entry in tcp_connections()
                if port in (entry.source_port, entry.destination_port)
            }
            ours = found[port, other]
            assert set(found) == {(port, other), (other, port)}
            assert (ours.state, ours.receive_queue, ours.uid) == (TcpState.ESTABLISHED, 6, os.getuid())
            assert ours.info is not None
            assert ours.info.bytes_received == 6
            assert ours.congestion


@needs_linux
@pytest.mark.real
def test_a_peer_that_has_finished_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()):
            accepted, _ = server.accept()
        with accepted:
            port = server.getsockname()[1]
            states = {entry.state for entry in tcp_connections() if entry.source_port == port}
            assert states == {TcpState.CLOSE_WAIT}


def test_another_system_says_that_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(TransportError, match="no inet_diag on darwin"):
        tcp_connections()
