import errno
import io
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from netwright.aio.sockets import BindError, adopted, apply, hung_up, listening, reset_on_close, somaxconn
from netwright.core.address import InetAddress, from_sockname
from netwright.core.errors import TransportError, UsageError
from netwright.core.tuning import BULK, INTERACTIVE, Tuning
from tests.support.engines import tcp_pair
from tests.support.world import descriptors

ANYWHERE = InetAddress("127.0.0.1", 0)


def test_interactive_profile_is_in_force_on_the_socket() -> None:
    with socket.socket() as sock:
        assert apply(sock, INTERACTIVE) == ()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.IPPROTO_TCP, 25) == 16384
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_bulk_profile_leaves_notsent_lowat_to_the_system() -> None:
    with socket.socket() as sock, socket.socket() as untouched:
        apply(sock, BULK)
        assert sock.getsockopt(socket.IPPROTO_TCP, 25) == untouched.getsockopt(socket.IPPROTO_TCP, 25)


def test_option_that_the_kernel_lacks_is_skipped_and_named() -> None:
    with socket.socket() as sock:
        assert apply(sock, Tuning(congestion="carrier_pigeon")) == ("TCP_CONGESTION",)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_unix_socket_takes_no_tcp_option() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        assert apply(sock, Tuning(congestion="carrier_pigeon")) == ()


def test_port_in_use_is_named_with_advice_and_leaves_no_socket() -> None:
    with closing(listening(ANYWHERE, INTERACTIVE)) as first:
        before = descriptors()
        with pytest.raises(BindError, match="cannot listen on") as caught:
            listening(first.address, INTERACTIVE)
        assert descriptors() == before
    assert caught.value.errno == errno.EADDRINUSE
    assert "another program" in str(caught.value)


def test_reuse_port_shares_a_port() -> None:
    shared = Tuning(reuse_port=True)
    with closing(listening(ANYWHERE, shared)) as first, closing(listening(first.address, shared)) as second:
        assert second.address == first.address


def test_backlog_is_what_the_kernel_allows() -> None:
    assert somaxconn() == int(Path("/proc/sys/net/core/somaxconn").read_text())


@pytest.mark.parametrize("address", [ANYWHERE, InetAddress("::1", 0)], ids=str)
def test_accepted_socket_is_what_the_standard_one_would_be(address: InetAddress) -> None:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with closing(listening(address, INTERACTIVE)) as listener:
        assert listener.take() is None
        with socket.create_connection((listener.address.host, listener.address.port)) as client:
            handle = listener.take()
            assert handle is not None
            assert (handle.local, handle.peer) == (listener.address, from_sockname(client.getsockname()))
            with handle.release() as accepted:
                assert (accepted.family, accepted.type) == (family, socket.SOCK_STREAM)
                assert not accepted.get_inheritable()
                assert not accepted.getblocking()
            handle.close()
            with pytest.raises(OSError, match="Bad file"):
                handle.release()


def test_reset_on_close_resets() -> None:
    with closing(listening(ANYWHERE, INTERACTIVE)) as listener:
        client = socket.create_connection((listener.address.host, listener.address.port))
        server = listener.take()
        assert server is not None
        server.close(reset=True)
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


def test_adopted_socket_listens_and_does_not_block() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with closing(adopted(sock, INTERACTIVE)) as listener:
            assert listener.take() is None
            with socket.create_connection(sock.getsockname()):
                handle = listener.take()
                assert handle is not None
                with handle.release() as accepted:
                    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_socket_that_cannot_be_adopted_is_refused_with_the_reason() -> None:
    with socket.socket() as unbound, pytest.raises(UsageError, match="not bound"):
        adopted(unbound, INTERACTIVE)
    with pytest.raises(UsageError, match="closed"):
        adopted(unbound, INTERACTIVE)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams, pytest.raises(UsageError, match="SOCK_STREAM"):
        adopted(datagrams, INTERACTIVE)


def test_raw_option_is_set_or_refused_by_its_name() -> None:
    with socket.socket() as sock:
        apply(sock, Tuning(options=((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),)))
        with pytest.raises(TransportError, match=r"SO_BINDTODEVICE=b'nowhere9' of Tuning\.options: No such device"):
            apply(sock, Tuning(options=((socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"nowhere9"),)))
        with pytest.raises(TransportError, match="option 9999 at level 77"):
            apply(sock, Tuning(options=((77, 9999, 1),)))


@pytest.mark.parametrize("text", [None, "", "unlimited"])
def test_queue_is_128_long_where_the_system_does_not_say(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    """A container may hide /proc/sys; the listener works all the same."""

    def opened(path: str) -> io.StringIO:
        assert path == "/proc/sys/net/core/somaxconn"
        if text is None:
            raise FileNotFoundError(path)
        return io.StringIO(text)

    monkeypatch.setattr("netwright.aio.sockets.open", opened, raising=False)
    assert somaxconn() == 128
