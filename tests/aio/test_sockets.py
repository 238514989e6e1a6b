import errno
import socket
import sys
from pathlib import Path

import pytest

from netwright.aio.sockets import BindError, apply, hung_up, listening, new, reset_on_close, somaxconn
from netwright.core.address import InetAddress, UnixAddress
from netwright.core.tuning import BULK, INTERACTIVE, Tuning
from tests.support.engines import tcp_pair

ANYWHERE = InetAddress("127.0.0.1", 0)


def test_interactive_profile_is_in_force_on_the_socket() -> None:
    with new(socket.AF_INET) as sock:
        assert apply(sock, INTERACTIVE) == []
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.IPPROTO_TCP, 25) == 16384
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        assert not sock.getblocking()


def test_bulk_profile_leaves_notsent_lowat_to_the_system() -> None:
    with new(socket.AF_INET) as sock, new(socket.AF_INET) as untouched:
        apply(sock, BULK)
        assert sock.getsockopt(socket.IPPROTO_TCP, 25) == untouched.getsockopt(socket.IPPROTO_TCP, 25)


def test_option_that_the_kernel_lacks_is_skipped_and_named() -> None:
    with new(socket.AF_INET) as sock:
        assert apply(sock, Tuning(congestion="carrier_pigeon")) == ["TCP_CONGESTION"]
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_unix_socket_takes_no_tcp_option() -> None:
    with new(socket.AF_UNIX) as sock:
        assert apply(sock, Tuning(congestion="carrier_pigeon")) == []


def test_port_in_use_is_named_with_advice_and_leaves_no_socket() -> None:
    first, _ = listening(socket.AF_INET, ("127.0.0.1", 0), ANYWHERE, INTERACTIVE)
    with first:
        taken = first.getsockname()
        with pytest.raises(BindError, match="cannot listen on") as caught:
            listening(socket.AF_INET, taken, InetAddress(*taken), INTERACTIVE)
    assert caught.value.errno == errno.EADDRINUSE
    assert "another program" in str(caught.value)


def test_reuse_port_shares_a_port() -> None:
    shared = Tuning(reuse_port=True)
    first, _ = listening(socket.AF_INET, ("127.0.0.1", 0), ANYWHERE, shared)
    with first, listening(socket.AF_INET, first.getsockname(), ANYWHERE, shared)[0] as second:
        assert second.getsockname() == first.getsockname()


def test_socket_file_that_nobody_listens_on_is_replaced(tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "a.sock"))
    listening(socket.AF_UNIX, address.path, address, INTERACTIVE)[0].close()
    with listening(socket.AF_UNIX, address.path, address, INTERACTIVE)[0], pytest.raises(BindError):
        listening(socket.AF_UNIX, address.path, address, INTERACTIVE)


def test_ordinary_file_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("text")
    with pytest.raises(BindError):
        listening(socket.AF_UNIX, str(path), UnixAddress(str(path)), INTERACTIVE)
    assert path.read_text() == "text"


def test_backlog_is_what_the_kernel_allows() -> None:
    assert somaxconn() == int(Path("/proc/sys/net/core/somaxconn").read_text())


@pytest.mark.parametrize("address", [ANYWHERE, InetAddress("::1", 0)], ids=str)
def test_accepted_socket_is_what_the_standard_one_would_be(address: InetAddress) -> None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener, _ = listening(family, (address.host, 0), address, INTERACTIVE)
    listener.settimeout(5)
    with listener, socket.create_connection(listener.getsockname()[:2]) as client:
        accepted, name = listener.accept()
        with accepted:
            assert (accepted.family, accepted.type, accepted.proto) == (family, socket.SOCK_STREAM, listener.proto)
            assert name == accepted.getpeername() == client.getsockname()
            assert not accepted.get_inheritable()


def test_reset_on_close_resets() -> None:
    with listening(socket.AF_INET, ("127.0.0.1", 0), ANYWHERE, INTERACTIVE)[0] as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        reset_on_close(server)
        server.close()
        with client, pytest.raises(ConnectionResetError):
            client.recv(1)


@pytest.mark.skipif(sys.platform != "linux", reason="what poll(2) tells unasked is the system's")
def test_connection_hangs_up_when_a_reset_follows_the_fin() -> None:
    """RFC 9293 §3.6: a FIN ends one direction only."""
    ours, theirs = tcp_pair()
    with ours:
        assert not hung_up(ours.fileno())
        theirs.shutdown(socket.SHUT_WR)
        assert not hung_up(ours.fileno())
        reset_on_close(theirs)
        theirs.close()
        assert hung_up(ours.fileno())
    assert not hung_up(-1)
